"""Candles kept between runs: found by their range, never trusted by their name alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.research.minutes import BEGIN_MS, minutes
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import COLUMNS, Frame
from trading_system.research.history_cache import HistoryCache

BTC = Symbol("BTC", "USDT")
MINUTES = Timeframe.parse("1m")
DIGEST = "ab" * 32


def span(start, end):
    return Span(BEGIN_MS + start * MINUTE, BEGIN_MS + end * MINUTE)


@pytest.fixture
def cache(tmp_path):
    return HistoryCache(tmp_path / "cache")


def put(cache, start, end, *, symbol=BTC, timeframe=MINUTES, digest=DIGEST):
    rows = minutes(end - start, start=BEGIN_MS + start * MINUTE)
    cache.put(symbol, timeframe, span(start, end), digest, Frame.from_array(rows))


def found(cache, start, end):
    """Start and end, in minutes, of the entry that is found."""
    entry = cache.find(BTC, MINUTES, span(start, end))
    if entry is None:
        return None
    return tuple((each - BEGIN_MS) // MINUTE for each in (entry.span.start, entry.span.end))


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [(10, 20, True), (12, 18, True), (9, 20, False), (10, 21, False), (0, 5, False)],
)
def test_an_entry_is_found_when_min_is_not_later_and_max_not_earlier(cache, start, end, covered):
    put(cache, 10, 20)
    assert found(cache, start, end) == ((10, 20) if covered else None)


def test_what_was_put_is_loaded_to_the_last_bit(cache):
    put(cache, 10, 20)
    entry = cache.find(BTC, MINUTES, span(10, 20))
    loaded = cache.load(entry)
    rows = minutes(10, start=BEGIN_MS + 10 * MINUTE)
    np.testing.assert_array_equal(
        np.column_stack([getattr(loaded, name) for name in COLUMNS]), rows
    )
    assert entry.digest == DIGEST


def test_the_shortest_one_that_covers_is_chosen(cache):
    put(cache, 0, 30)
    put(cache, 25, 60)
    assert found(cache, 26, 29) == (0, 30)
    assert found(cache, 26, 40) == (25, 60)


def test_a_longer_entry_replaces_those_within_it(cache, tmp_path):
    put(cache, 10, 20)
    put(cache, 30, 40)
    put(cache, 10, 35)
    assert found(cache, 12, 18) == (10, 35)
    assert found(cache, 32, 38) == (30, 40)
    put(cache, 10, 35, digest="cd" * 32)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    put(cache, 10, 35, digest="cd" * 32)
    assert found(cache, 10, 35) == (10, 35)


def test_symbols_and_timeframes_are_kept_apart(cache):
    put(cache, 0, 60, symbol=Symbol("BTC", "USDC"))
    put(cache, 0, 60, symbol=Symbol("1BTC", "USDT"))
    put(cache, 0, 60, timeframe=Timeframe.parse("15m"))
    assert found(cache, 0, 60) is None


def test_files_of_others_are_passed_over(cache, tmp_path):
    put(cache, 0, 60)
    for name in ("BTC-USDT_1m_x.npy", "BTC-USDT_1m_1_2_x.npy", "BTC-USDT_1m_a_b_c.npy", "x"):
        (tmp_path / "cache" / name).write_text("")
    assert found(cache, 0, 60) == (0, 60)


def test_what_is_forgotten_is_gone_for_every_process(cache):
    put(cache, 0, 60)
    entry = cache.find(BTC, MINUTES, span(0, 60))
    cache.forget(entry)
    cache.forget(entry)
    assert found(cache, 0, 60) is None
    assert cache.load(entry) is None


@pytest.mark.parametrize("harm", [lambda file: file[:-8], lambda _: b"", lambda _: b"\x80\x04N."])
def test_a_damaged_entry_is_no_entry(cache, harm):
    put(cache, 0, 60)
    entry = cache.find(BTC, MINUTES, span(0, 60))
    entry.path.write_bytes(harm(entry.path.read_bytes()))
    assert cache.load(entry) is None


def test_a_folder_that_cannot_be_used_costs_the_cache_alone(tmp_path):
    (tmp_path / "file").write_text("")
    cache = HistoryCache(tmp_path / "file")
    put(cache, 0, 60)
    assert found(cache, 0, 60) is None


def test_an_entry_that_cannot_be_deleted_stays(cache):
    put(cache, 0, 60)
    entry = cache.find(BTC, MINUTES, span(0, 60))
    entry.path.unlink()
    entry.path.mkdir()
    cache.forget(entry)
    assert entry.path.exists()
