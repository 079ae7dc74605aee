from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.api.conftest import ANY_PORT, serving
from tests.api.server_sent_events import Reader
from tests.conftest import ManualClock, settle
from trading_system.api.application import create_app
from trading_system.api.event_schemas import ResetEvent
from trading_system.api.event_stream import EventStream, Subscription
from trading_system.api.routes.events import _EXAMPLE
from trading_system.api.security import ApiOptions
from trading_system.bus import Bus
from trading_system.domain.candles import Candle
from trading_system.domain.control import ControlEntry, ControlState
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
from trading_system.domain.mandates import Mandate, MandateState
from trading_system.domain.market import CandleUpdate, MarketState, Quote, Ticker, Trade
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.positions import Position
from trading_system.domain.reconciliations import BalanceDifference, Reconciliation
from trading_system.domain.reports import Balance
from trading_system.domain.stops import Keeper, Stop, StopKind, StopStatus
from trading_system.domain.timeframes import Timeframe
from trading_system.event_log import EventKind, EventLog

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = 1_767_268_800_000
ALL = frozenset(EventKind)
REQUEST = OrderRequest(
    symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal("0.001"), price=Decimal(93000)
)
ORDER = Order(
    id=UUID(int=7),
    client_order_id="ts-7",
    request=REQUEST,
    status=OrderStatus.NEW,
    created_at=NOON,
    updated_at=NOON,
)
MINUTE = Candle(NOON_MS - 60_000, 1.5, 2.0, 0.1 + 0.2, 1.75, 1e-08)


def quote(number: int = 1, symbol: Symbol = BTC) -> Quote:
    return Quote(symbol, 99.0, 1.5, 100.25, 2.0, number, NOON_MS + 41)


def order(number: int = 7) -> OrderChanged:
    return OrderChanged(order=replace(ORDER, venue_order_id=str(number)), source="stream")


def venue(state: str = "open") -> VenueChanged:
    return VenueChanged(part="breaker trading", state=state, detail="5 failures")


