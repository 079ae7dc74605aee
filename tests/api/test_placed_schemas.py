"""The answer to an order tells what was adjusted, and no more than that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.api.placed_schemas import AdvisedOut, PlacedOut
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ASKED = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.BUY,
    type=OrderType.STOP_LOSS_LIMIT,
    quantity=Decimal("0.00123456"),
    price=Decimal("93000.005"),
    stop_price=Decimal(92000),
    iceberg_quantity=Decimal("0.0001"),
)


def placed(**changes) -> Order:
    return Order(
        id=UUID(int=1),
        client_order_id="ts-1",
        request=replace(ASKED, **changes),
        status=OrderStatus.NEW,
        created_at=NOON,
        updated_at=NOON,
    )


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("quantity", "0.00123"),
        ("price", "93000.01"),
        ("stop_price", "91999.99"),
        ("iceberg_quantity", "0.0002"),
    ],
)
def test_each_amount_that_was_adjusted_is_told_with_what_was_asked_for(field, sent):
    told = PlacedOut.answering(ASKED, placed(**{field: Decimal(sent)})).model_dump(mode="json")
    asked = format(getattr(ASKED, field), "f")
    assert told["conformed"] == [{"field": field, "asked": asked, "sent": sent}]


def test_the_same_amount_in_other_digits_is_no_adjustment():
    assert PlacedOut.answering(ASKED, placed(stop_price=Decimal("92000.00"))).conformed == ()


@pytest.mark.parametrize("advice", [None, ""])
def test_where_there_is_nothing_to_tell_the_order_is_as_anywhere_else(advice):
    told = AdvisedOut.advised(placed(), advice)
    assert "advice" not in told.model_dump(exclude_unset=True)
    assert "conformed" not in PlacedOut.answering(ASKED, placed()).model_dump(exclude_unset=True)


def test_advice_is_told_with_the_order():
    assert AdvisedOut.advised(placed(), "free some USDT").advice == "free some USDT"
