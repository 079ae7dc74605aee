"""Readers get every event they want, in order, or are told that some are gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.conftest import settle
from trading_system.bus import Bus
from trading_system.domain.candles import Candle
from trading_system.domain.events import (
    BalancesChanged,
    BookChanged,
    ControlChanged,
    MarketStateChanged,
    OrderChanged,
    OrderRefused,
    PositionChanged,
    StopFailed,
    StrategyChanged,
    VenueChanged,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import CandleUpdate, MarketState, Quote, Ticker, Trade
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.reconciliations import BalanceDifference, Reconciliation
from trading_system.event_log import KEPT, EventKind, EventLog

BTC = Symbol("BTC", "USDT")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REQUEST = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET)


def quote(number=1):
    return Quote(BTC, 99.0, 1.0, 100.0, 1.0, number, number)


def trade(number=1):
    return Trade(BTC, number, 100.0, 1.0, False, number, number)


def candle(*, closed):
    return CandleUpdate(BTC, Candle(0, 1.0, 2.0, 0.5, 1.5, 3.0), closed, 60_000, 60_001)


def state():
    return MarketStateChanged(symbol=BTC, before=None, after=MarketState.NORMAL, reason="calm")


def refusal():
    return OrderRefused(request=REQUEST, reason="no")


EVENTS = {
    EventKind.QUOTE: quote(),
    EventKind.TICKER: Ticker(BTC, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1),
    EventKind.OPEN_CANDLE: candle(closed=False),
    EventKind.CANDLE: candle(closed=True),
    EventKind.BOOK: BookChanged(symbol=BTC, update_id=1, in_sync=True),
    EventKind.TRADE: trade(),
    EventKind.STATE: state(),
    EventKind.VENUE: VenueChanged(part="venue", state="reachable"),
    EventKind.BALANCES: BalancesChanged(balances=(), time=datetime(2026, 1, 1, tzinfo=UTC)),
    EventKind.REFUSAL: refusal(),
    EventKind.CONTROL: ControlChanged(entry=None),
    EventKind.RECONCILIATION: Reconciliation(
        started=NOON,
        ended=NOON,
        asked=0,
        booked=0,
        adopted=0,
        unknown_left=0,
        fills=0,
        balances_compared=True,
    ),
    EventKind.DIFFERENCE: BalanceDifference(
        asset="BTC", expected=Decimal(1), actual=Decimal(2), time=NOON
    ),
    EventKind.ORDER: OrderChanged(order=None, source="answer"),
    EventKind.POSITION: PositionChanged(position=None, realised=None, order_id=None, trade_id="1"),
    EventKind.STRATEGY: StrategyChanged(mandate=None),
    EventKind.STOP: StopFailed(stop=None),
}


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def log(bus):
    return EventLog(bus, kept=dict.fromkeys(EventKind, 3))


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_is_kept_under_its_name(bus, log, kind):
    bus.publish(EVENTS[kind])
    assert [entry[:2] for entry in log.since(0).events] == [(1, kind)]
    assert log.since(0).events[0].event is EVENTS[kind]


def test_numbers_grow_by_one_over_all_kinds_and_are_merged_in_order(bus, log):
    for event in (quote(), trade(), quote(), state(), trade()):
        bus.publish(event)
    retained = log.since(0)
    assert [entry.sequence for entry in retained.events] == [1, 2, 3, 4, 5]
    assert retained.complete
    assert retained.last == log.last == 5


def test_only_what_came_after_the_asked_number_comes(bus, log):
    for number in range(1, 4):
        bus.publish(trade(number))
    retained = log.since(2)
    assert [entry.event.id for entry in retained.events] == [3]
    assert log.since(3).events == ()
    assert log.since(3).complete


def test_many_quotes_push_out_quotes_alone(bus, log):
    bus.publish(refusal())
    for number in range(1_000):
        bus.publish(quote(number))
    retained = log.since(0)
    assert [entry.kind for entry in retained.events] == [EventKind.REFUSAL] + 3 * [EventKind.QUOTE]
    assert not retained.complete
    assert log.since(0, {EventKind.REFUSAL}).complete


def test_it_is_complete_as_soon_as_nothing_dropped_came_after_the_asked_number(bus, log):
    for number in range(1, 6):
        bus.publish(trade(number))
    assert not log.since(1).complete
    assert log.since(2).complete
    assert [entry.sequence for entry in log.since(2).events] == [3, 4, 5]


def test_a_reader_that_wants_some_kinds_is_told_the_last_number_of_all(bus, log):
    bus.publish(refusal())
    bus.publish(quote())
    retained = log.since(0, [EventKind.REFUSAL])
    assert [entry.sequence for entry in retained.events] == [1]
    assert retained.last == 2


def test_orders_outlast_quotes_by_default():
    assert KEPT.keys() == set(EventKind)
    assert KEPT[EventKind.ORDER] == max(KEPT.values())
    assert KEPT[EventKind.QUOTE] < KEPT[EventKind.ORDER]


def test_an_id_names_this_run_of_the_program_only(bus, log):
    bus.publish(quote())
    assert log.sequence(log.event_id(1)) == 1
    assert log.sequence(log.event_id(0)) == 0
    assert EventLog(Bus()).boot != log.boot


@pytest.mark.parametrize(
    "text", ["", "1", "-1", "{boot}-", "{boot}-x", "{boot}-٣", "{boot}-2", "other-1"]
)
def test_an_id_that_this_run_never_gave_is_none(bus, log, text):
    bus.publish(quote())
    assert log.sequence(text.format(boot=log.boot)) is None


async def test_a_waiting_reader_wakes_with_the_next_event(bus, log):
    waiting = asyncio.create_task(log.wait(0))
    await settle()
    assert not waiting.done()
    assert log.figures() == {"last": 0, "kept": 0, "waiting": 1}
    bus.publish(quote())
    bus.publish(quote())
    await waiting
    assert log.figures() == {"last": 2, "kept": 2, "waiting": 0}


async def test_a_reader_that_is_behind_does_not_wait(bus, log):
    bus.publish(quote())
    await asyncio.wait_for(log.wait(0), 60)


async def test_a_reader_of_orders_sleeps_through_quotes(bus, log):
    waiting = asyncio.create_task(log.wait(0, {EventKind.REFUSAL, EventKind.ORDER}))
    await settle()
    bus.publish(quote())
    await settle()
    assert not waiting.done()
    bus.publish(refusal())
    await waiting
    bus.publish(EVENTS[EventKind.ORDER])


async def test_a_reader_that_goes_away_is_forgotten_and_wakes_nobody(bus, log):
    gone, stays = (asyncio.create_task(log.wait(0)) for _ in range(2))
    await settle()
    gone.cancel()
    await settle()
    assert log.figures()["waiting"] == 1
    bus.publish(quote())
    await stays


async def test_a_reader_cancelled_in_the_moment_of_an_event_hurts_nobody(bus, log):
    readers = [asyncio.create_task(log.wait(0)) for _ in range(2)]
    await settle()
    readers[0].cancel()
    bus.publish(quote())
    await readers[1]
    assert readers[0].cancelled() or readers[0].done()


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_the_log_can_be_read_in_pieces(bus, limit):
    log = EventLog(bus, kept=dict.fromkeys(EventKind, 50))
    for number in range(20):
        bus.publish(quote(number))
        bus.publish(trade(number + 1))
    read, last = [], 0
    while (piece := log.since(last, limit=limit)).events:
        assert len(piece.events) <= limit
        read += piece.events
        last = piece.last
    assert read == list(log.since(0).events)
    assert last == log.last == 40


def test_it_tells_which_kinds_lost_some_and_how_many_are_gone(bus, log):
    for number in range(5):
        bus.publish(quote(number))
    bus.publish(trade())
    assert log.since(0).lost == {EventKind.QUOTE: 2}
    assert log.since(1, {EventKind.QUOTE}).lost == {EventKind.QUOTE: 2}
    assert log.since(2).lost == log.since(0, {EventKind.TRADE}).lost == {}
    assert [log.gone(after) for after in (0, 1, 2, 6)] == [2, 1, 0, 0]
