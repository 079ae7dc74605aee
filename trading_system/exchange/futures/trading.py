"""The signed calls of USD-M futures: orders out, reports back.

What waits for a trigger is an algo order until then and an ordinary one, under the same client
order id, from then on. Nobody above notices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import structlog

from trading_system.domain.errors import (
    ExchangeError,
    OrderNotFound,
    OutcomeUnknown,
    Rejected,
    TradingError,
)
from trading_system.domain.orders import Order
from trading_system.domain.reports import Balance, Replacement, Report
from trading_system.exchange.futures import translate
from trading_system.exchange.futures.order_types import waits_for_trigger
from trading_system.exchange.gateway import Gateway, always
from trading_system.exchange.listing import Listing
from trading_system.exchange.modifications import id_there, identity
from trading_system.exchange.record_pages import trades_of
from trading_system.exchange.translate import Json, moment, understood
from trading_system.resilience.limits import Priority

log = structlog.get_logger(__name__)

_NO_SUCH_ORDER = -2013
_AS_IT_WAS = -5027  # a PUT whose answer was cut off is sent again by aiohttp: it had been done
_FILLED_MEANWHILE = "the old order has filled some more meanwhile: nothing was placed"


class FuturesTrading:
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
        if waits_for_trigger(order.request):
            parameters = translate.algo_parameters(order, venue_id)
            answer = await self._gateway.change(
                "algoOrder", method="POST", still_wanted=still_wanted, **parameters
            )
            with understood(state_changing=True):
                return translate.algo_reported(answer, source="answer")
        parameters = translate.order_parameters(order, venue_id)
        answer = await self._gateway.change(
            "order", method="POST", still_wanted=still_wanted, **parameters
        )
        with understood(state_changing=True):
            return translate.reported(answer, order.client_order_id, source="answer")

    async def cancel(self, order: Order) -> Report:
        """Cancel what is left of it. Raises OrderNotFound when nothing is open under its id."""
        report = await self._cancelled(order)
        try:
            return await self._with_trades(report, order)
        except ExchangeError as error:
            # It is cancelled all the same; the totals say that fills are missing.
            log.warning("no trades", order_id=str(order.id), error=str(error))
            return report

    async def amend(self, order: Order, quantity: Decimal) -> Report:
        """Another quantity under the same id; unlike on spot it goes to the end of its queue.

        Raises NotAllowed for what has no price, Rejected, or OutcomeUnknown.
        """
        parameters: dict[str, Any] = translate.amend_parameters(order, self._name(order), quantity)
        try:
            answer = await self._gateway.change("order", method="PUT", **parameters)
        except Rejected as refused:
            if refused.code != _AS_IT_WAS:
                raise
            return await self._as_it_is(order)
        with understood(state_changing=True):
            return translate.reported(answer, order.client_order_id, source="answer")

    async def replace(
        self, old: Order, new: Order, *, still_wanted: Callable[[], None] = always
    ) -> Replacement:
        """Cancel one, then place the other: two calls, since futures have none for both.

        Nothing is placed when the old one turns out to have filled more than was known: the two
        could execute more than was wanted. Raises OutcomeUnknown when either answer got lost.
        `still_wanted` is asked before each: an order nobody may replace is not cancelled for it.
        """
        try:
            cancelled = await self._cancelled(old, still_wanted)
        except Rejected as refused:
            return Replacement(cancelled=None, placed=None, cancel_refusal=str(refused))
        if cancelled.executed_quantity > old.executed_quantity:
            return Replacement(cancelled=cancelled, placed=None, place_refusal=_FILLED_MEANWHILE)
        try:
            placed = await self.place(new, still_wanted=still_wanted)
        except OutcomeUnknown:
            raise
        except TradingError as refused:
            return Replacement(
                cancelled=cancelled,
                placed=None,
                place_refusal=getattr(refused, "reason", str(refused)),
                place_code=getattr(refused, "code", None),
            )
        return Replacement(cancelled=cancelled, placed=placed)

    async def find(self, order: Order) -> Report:
        """What the venue knows of it, by our client order id; raises OrderNotFound."""
        if waits_for_trigger(order.request):
            try:
                return await self._find_algo(order)
            except OrderNotFound:
                pass  # somebody else's may be an ordinary one from the start: web pages make them
        return await self._find_order(order, **identity(order))

    async def balances(self) -> list[Balance]:
        """The wallets; `locked` is what serves as margin."""
        rows = await self._gateway.read("balance", signed=True, priority=self._priority)
        with understood(state_changing=False):
            return translate.balances(rows)

    async def _as_it_is(self, order: Order) -> Report:
        try:
            return await self.find(order)
        except ExchangeError as error:
            raise OutcomeUnknown(str(error)) from error

    async def _cancelled(self, order: Order, still_wanted: Callable[[], None] = always) -> Report:
        """Without its fills."""
        client_order_id, named = order.client_order_id, identity(order)
        if waits_for_trigger(order.request):
            try:
                if order.foreign:
                    named = _once_triggered(order, await self._algo(order))
                answer = await self._gateway.change(
                    "algoOrder",
                    method="DELETE",
                    still_wanted=still_wanted,
                    **_algo_identity(order),
                )
            except OrderNotFound:
                pass  # its trigger may have been reached: then an order of the same id is open
            else:
                now = moment(self._gateway.venue_milliseconds())
                with understood(state_changing=True):
                    report = translate.algo_cancelled(answer, time=now)
                    return replace(report, client_order_id=client_order_id)
        answer = await self._gateway.change(
            "order",
            method="DELETE",
            still_wanted=still_wanted,
            symbol=self._name(order),
            **named,
        )
        with understood(state_changing=True):
            return translate.reported(answer, client_order_id, source="answer")

    async def _find_algo(self, order: Order) -> Report:
        answer = await self._algo(order)
        with understood(state_changing=False):
            report = translate.algo_reported(answer, source="lookup")
            report = replace(report, client_order_id=order.client_order_id)
            triggered = translate.triggered_order(answer)
        if triggered is None:
            return report
        try:
            return await self._find_order(order, orderId=triggered)
        except OrderNotFound:
            return report  # one that was just triggered may not have got there yet

    async def _algo(self, order: Order) -> Json:
        """As the venue has it; raises OrderNotFound, also where its number is another's there.

        Ordinary orders are counted apart, and what waits for a trigger may be one of them.
        """
        answer: Json = await self._gateway.read(
            "algoOrder", signed=True, priority=self._priority, **_algo_identity(order)
        )
        with understood(state_changing=False):
            if answer["clientAlgoId"] != id_there(order):
                raise OrderNotFound(_NO_SUCH_ORDER, "Order does not exist.")
        return answer

    async def _find_order(self, order: Order, **by: Any) -> Report:
        answer = await self._gateway.read(
            "order", signed=True, priority=self._priority, symbol=self._name(order), **by
        )
        with understood(state_changing=False):
            report = translate.reported(answer, order.client_order_id, source="lookup")
        return await self._with_trades(report, order)

    async def _with_trades(self, report: Report, order: Order) -> Report:
        """Of what has filled, even where the totals are known: a fill may have gone unheard."""
        if not report.executed_quantity:
            return report
        with understood(state_changing=False):
            trades = await trades_of(
                self._gateway,
                "userTrades",
                self._name(order),
                report.venue_order_id,
                priority=self._priority,
            )
            return translate.with_fills(report, trades)

    def _name(self, order: Order) -> str:
        """Without asking: what was sent must be found and cancelled whatever is listed today."""
        symbol = order.request.symbol
        return self._listing.known_venue_id(symbol) or f"{symbol.base}{symbol.quote}"


def _algo_identity(order: Order) -> dict[str, Any]:
    """As `identity`, of an order that waits for its trigger."""
    if order.foreign and order.venue_order_id is not None:
        return {"algoId": order.venue_order_id}
    return {"clientAlgoId": order.client_order_id}


def _once_triggered(order: Order, algo: Json) -> dict[str, Any]:
    """What names the order that it became, or is about to: its number is another one."""
    with understood(state_changing=False):
        triggered = translate.triggered_order(algo)
    return {"orderId": triggered} if triggered else {"origClientOrderId": id_there(order)}
