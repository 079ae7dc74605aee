"""One order with what lists of them do not tell: what was adjusted, what to change about it.

Either is left out of the answer where there is nothing to tell: the order is then as anywhere else.
"""

from __future__ import annotations

from typing import Self

from trading_system.api.order_schemas import ORDER_EXAMPLE, OrderOut
from trading_system.api.scalars import DecimalOut
from trading_system.api.schemas import Out, example
from trading_system.domain.orders import Order, OrderRequest

_ADJUSTABLE = ("quantity", "quote_quantity", "price", "stop_price", "iceberg_quantity")
_ADJUSTED = {"field": "quantity", "asked": "0.00123456", "sent": "0.00123"}


class ConformedOut(Out):
    """A member that was adjusted to the venue's filters, because `conform` allowed it."""

    model_config = example(**_ADJUSTED)

    field: str
    asked: DecimalOut
    sent: DecimalOut


class AdvisedOut(OrderOut):
    """The order as we know it now; `advice` says what to change where the venue refused it."""

    model_config = example(**ORDER_EXAMPLE)

    advice: str = ""

    @classmethod
    def advised(cls, order: Order, advice: str | None) -> Self:
        """The order, and the advice where there is any."""
        return cls.of(order, **{"advice": advice} if advice else {})


class PlacedOut(OrderOut):
    """The order as far as it got; `conformed` tells where it differs from what was asked for."""

    model_config = example(**ORDER_EXAMPLE, conformed=[_ADJUSTED])

    conformed: tuple[ConformedOut, ...] = ()

    @classmethod
    def answering(cls, asked: OrderRequest, order: Order) -> Self:
        """The order that stands for what was asked for."""
        pairs = [
            (field, getattr(asked, field), getattr(order.request, field)) for field in _ADJUSTABLE
        ]
        conformed = tuple(
            ConformedOut(field=field, asked=wanted, sent=sent)
            for field, wanted, sent in pairs
            if wanted != sent
        )
        return cls.of(order, **{"conformed": conformed} if conformed else {})
