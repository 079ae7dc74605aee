"""Books what a comparison with the venue's record tells beyond ours; it decides nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from trading_system.domain.reports import VenueOrder
from trading_system.execution.adoption import adopted
from trading_system.execution.look_ups import Asked, LookUps, is_in_doubt
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciliation import Comparison
from trading_system.ports import OrderRepository

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Tally:
    """How many orders were looked up, took a step, and are new here."""

    asked: int = 0
    booked: int = 0
    adopted: int = 0

    def count(self, asked: Asked) -> None:
        """Add look-ups."""
        self.asked += asked.orders
        self.booked += asked.news


class News:
    """Reports of our orders, orders of others, and what nobody doubts and has to be looked up."""

    def __init__(
        self, *, manager: OrderManager, orders: OrderRepository, look_ups: LookUps
    ) -> None:
        self._manager = manager
        self._orders = orders
        self._look_ups = look_ups

    async def book(self, comparison: Comparison, tally: Tally) -> None:
        """Reports, strangers, then the orders to look up; `tally` counts. Raises TradingError."""
        for report in comparison.reports:
            await self._manager.on_report(report)
        for stranger in comparison.strangers:
            tally.adopted += await self._adopt(stranger)
        for fill in comparison.loose:
            log.warning(
                "a trade of an order that nobody shows",
                symbol=str(fill.symbol),
                venue_order_id=fill.venue_order_id,
                trade_id=fill.fill.trade_id,
            )
        tally.booked += len(comparison.reports)
        rest = [order for order in comparison.look_up if not is_in_doubt(order)]
        tally.count(await self._look_ups.ask(rest))

    async def _adopt(self, stranger: VenueOrder) -> bool:
        """Take over what somebody else placed, with all that became of it; True when it is new."""
        try:
            order = adopted(stranger)
        except ValueError as unheard_of:
            log.warning("an order that cannot be adopted", error=str(unheard_of))
            return False
        kept = await self._orders.adopt(order)
        await self._manager.on_report(
            replace(stranger.report, client_order_id=kept.client_order_id)
        )
        return kept.id == order.id