CANDLE = {
    "symbol": "BTC/USDT",
    "open_time": "2026-01-01T11:59:00Z",
    "open_time_ms": NOON_MS - 60_000,
    "open": 1.5,
    "high": 2.0,
    "low": 0.1 + 0.2,
    "close": 1.75,
    "volume": 1e-08,
    "time": "2026-01-01T12:00:00Z",
    "received_at": "2026-01-01T12:00:00.041000Z",
}
EVERY_KIND = [
    (
        "quote",
        quote(),
        {
            "symbol": "BTC/USDT",
            "bid": 99.0,
            "bid_quantity": 1.5,
            "ask": 100.25,
            "ask_quantity": 2.0,
            "update_id": 1,
            "received_at": "2026-01-01T12:00:00.041000Z",
        },
    ),
    (
        "ticker",
        Ticker(BTC, 3.0, 2.0, 4.0, 1.0, 12.5, 25.5, NOON_MS, NOON_MS),
        {
            "symbol": "BTC/USDT",
            "last": 3.0,
            "open": 2.0,
            "high": 4.0,
            "low": 1.0,
            "volume": 12.5,
            "quote_volume": 25.5,
            "time": "2026-01-01T12:00:00Z",
            "received_at": "2026-01-01T12:00:00Z",
        },
    ),
    (
        "trade",
        Trade(BTC, 5512, 93576.01, 0.012, True, NOON_MS, NOON_MS),
        {
            "symbol": "BTC/USDT",
            "id": 5512,
            "price": 93576.01,
            "quantity": 0.012,
            "buyer_is_maker": True,
            "time": "2026-01-01T12:00:00Z",
            "received_at": "2026-01-01T12:00:00Z",
        },
    ),
    (
        "candle",
        CandleUpdate(BTC, MINUTE, closed=True, time=NOON_MS, received_at=NOON_MS + 41),
        CANDLE | {"closed": True},
    ),
    (
        "open_candle",
        CandleUpdate(BTC, MINUTE, closed=False, time=NOON_MS, received_at=NOON_MS + 41),
        CANDLE | {"closed": False},
    ),
    (
        "book",
        BookChanged(symbol=BTC, update_id=812, in_sync=False),
        {"symbol": "BTC/USDT", "update_id": 812, "in_sync": False},
    ),
    (
        "state",
        MarketStateChanged(symbol=BTC, before=None, after=MarketState.PANIC, reason="ATR"),
        {"symbol": "BTC/USDT", "before": None, "after": "PANIC", "reason": "ATR"},
    ),
    ("venue", venue(), {"part": "breaker trading", "state": "open", "detail": "5 failures"}),
    (
        "balances",
        BalancesChanged(
            balances=(Balance(asset="BTC", free=Decimal("1E-8"), locked=Decimal("1.50")),),
            time=NOON,
        ),
        {
            "balances": [
                {"asset": "BTC", "free": "0.00000001", "locked": "1.50", "total": "1.50000001"}
            ],
            "time": "2026-01-01T12:00:00Z",
        },
    ),
    (
        "refusal",
        OrderRefused(request=REQUEST, reason="not armed", check="control", figures={"armed": "no"}),
        {
            "symbol": "BTC/USDT",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": "0.001",
            "quote_quantity": None,
            "price": "93000",
            "stop_price": None,
            "check": "control",
            "reason": "not armed",
            "figures": {"armed": "no"},
        },
    ),
    (
        "control",
        ControlChanged(
            entry=ControlEntry(
                state=ControlState.KILLED, reason="mad", who="ann", at=NOON, flatten=True
            )
        ),
        {
            "state": "KILLED",
            "flatten": True,
            "reason": "mad",
            "who": "ann",
            "at": "2026-01-01T12:00:00Z",
        },
    ),
    (
        "reconciliation",
        Reconciliation(
            started=NOON,
            ended=NOON,
            asked=1,
            booked=2,
            adopted=3,
            unknown_left=0,
            fills=5,
            balances_compared=False,
        ),
        {
            "started": "2026-01-01T12:00:00Z",
            "ended": "2026-01-01T12:00:00Z",
            "asked": 1,
            "booked": 2,
            "adopted": 3,
            "unknown_left": 0,
            "fills": 5,
            "balances_compared": False,
            "differences": [],
        },
    ),
    (
        "difference",
        BalanceDifference(asset="BTC", expected=Decimal(1), actual=Decimal("0.50"), time=NOON),
        {
            "asset": "BTC",
            "expected": "1",
            "actual": "0.50",
            "size": "-0.50",
            "time": "2026-01-01T12:00:00Z",
        },
    ),
    (
        "order",
        order(28457),
        {
            "source": "stream",
            "order": {
                "id": "00000000-0000-0000-0000-000000000007",
                "client_order_id": "ts-7",
                "venue_order_id": "28457",
                "symbol": "BTC/USDT",
                "side": "BUY",
                "type": "LIMIT",
                "time_in_force": None,
                "quantity": "0.001",
                "quote_quantity": None,
                "price": "93000",
                "stop_price": None,
                "trailing_delta": None,
                "iceberg_quantity": None,
                "reduce_only": False,
                "status": "NEW",
                "executed_quantity": "0",
                "executed_quote": "0",
                "average_price": None,
                "fees": {},
                "mid_price": None,
                "slippage_percent": None,
                "latency_ms": None,
                "reject_code": None,
                "reject_reason": None,
                "replaces": None,
                "list_id": None,
                "foreign": False,
                "created_at": "2026-01-01T12:00:00Z",
                "updated_at": "2026-01-01T12:00:00Z",
            },
        },
    ),
    (
        "position",
        PositionChanged(
            position=Position(symbol=BTC, quantity=Decimal("0.5"), cost=Decimal(50), fills=2),
            realised=Decimal("-1.50"),
            order_id=UUID(int=7),
            trade_id="9001",
        ),
        {
            "realised": "-1.50",
            "order_id": "00000000-0000-0000-0000-000000000007",
            "trade_id": "9001",
            "position": {
                "symbol": "BTC/USDT",
                "quantity": "0.5",
                "average_price": "100",
                "cost": "50",
                "realised": "0",
                "realised_fifo": "0",
                "fees": {},
                "from_before": "0",
                "fills": 2,
                "opened_at": None,
                "updated_at": None,
            },
        },
    ),
    (
        "stop",
        StopFailed(
            stop=Stop(
                id=UUID(int=7),
                symbol=BTC,
                side=Side.SELL,
                kind=StopKind.FIXED,
                kept_by=Keeper.SYSTEM,
                status=StopStatus.FAILED,
                trigger_price=Decimal(90),
                reason="not supported",
                created_at=NOON,
                updated_at=NOON,
            )
        ),
        {
            "id": "00000000-0000-0000-0000-000000000007",
            "symbol": "BTC/USDT",
            "side": "SELL",
            "kind": "fixed",
            "kept_by": "system",
            "status": "failed",
            "quantity": None,
            "trigger_price": "90",
            "distance_percent": None,
            "level": "90",
            "deadline": None,
            "best": None,
            "ordered": None,
            "closed": "0",
            "order_id": None,
            "reason": "not supported",
            "created_at": "2026-01-01T12:00:00Z",
            "updated_at": "2026-01-01T12:00:00Z",
        },
    ),
    (
        "strategy",
        StrategyChanged(
            mandate=Mandate(
                id=UUID(int=8),
                strategy="sma_cross",
                symbols=(BTC,),
                timeframe=Timeframe.parse("1h"),
                parameters={},
                capital=Decimal(1000),
                created_at=NOON,
                updated_at=NOON,
                state=MandateState.FAILED,
                reason="took longer than 10 s",
            )
        ),
        {
            "id": "00000000-0000-0000-0000-000000000008",
            "name": "sma_cross",
            "state": "failed",
            "reason": "took longer than 10 s",
        },
    ),
]


