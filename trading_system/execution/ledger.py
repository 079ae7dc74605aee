"""Positions in step with the fills on record, whoever booked them and in whatever order.

Fills are folded as orders tell of them. One that comes late, with a time before others, has its
symbol folded anew, since it changes what the later ones earned; and once a minute the fills on
record are counted, so that none that nobody told of is missed. Fills themselves are not kept.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import StorageError
from trading_system.domain.events import OrderChanged, PositionChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Side
from trading_system.domain.positions import Fold, Position
from trading_system.ports import Clock, OrderRepository, RecordedFill

log = structlog.get_logger(__name__)

_ALL = 2**62
_AUDIT_SECONDS = 60.0
_AT_ONCE = 500

Moment = tuple[datetime, int, str, UUID]
Item = TypeVar("Item")


class Page:
    """One symbol: its position, what it realised on which UTC day, and the fills folded last.

    Only so many are remembered. An older fill is taken for one that was folded; where it was not,
    the count tells, and it gets its place, but no event.
    """

    def __init__(self, symbol: Symbol, *, may_short: bool, remember: int) -> None:
        self.realised_on: dict[date, Decimal] = {}
        self.last: RecordedFill | None = None
        self._fold = Fold(symbol, may_short=may_short)
        self._remember = remember
        self._remembered: OrderedDict[Moment, None] = OrderedDict()
        self._forgotten: Moment | None = None

    @property
    def position(self) -> Position:
        """What all the fills have made."""
        return self._fold.position

    def add(self, row: RecordedFill) -> Decimal:
        """Fold one more fill, which must not be older than the last; returns what it realised."""
        realised = self._fold.add(Side(row.side), row.fill)
        day = row.fill.time.date()
        self.realised_on[day] = self.realised_on.get(day, Decimal(0)) + realised
        self.last = row
        self._remembered[_when(row)] = None
        if len(self._remembered) > self._remember:
            self._forgotten, _ = self._remembered.popitem(last=False)
        return realised

    def knows(self, row: RecordedFill) -> bool:
        """Whether it was folded, as far as is remembered."""
        moment = _when(row)
        return moment in self._remembered or (
            self._forgotten is not None and moment <= self._forgotten
        )

    def is_late(self, row: RecordedFill) -> bool:
        """Whether its place is before one that was folded."""
        return self.last is not None and _when(row) < _when(self.last)


class Ledger:
    """Every position, and an event for each fill that is new; `may_short` as in `Fold`.

    `remember` is how many fills of a symbol are known again: 5,000 take a megabyte or two.
    `under_way` are orders being booked just now: who reads the record beside this may see them as
    filled before they are told of.
    """

    def __init__(
        self,
        *,
        orders: OrderRepository,
        clock: Clock,
        bus: Bus,
        may_short: bool = False,
        remember: int = 5_000,
        under_way: Callable[[], Mapping[UUID, Symbol]] = dict,
    ) -> None:
        self._under_way = under_way
        self._orders = orders
        self._clock = clock
        self._bus = bus
        self._may_short = may_short
        self._remember = remember
        self._pages: dict[Symbol, Page] = {}
        self._told: dict[UUID, Symbol] = {}  # orders with fills that may be new
        self._read = False
        self._one_at_a_time = asyncio.Lock()
        self._woken = asyncio.Event()
        bus.subscribe(OrderChanged, self._on_order)

    async def run(self) -> None:
        """Fold fills as soon as orders tell of them, and count all once a minute; until cancelled.

        A record that cannot be read is read again with the next minute or order.
        """
        while True:
            try:
                await self.audit()
                while await self._told_within(_AUDIT_SECONDS):
                    await self.catch_up()
            except StorageError as error:
                log.warning("fills could not be read", error=str(error))
                await self._clock.sleep(1.0)

    @property
    def held(self) -> frozenset[Symbol]:
        """The symbols of which there is a position, as far as is known at this moment."""
        return frozenset(symbol for symbol, page in self._pages.items() if page.position.quantity)

    async def pages(self) -> list[Page]:
        """As the record is now, sorted by symbol; raises StorageError."""
        await self.catch_up()
        return [self._pages[symbol] for symbol in sorted(self._pages)]

    async def catch_up(self) -> None:
        """Fold what orders have told of since the last time; at first, everything on record."""
        if not self._read:
            await self.audit()
        async with self._one_at_a_time:
            told, self._told = self._told, {}  # told again while reading, it is read again
            try:
                booked: defaultdict[Symbol, list[RecordedFill]] = defaultdict(list)
                for order_id, symbol in {**told, **self._under_way()}.items():
                    booked[symbol] += await self._orders.fills(order_id=order_id, limit=_ALL)
                for symbol, rows in booked.items():
                    await self._book(symbol, rows)
            except BaseException:
                self._told = told | self._told
                raise

    async def audit(self) -> None:
        """Compare with how many fills are on record, and fold anew what does not agree."""
        async with self._one_at_a_time:
            for symbol, count in (await self._orders.fill_counts()).items():
                page = self._pages.get(symbol)
                if page is None or page.position.fills != count:
                    await self._refold(symbol)
            self._read = True

    async def _book(self, symbol: Symbol, rows: Iterable[RecordedFill]) -> None:
        page = self._pages.get(symbol) or self._blank(symbol)
        new = sorted((row for row in rows if not page.knows(row)), key=_when)
        if new and page.is_late(new[0]):
            await self._refold(symbol)
        elif new:
            self._pages[symbol] = page
            for row in new:
                self._announce(page, row, page.add(row))

    async def _refold(self, symbol: Symbol) -> None:
        """From the record alone; events tell of what is new, but not of all the past at start."""
        old, page = self._pages.get(symbol), self._blank(symbol)
        rows = await self._orders.fills(symbol=symbol, limit=_ALL)
        by_time = [(_when(row), row) async for row in _unhurried(rows)]
        by_time.sort()
        new = []
        async for _, row in _unhurried(by_time):
            realised = page.add(row)
            if self._read and not (old and old.knows(row)):
                new.append((row, realised))
        self._pages[symbol] = page
        for row, realised in new:
            self._announce(page, row, realised)

    def _blank(self, symbol: Symbol) -> Page:
        return Page(symbol, may_short=self._may_short, remember=self._remember)

    def _announce(self, page: Page, row: RecordedFill, realised: Decimal) -> None:
        self._bus.publish(
            PositionChanged(
                position=page.position,
                realised=realised,
                order_id=row.order_id,
                trade_id=row.fill.trade_id,
            )
        )

    def _on_order(self, event: OrderChanged) -> None:
        if event.order.executed_quantity:
            self._told[event.order.id] = event.order.request.symbol
            self._woken.set()

    async def _told_within(self, seconds: float) -> bool:
        """Wait for an order to tell of fills; False when none has for so long."""
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        told = self._woken.is_set()
        self._woken.clear()
        return told


async def _unhurried(items: Iterable[Item]) -> AsyncIterator[Item]:
    """One after the other: years of fills take seconds, and others share the loop."""
    for number, item in enumerate(items):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
        yield item


def _when(row: RecordedFill) -> Moment:
    """The order of fills: the venue's time, then its trade number; no two fills have the same."""
    return row.fill.time, len(row.fill.trade_id), row.fill.trade_id, row.order_id
