"""Trades of traded symbols are whole on the bus, whatever streams and venue do."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import settle
from tests.fakes.market import BTC, ETH, FakeMarketData, candle
from trading_system.bus import Bus
from trading_system.domain.errors import Rejected, Unreachable
from trading_system.domain.market import CandleUpdate, Trade
from trading_system.market.trade_tapes import TradeTapes
from trading_system.resilience.retry import RetryPolicy


def trade(number, symbol=BTC):
    return Trade(symbol, number, 100.0, 1.0, False, number, 0)


@pytest.fixture
def venue():
    venue = FakeMarketData(BTC, ETH)
    venue.tape = {symbol: [trade(each, symbol) for each in range(3_000)] for symbol in (BTC, ETH)}
    return venue


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def told(bus):
    told = []
    bus.subscribe(Trade, lambda event: told.append(event.id))
    return told


@pytest.fixture
async def tapes(venue, clock, bus):
    tapes = TradeTapes(market_data=venue, clock=clock, bus=bus, retry=RetryPolicy(jitter=0))
    task = asyncio.create_task(tapes.run())
    tapes.follow([BTC])
    await settle()
    yield tapes
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def upto(venue, newest):
    """The venue has no newer trades than this."""
    venue.tape[BTC] = [trade(each) for each in range(newest + 1)]


async def test_a_jump_is_filled_before_newer_ones_are_told(tapes, venue, told):
    upto(venue, 16)
    for number in (10, 11, 15):
        tapes.on_trade(trade(number))
    assert told == [10, 11]
    tapes.on_trade(trade(16))
    await settle()
    assert told == [10, 11, 12, 13, 14, 15, 16]
    assert venue.asked == [(BTC, 12)]
    assert tapes.figures() == {
        "trade_gaps": 1,
        "trade_gaps_filled": 1,
        "trade_gaps_open": 0,
        "trades_fetched": 5,
        "trades_given_up": 0,
    }


async def test_a_reported_gap_is_filled_before_any_newer_trade_comes(tapes, venue, told):
    upto(venue, 12)
    tapes.on_trade(trade(10))
    tapes.on_gap([BTC, ETH])
    await settle()
    assert told == [10, 11, 12]


async def test_a_symbol_of_which_nothing_was_heard_has_no_gap(tapes, venue):
    tapes.on_gap([BTC])
    await settle()
    assert venue.asked == []


async def test_a_long_gap_is_filled_page_by_page(tapes, venue, told):
    upto(venue, 2_500)
    tapes.on_trade(trade(0))
    tapes.on_gap([BTC])
    await settle(200)
    assert told == list(range(2_501))
    assert [first for _, first in venue.asked] == [1, 1_001, 2_001]


async def test_a_venue_that_does_not_answer_is_asked_until_it_does(tapes, venue, clock, told):
    upto(venue, 12)
    venue.unreachable = Unreachable("down")
    tapes.on_trade(trade(10))
    tapes.on_gap([BTC])
    await clock.advance(3_600)
    assert 100 < len(venue.asked) < 130
    assert told == [10]
    assert tapes.figures()["trade_gaps_open"] == 1
    venue.unreachable = None
    await clock.advance(30)
    assert told == [10, 11, 12]
    assert tapes.figures()["trade_gaps_open"] == 0


async def test_a_second_gap_during_the_first_is_not_lost(tapes, venue, told):
    upto(venue, 12)
    venue.gate = asyncio.Event()
    tapes.on_trade(trade(10))
    tapes.on_gap([BTC])
    await settle()
    tapes.on_gap([BTC])
    venue.gate.set()
    await settle()
    assert told == [10, 11, 12]
    assert [first for _, first in venue.asked] == [11, 13]


async def test_trades_that_come_late_from_the_stream_are_told_once(tapes, venue, told):
    upto(venue, 15)
    tapes.on_trade(trade(10))
    venue.gate = asyncio.Event()
    tapes.on_trade(trade(13))
    await settle()
    tapes.on_trade(trade(11))
    venue.gate.set()
    await settle()
    for number in (12, 13, 14, 15, 16):
        tapes.on_trade(trade(number))
    assert told == list(range(10, 17))


async def test_what_the_venue_keeps_not_having_is_given_up_in_the_end(tapes, venue, clock, told):
    venue.tape[BTC] = []
    tapes.on_trade(trade(10))
    tapes.on_trade(trade(13))
    await clock.advance(60)
    assert told == [10]
    await clock.advance(70)
    assert told == [10, 13]
    assert len(venue.asked) == 8
    assert tapes.figures()["trades_given_up"] == 2


async def test_each_gap_has_its_own_patience(tapes, venue, clock, told):
    venue.tape[BTC] = []
    for number in (10, 13, 16):
        tapes.on_trade(trade(number))
    await clock.advance(600)
    assert told == [10, 13, 16]
    assert len(venue.asked) == 16


async def test_an_answer_that_helps_renews_the_patience(tapes, venue, clock, told):
    venue.tape[BTC] = []
    tapes.on_trade(trade(10))
    tapes.on_trade(trade(13))
    await clock.advance(62)
    assert len(venue.asked) == 7
    venue.tape[BTC] = [trade(11)]
    await clock.advance(95)
    assert told == [10, 11]
    venue.tape[BTC] = [trade(11), trade(12)]
    await clock.advance(30)
    assert told == [10, 11, 12, 13]


async def test_a_venue_that_refuses_is_not_asked_for_ever(tapes, venue, clock, told):
    venue.failures[BTC] = [Rejected(-1121, "Invalid symbol.")] * 100
    tapes.on_trade(trade(10))
    tapes.on_trade(trade(12))
    await clock.advance(300)
    assert told == [10, 12]
    assert len(venue.asked) == 8


def counting(last_trade_id, symbol=BTC):
    """A candle that counts trades up to this id."""
    return CandleUpdate(symbol, candle(0), False, 0, 0, last_trade_id)


async def test_trades_that_stop_while_a_candle_counts_more_are_fetched(tapes, venue, clock, told):
    upto(venue, 15)
    tapes.on_trade(trade(10))
    tapes.on_candle(counting(12))
    await clock.advance(4)
    tapes.on_candle(counting(14))
    await settle()
    assert venue.asked == []
    await clock.advance(2)
    tapes.on_candle(counting(15))
    await settle()
    assert told == [10, 11, 12, 13, 14, 15]
    assert tapes.figures()["trade_gaps"] == 1


async def test_trades_may_always_be_a_little_behind_the_candle(tapes, venue, clock, told):
    for number in range(10, 30):
        tapes.on_trade(trade(number))
        tapes.on_candle(counting(number + 1))
        await clock.advance(2)
    assert venue.asked == []


@pytest.mark.parametrize("update", [counting(None), counting(99, ETH), counting(10)])
async def test_a_candle_that_counts_no_later_trade_is_no_matter(tapes, venue, clock, update):
    tapes.on_candle(counting(99))  # nothing was heard yet
    tapes.on_trade(trade(10))
    for _ in range(10):
        tapes.on_candle(update)
        await clock.advance(2)
    assert venue.asked == []


async def test_a_gap_that_is_being_filled_is_not_reported_again(tapes, venue, clock):
    venue.unreachable = Unreachable("down")
    tapes.on_trade(trade(10))
    tapes.on_trade(trade(12))
    for _ in range(10):
        tapes.on_candle(counting(20))
        await clock.advance(2)
    assert tapes.figures()["trade_gaps"] == 1


async def test_trades_of_symbols_that_are_not_traded_pass_as_they_come(tapes, venue, told):
    tapes.on_trade(trade(10, ETH))
    tapes.on_trade(trade(15, ETH))
    await settle()
    assert told == [10, 15]
    assert venue.asked == []


async def test_a_symbol_traded_again_begins_a_new_tape(tapes, venue, told):
    tapes.on_trade(trade(10))
    tapes.follow([ETH])
    tapes.follow([ETH, BTC])
    tapes.on_trade(trade(20))
    await settle()
    assert told == [10, 20]
    assert venue.asked == []