async def told(client, query: str = "", **headers: str) -> Reader:
    """All that /events says up to now."""
    response = await client.get(f"/events?follow=false{query}", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    reader = Reader()
    reader.feed(response.content)
    return reader


class Listener:
    """A reader that stays: what the stream sends it, and whether it takes it."""

    def __init__(self, log: EventLog, clock=None, **wanted) -> None:
        subscription = Subscription(**{"kinds": ALL} | wanted)
        stream = EventStream(log, subscription, clock or ManualClock())
        self.reader = Reader()
        self.received = b""
        self.started: dict = {}
        self.ended = False
        self._taking, self._gone = asyncio.Event(), asyncio.Event()
        self._taking.set()
        self.task = asyncio.create_task(stream({"type": "http"}, self._receive, self._send))

    def hold(self) -> None:
        self._taking.clear()

    def take(self) -> None:
        self._taking.set()

    def hang_up(self) -> None:
        self._gone.set()

    async def _receive(self) -> dict:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict) -> None:
        await self._taking.wait()
        if message["type"] == "http.response.start":
            self.started = message
        else:
            self.received += message["body"]
            self.reader.feed(message["body"])
            self.ended = not message["more_body"]


@pytest.fixture
async def listen():
    """Make listeners that are gone after the test."""
    listeners: list[Listener] = []

    def make(*args, **wanted) -> Listener:
        listeners.append(Listener(*args, **wanted))
        return listeners[-1]

    yield make
    for listener in listeners:
        listener.task.cancel()
    await asyncio.gather(*(each.task for each in listeners), return_exceptions=True)


@pytest.mark.parametrize(("kind", "event", "data"), EVERY_KIND, ids=[k for k, _, _ in EVERY_KIND])
async def test_each_kind_is_told_with_its_data(client, system, kind, event, data):
    system.bus.publish(event)
    (only,) = (await told(client, "&replay=all")).events
    assert (only.event, only.data) == (kind, data)
    assert only.id == f"{system.event_log.boot}-1"


def test_the_table_above_has_every_kind():
    assert {kind for kind, _, _ in EVERY_KIND} == set(EventKind)


async def test_without_an_id_it_begins_now_and_says_where_that_is(client, system):
    system.bus.publish(quote())
    reader = await told(client)
    assert reader.events == []
    assert reader.last_id == f"{system.event_log.boot}-1"
    assert reader.retry == 2000
    system.bus.publish(quote(2))
    resumed = await told(client, **{"Last-Event-ID": reader.last_id})
    assert [each.data["update_id"] for each in resumed.events] == [2]


@pytest.mark.parametrize("place", ["header", "query", "both"])
async def test_an_id_resumes_after_it(client, system, place):
    for number in range(1, 6):
        system.bus.publish(quote(number))
    boot = system.event_log.boot
    query = {"query": f"&last_event_id={boot}-3", "both": f"&last_event_id={boot}-1"}
    headers = {} if place == "query" else {"Last-Event-ID": f"{boot}-3"}
    reader = await told(client, query.get(place, ""), **headers)
    assert [each.sequence for each in reader.events] == [4, 5]


