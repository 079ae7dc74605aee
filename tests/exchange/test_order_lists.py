"""Order lists as Binance speaks them: what each kind sends, what its answers say of the legs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import (
    DuplicateOrder,
    InsufficientFunds,
    NotAllowed,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import Leg, ListKind, OrderListRequest, drafted
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.exchange import weights
from trading_system.exchange.listing import Listing
from trading_system.exchange.markets import FUTURES
from trading_system.exchange.order_lists import BinanceOrderLists
from trading_system.exchange.trading import BinanceTrading

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LISTED = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "status": "TRADING",
            "orderTypes": [],
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "1", "minPrice": "1", "maxPrice": "9"},
                {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "9"},
            ],
        }
    ]
}
SELL = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.SELL,
    type=OrderType.LIMIT_MAKER,
    quantity=Decimal("0.10"),
    price=Decimal("110.0"),
)
STOP = replace(SELL, type=OrderType.STOP_LOSS_LIMIT, price=Decimal(89), stop_price=Decimal(90))
BUY = replace(
    SELL,
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(1),
    iceberg_quantity=Decimal("0.2"),
)
LEGS = {
    ListKind.OCO: {Leg.ABOVE: SELL, Leg.BELOW: replace(STOP, trailing_delta=50)},
    ListKind.OTO: {Leg.WORKING: BUY, Leg.PENDING: STOP},
    ListKind.OTOCO: {Leg.WORKING: BUY, Leg.ABOVE: SELL, Leg.BELOW: STOP},
}


def new(kind):
    request = OrderListRequest(kind=kind, legs=LEGS[kind])
    return drafted(UUID(int=9), request, at=NOW, mid_price=None)


@pytest.fixture
def lists(gateway, clock):
    return BinanceOrderLists(gateway, Listing(gateway, clock))


def row(order, status, **more):
    return {
        "clientOrderId": order.client_order_id,
        "orderId": 4,
        "transactTime": 5,
        "status": status,
        "origQty": "0.10",
        "executedQty": "0",
        "cummulativeQuoteQty": "0",
    } | more


def told(order_list, *statuses, **more):
    rows = [
        row(order, status, **more)
        for order, status in zip(order_list.orders, statuses, strict=True)
    ]
    return {"orderListId": 1, "orderReports": rows}


SENT = {
    ListKind.OCO: {
        "side": "SELL",
        "quantity": "0.10",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "110.0",
        "belowType": "STOP_LOSS_LIMIT",
        "belowPrice": "89",
        "belowStopPrice": "90",
        "belowTrailingDelta": "50",
        "belowTimeInForce": "GTC",
    },
    ListKind.OTO: {
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingQuantity": "1",
        "workingPrice": "110.0",
        "workingIcebergQty": "0.2",
        "workingTimeInForce": "GTC",
        "pendingType": "STOP_LOSS_LIMIT",
        "pendingSide": "SELL",
        "pendingQuantity": "0.10",
        "pendingPrice": "89",
        "pendingStopPrice": "90",
        "pendingTimeInForce": "GTC",
    },
    ListKind.OTOCO: {
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingQuantity": "1",
        "workingPrice": "110.0",
        "workingIcebergQty": "0.2",
        "workingTimeInForce": "GTC",
        "pendingSide": "SELL",
        "pendingQuantity": "0.10",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAbovePrice": "110.0",
        "pendingBelowType": "STOP_LOSS_LIMIT",
        "pendingBelowPrice": "89",
        "pendingBelowStopPrice": "90",
        "pendingBelowTimeInForce": "GTC",
    },
}
PREFIXES = {
    ListKind.OCO: ["above", "below"],
    ListKind.OTO: ["working", "pending"],
    ListKind.OTOCO: ["working", "pendingAbove", "pendingBelow"],
}
SIGNING = {"timestamp", "recvWindow", "signature"}


@pytest.mark.parametrize("kind", list(ListKind))
async def test_each_kind_is_sent_with_its_own_names_and_every_id_of_ours(lists, venue, kind):
    order_list = new(kind)
    venue.says(200, LISTED)
    venue.says(200, told(order_list, *["NEW", "PENDING_NEW", "PENDING_NEW"][: len(LEGS[kind])]))
    reports = await lists.place_list(order_list)
    method, path, fields = venue.requests[-1]
    assert (method, path) == ("POST", f"/api/v3/orderList/{kind.lower()}")
    ids = {
        f"{prefix}ClientOrderId": order.client_order_id
        for prefix, order in zip(PREFIXES[kind], order_list.orders, strict=True)
    }
    assert {name: fields[name] for name in fields.keys() - SIGNING} == {
        "symbol": "BTCUSDT",
        "listClientOrderId": order_list.client_list_id,
        "newOrderRespType": "FULL",
        **SENT[kind],
        **ids,
    }
    assert [(each.client_order_id, each.status) for each in reports][:2] == [
        (order_list.orders[0].client_order_id, "NEW"),
        (order_list.orders[1].client_order_id, "PENDING_NEW"),
    ]
    assert {each.venue_order_id for each in reports} == {"4"}


async def test_a_stranger_among_the_reports_is_left_alone(lists, venue):
    order_list = new(ListKind.OCO)
    answer = told(order_list, "NEW", "NEW")
    answer["orderReports"][0]["clientOrderId"] = "somebody's"
    venue.says(200, LISTED)
    venue.says(200, answer)
    (report,) = await lists.place_list(order_list)
    assert report.client_order_id == order_list.orders[1].client_order_id


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (400, {"code": -2010, "msg": "Account has insufficient balance"}, InsufficientFunds),
        (400, {"code": -2010, "msg": "Duplicate order sent."}, DuplicateOrder),
        (400, {"code": -1158, "msg": "Order type not supported in OCO."}, Rejected),
        (503, {}, OutcomeUnknown),
        (200, {"orderListId": 1}, OutcomeUnknown),
        (200, "<html>", OutcomeUnknown),
    ],
)
async def test_what_goes_wrong_says_whether_it_may_have_happened(
    lists, venue, status, answer, error
):
    venue.says(200, LISTED)
    venue.says(status, answer)
    with pytest.raises(error):
        await lists.place_list(new(ListKind.OCO))
    assert len(venue.requests) == 2


async def test_a_cancel_names_the_list_and_tells_of_the_legs_that_were_open(lists, venue):
    order_list = new(ListKind.OTO)
    answer = told(order_list, "CANCELED", "CANCELED")
    for each, order in zip(answer["orderReports"], order_list.orders, strict=True):
        each |= {"clientOrderId": "of the cancel", "origClientOrderId": order.client_order_id}
    answer["orderReports"].pop()
    venue.says(200, answer)
    (report,) = await lists.cancel_list(order_list)
    assert (report.client_order_id, report.status) == (
        order_list.orders[0].client_order_id,
        "CANCELED",
    )
    method, path, fields = venue.requests[0]
    assert (method, path) == ("DELETE", "/api/v3/orderList")
    assert fields["listClientOrderId"] == order_list.client_list_id
    venue.says(400, {"code": -2011, "msg": "Unknown order list sent."})
    with pytest.raises(OrderNotFound):
        await lists.cancel_list(order_list)


async def test_cancelling_one_leg_reads_it_from_the_lists_answer(gateway, venue, clock):
    order_list = new(ListKind.OTO)
    leg = order_list.orders[1]
    rows = [
        row(order, status, origClientOrderId=order.client_order_id)
        for order, status in zip(order_list.orders, ("CANCELED", "EXPIRED"), strict=True)
    ]
    trading = BinanceTrading(gateway, Listing(gateway, clock))
    venue.says(200, {"orderReports": rows})
    assert (await trading.cancel(leg)).status == "EXPIRED"
    venue.says(200, {"orderReports": rows[:1]})
    with pytest.raises(OutcomeUnknown):
        await trading.cancel(leg)


async def test_futures_have_none_and_nothing_is_sent(gateway, venue, clock):
    lists = FUTURES.order_lists(gateway, Listing(gateway, clock))
    for call in (lists.place_list, lists.cancel_list):
        with pytest.raises(NotAllowed, match="futures have no OCO lists"):
            await call(new(ListKind.OCO))
    assert venue.requests == []


@pytest.mark.parametrize(("kind", "orders"), [("oco", 2), ("oto", 2), ("otoco", 3)])
def test_a_list_counts_each_of_its_orders_and_weighs_nothing_when_it_succeeds(kind, orders) -> None:
    path = f"orderList/{kind}"
    cost = weights.cost("POST", path, {})
    assert (cost.weight, cost.orders) == (1, orders)
    assert weights.cost_of_success("POST", path, cost).weight == 0
