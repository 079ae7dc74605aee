from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from tests.fakes.market import BTC, ETH, FakeMarketData, candle
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import StorageError, Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.market.fetcher import PriceFetcher, reasons

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
T = round(NOON.timestamp() * 1000)


def minutes(first, past):
    """The span of these minutes counted from noon."""
    return Span(T + first * MINUTE, T + past * MINUTE)


@pytest.fixture
async def active(symbols):
    """BTC/USDT and ETH/USDT."""
    await symbols.add(BTC, NOON)
    await symbols.add(ETH, NOON)


@pytest.fixture
def fetcher(market_data, symbols, prices, clock, active):
    told = []
    fetcher = PriceFetcher(
        market_data=market_data,
        symbols=symbols,
        prices=prices,
        clock=clock,
        first_minutes=10,
        on_stored=lambda candles: told.append(dict(candles)),
    )
    fetcher.told = told
    return fetcher


async def test_every_active_symbol_gets_the_minute_that_just_closed(fetcher, prices, market_data):
    """And the one before it again: it may have been told before it was final."""
    early = candle(T - 2 * MINUTE, price=1.0)
    await prices.upsert({BTC: [early], ETH: [early]})
    collected = await fetcher.collect(NOON)
    assert sorted(market_data.asked) == [(BTC, minutes(-2, 0)), (ETH, minutes(-2, 0))]
    assert collected.stored == 4
    assert prices.rows[BTC][T - 2 * MINUTE] != early
    assert collected.failed == {}
    assert {symbol: row.open_time for symbol, row in collected.candles.items()} == {
        BTC: T - MINUTE,
        ETH: T - MINUTE,
    }
    assert prices.rows[BTC].keys() == {T - 2 * MINUTE, T - MINUTE}


async def test_who_trades_is_told_after_what_was_fetched_is_stored(fetcher, prices):
    seen = []
    fetcher._on_candles = lambda candles: seen.append(
        {symbol: prices.rows[symbol][rows[-1].open_time] for symbol, rows in candles.items()}
    )
    await fetcher.collect(NOON)
    assert [{*each} for each in seen] == [{BTC, ETH}]
    assert len(fetcher.told) == 1


async def test_missed_minutes_are_fetched_along(fetcher, prices, market_data):
    await prices.upsert({BTC: [candle(T - 8 * MINUTE)], ETH: [candle(T - 2 * MINUTE)]})
    assert (await fetcher.collect(NOON)).stored == 9
    assert set(market_data.asked) == {(BTC, minutes(-7, 0)), (ETH, minutes(-2, 0))}


async def test_a_symbol_without_candles_starts_the_first_minutes_back(fetcher, market_data):
    await fetcher.collect(NOON)
    assert set(market_data.asked) == {(BTC, minutes(-10, 0)), (ETH, minutes(-10, 0))}


async def test_a_beat_is_one_transaction(fetcher, prices):
    await fetcher.collect(NOON)
    assert prices.writes == [20]


async def test_deactivated_symbols_are_left_alone(fetcher, symbols, market_data):
    await symbols.deactivate(BTC)
    await fetcher.collect(NOON)
    assert {symbol for symbol, _ in market_data.asked} == {ETH}


async def test_a_minute_that_a_stream_has_brought_is_asked_for_all_the_same(
    fetcher, prices, market_data
):
    """REST has the word: what differs is replaced, and whoever wants to know is told."""
    streamed = candle(T - MINUTE, price=1.0)
    await prices.upsert({BTC: [streamed], ETH: [candle(T - 2 * MINUTE)]})
    collected = await fetcher.collect(NOON)
    assert sorted(market_data.asked) == [(BTC, minutes(-2, 0)), (ETH, minutes(-2, 0))]
    assert collected.stored == 4
    assert prices.rows[BTC][T - MINUTE] != streamed
    assert fetcher.told == [
        {symbol: [prices.rows[symbol][T - m * MINUTE] for m in (2, 1)] for symbol in (BTC, ETH)}
    ]


async def test_a_streamed_minute_whose_beat_failed_is_asked_for_by_the_next(
    fetcher, prices, market_data
):
    await prices.upsert({symbol: [candle(T - 2 * MINUTE)] for symbol in (BTC, ETH)})
    await fetcher.collect(NOON)
    for minute in (0, 1):
        await prices.upsert({BTC: [candle(T + minute * MINUTE, price=1.0)]})
    market_data.failures[BTC] = [Unreachable("gone")]
    await fetcher.collect(NOON + timedelta(minutes=1))
    market_data.asked.clear()
    await fetcher.collect(NOON + timedelta(minutes=2))
    assert dict(market_data.asked)[BTC] == minutes(0, 2)
    assert prices.rows[BTC][T] != candle(T, price=1.0)


async def test_after_the_wall_clock_was_set_back_no_newer_minute_is_asked_for(
    fetcher, prices, market_data
):
    await prices.upsert({BTC: [candle(T + 4 * MINUTE)], ETH: [candle(T + 4 * MINUTE)]})
    await fetcher.collect(NOON)
    assert {span for _, span in market_data.asked} == {minutes(-2, 0)}


async def test_without_symbols_a_beat_is_no_failure(market_data, symbols, prices, clock):
    fetcher = PriceFetcher(
        market_data=market_data, symbols=symbols, prices=prices, clock=clock, first_minutes=10
    )
    collected = await fetcher.collect(NOON)
    assert (collected.stored, collected.error) == (0, None)


