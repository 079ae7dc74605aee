"""Streamed candles are stored at once, never leave a hole, and are proven by the heartbeat."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import settle
from tests.fakes.market import BTC, ETH, candle
from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import StorageError
from trading_system.domain.market import CandleUpdate
from trading_system.market.live_candles import LiveCandles

T0 = 1_000 * MINUTE


def closed(minute, symbol=BTC, price=100.0):
    at = T0 + minute * MINUTE
    return CandleUpdate(symbol, candle(at, price), True, at + MINUTE, at + MINUTE + 50)


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def told(bus):
    told = []
    bus.subscribe(CandleUpdate, told.append)
    return told


@pytest.fixture
async def stored(clock, prices, symbols):
    """BTC and ETH are registered; minute 0 of both is stored."""
    for symbol in (BTC, ETH):
        await symbols.add(symbol, clock.now())
    await prices.upsert({BTC: [candle(T0)], ETH: [candle(T0)]})
    prices.writes.clear()
    return prices


@pytest.fixture
async def candles(stored, clock, bus):
    candles = LiveCandles(prices=stored, clock=clock, bus=bus)
    task = asyncio.create_task(candles.run())
    await settle()
    yield candles
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def minutes(prices, symbol=BTC):
    return [(at - T0) // MINUTE for at in sorted(prices.rows.get(symbol, ()))]


async def test_an_open_candle_is_told_at_once_and_never_stored(candles, stored, clock, told):
    growing = CandleUpdate(BTC, candle(T0 + MINUTE), False, 1, 1)
    candles.on_update(growing)
    assert told == [growing]
    await clock.advance(5)
    assert stored.writes == []


async def test_all_that_close_together_are_one_transaction(candles, stored, clock, told):
    candles.on_update(closed(1))
    await clock.advance(0.3)
    candles.on_update(closed(1, ETH))
    assert told == []
    await clock.advance(0.2)
    assert stored.writes == [2]
    assert told == [closed(1), closed(1, ETH)]
    candles.on_update(closed(2))
    await clock.advance(0.5)
    assert stored.writes == [2, 1]
    assert candles.figures()["candles_streamed"] == 3


async def test_a_candle_after_a_missing_minute_is_left_to_the_heartbeat(
    candles, stored, clock, told
):
    candles.on_update(closed(2))
    candles.on_update(closed(1, ETH))
    await clock.advance(1)
    assert minutes(stored) == [0]
    assert minutes(stored, ETH) == [0, 1]
    assert told == [closed(1, ETH)]
    assert candles.figures()["candles_left"] == 1


async def test_several_minutes_of_a_symbol_are_stored_in_their_order(candles, stored, clock, told):
    candles.on_update(closed(2))
    candles.on_update(closed(1))
    await clock.advance(1)
    assert minutes(stored) == [0, 1, 2]
    assert told == [closed(1), closed(2)]


async def test_a_minute_that_rest_has_stored_is_not_written_over(candles, stored, clock, told):
    candles.on_update(closed(0, price=7.0))
    await clock.advance(1)
    assert stored.rows[BTC][T0] == candle(T0)
    assert told == []


async def test_a_symbol_without_any_candle_is_told_but_not_stored(
    candles, stored, symbols, clock, told
):
    await symbols.deactivate(ETH)
    del symbols.rows[ETH], stored.rows[ETH]
    candles.on_update(closed(1, ETH))
    candles.on_update(closed(1))
    await clock.advance(1)
    assert stored.writes == [1]
    assert told == [closed(1, ETH), closed(1)] or told == [closed(1), closed(1, ETH)]


async def test_storage_that_fails_leaves_the_candles_to_the_heartbeat(candles, stored, clock, told):
    stored.failures = [StorageError("busy")]
    candles.on_update(closed(1))
    await clock.advance(1)
    assert told == []
    assert candles.figures()["candles_left"] == 1
    candles.on_update(closed(2))
    await clock.advance(1)
    assert minutes(stored) == [0]
    assert candles.prove({BTC: [closed(1).candle, closed(2).candle]}) == 0


async def test_the_heartbeat_proves_what_the_stream_brought(candles, clock, told):
    candles.on_update(closed(1))
    await clock.advance(1)
    assert candles.prove({BTC: [closed(1).candle]}) == 0
    assert candles.figures()["candles_proven"] == 1
    assert told == [closed(1)]


async def test_a_candle_that_rest_tells_differently_is_counted_and_told_again(candles, clock, told):
    candles.on_update(closed(1))
    await clock.advance(1)
    right = closed(1, price=101.0).candle
    assert candles.prove({BTC: [right]}) == 1
    assert candles.figures()["candles_corrected"] == 1
    assert [event.candle for event in told] == [closed(1).candle, right]
    assert told[-1].received_at == clock.milliseconds()
    assert candles.prove({BTC: [right]}) == 0


async def test_what_the_stream_never_brought_is_told_by_the_heartbeat_in_order(
    candles, clock, told
):
    candles.on_update(closed(1))
    await clock.advance(1)
    several = [closed(minute).candle for minute in (1, 2, 3)]
    candles.prove({BTC: several})
    candles.prove({BTC: several})
    assert [event.candle for event in told] == several
    assert all(event.closed for event in told)


async def test_of_a_symbol_never_told_only_the_newest_minute_is_told(candles, told):
    candles.prove({ETH: [closed(minute).candle for minute in range(1, 500)]})
    assert [event.candle.open_time for event in told] == [T0 + 499 * MINUTE]


async def test_minutes_that_no_heartbeat_proves_are_not_remembered_for_ever(candles, clock):
    for minute in range(1, 30):
        candles.on_update(closed(minute))
        await clock.advance(1)
    candles.prove({BTC: [closed(minute).candle for minute in range(1, 30)]})
    assert candles.figures()["candles_proven"] == 10