@pytest.mark.parametrize(
    ("query", "sequences"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("&kinds=order", [3, 4]),
        ("&kinds=order,VENUE", [3, 4, 5]),
        ("&kinds=order&kinds=venue", [3, 4, 5]),
        ("&symbols=ETH-USDT", [2, 4, 5]),
        ("&symbols=eth-usdt,btc/usdt", [1, 2, 3, 4, 5]),
        ("&symbols=SOL-USDT&kinds=quote", []),
        ("&symbols=BTC-USDT&kinds=order,quote", [1, 3]),
    ],
)
async def test_kinds_and_symbols_select(client, system, query, sequences):
    """The venue belongs to no symbol, so it comes with every one."""
    refused = OrderRefused(request=replace(REQUEST, symbol=ETH), reason="no")
    changed = OrderChanged(order=replace(ORDER, request=refused.request), source="answer")
    for event in (quote(), quote(symbol=ETH), order(), changed, venue()):
        system.bus.publish(event)
    reader = await told(client, f"&replay=all{query}")
    assert [each.sequence for each in reader.events] == sequences


async def test_a_refusal_is_of_its_symbol(client, system):
    system.bus.publish(OrderRefused(request=REQUEST, reason="no"))
    assert (await told(client, "&replay=all&symbols=ETH-USDT")).events == []
    assert len((await told(client, "&replay=all&symbols=BTC-USDT")).events) == 1


async def test_a_stop_that_gave_up_is_told_to_whoever_follows_its_symbol(client, system):
    stop = next(event for kind, event, _ in EVERY_KIND if kind == "stop")
    system.bus.publish(stop)
    assert (await told(client, "&replay=all&symbols=ETH-USDT")).events == []
    assert len((await told(client, "&replay=all&symbols=BTC-USDT")).events) == 1


@pytest.mark.parametrize(
    ("query", "word"),
    [("kinds=orders", "open_candle"), ("kinds=", "order"), ("symbols=BTC", "BTC/USDT")],
)
async def test_what_there_is_not_is_refused_with_what_there_is(client, query, word):
    response = await client.get(f"/events?{query}")
    assert response.status_code == 422
    assert word in response.json()["detail"]


@pytest.mark.parametrize("last_id", ["other-3", "7", "", "nonsense", "{boot}-99", "{boot}--1"])
async def test_an_id_of_another_run_is_told_and_all_that_is_kept_follows(client, system, last_id):
    last_id = last_id.format(boot=system.event_log.boot)
    system.bus.publish(quote())
    system.bus.publish(order())
    reader = await told(client, f"&last_event_id={last_id}")
    if not last_id:  # as a browser has it before the first event
        assert reader.events == []
        return
    reset, *others = reader.events
    assert reset.event == "reset"
    assert reset.data == {"reason": "restarted", "after": last_id, "kinds": [], "at_most": None}
    assert [each.sequence for each in others] == [1, 2]


async def test_who_hears_of_a_reset_and_nothing_else_hears_it_again(client, system):
    reader = await told(client, "&last_event_id=other-3")
    assert [each.event for each in reader.events] == ["reset"]
    assert reader.last_id == ""


def small_log(bus: Bus, **kept: int) -> EventLog:
    return EventLog(bus, kept={kind: kept.get(kind, 1_000) for kind in EventKind})


async def test_an_overflow_names_the_kinds_that_lost_some(client, system):
    system.event_log = small_log(system.bus, quote=3)
    for number in range(1, 11):
        system.bus.publish(quote(number))
        system.bus.publish(order(number))
    boot = system.event_log.boot
    reset, *others = (await told(client, f"&last_event_id={boot}-4")).events
    assert reset.event == "reset"
    assert reset.data == {
        "reason": "overflow",
        "after": f"{boot}-4",
        "kinds": ["quote"],
        "at_most": 5,
    }
    assert [each.data["update_id"] for each in others if each.event == "quote"] == [8, 9, 10]
    assert [each.sequence for each in others if each.event == "order"] == list(range(6, 21, 2))
    orders_alone = await told(client, f"&kinds=order&last_event_id={boot}-4")
    assert {each.event for each in orders_alone.events} == {"order"}


