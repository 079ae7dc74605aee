"""What is free to pay with: the venue's word on balances, less what it cannot know of yet.

Pushes keep the word fresh, so that no order has to wait for an answer. Between a push and an order
it stays right because orders that the word does not contain are taken off: those without an answer,
those saved after the word was given, and those that had not arrived when it was asked for. A push
may overtake nothing: what comes late only makes less of it seem free, or leaves the last refusal to
the venue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import ExchangeError
from trading_system.domain.events import BalancesChanged, OrderChanged, VenueChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Balance
from trading_system.execution.exposures import is_unanswered, pays, pays_with, tied_up
from trading_system.ports import Clock, Commitment

log = structlog.get_logger(__name__)

_PUSHES = "stream user"


class Purse:
    """Free amounts by asset; asked anew after `max_age` seconds while nothing is pushed."""

    def __init__(
        self,
        *,
        balances: Callable[[], Awaitable[list[Balance]]],
        is_pushed: Callable[[], bool],
        clock: Clock,
        bus: Bus,
        max_age: float = 5.0,
    ) -> None:
        self._balances = balances
        self._is_pushed = is_pushed
        self._clock = clock
        self._max_age = max_age
        self._asking = asyncio.Lock()
        self._events = 0  # words and orders, numbered in the order they came
        self._free: dict[str, tuple[Decimal, int]] = {}
        self._told: int | None = None  # number of the last whole answer
        self._told_at = float("-inf")
        self._unbroken = False  # pushes have come ever since
        self._saved: dict[UUID, tuple[str, int]] = {}  # what it pays with, and its number
        self._on_their_way: set[UUID] = set()  # of these the venue has told nothing yet
        bus.subscribe(OrderChanged, self._on_order)
        bus.subscribe(BalancesChanged, self._on_push)
        bus.subscribe(VenueChanged, self._on_venue)

    async def refresh(self) -> None:
        """Ask the venue, unless what is known is right; when it cannot be asked nothing changes."""
        async with self._asking:
            if self._is_fresh:
                return
            number, asked_at = self._next(), self._clock.monotonic()
            for order_id in self.unheard & self._on_their_way:  # it may arrive after the question
                self._saved[order_id] = self._saved[order_id][0], self._next()
            self._unbroken = self._is_pushed()
            try:
                balances = await self._balances()
            except ExchangeError as error:
                self._unbroken = False
                log.warning("balances are not known", error=str(error))
                return
            # What was pushed meanwhile is newer; what is not listed is nothing.
            pushed = {name: word for name, word in self._free.items() if word[1] > number}
            self._free = {each.asset: (each.free, number) for each in balances} | pushed
            self._told, self._told_at = number, asked_at

    def saved(self, order_id: UUID, asset: str) -> None:
        """An order that pays with `asset` is on record, and no word so far knows of it."""
        if self._told is not None or self._asking.locked():  # else every word is still to come
            self._saved[order_id] = asset, self._next()
            self._on_their_way.add(order_id)

    @property
    def unheard(self) -> frozenset[UUID]:
        """Orders saved after the last word on what they pay with: `free` has to see them."""
        for order_id, (asset, number) in list(self._saved.items()):
            if number < self._last_word(asset):
                del self._saved[order_id]
        return frozenset(self._saved)

    def free(
        self,
        orders: Iterable[Commitment],
        price: Callable[[Symbol], Decimal | None],
        *,
        instead_of: UUID | None = None,
    ) -> dict[str, Decimal] | None:
        """By asset, given the orders that are open or `unheard` of; None before the first word.

        What the order `instead_of` ties up counts as free.
        """
        if self._told is None:
            return None
        free = {asset: amount for asset, (amount, _) in self._free.items()}
        for order in orders:
            asset = pays_with(order)
            _, number = self._saved.get(order.id, (asset, -1))
            if is_unanswered(order) or (number > self._last_word(asset) and not order.waits):
                free[asset] = free.get(asset, Decimal(0)) - pays(order, price(order.symbol))
            if order.id == instead_of:
                free[asset] = free.get(asset, Decimal(0)) + tied_up(order)
            if not is_unanswered(order):
                self._on_their_way.discard(order.id)
            if order.status.is_final and not order.executed_quantity:
                self._saved.pop(order.id, None)  # no word will come of what changed nothing
        return free

    def _last_word(self, asset: str) -> int:
        """The number of the last word on it; what was not listed in a whole answer is nothing."""
        return self._free[asset][1] if asset in self._free else self._told or 0

    @property
    def _is_fresh(self) -> bool:
        if self._told is None:
            return False
        if self._unbroken and self._is_pushed():
            return True
        return self._clock.monotonic() - self._told_at <= self._max_age

    def _on_push(self, changed: BalancesChanged) -> None:
        number = self._next()
        for each in changed.balances:
            self._free[each.asset] = each.free, number

    def _on_order(self, changed: OrderChanged) -> None:
        if not changed.order.is_unseen:
            self._on_their_way.discard(changed.order.id)

    def _on_venue(self, changed: VenueChanged) -> None:
        if changed.part == _PUSHES:
            self._unbroken = False

    def _next(self) -> int:
        self._events += 1
        return self._events
