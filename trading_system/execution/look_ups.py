"""Asks about one order after the other until each is known; settles what never arrived.

"Does not exist" is no proof while a venue's caches may lag. Only after it was said for `patience`
seconds and at least three times, and when neither open orders nor all orders nor a trade of
nobody's show it, is an order settled. One that was never acknowledged is booked as REJECTED or,
where that is wanted, sent once more under the same id; one that the venue had and has forgotten (a
test network is wiped, an old order archived) is booked as EXPIRED with what was executed of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import structlog

from trading_system.domain.errors import (
    CircuitOpen,
    ExchangeError,
    OrderNotFound,
    RateLimited,
    TradingError,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reports import Fill, Report, VenueFill, VenueOrder
from trading_system.execution.adoption import foreign_id
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciliation import compare
from trading_system.ports import AccountRecords, Clock, OrderRepository, Trading

log = structlog.get_logger(__name__)

UNSURE = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN, OrderStatus.PENDING_CANCEL})
_ENOUGH = 3  # times "does not exist" before it is believed
_NOBODY_ANSWERS = (Unreachable, RateLimited, CircuitOpen)
_CLOCKS_DIFFER = timedelta(minutes=10)
_KEPT_THERE = timedelta(days=90)  # orders without fills are not kept longer at Binance
_MANY = 10_000


class Asked(NamedTuple):
    """How many orders were looked up, and of how many there was news."""

    orders: int = 0
    news: int = 0


def is_in_doubt(order: Order) -> bool:
    """Whether the venue has not said what became of it, or of our cancelling it."""
    return order.status in UNSURE and not order.is_waiting


class LookUps:
    """Looks orders up by client order id. With `resend`, what is proven absent is sent again.

    What is in doubt is asked about by `trading`, as orders are sent, and what rests by
    `background`, for which nobody waits.

    Nothing older than twice the patience is: a proof takes one, and what was wanted before that,
    a market order above all, may not be wanted now.
    """

    def __init__(
        self,
        *,
        manager: OrderManager,
        orders: OrderRepository,
        records: AccountRecords,
        trading: Trading,
        background: Trading,
        clock: Clock,
        patience: float = 60.0,
        resend: bool = False,
    ) -> None:
        self._manager = manager
        self._orders = orders
        self._records = records
        self._trading = trading
        self._background = background
        self._clock = clock
        self._patience = patience
        self._resend = resend
        self._absent: dict[UUID, tuple[float, int]] = {}  # first said at, how often
        self._unanswered: set[UUID] = set()
        self._sent_again: set[UUID] = set()
        self._refused: set[UUID] = set()  # told of, once each

    async def ask(self, suspects: Iterable[Order]) -> Asked:
        """Ask about each once; a venue that cannot be asked is asked next time.

        It may fail at some order again and again: those it failed at come last then.
        """
        asked, missing = Asked(), []
        once = {each.id: each for each in suspects}.values()
        for order in sorted(once, key=lambda each: each.id in self._unanswered):
            self._unanswered.discard(order.id)
            if self._manager.is_sending(order.id):
                continue
            try:
                after = await self._look_up(order)
                self._absent.pop(order.id, None)
                asked = Asked(asked.orders + 1, asked.news + (after != order))
            except OrderNotFound:
                asked = Asked(asked.orders + 1, asked.news)
                if self._has_been_patient(order):
                    missing.append(order)
            except _NOBODY_ANSWERS as error:
                log.debug("could not look up", order_id=str(order.id), error=str(error))
                self._unanswered.add(order.id)
                break
            except TradingError as error:
                # It is about this order alone, such as one of a symbol that was delisted.
                if order.id not in self._refused:
                    log.warning("look-up refused", order_id=str(order.id), error=str(error))
                    self._refused.add(order.id)
        if missing:
            try:
                await self._settle(missing)
            except ExchangeError as error:
                log.debug("could not prove absence", orders=len(missing), error=str(error))
        return asked

    async def _look_up(self, order: Order) -> Order:
        """The order after the answer; as it was, where the answer may be from before our cancel."""
        report = await (self._trading if is_in_doubt(order) else self._background).find(order)
        now = await self._orders.get(order.id)
        cancelled = now.status is not order.status and now.status is OrderStatus.PENDING_CANCEL
        if cancelled or self._manager.is_sending(order.id):
            return order  # in doubt: whoever cancels hears more, or it is asked again
        return await self._manager.on_report(report)

    def _has_been_patient(self, order: Order) -> bool:
        """One more "does not exist"; True once it was said often and long enough, then anew."""
        now = self._clock.monotonic()
        first, times = self._absent.pop(order.id, (now, 0))
        if now - first >= self._patience and times + 1 >= _ENOUGH:
            return True
        self._absent[order.id] = (first, times + 1)
        return False

    async def _settle(self, missing: Iterable[Order]) -> None:
        """End, or send again, those that no record of the venue shows either."""
        unproven: defaultdict[Symbol, list[Order]] = defaultdict(list)
        for order in missing:
            unproven[order.request.symbol].append(order)
        open_there = await self._records.open_orders()
        for symbol, orders in unproven.items():
            try:
                await self._settle_in(symbol, orders, open_there)
            except UnknownSymbol as delisted:
                log.debug("could not prove absence", symbol=str(symbol), error=str(delisted))

    async def _settle_in(
        self, symbol: Symbol, missing: list[Order], open_there: list[VenueOrder]
    ) -> None:
        first = min(order.created_at for order in missing) - _CLOCKS_DIFFER
        since = max(first, self._clock.now() - _KEPT_THERE)
        shown = [*open_there, *await self._records.orders(symbol, since=since)]
        fills = await self._records.fills(symbol, since=since)
        ours = await self._orders.among(
            ids=[order.id for order in missing] + [foreign_id(each) for each in shown],
            client_order_ids={each.report.client_order_id for each in shown},
            venue_order_ids={(symbol, fill.venue_order_id) for fill in fills},
        )
        comparison = compare(ours, [], shown, fills)
        strange_sides = {fill.side for fill in comparison.loose}
        taken = {(each.symbol, each.report.venue_order_id) for each in shown}
        for order in missing:
            news = [r for r in comparison.reports if r.client_order_id == order.client_order_id]
            if news:
                await self._manager.on_report(news[0])
            elif order.id in comparison.shown:
                log.debug("not gone, the lists show it", order_id=str(order.id))
            elif not order.is_unseen:
                at = symbol, order.venue_order_id
                # A venue that was wiped gives its numbers again.
                await self._forgotten(order, [] if at in taken else _fills_of(order, fills))
            elif order.request.side in strange_sides:
                log.warning("a trade of nobody's may be its", order_id=str(order.id))
            else:
                await self._end(order)

    async def _forgotten(self, order: Order, fills: list[Fill]) -> None:
        """What an order stays as that the venue had: as it ended, or else expired."""
        log.error("the venue has forgotten an order", order_id=str(order.id))
        booked = await self._orders.fills(order_id=order.id, limit=_MANY)
        heard = {row.fill.trade_id: row.fill for row in booked}
        fresh = tuple(fill for fill in fills if fill.trade_id not in heard)
        ended = order.status.is_final
        if ended and not fresh:
            return
        every = [*heard.values(), *fresh]
        quantity = sum((fill.quantity for fill in every), Decimal(0))
        quote = sum((fill.quote_quantity for fill in every), Decimal(0))
        await self._manager.on_report(
            Report(
                client_order_id=order.client_order_id,
                status=order.status if ended else OrderStatus.EXPIRED,
                source="reconciler",
                time=self._clock.now(),
                executed_quantity=max(quantity, order.executed_quantity),
                executed_quote=max(quote, order.executed_quote),
                fills=fresh,
                reject_reason=order.reject_reason if ended else "the venue no longer knows it",
            )
        )

    async def _end(self, order: Order) -> None:
        age = (self._clock.now() - order.created_at).total_seconds()
        if self._resend and order.id not in self._sent_again and age <= 2 * self._patience:
            self._sent_again.add(order.id)
            log.warning("sent again, it never arrived", order_id=str(order.id), age_seconds=age)
            await self._manager.send_again(order)
            return
        await self._manager.on_report(
            Report(
                client_order_id=order.client_order_id,
                status=OrderStatus.REJECTED,
                source="reconciler",
                time=self._clock.now(),
                reject_reason="the venue never got it",
            )
        )


def _fills_of(order: Order, fills: Iterable[VenueFill]) -> list[Fill]:
    earliest = order.created_at - _CLOCKS_DIFFER
    return [
        each.fill
        for each in fills
        if (each.venue_order_id, each.side) == (order.venue_order_id, order.request.side)
        and each.fill.time >= earliest
    ]