async def test_a_replay_of_what_is_left_is_no_loss(client, system):
    system.event_log = small_log(system.bus, quote=3)
    for number in range(1, 400):
        system.bus.publish(quote(number))
        system.bus.publish(order(number))
    reader = await told(client, "&replay=all")
    assert len(reader.events) == 3 + 399
    assert "reset" not in {each.event for each in reader.events}


KINDS = {"quote": quote, "order": order, "venue": lambda number: venue(str(number))}


@settings(max_examples=60, deadline=None)
@given(
    published=st.lists(st.sampled_from(sorted(KINDS)), max_size=330),
    wanted=st.frozensets(st.sampled_from([EventKind(kind) for kind in KINDS]), min_size=1),
    cuts=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12_000)), max_size=6),
)
def test_resuming_loses_and_repeats_nothing_wherever_the_connection_is_cut(published, wanted, cuts):
    """Each cut: so many more events happen, then so many bytes of the answer arrive."""
    bus = Bus()
    log = EventLog(bus)
    reader = Reader()
    left = [KINDS[kind](number) for number, kind in enumerate(published)]

    async def connect(arriving: int | None) -> None:
        listener = Listener(
            log, kinds=wanted, last_id=reader.last_id or None, replay=True, follow=False
        )
        await listener.task
        reader.feed(listener.received[:arriving])
        reader.hang_up()

    async def scenario() -> None:
        for count, arriving in cuts:
            for event in left[:count]:
                bus.publish(event)
            del left[:count]
            await connect(arriving)
        for event in left:
            bus.publish(event)
        await connect(None)

    asyncio.run(scenario())
    expected = [at for at, kind in enumerate(published, 1) if kind in wanted]
    assert [each.sequence for each in reader.events] == expected
    assert all(each.event == published[each.sequence - 1] for each in reader.events)


async def test_what_happens_is_told_as_it_happens(listen):
    bus = Bus()
    listener = listen(EventLog(bus))
    await settle()
    assert listener.started["status"] == 200
    bus.publish(quote())
    await settle()
    assert [each.event for each in listener.reader.events] == ["quote"]
    bus.publish(order())
    bus.publish(venue())
    await settle()
    assert [each.sequence for each in listener.reader.events] == [1, 2, 3]


async def test_a_slow_reader_loses_quotes_and_hears_so_but_no_order(listen):
    bus = Bus()
    log = small_log(bus, quote=10)
    slow, quick = listen(log), listen(log)
    await settle()
    slow.hold()
    for number in range(1, 301):
        bus.publish(quote(number))
        if not number % 10:
            bus.publish(order(number))
        await settle(5)
    assert len(quick.reader.events) == 330
    assert len(slow.reader.events) == 0
    slow.take()
    await settle()
    orders = [each for each in slow.reader.events if each.event == "order"]
    assert [each.data["order"]["venue_order_id"] for each in orders] == [
        str(number) for number in range(10, 301, 10)
    ]
    resets = [each.data for each in slow.reader.events if each.event == "reset"]
    assert [(reset["reason"], reset["kinds"]) for reset in resets] == [("overflow", ["quote"])]
    quotes = [each for each in slow.reader.events if each.event == "quote"]
    assert len(quotes) + resets[0]["at_most"] == 300
    sequences = [each.sequence for each in slow.reader.events if each.event != "reset"]
    assert sequences == sorted(set(sequences))


async def test_a_slow_reader_holds_nothing_but_a_handful(listen):
    """What it has not taken yet is in the log alone, which is bounded."""
    bus = Bus()
    slow = listen(small_log(bus, quote=1_000))
    await settle()
    slow.hold()
    for number in range(1, 1_901):
        bus.publish(quote(number))
        if number == 900:
            await settle()
    slow.take()
    await settle()
    quotes = [each.data["update_id"] for each in slow.reader.events if each.event == "quote"]
    assert quotes == [*range(1, 101), *range(901, 1_901)]


