"""What the ports of the risk gate promise, held by the fakes of the tests and by SQLite alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.fakes.execution import FakeOrders
from tests.fakes.safety import FakeCommitments, FakeControlLog, FakeDrawdown, FakeRefusals
from trading_system.domain.control import ControlEntry, ControlState
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, leg_id
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    apply,
    client_order_id,
)
from trading_system.domain.reports import Fill, Report
from trading_system.ports import Commitment, Drawdown
from trading_system.storage.commitments import Commitments
from trading_system.storage.control import ControlEntries, DrawdownEntry
from trading_system.storage.database import Database
from trading_system.storage.orders import Orders
from trading_system.storage.refusals import Refusals

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOW = datetime(2026, 1, 1, 12, 0, 30, 123000, tzinfo=UTC)
REQUEST = OrderRequest(
    symbol=BTC,
    side=Side.SELL,
    type=OrderType.STOP_LOSS_LIMIT,
    quantity=Decimal("0.00000001"),
    price=Decimal("93000.10"),
    stop_price=Decimal(93100),
)
BY_QUOTE = OrderRequest(
    symbol=ETH, side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal("10.5")
)


@pytest.fixture(params=["fake", "sqlite"])
async def kept(request, tmp_path):
    """Every record by name."""
    if request.param == "fake":
        orders = FakeOrders()
        yield {
            "orders": orders,
            "commitments": FakeCommitments(orders),
            "refusals": FakeRefusals(),
            "control": FakeControlLog(),
            "drawdown": FakeDrawdown(),
        }
        return
    async with Database.opened(tmp_path / "t.db") as database:
        yield {
            "orders": Orders(database),
            "commitments": Commitments(database),
            "refusals": Refusals(database),
            "control": ControlEntries(database),
            "drawdown": DrawdownEntry(database),
        }


def order(status=OrderStatus.NEW, age=0, request=REQUEST):
    number, at = uuid4(), NOW - timedelta(seconds=age)
    return Order(
        id=number,
        client_order_id=client_order_id(number),
        request=request,
        status=status,
        created_at=at,
        updated_at=at,
        executed_quantity=Decimal("0.1"),
        executed_quote=Decimal("9.3"),
    )


async def test_open_orders_are_told_and_those_named_oldest_first(kept):
    several = [
        order(OrderStatus.UNKNOWN, 900),
        order(OrderStatus.FILLED, 61),
        order(OrderStatus.FILLED, 60),
        order(OrderStatus.NEW, 59, BY_QUOTE),
        order(OrderStatus.REJECTED, 1),
    ]
    for each in several:
        await kept["orders"].create(each, idempotency_key=None, digest="d")
    told = await kept["commitments"].committed(
        since=NOW - timedelta(minutes=1), also={several[2].id, several[3].id}
    )
    assert [each.id for each in told.orders] == [several[at].id for at in (0, 2, 3)]
    assert told.recent == 2
    told = told.orders
    request = several[0].request
    assert told[0] == Commitment(
        id=several[0].id,
        symbol=request.symbol,
        side=request.side,
        status=OrderStatus.UNKNOWN,
        quantity=request.quantity,
        quote_quantity=None,
        price=request.price,
        stop_price=request.stop_price,
        executed_quantity=Decimal("0.1"),
        executed_quote=Decimal("9.3"),
    )
    assert (told[2].quantity, told[2].quote_quantity) == (None, Decimal("10.5"))


async def test_orders_whose_fills_are_still_looked_for_are_told_with_what_is_missing(kept):
    orders = kept["orders"]
    quantities = {}
    for age, fills in ((0, "0.3"), (86_400, "0"), (86_401, "0"), (0, "0.1 0.4"), (0, "0.2 0.1")):
        ended = replace(order(age=age), executed_quantity=Decimal(0), executed_quote=Decimal(0))
        await orders.create(ended, idempotency_key=None, digest="d")
        told = Report(
            client_order_id=ended.client_order_id,
            status=OrderStatus.CANCELED,
            source="answer",
            time=ended.created_at,
            executed_quantity=Decimal("0.5"),
            fills=tuple(
                Fill(
                    trade_id=f"{ended.id} {number}",
                    price=Decimal(1),
                    quantity=Decimal(quantity),
                    quote_quantity=Decimal(quantity),
                    fee=Decimal(0),
                    fee_asset="",
                    maker=None,
                    time=NOW,
                )
                for number, quantity in enumerate(fills.split())
            ),
        )
        await orders.record(ended, apply(ended, told), told, at=NOW)
        quantities[ended.id] = Decimal("0.5") - sum(map(Decimal, fills.split()))
    told = await kept["commitments"].committed(since=NOW)
    first, second, _, _, last = quantities
    assert {each.id: each.unbooked for each in told.orders} == {
        each: quantities[each] for each in (first, second, last)
    }


async def test_the_legs_of_which_only_one_can_fill_are_known_by_their_list(kept):
    list_id = uuid4()
    for leg in (Leg.WORKING, Leg.ABOVE, Leg.BELOW):
        own = leg_id(list_id, leg)
        saved = replace(order(), id=own, client_order_id=client_order_id(own), list_id=list_id)
        await kept["orders"].create(saved, idempotency_key=None, digest="d")
    told = await kept["commitments"].committed(since=NOW)
    assert [each.list_id for each in told.orders] == [None, list_id, list_id]


@pytest.mark.parametrize(
    ("status", "venue_order_id", "waits"),
    [
        (OrderStatus.PENDING_NEW, "7", True),
        (OrderStatus.PENDING_NEW, None, False),
        (OrderStatus.NEW, "7", False),
        (OrderStatus.UNKNOWN, None, False),
    ],
)
async def test_a_leg_waits_that_the_venue_has_and_does_not_work_at(
    kept, status, venue_order_id, waits
):
    leg = replace(order(status), list_id=uuid4(), venue_order_id=venue_order_id)
    await kept["orders"].create(leg, idempotency_key=None, digest="d")
    (told,) = (await kept["commitments"].committed(since=NOW)).orders
    assert told.waits is leg.is_waiting is waits


async def test_refusals_come_back_newest_first_with_their_figures(kept):
    refusals = kept["refusals"]
    for request, check in ((REQUEST, "price"), (BY_QUOTE, "balance")):
        await refusals.add(
            request, check=check, reason="because", figures={"needed": "1.50"}, at=NOW
        )
    newest, oldest = await refusals.latest()
    assert (oldest.request, oldest.check, oldest.at) == (REQUEST, "price", NOW)
    assert (newest.request, newest.reason, newest.figures) == (
        BY_QUOTE,
        "because",
        {"needed": "1.50"},
    )
    assert newest.id > oldest.id
    assert await refusals.latest(limit=1) == [newest]
    assert await refusals.latest(symbol=BTC) == [oldest]


async def test_decisions_come_back_newest_first(kept):
    assert await kept["control"].latest() == []
    entries = [
        ControlEntry(state=state, reason=f"{state}!", who="ann", at=NOW, flatten=flatten)
        for state, flatten in (
            (ControlState.PAUSED, False),
            (ControlState.KILLED, True),
            (ControlState.RUNNING, False),
        )
    ]
    for entry in entries:
        await kept["control"].append(entry)
    assert await kept["control"].latest() == entries[::-1]
    assert await kept["control"].latest(1) == entries[2:]


async def test_kills_come_back_oldest_first(kept):
    states = (ControlState.KILLED, ControlState.PAUSED, ControlState.KILLED, ControlState.RUNNING)
    entries = [
        ControlEntry(state=state, reason=f"{number}", who="ann", at=NOW)
        for number, state in enumerate(states)
    ]
    for entry in entries:
        await kept["control"].append(entry)
    assert await kept["control"].kills() == [entries[0], entries[2]]


async def test_one_drawdown_is_kept(kept):
    record = kept["drawdown"]
    assert await record.load() is None
    for drawdown in (
        Drawdown(peak=Decimal("1000.50"), stopped_at=None),
        Drawdown(peak=Decimal(1200), stopped_at=NOW),
    ):
        await record.save(drawdown)
        assert await record.load() == drawdown
