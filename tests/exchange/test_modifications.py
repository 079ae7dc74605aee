"""Amend and cancelReplace as Binance speaks them: binance.md's table of outcomes, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.errors import OutcomeUnknown, RateLimited, Rejected
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.exchange.listing import Listing
from trading_system.exchange.trading import BinanceTrading

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD = Order(
    id=UUID(int=1),
    client_order_id="ts-old",
    request=OrderRequest(
        symbol=Symbol("BTC", "USDT"),
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(2),
        price=Decimal(100),
    ),
    status=OrderStatus.PENDING_CANCEL,
    created_at=NOW,
    updated_at=NOW,
)
NEW = replace(OLD, id=UUID(int=2), client_order_id="ts-new", status=OrderStatus.PENDING_NEW)

CANCELLED = {
    "orderId": 3,
    "status": "CANCELED",
    "transactTime": 5,
    "origQty": "2",
    "executedQty": "0.5",
    "cummulativeQuoteQty": "50",
}
PLACED = {"orderId": 4, "status": "NEW", "transactTime": 5}
REFUSED = {"code": -2010, "msg": "Order would immediately match and take."}
GONE = {"code": -2011, "msg": "Unknown order sent."}


@pytest.fixture
def trading(gateway, clock):
    return BinanceTrading(gateway, Listing(gateway, clock))


def told(cancel, place, cancelled, placed):
    return {
        "cancelResult": cancel,
        "newOrderResult": place,
        "cancelResponse": cancelled,
        "newOrderResponse": placed,
    }


def failed(code, *halves):
    return {"code": code, "msg": "Order cancel-replace failed.", "data": told(*halves)}


async def test_what_is_placed_needs_what_is_cancelled(trading, venue):
    venue.says(200, told("SUCCESS", "SUCCESS", CANCELLED, PLACED))
    outcome = await trading.replace(OLD, NEW)
    assert (outcome.cancelled.status, outcome.cancelled.executed_quantity) == (
        "CANCELED",
        Decimal("0.5"),
    )
    assert (outcome.cancelled.client_order_id, outcome.placed.client_order_id) == (
        "ts-old",
        "ts-new",
    )
    assert outcome.placed.venue_order_id == "4"
    method, path, fields = venue.requests[0]
    assert (method, path) == ("POST", "/api/v3/order/cancelReplace")
    assert (fields["cancelReplaceMode"], fields["cancelOrigClientOrderId"]) == (
        "STOP_ON_FAILURE",
        "ts-old",
    )
    assert (fields["newClientOrderId"], fields["quantity"], fields["price"]) == (
        "ts-new",
        "2",
        "100",
    )


@pytest.mark.parametrize(("executed", "only"), [("0", "ONLY_NEW"), ("0.5", None)])
async def test_an_unfilled_order_is_only_replaced_while_it_is_unfilled(
    trading, venue, executed, only
):
    venue.says(200, told("SUCCESS", "SUCCESS", CANCELLED, PLACED))
    await trading.replace(replace(OLD, executed_quantity=Decimal(executed)), NEW)
    assert venue.requests[0][2].get("cancelRestrictions") == only


async def test_orders_of_others_are_named_by_the_venues_number(trading, venue):
    """Their client ids may name other orders by now."""
    theirs = replace(OLD, foreign=True, client_order_id="web#3", venue_order_id="3")
    venue.says(200, told("SUCCESS", "SUCCESS", CANCELLED, PLACED))
    await trading.replace(theirs, NEW)
    fields = venue.requests[0][2]
    assert (fields["cancelOrderId"], "cancelOrigClientOrderId" in fields) == ("3", False)
    with pytest.raises(OutcomeUnknown):
        await trading.amend(theirs, Decimal(1))
    fields = venue.requests[1][2]
    assert (fields["orderId"], fields["newClientOrderId"]) == ("3", "web")
    assert "origClientOrderId" not in fields


async def test_an_old_order_that_cannot_be_cancelled_keeps_the_new_one_from_being_placed(
    trading, venue
):
    venue.says(400, failed(-2022, "FAILURE", "NOT_ATTEMPTED", GONE, None))
    outcome = await trading.replace(OLD, NEW)
    assert (outcome.cancelled, outcome.placed) == (None, None)
    assert (outcome.cancel_refusal, outcome.place_refusal) == (
        "Unknown order sent.",
        "not attempted",
    )


async def test_the_old_one_gone_and_the_new_one_refused_is_told_as_both(trading, venue):
    venue.says(409, failed(-2021, "SUCCESS", "FAILURE", CANCELLED, REFUSED))
    outcome = await trading.replace(OLD, NEW)
    assert outcome.cancelled.status == "CANCELED"
    assert outcome.placed is None
    assert (outcome.place_code, outcome.place_refusal) == (-2010, REFUSED["msg"])


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {}),
        (200, {}),
        (200, []),
        (200, told("PERHAPS", "SUCCESS", CANCELLED, PLACED)),
        (409, failed(-2021, "SUCCESS", "FAILURE", CANCELLED, {"code": -1007, "msg": "Timeout"})),
        (400, failed(-2022, "FAILURE", "NOT_ATTEMPTED", {"code": -1006, "msg": "Odd"}, None)),
        (409, failed(-2021, "SUCCESS", "FAILURE", CANCELLED, {})),
        (409, {"code": -2021, "msg": "Order cancel-replace partially failed."}),
        (400, {"code": -2022, "msg": "Order cancel-replace failed.", "data": []}),
        (409, failed(-2021, "SUCCESS", "FAILURE", {}, REFUSED)),
    ],
)
async def test_halves_that_do_not_say_whether_they_were_done_are_unknown(
    trading, venue, status, body
):
    venue.says(status, body)
    with pytest.raises(OutcomeUnknown):
        await trading.replace(OLD, NEW)
    assert len(venue.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}, Rejected),
        (429, {"code": -1015, "msg": "Too many new orders."}, RateLimited),
    ],
)
async def test_what_is_checked_before_says_that_nothing_was_done(
    trading, venue, status, body, error
):
    venue.says(status, body)
    with pytest.raises(error):
        await trading.replace(OLD, NEW)


async def test_an_amended_order_keeps_its_ids(trading, venue):
    venue.says(
        200,
        {
            "transactTime": 5,
            "executionId": 9,
            "amendedOrder": {
                "orderId": 3,
                "status": "PARTIALLY_FILLED",
                "qty": "1.5",
                "executedQty": "0.5",
                "cumulativeQuoteQty": "50",
            },
        },
    )
    report = await trading.amend(OLD, Decimal("1.5"))
    assert (report.client_order_id, report.venue_order_id) == ("ts-old", "3")
    assert (report.quantity, report.executed_quantity, report.executed_quote) == (
        Decimal("1.5"),
        Decimal("0.5"),
        Decimal(50),
    )
    method, path, fields = venue.requests[0]
    assert (method, path) == ("PUT", "/api/v3/order/amend/keepPriority")
    assert (fields["origClientOrderId"], fields["newClientOrderId"], fields["newQty"]) == (
        "ts-old",
        "ts-old",
        "1.5",
    )


async def test_an_amendment_that_is_refused_or_lost_says_so(trading, venue):
    venue.says(400, {"code": -2038, "msg": "Order amend failed."})
    with pytest.raises(Rejected, match="amend failed"):
        await trading.amend(OLD, Decimal(1))
    venue.says(200, {"transactTime": 5})
    with pytest.raises(OutcomeUnknown):
        await trading.amend(OLD, Decimal(1))
