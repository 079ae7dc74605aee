"""Candles cut for a backtest: what is asked for or nothing, and a digest that tells it apart."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.research.minutes import BEGIN, BEGIN_MS, minutes
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import COLUMNS, Frame
from trading_system.research.history import from_frame, part

HOUR = 60 * MINUTE


def hours(count=20, *, without=()):
    rows = minutes(count)
    rows[:, 0] = BEGIN_MS + np.arange(count) * HOUR
    return Frame.from_array(np.delete(rows, list(without), axis=0))


def after(amount):
    """So many hours after the first candle."""
    return BEGIN + timedelta(hours=amount)


def cut(frame, start, end, warmup=0, **changes):
    asked = {"symbol": "BTC/USDT", "timeframe": "1h"} | changes
    return from_frame(frame, start=after(start), end=after(end), warmup=warmup, **asked)


def test_the_warm_up_comes_before_the_range():
    history = cut(hours(), 5, 10, warmup=3)
    opened = (history.frame.open_time - BEGIN_MS) // HOUR
    assert opened.tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert (history.warmup, history.missing) == (3, 0)


def test_a_range_begins_and_ends_between_candles_too():
    """A candle belongs to it when it opens in it: start <= open time < end."""
    history = cut(hours(), 4.5, 9.01)
    opened = (history.frame.open_time - BEGIN_MS) // HOUR
    assert opened.tolist() == [5, 6, 7, 8, 9]


def test_an_instant_means_the_same_in_every_time_zone():
    zone = timezone(timedelta(hours=5, minutes=30))
    moved = from_frame(
        hours(),
        symbol="BTC/USDT",
        timeframe="1h",
        start=after(5).astimezone(zone),
        end=after(10).astimezone(zone),
        warmup=3,
    )
    assert moved.digest == cut(hours(), 5, 10, warmup=3).digest


def test_holes_are_counted_and_the_warm_up_reaches_over_its_own():
    history = cut(hours(without=[3, 6, 7]), 5, 10, warmup=3)
    opened = (history.frame.open_time - BEGIN_MS) // HOUR
    assert opened.tolist() == [1, 2, 4, 5, 8, 9]
    assert history.missing == 2


def test_no_warm_up_counts_holes_before_the_range_as_nothing():
    assert cut(hours(without=[3]), 5, 10).missing == 0


@pytest.mark.parametrize(
    ("start", "end", "warmup", "reason"),
    [
        (-1, 10, 0, "for all of 2025-06-01T23:00Z to .* those from 2025-06-02T00:00Z to .*T10:00Z"),
        (5, 21, 0, "to 2025-06-02T21:00Z: there are those from .*T05:00Z to .*T20:00Z"),
        (30, 40, 0, "no candles of BTC/USDT 1h .* those from .*T00:00Z to .*T20:00Z"),
        (5, 10, 6, "6 candles .* before 2025-06-02T05:00Z, and there are 5: start at .*T06:00Z"),
        (5, 10, 20, "and there are 5$"),
        (5, 5, 0, "no 1h candle opens from"),
        (5.1, 5.9, 0, "no 1h candle opens from"),
        (10, 5, 0, "no 1h candle opens from"),
    ],
)
def test_less_than_asked_for_is_refused_with_what_there_is(start, end, warmup, reason):
    with pytest.raises(InvalidRequest, match=reason):
        cut(hours(), start, end, warmup)


@pytest.mark.parametrize(
    ("hole", "there"), [(5, "T06:00Z to .*T10:00Z"), (9, "T05:00Z to .*T09:00Z")]
)
def test_a_range_that_ends_in_a_hole_is_refused_with_the_one_that_would_do(hole, there):
    """However much lies around: a file of just this range could not tell it from one cut off."""
    with pytest.raises(InvalidRequest, match=f"those from 2025-06-02{there}"):
        cut(hours(without=[hole]), 5, 10, warmup=2)


def test_of_no_candles_nothing_can_be_cut():
    with pytest.raises(InvalidRequest, match="there are none"):
        cut(part(hours(), 0, 0), 0, 1)


@given(
    before=st.integers(0, 4),
    behind=st.integers(0, 4),
    warmup=st.integers(0, 4),
    without=st.sets(st.integers(0, 19), max_size=6),
)
def test_how_much_more_there_is_changes_nothing(before, behind, warmup, without):
    """The answer, be it a refusal, is the one that the candles cut out have alone."""
    frame = hours(without=without)
    first, past = np.searchsorted(frame.open_time, [BEGIN_MS + 8 * HOUR, BEGIN_MS + 14 * HOUR])
    more = part(frame, max(first - warmup - before, 0), past + behind)
    least = part(frame, max(first - warmup, 0), past)

    def answer(candles):
        try:
            return cut(candles, 8, 14, warmup).digest
        except InvalidRequest:
            return None

    assert answer(more) == answer(least)


def test_the_digest_is_over_names_and_columns_as_little_endian_bytes():
    history = cut(hours(), 5, 7, warmup=1)
    frame = history.frame
    told = hashlib.sha256(b"BTC/USDT 1h\n")
    told.update(struct.pack("<3q", *frame.open_time))
    for name in COLUMNS[1:]:
        told.update(struct.pack("<3d", *getattr(frame, name)))
    assert history.digest == told.hexdigest()


def test_a_pair_is_the_same_however_it_is_written():
    assert cut(hours(), 5, 10, symbol="btc-usdt").digest == cut(hours(), 5, 10).digest


def test_whatever_changes_changes_the_digest():
    known = cut(hours(), 5, 10, warmup=3)
    digests = {known.digest}
    digests.add(cut(hours(), 5, 10, warmup=2).digest)
    digests.add(cut(hours(), 5, 11, warmup=3).digest)
    digests.add(cut(hours(), 5, 10, warmup=3, symbol="ETH/USDT").digest)
    for name in COLUMNS:
        rows = np.column_stack([getattr(hours(), each) for each in COLUMNS])
        column = COLUMNS.index(name)
        rows[4, column] = np.nextafter(rows[4, column], np.inf) if column else rows[4, 0] + MINUTE
        digests.add(cut(Frame.from_array(rows), 5, 10, warmup=3).digest)
    assert len(digests) == 4 + len(COLUMNS)


def test_the_asked_range_is_kept_as_it_was_asked():
    start, end = datetime(2025, 6, 2, 4, 30, tzinfo=UTC), datetime(2025, 6, 2, 9, 1, tzinfo=UTC)
    history = from_frame(hours(), symbol="BTC/USDT", timeframe="1h", start=start, end=end, warmup=1)
    assert (history.symbol, history.timeframe) == ("BTC/USDT", "1h")
    assert (history.start, history.end) == (start, end)
