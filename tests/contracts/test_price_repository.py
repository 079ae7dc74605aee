"""What a PriceRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.market import BTC, ETH, FakePrices, FakeSymbols, candle
from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.errors import NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.storage.database import Database
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols

NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = 1_767_225_600_000  # 2026-01-01, a Thursday
ONE = Timeframe.parse("1m")


def minutes(first, past):
    """The span of these minutes after T."""
    return Span(T + first * MINUTE, T + past * MINUTE)


def candles(*which):
    """A candle for each of these minutes after T."""
    return [candle(T + minute * MINUTE, price=100.0 + minute) for minute in which]


@pytest.fixture(params=["fake", "sqlite"])
async def prices(request, tmp_path):
    if request.param == "fake":
        symbols = FakeSymbols()
        await symbols.add(BTC, NOW)
        await symbols.add(ETH, NOW)
        yield FakePrices(symbols)
        return
    async with Database.opened(tmp_path / "prices.db") as database:
        symbols = Symbols(database)
        await symbols.add(BTC, NOW)
        await symbols.add(ETH, NOW)
        yield Prices(database)


async def test_stored_candles_come_back_ascending_and_equal(prices):
    stored = candles(*range(1203))
    assert await prices.upsert({BTC: stored[::-1], ETH: stored[:3]}) == 1206
    assert await prices.candles(BTC, minutes(0, 2000), ONE) == stored
    assert await prices.candles(ETH, minutes(0, 2000), ONE) == stored[:3]


async def test_a_later_download_replaces_an_earlier_candle(prices):
    await prices.upsert({BTC: candles(0, 1)})
    rewritten = Candle(T, 1.0, 2.0, 0.5, 1.5, 9.0)
    assert await prices.upsert({BTC: [rewritten]}) == 1
    assert await prices.candles(BTC, minutes(0, 2), ONE) == [rewritten, *candles(1)]


async def test_storing_nothing_is_no_row(prices):
    assert await prices.upsert({}) == 0
    assert await prices.upsert({BTC: []}) == 0


async def test_one_unregistered_symbol_leaves_nothing_of_the_others(prices):
    with pytest.raises(NotRegistered):
        await prices.upsert({BTC: candles(0), Symbol("DOGE", "USDT"): candles(0)})
    assert await prices.candles(BTC, minutes(0, 1), ONE) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda prices, symbol: prices.candles(symbol, minutes(0, 1), ONE),
        lambda prices, symbol: prices.bounds(symbol),
        lambda prices, symbol: prices.coverage(symbol, minutes(0, 1)),
        lambda prices, symbol: prices.record_holes(symbol, [minutes(0, 1)], NOW),
    ],
)
async def test_every_question_about_an_unregistered_symbol_is_refused(prices, ask):
    with pytest.raises(NotRegistered):
        await ask(prices, Symbol("DOGE", "USDT"))


async def test_a_span_ends_before_its_end_and_a_limit_takes_the_first(prices):
    await prices.upsert({BTC: candles(0, 1, 2, 3)})
    assert await prices.candles(BTC, minutes(1, 3), ONE) == candles(1, 2)
    assert await prices.candles(BTC, minutes(0, 4), ONE, limit=2) == candles(0, 1)


async def test_a_longer_candle_is_built_from_its_minutes(prices):
    rows = [
        Candle(T, 10.0, 12.0, 9.0, 11.0, 0.1),
        Candle(T + MINUTE, 11.0, 15.0, 10.0, 14.0, 0.2),
        Candle(T + 4 * MINUTE, 14.0, 14.0, 8.0, 9.0, 0.3),
        Candle(T + 5 * MINUTE, 9.0, 9.5, 9.0, 9.5, 1.0),
    ]
    await prices.upsert({BTC: rows})
    built = await prices.candles(BTC, minutes(0, 6), Timeframe.parse("5m"))
    assert built == [Candle(T, 10.0, 15.0, 8.0, 9.0, 0.6), rows[3]]


async def test_only_minutes_inside_the_span_count_but_candles_begin_where_they_always_do(prices):
    await prices.upsert({BTC: candles(*range(12))})
    built = await prices.candles(BTC, minutes(3, 7), Timeframe.parse("5m"))
    assert [row.open_time for row in built] == [T, T + 5 * MINUTE]
    assert [(row.open, row.close) for row in built] == [(103.0, 104.5), (105.0, 106.5)]


async def test_empty_stretches_build_no_candles_and_a_limit_counts_built_ones(prices):
    await prices.upsert({BTC: candles(0, 1, 100, 101, 5000)})
    built = await prices.candles(BTC, minutes(0, 6000), Timeframe.parse("15m"), limit=2)
    assert [row.open_time for row in built] == [T, T + 90 * MINUTE]


async def test_weeks_begin_on_monday(prices):
    await prices.upsert({BTC: candles(0, 5 * 1440)})
    built = await prices.candles(BTC, minutes(0, 6 * 1440), Timeframe.parse("1w"))
    assert [
        datetime.fromtimestamp(row.open_time / 1000, UTC).date().isoformat() for row in built
    ] == [
        "2025-12-29",
        "2026-01-05",
    ]


async def test_bounds_and_last_minutes_follow_what_is_stored(prices):
    assert await prices.bounds(BTC) is None
    assert await prices.last_open_times() == {}
    await prices.upsert({BTC: candles(7, 3)})
    assert await prices.bounds(BTC) == minutes(3, 8)
    assert await prices.last_open_times() == {BTC: T + 7 * MINUTE}


async def test_missing_minutes_are_told_as_spans(prices):
    await prices.upsert({BTC: candles(2, 3, 5, 9)})
    covered = await prices.coverage(BTC, minutes(0, 12))
    assert covered.stored == 4
    assert covered.missing == (minutes(0, 2), minutes(4, 5), minutes(6, 9), minutes(10, 12))
    assert covered.holes == ()


@pytest.mark.parametrize("around", [(), (-1,), (12,), (-1, 12)])
async def test_an_empty_span_is_missing_whole_whatever_lies_around_it(prices, around):
    await prices.upsert({BTC: candles(*around)})
    covered = await prices.coverage(BTC, minutes(0, 12))
    assert (covered.stored, covered.missing) == (0, (minutes(0, 12),))


async def test_gaps_at_the_edges_of_days_are_found(prices):
    gone = {1439, 1440, 2880, 4319, 5760}
    await prices.upsert({BTC: candles(*(set(range(7200)) - gone))})
    covered = await prices.coverage(BTC, minutes(0, 7200))
    assert covered.missing == (
        minutes(1439, 1441),
        minutes(2880, 2881),
        minutes(4319, 4320),
        minutes(5760, 5761),
    )


async def test_days_without_any_candle_are_one_gap(prices):
    await prices.upsert({BTC: candles(*range(1440), *range(4320, 5760))})
    covered = await prices.coverage(BTC, minutes(0, 5760))
    assert covered.missing == (minutes(1440, 4320),)


async def test_confirmed_holes_are_the_venues_and_clipped_to_the_span(prices):
    await prices.upsert({BTC: candles(4, 5)})
    await prices.record_holes(BTC, [minutes(0, 3), minutes(8, 20)], NOW)
    covered = await prices.coverage(BTC, minutes(2, 10))
    assert covered.holes == (minutes(2, 3), minutes(8, 10))
    assert covered.missing == (minutes(3, 4), minutes(6, 8))


async def test_a_candle_inside_a_recorded_hole_wins(prices):
    await prices.record_holes(BTC, [minutes(0, 5)], NOW)
    await prices.upsert({BTC: candles(2)})
    covered = await prices.coverage(BTC, minutes(0, 5))
    assert (covered.stored, covered.holes, covered.missing) == (
        1,
        (minutes(0, 2), minutes(3, 5)),
        (),
    )


async def test_overlapping_holes_become_one(prices):
    await prices.record_holes(BTC, [minutes(0, 3), minutes(6, 9)], NOW)
    await prices.record_holes(BTC, [minutes(2, 7), minutes(9, 10)], NOW)
    await prices.record_holes(BTC, [minutes(4, 5)], NOW)
    assert (await prices.coverage(BTC, minutes(0, 12))).holes == (minutes(0, 10),)


async def test_a_hole_of_no_minutes_is_none(prices):
    await prices.record_holes(BTC, [minutes(3, 3)], NOW)
    assert (await prices.coverage(BTC, minutes(0, 5))).holes == ()


async def test_the_holes_of_one_symbol_are_not_anothers(prices):
    await prices.record_holes(BTC, [minutes(0, 3)], NOW)
    assert (await prices.coverage(ETH, minutes(0, 3))).missing == (minutes(0, 3),)


async def test_the_digest_speaks_of_the_candles_in_the_span_alone(prices):
    await prices.upsert({BTC: candles(*range(10)), ETH: candles(*range(3, 7))[::-1]})
    of_btc = await prices.coverage(BTC, minutes(3, 7))
    of_eth = await prices.coverage(ETH, minutes(0, 12))
    assert of_btc.digest == of_eth.digest
    assert of_btc.digest != (await prices.coverage(BTC, minutes(3, 8))).digest


async def test_the_digest_is_that_of_its_definition(prices):
    """A value checked by hand: SHA-256 over the line itself."""
    await prices.upsert({BTC: [Candle(T, 0.1, 0.00001, 1e16, 100.0, 0.0)]})
    covered = await prices.coverage(BTC, minutes(0, 1))
    # printf '1767225600000,0.1,1e-05,1e+16,100.0,0.0\n' | sha256sum
    assert covered.digest == "6483496acb91e0332e2c28835eb59a450c9a051c2616a2822135fc9cf1c9514a"


async def test_a_digest_not_asked_for_is_empty(prices):
    await prices.upsert({BTC: candles(0)})
    covered = await prices.coverage(BTC, minutes(0, 2), digest=False)
    assert (covered.digest, covered.stored, covered.missing) == ("", 1, (minutes(1, 2),))