async def test_a_quiet_stream_shows_that_it_lives_and_moves_on(listen):
    """A reader of rare events would otherwise come back with a number long gone."""
    bus, clock = Bus(), ManualClock()
    log = EventLog(bus)
    listener = listen(log, clock, kinds=frozenset({EventKind.ORDER}))
    await clock.advance(14.9)
    assert listener.reader.comments == []
    await clock.advance(0.2)
    assert listener.reader.comments == ["ping"]
    assert listener.reader.last_id == f"{log.boot}-0"
    for number in range(5):
        bus.publish(quote(number))
    bus.publish(order())
    bus.publish(quote())
    await clock.advance(15)
    assert listener.reader.comments == ["ping", "ping"]
    assert listener.reader.last_id == f"{log.boot}-7"


async def test_a_ping_never_runs_ahead_of_what_was_sent(listen):
    bus, clock = Bus(), ManualClock()
    log = EventLog(bus)
    listener = listen(log, clock)
    await settle()
    listener.hold()
    bus.publish(quote())
    await clock.advance(15)
    assert listener.reader.last_id == f"{log.boot}-0"
    listener.take()
    await settle()
    assert [each.sequence for each in listener.reader.events] == [1]


async def test_a_reader_that_hangs_up_leaves_nothing_behind(listen):
    log = EventLog(Bus())
    listener = listen(log)
    await settle()
    assert log.figures()["waiting"] == 1
    listener.hang_up()
    await listener.task
    assert log.figures()["waiting"] == 0
    assert listener.ended


async def test_a_reader_that_hangs_up_while_it_takes_nothing_is_let_go(listen):
    bus = Bus()
    listener = listen(EventLog(bus))
    await settle()
    listener.hold()
    bus.publish(quote())
    await settle()
    listener.hang_up()
    async with asyncio.timeout(60):
        await listener.task
    assert not listener.ended


async def test_an_event_that_cannot_be_told_ends_the_stream_with_its_error(listen):
    bus = Bus()
    listener = listen(EventLog(bus))
    await settle()
    bus.publish(OrderChanged(order=None, source="answer"))
    with pytest.raises(AttributeError):
        await listener.task


async def read(lines, reader: Reader, count: int) -> Sequence:
    """Read until so many events are there."""
    async with asyncio.timeout(60):
        while len(reader.events) < count:
            reader.feed(await anext(lines))
    return reader.events


async def test_over_a_real_connection_it_is_heard_at_once_and_its_end_is_noticed(system):
    async with serving(create_app(system, ANY_PORT)) as (task, client):
        async with client.stream("GET", "/events") as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert "content-length" not in response.headers
            chunks, reader = response.aiter_bytes(), Reader()
            reader.feed(await anext(chunks))
            system.bus.publish(order())
            assert [each.event for each in await read(chunks, reader, 1)] == ["order"]
            assert system.event_log.figures()["waiting"] == 1
        async with asyncio.timeout(60):
            while system.event_log.figures()["waiting"]:  # noqa: ASYNC110 -- sockets tell nobody
                await asyncio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await task == 0


async def test_open_streams_end_with_the_server_at_once_and_in_order(system, caplog):
    async with serving(create_app(system, ANY_PORT)) as (task, client):
        with structlog.testing.capture_logs() as logs:
            async with client.stream("GET", "/events") as response:
                chunks = response.aiter_bytes()
                await anext(chunks)
                os.kill(os.getpid(), signal.SIGTERM)
                async with asyncio.timeout(1.5):  # the server would wait for 3 s
                    assert [chunk async for chunk in chunks] == []
                    assert await task == 0
    assert [entry["event"] for entry in logs] == ["listening", "stopping"]
    assert caplog.records == []


async def test_events_need_the_token_too(connect):
    guarded = connect(ApiOptions(token=SecretStr("open sesame")))
    assert (await guarded.get("/events?follow=false")).status_code == 401
    headers = {"Authorization": "Bearer open sesame"}
    assert (await guarded.get("/events?follow=false", headers=headers)).status_code == 200


def test_the_documented_example_is_what_would_be_sent():
    reader = Reader()
    reader.feed(_EXAMPLE.encode())
    told = {kind: data.keys() for kind, _, data in EVERY_KIND if kind != "open_candle"}
    assert {each.event: each.data.keys() for each in reader.events} == told
    (reset,) = ResetEvent.model_config["json_schema_extra"]["examples"]
    assert ResetEvent.model_validate(reset).model_dump(mode="json") == reset