@pytest.mark.parametrize("failure", [Unreachable("no answer"), KeyError("a bug")])
async def test_one_symbols_failure_does_not_cost_the_others_their_minute(
    fetcher, prices, market_data, failure
):
    market_data.failures[BTC] = [failure]
    collected = await fetcher.collect(NOON)
    assert collected.failed.keys() == {BTC}
    assert len(prices.rows[ETH]) == 10
    assert collected.error is None
    assert (await fetcher.collect(NOON)).stored == 12  # ten of BTC, the newest two of ETH again


async def test_bugs_are_told_once_a_beat_with_a_traceback(fetcher, market_data):
    market_data.failures = {BTC: [KeyError("a")], ETH: [KeyError("b")]}
    with capture_logs() as logs:
        await fetcher.collect(NOON)
    (line,) = logs
    assert line["times"] == 2
    assert isinstance(line["exc_info"], KeyError)


async def test_a_venue_that_is_down_is_one_error_not_one_a_symbol(fetcher, market_data):
    market_data.unreachable = Unreachable("no answer from the venue")
    with capture_logs() as logs:
        collected = await fetcher.collect(NOON)
    assert collected.error == "2 symbols: no answer from the venue"
    assert len(collected.failed) == 2
    assert logs == []


async def test_a_symbol_far_behind_is_paged_in_order_a_few_pages_a_beat(
    fetcher, prices, market_data
):
    await prices.upsert({BTC: [candle(T - 5001 * MINUTE)], ETH: [candle(T - 2 * MINUTE)]})
    assert (await fetcher.collect(NOON)).stored == 3002
    assert [span for symbol, span in market_data.asked if symbol == BTC] == [
        minutes(-5000, -4000),
        minutes(-4000, -3000),
        minutes(-3000, -2000),
    ]
    assert (await fetcher.collect(NOON)).stored == 2002
    assert prices.rows[BTC].keys() == set(range(T - 5001 * MINUTE, T, MINUTE))


async def test_a_page_that_fails_does_not_lose_those_before_it(fetcher, prices, market_data):
    await prices.upsert({BTC: [candle(T - 2501 * MINUTE)]})
    market_data.failures[BTC] = [None, Unreachable("gone")]
    collected = await fetcher.collect(NOON)
    assert collected.failed == {BTC: "gone"}
    assert max(prices.rows[BTC]) == T - 1501 * MINUTE
    assert (await fetcher.collect(NOON)).stored == 1502


async def test_symbols_far_behind_come_last(market_data, symbols, prices, clock, active):
    await prices.upsert({BTC: [candle(T - 900 * MINUTE)], ETH: [candle(T - 2 * MINUTE)]})
    fetcher = PriceFetcher(
        market_data=market_data,
        symbols=symbols,
        prices=prices,
        clock=clock,
        first_minutes=10,
        concurrency=1,
    )
    await fetcher.collect(NOON)
    assert [symbol for symbol, _ in market_data.asked] == [ETH, BTC]


async def test_a_beat_that_takes_long_asks_for_no_second_page(fetcher, prices, market_data, clock):
    await prices.upsert({BTC: [candle(T - 5001 * MINUTE)], ETH: [candle(T - 2 * MINUTE)]})
    market_data.gate = asyncio.Event()
    beat = asyncio.create_task(fetcher.collect(NOON))
    await clock.advance(21)
    market_data.gate.set()
    assert (await beat).stored == 1002


async def test_a_symbol_whose_turn_comes_late_still_gets_its_first_page(
    market_data, symbols, prices, clock, active
):
    market_data.gate = asyncio.Event()
    fetcher = PriceFetcher(
        market_data=market_data,
        symbols=symbols,
        prices=prices,
        clock=clock,
        first_minutes=10,
        concurrency=1,
    )
    beat = asyncio.create_task(fetcher.collect(NOON))
    await clock.advance(21)
    market_data.gate.set()
    assert (await beat).stored == 20


async def test_requests_are_concurrent_but_bounded(symbols, prices, clock):
    several = [Symbol(f"C{number}", "USDT") for number in range(50)]
    for symbol in several:
        await symbols.add(symbol, NOON)
    market_data = FakeMarketData(*several)
    fetcher = PriceFetcher(
        market_data=market_data,
        symbols=symbols,
        prices=prices,
        clock=clock,
        first_minutes=1,
        concurrency=8,
    )
    assert (await fetcher.collect(NOON)).stored == 50
    assert market_data.most_at_once == 8


async def test_a_venue_that_has_nothing_yet_is_no_failure(fetcher, market_data):
    market_data.now = T - 10 * MINUTE
    collected = await fetcher.collect(NOON)
    assert (collected.stored, collected.failed, collected.candles) == (0, {}, {})


async def test_a_database_that_fails_fails_the_beat(fetcher, prices):
    prices.failures = [StorageError("disk full")]
    with pytest.raises(StorageError):
        await fetcher.collect(NOON)


def test_reasons_are_counted_and_only_the_commonest_told():
    failed = {Symbol(f"C{number}", "USDT"): reason for number, reason in enumerate("aaabbcdd")}
    assert reasons(failed) == "3 symbols: a; 2 symbols: b; 2 symbols: d; and 1 other"
    assert reasons({}) == ""
