"""Positions in step with the fills on record, whoever booked them and in whatever order.

Fills are folded as orders tell of them. One that comes late, with a time before others, has its
symbol folded anew, since it changes what the later ones earned; and once a minute the fills on
record are counted, so that none that nobody told of is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import StorageError
from trading_system.domain.events import OrderChanged, PositionChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Side
from trading_system.domain.positions import Position, applied
from trading_system.ports import Clock, OrderRepository, RecordedFill

log = structlog.get_logger(__name__)

_ALL = 2**62
_AUDIT_SECONDS = 60.0
_AT_ONCE = 500

FillKey = tuple[str, UUID]


@dataclass(slots=True)
class Page:
    """One symbol: its position, which fills made it, and what they realised on which UTC day."""

    position: Position
    may_short: bool
    seen: set[FillKey] = field(default_factory=set)
    realised_on: dict[date, Decimal] = field(default_factory=dict)
    last: RecordedFill | None = None

    def add(self, row: RecordedFill) -> Decimal:
        """Fold one more fill, which must not be older than the last; returns what it realised."""
        before = self.position.realised
        self.position = applied(self.position, Side(row.side), row.fill, may_short=self.may_short)
        realised = self.position.realised - before
        day = row.fill.time.date()
        self.realised_on[day] = self.realised_on.get(day, Decimal(0)) + realised
        self.seen.add(_key(row))
        self.last = row
        return realised


class Ledger:
    """Every position, and an event for each fill that is new; `may_short` as in `applied`."""

    def __init__(
        self, *, orders: OrderRepository, clock: Clock, bus: Bus, may_short: bool = False
    ) -> None:
        self._orders = orders
        self._clock = clock
        self._bus = bus
        self._may_short = may_short
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
            for order_id, symbol in list(self._told.items()):
                del self._told[order_id]  # told once more while reading, it is read once more
                try:
                    await self._book(
                        symbol, await self._orders.fills(order_id=order_id, limit=_ALL)
                    )
                except BaseException:
                    self._told[order_id] = symbol
                    raise

    async def audit(self) -> None:
        """Compare with how many fills are on record, and fold anew what does not agree."""
        async with self._one_at_a_time:
            for symbol, count in (await self._orders.fill_counts()).items():
                page = self._pages.get(symbol)
                if page is None or len(page.seen) != count:
                    await self._refold(symbol, page)
            self._read = True

    async def _book(self, symbol: Symbol, rows: Iterable[RecordedFill]) -> None:
        page = self._pages.get(symbol) or Page(Position(symbol=symbol), self._may_short)
        new = sorted((row for row in rows if _key(row) not in page.seen), key=_when)
        if not new:
            return
        if page.last is not None and _when(new[0]) < _when(page.last):
            await self._refold(symbol, page)
            return
        self._pages[symbol] = page
        for row in new:
            self._announce(page, row, page.add(row))

    async def _refold(self, symbol: Symbol, old: Page | None) -> None:
        """From the record alone; events tell of what is new, but not of all the past at start."""
        rows = sorted(await self._orders.fills(symbol=symbol, limit=_ALL), key=_when)
        page = Page(Position(symbol=symbol), self._may_short)
        realised = {}
        for number, row in enumerate(rows):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # years of fills take seconds, and others share the loop
            realised[_key(row)] = page.add(row)
        self._pages[symbol] = page
        if self._read:
            known = set() if old is None else old.seen
            for row in rows:
                if _key(row) not in known:
                    self._announce(page, row, realised[_key(row)])

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


def _key(row: RecordedFill) -> FillKey:
    return row.fill.trade_id, row.order_id


def _when(row: RecordedFill) -> tuple[datetime, int, str, UUID]:
    """The order of fills: the venue's time, then its trade number."""
    return row.fill.time, len(row.fill.trade_id), row.fill.trade_id, row.order_id
