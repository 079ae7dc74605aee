"""What an order filled while another took its place is not traded a second time.

The venue cancels and places in one call. What the old order fills during it, the new one has too
many, and is made smaller by, or cancelled where that cannot be. What both are to execute in all was
saved with the new one: what is too much can be told after a crash as well, and as often as one
likes. What the new one traded before that cannot be taken back; it is told.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from uuid import UUID

import structlog

from trading_system.domain.errors import Rejected, TradingError
from trading_system.domain.orders import NotModified, Order, OrderStatus
from trading_system.domain.reports import Report
from trading_system.execution import steps
from trading_system.execution.booking import Booking
from trading_system.execution.calls import Calls
from trading_system.execution.steps import OnStep
from trading_system.ports import OrderRepository, Trading

log = structlog.get_logger(__name__)

_RESTING = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


class Excess:
    """Makes orders smaller by what those whose place they took have filled since."""

    def __init__(
        self,
        *,
        trading: Trading,
        orders: OrderRepository,
        booking: Booking,
        calls: Calls,
        on_step: OnStep,
    ) -> None:
        self._trading = trading
        self._orders = orders
        self._booking = booking
        self._calls = calls
        self._on_step = on_step

    async def cut_all(self) -> None:
        """Every resting order that is too large; what cannot be done now is, the next time."""
        for new in await self._orders.replacements():
            if new.id in self._calls or not await self._of(new):
                continue
            try:
                await self._looked_up_and_cut(new.id)
            except TradingError as error:  # the others must not wait for it
                log.warning("more is open than was asked for", order_id=str(new.id), why=str(error))

    async def gone(self, order: Order) -> Order:
        """The order without any: only then it is known what of it is open.

        Raises NotModified while that cannot be told, or done, and what keeps the venue from being
        asked.
        """
        if order.replaces is None or order.status.is_final:
            return order
        if not (await self._orders.get(order.replaces)).status.is_final:
            raise NotModified(
                f"it took the place of {order.replaces}, of which it is not known yet how far it "
                "got: try again in a moment",
                old=order,
            )
        if not await self._of(order):
            return order
        after = await self._looked_up_and_cut(order.id)
        if not after.status.is_final and await self._of(after):
            raise NotModified(
                "more of it is open than was asked for, and cannot be cut off now: try again in a "
                "moment",
                old=after,
            )
        return after

    async def cut(self, new: Order) -> Order:
        """The order as large as it may be, as far as that could be done; for who holds its calls.

        Whatever fails is tried again by `cut_all`.
        """
        excess = await self._of(new)
        if not excess or new.status not in _RESTING:
            return new
        log.info("the old order filled meanwhile", order_id=str(new.id), excess=str(excess))
        try:
            after = await self._smaller(new, excess)
        except TradingError as error:
            log.warning("more is open than was asked for", order_id=str(new.id), why=str(error))
            with suppress(TradingError):  # its answer may have got lost
                return await self._looked_up(new)
            return await self._orders.get(new.id)
        if left := await self._of(after):
            log.error("more was traded than was asked for", order_id=str(new.id), excess=str(left))
        return after

    async def _looked_up_and_cut(self, order_id: UUID) -> Order:
        """It may have been done already, by a call whose answer got lost."""
        async with self._calls.alone(order_id):
            return await self.cut(await self._looked_up(await self._orders.get(order_id)))

    async def _of(self, new: Order) -> Decimal:
        """How much more than was wanted both may come to execute."""
        if new.replaces is None or new.wanted_in_all is None:
            return Decimal(0)
        old = await self._orders.get(new.replaces)
        may_execute = new.executed_quantity if new.status.is_final else new.request.quantity
        assert may_execute is not None  # noqa: S101 -- only what has a quantity is replaced
        return max(old.executed_quantity + may_execute - new.wanted_in_all, Decimal(0))

    async def _smaller(self, new: Order, excess: Decimal) -> Order:
        asked = new.request.quantity
        assert asked is not None  # noqa: S101 -- it has an excess
        if asked - excess > new.executed_quantity:
            try:
                return await self._sent(await self._amended(new, asked - excess))
            except Rejected as refused:
                log.warning("not amended", order_id=str(new.id), error=str(refused))
                new = await self._looked_up(new)
                # A PUT is repeated on a connection that was cut: refused, but done before.
                if not await self._of(new) or new.status not in _RESTING:
                    return new
        why = "the order whose place it took filled meanwhile"
        new = await self._booking.verdict(new, OrderStatus.PENDING_CANCEL, why)
        self._on_step(steps.BEFORE_SEND)
        return await self._sent(await self._trading.cancel(new))

    async def _amended(self, new: Order, quantity: Decimal) -> Report:
        self._on_step(steps.BEFORE_SEND)
        return await self._trading.amend(new, quantity)

    async def _sent(self, report: Report) -> Order:
        self._on_step(steps.ANSWERED)
        after = await self._booking.on_report(report)
        self._on_step(steps.AFTER_BOOKING)
        return after

    async def _looked_up(self, new: Order) -> Order:
        return await self._booking.on_report(await self._trading.find(new))
