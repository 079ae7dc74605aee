"""A soak is judged by what the exchange has, and every single difference breaks a promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Fill
from trading_system.domain.venues import StreamStatus
from trading_system.ports import RecordedFill
from trading_system.soak import verdict
from trading_system.soak.verdict import Sample

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BTC = Symbol("BTC", "USDT")
CANDLES = [Candle(minute * MINUTE, 1.0, 2.0, 0.5, 1.5, 7.0) for minute in range(3)]


def stream(role="monitoring", connects=1, dropped=0):
    return StreamStatus(
        role=role,
        state="connected",
        since=NOW,
        url="ws://127.0.0.1",
        connects=connects,
        messages=5,
        dropped=dropped,
        last_message_age_ms=3,
        lag_ms=1.0,
    )


@pytest.mark.parametrize(
    ("streams", "kept"),
    [
        ([stream(), stream("user")], True),
        ([stream(), stream("user", connects=2)], False),
        ([stream(dropped=1)], False),
        ([], False),
    ],
    ids=["all held", "one came twice", "one dropped", "none at all"],
)
def test_a_connection_that_was_made_twice_is_a_drop(streams, kept):
    assert verdict.judge_streams(streams).kept is kept


@pytest.mark.parametrize(
    ("ours", "theirs", "kept"),
    [
        (CANDLES, CANDLES, True),
        (CANDLES[:2], CANDLES, False),
        (CANDLES, CANDLES[:2], False),
        ([*CANDLES[:2], CANDLES[2]._replace(volume=7.5)], CANDLES, False),
        ([], [], False),
    ],
    ids=["equal", "one missing", "one too many", "one differs", "nothing compared"],
)
def test_every_candle_must_be_there_and_equal(ours, theirs, kept):
    check = verdict.judge_candles({"BTC/USDT": (ours, theirs)})
    assert check.kept is kept


ORDER = Order(
    id=UUID(int=1),
    client_order_id="ts-1",
    request=OrderRequest(
        symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal("0.50")
    ),
    status=OrderStatus.FILLED,
    created_at=NOW,
    updated_at=NOW,
    executed_quantity=Decimal("0.50"),
    executed_quote=Decimal(50),
)
ROW = {"status": "FILLED", "executedQty": "0.50000000", "cummulativeQuoteQty": "50.00000000"}
FILL = RecordedFill(
    order_id=ORDER.id,
    symbol=BTC,
    side="BUY",
    fill=Fill(
        trade_id="9",
        price=Decimal(100),
        quantity=Decimal("0.5"),
        quote_quantity=Decimal(50),
        fee=Decimal(0),
        fee_asset="BTC",
        maker=False,
        time=NOW,
    ),
)
TRADES = {("BTC/USDT", "9"): {}}
REJECTED = replace(ORDER, id=UUID(int=2), client_order_id="ts-2", status=OrderStatus.REJECTED)


@pytest.mark.parametrize(
    ("orders", "fills", "theirs", "trades", "kept"),
    [
        ([ORDER], [FILL], {"ts-1": ROW}, TRADES, True),
        ([ORDER, REJECTED], [FILL], {"ts-1": ROW}, TRADES, True),
        ([ORDER], [FILL], {"ts-1": ROW, "other": ROW}, TRADES, False),
        ([ORDER], [FILL], {}, TRADES, False),
        ([ORDER], [FILL], {"ts-1": ROW | {"status": "CANCELED"}}, TRADES, False),
        ([ORDER], [FILL], {"ts-1": ROW | {"executedQty": "0.4"}}, TRADES, False),
        ([ORDER], [FILL], {"ts-1": ROW | {"cummulativeQuoteQty": "49"}}, TRADES, False),
        ([ORDER], [], {"ts-1": ROW}, TRADES, False),
        ([ORDER], [FILL], {"ts-1": ROW}, {}, False),
        ([], [], {}, {}, False),
    ],
    ids=[
        "equal",
        "one was refused",
        "one of theirs unknown",
        "one of ours unknown",
        "status",
        "quantity",
        "quote",
        "a fill missing",
        "a fill too many",
        "nothing compared",
    ],
)
def test_orders_and_fills_must_be_the_same_on_both_sides(orders, fills, theirs, trades, kept):
    check = verdict.judge_orders(orders, fills, theirs=theirs, their_trades=trades)
    assert check.kept is kept


@pytest.mark.parametrize(
    ("pushed", "received", "kept"), [(7, 7, True), (7, 6, False), (0, 0, False)]
)
def test_every_pushed_order_event_must_have_been_received(pushed, received, kept):
    assert verdict.judge_events(pushed=pushed, received=received).kept is kept


def samples(*memory):
    return [
        Sample(
            minutes=float(minute),
            memory_mb=megabytes,
            exchange_memory_mb=100.0,
            loop_stall_ms=1.0,
            messages=minute,
            dropped=0,
            lag_ms={},
        )
        for minute, megabytes in enumerate(memory)
    ]


@pytest.mark.parametrize(
    ("memory", "kept"),
    [
        ([50.0] * 10 + [100.0] * 30, True),
        ([50.0] * 10 + [100.0] * 15 + [106.0] * 15, False),
        ([100.0] * 10 + [104.0] * 30, True),
    ],
    ids=["warm-up does not count", "grows by six per cent", "within bounds"],
)
def test_memory_must_be_flat_once_it_is_warm(memory, kept):
    assert verdict.judge_memory(samples(*memory)).kept is kept


@pytest.mark.parametrize("minutes", [0, 1, 19])
def test_of_a_short_run_nothing_is_said_about_memory(minutes):
    assert verdict.judge_memory(samples(*[100.0] * minutes)) is None


@pytest.mark.parametrize(("refusals", "kept"), [(0, True), (1, False)])
def test_one_refusal_for_asking_too_much_is_too_many(refusals, kept):
    assert verdict.judge_refusals(refusals).kept is kept
