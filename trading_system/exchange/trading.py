"""The signed calls: orders out, reports back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import structlog

from trading_system.domain.errors import ExchangeError
from trading_system.domain.orders import Order
from trading_system.domain.reports import Balance, Replacement, Report
from trading_system.exchange import modifications, translate
from trading_system.exchange.faults import HalfDone
from trading_system.exchange.gateway import Gateway, always
from trading_system.exchange.listing import Listing
from trading_system.exchange.modifications import identity
from trading_system.exchange.record_pages import trades_of
from trading_system.resilience.limits import Priority

log = structlog.get_logger(__name__)


class BinanceTrading:
    """Trading over the gateway; `listing` tells the venue's names of symbols.

    Its questions go with this priority; what changes something goes as orders do.
    """

    def __init__(
        self, gateway: Gateway, listing: Listing, priority: Priority = Priority.ORDERS
    ) -> None:
        self._gateway = gateway
        self._listing = listing
        self._priority = priority

    async def place(self, order: Order, *, still_wanted: Callable[[], None] = always) -> Report:
        """Send it once. Raises Rejected, or OutcomeUnknown when no answer came or none to read.

        `still_wanted` is as of Gateway.change.
        """
        venue_id = await self._listing.venue_id(order.request.symbol)
        parameters = translate.order_parameters(order, venue_id)
        answer = await self._gateway.change(
            "order", method="POST", still_wanted=still_wanted, **parameters
        )
        with translate.understood(state_changing=True):
            return translate.placed(answer, order)

    async def cancel(self, order: Order) -> Report:
        """Cancel what is left of it. Raises OrderNotFound when nothing is open under its id.

        A leg takes its whole list with it; what becomes of the others is told by their own reports.
        """
        venue_id = self._name(order)
        answer = await self._gateway.change(
            "order", method="DELETE", symbol=venue_id, **identity(order)
        )
        with translate.understood(state_changing=True):
            answer = translate.of_order(answer, order)
            report = translate.looked_up(answer, order, [], source="answer")
        try:
            with translate.understood(state_changing=False):
                return await self._with_trades(answer, order, venue_id, source="answer")
        except ExchangeError as error:
            # It is cancelled all the same; the totals say that fills are missing.
            log.warning("no trades", order_id=str(order.id), error=str(error))
            return report

    async def amend(self, order: Order, quantity: Decimal) -> Report:
        """Shrink it in its place of the queue; raises Rejected, or OutcomeUnknown."""
        parameters: dict[str, Any] = modifications.amend_parameters(
            order, self._name(order), quantity
        )
        answer = await self._gateway.change("order/amend/keepPriority", method="PUT", **parameters)
        with translate.understood(state_changing=True):
            return modifications.amended(answer, order)

    async def replace(
        self, old: Order, new: Order, *, still_wanted: Callable[[], None] = always
    ) -> Replacement:
        """Cancel one and place the other in one call; a half that failed is told, not raised.

        Raises OutcomeUnknown, and whatever else says that nothing at all was done.
        """
        parameters = modifications.replace_parameters(old, new, self._name(old))
        told: Mapping[str, Any]
        try:
            told = await self._gateway.change(
                "order/cancelReplace", method="POST", still_wanted=still_wanted, **parameters
            )
        except HalfDone as half:
            told = half.data
        with translate.understood(state_changing=True):
            return modifications.replaced(told, old, new)

    async def find(self, order: Order) -> Report:
        """What the venue knows of it, by our client order id; raises OrderNotFound."""
        venue_id = self._name(order)
        answer = await self._gateway.read(
            "order", signed=True, priority=self._priority, symbol=venue_id, **identity(order)
        )
        with translate.understood(state_changing=False):
            return await self._with_trades(answer, order, venue_id, source="lookup")

    async def balances(self) -> list[Balance]:
        """Assets with a free or locked amount."""
        answer = await self._gateway.read(
            "account", signed=True, priority=self._priority, omitZeroBalances="true"
        )
        with translate.understood(state_changing=False):
            return translate.balances(answer)

    async def _with_trades(
        self, answer: translate.Json, order: Order, venue_id: str, *, source: str
    ) -> Report:
        trades: list[translate.Json] = []
        # Even where the totals are known already: one of its fills may have gone unheard.
        if translate.executed(answer):
            trades = await trades_of(
                self._gateway, "myTrades", venue_id, answer["orderId"], priority=self._priority
            )
        return translate.looked_up(answer, order, trades, source=source)

    def _name(self, order: Order) -> str:
        """Without asking: what was sent must be found and cancelled whatever is listed today.

        A symbol that is no longer listed has the name that all of Binance Spot's have.
        """
        symbol = order.request.symbol
        return self._listing.known_venue_id(symbol) or f"{symbol.base}{symbol.quote}"
