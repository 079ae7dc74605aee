"""What was published lately, in order and numbered, for readers that come back after a pause.

It keeps a bounded window and says when that was too short; it is no record: orders and candles are
kept by the database.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import uuid4

from trading_system.bus import Bus
from trading_system.domain.events import (
    BalancesChanged,
    BookChanged,
    ControlChanged,
    MarketStateChanged,
    OrderChanged,
    OrderRefused,
    PositionChanged,
    StopFailed,
    StrategyChanged,
    VenueChanged,
)
from trading_system.domain.market import CandleUpdate, Quote, Ticker, Trade
from trading_system.domain.reconciliations import BalanceDifference, Reconciliation


class EventKind(StrEnum):
    """What an entry tells of; a `candle` has closed, an `open_candle` still grows."""

    QUOTE = "quote"
    TICKER = "ticker"
    OPEN_CANDLE = "open_candle"
    BOOK = "book"
    TRADE = "trade"
    CANDLE = "candle"
    STATE = "state"
    VENUE = "venue"
    BALANCES = "balances"
    REFUSAL = "refusal"
    CONTROL = "control"
    RECONCILIATION = "reconciliation"
    DIFFERENCE = "difference"
    ORDER = "order"
    POSITION = "position"
    STRATEGY = "strategy"
    STOP = "stop"


KEPT: Mapping[EventKind, int] = {
    EventKind.QUOTE: 5_000,
    EventKind.TICKER: 5_000,
    EventKind.OPEN_CANDLE: 5_000,
    EventKind.BOOK: 5_000,
    EventKind.TRADE: 10_000,
    EventKind.CANDLE: 10_000,
    EventKind.STATE: 2_000,
    EventKind.VENUE: 2_000,
    EventKind.BALANCES: 2_000,
    EventKind.REFUSAL: 2_000,
    EventKind.CONTROL: 1_000,
    EventKind.RECONCILIATION: 1_000,
    EventKind.DIFFERENCE: 1_000,
    EventKind.ORDER: 10_000,
    EventKind.POSITION: 2_000,
    EventKind.STRATEGY: 1_000,
    EventKind.STOP: 1_000,
}
"""How many of each kind are kept. Each kind has its own ring, so what comes by the thousand pushes
out its own kind alone: quotes, tickers and open candles go first, orders last."""


class Entry(NamedTuple):
    """An event with its number; numbers grow by one over all kinds."""

    sequence: int
    kind: EventKind
    event: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What came after the asked number, ascending.

    `last` is the number to ask from next time: nothing up to it is missing from `events` but what
    was dropped or not wanted. `lost` names the wanted kinds of which some had to go, each with the
    newest number that did.
    """

    events: tuple[Entry, ...]
    last: int
    lost: Mapping[EventKind, int]

    @property
    def complete(self) -> bool:
        """Nothing wanted is missing."""
        return not self.lost


class EventLog:
    """Numbers every event of the bus from 1 on; `boot` tells this run's numbers from others'."""

    def __init__(self, bus: Bus, *, kept: Mapping[EventKind, int] = KEPT) -> None:
        self.boot = uuid4().hex[:12]
        self._last = 0
        self._rings = {kind: _Ring(kind, kept[kind]) for kind in EventKind}
        for event_type, kind in (
            (Quote, EventKind.QUOTE),
            (Ticker, EventKind.TICKER),
            (Trade, EventKind.TRADE),
            (BookChanged, EventKind.BOOK),
            (MarketStateChanged, EventKind.STATE),
            (VenueChanged, EventKind.VENUE),
            (BalancesChanged, EventKind.BALANCES),
            (OrderRefused, EventKind.REFUSAL),
            (ControlChanged, EventKind.CONTROL),
            (Reconciliation, EventKind.RECONCILIATION),
            (BalanceDifference, EventKind.DIFFERENCE),
            (OrderChanged, EventKind.ORDER),
            (PositionChanged, EventKind.POSITION),
            (StrategyChanged, EventKind.STRATEGY),
            (StopFailed, EventKind.STOP),
        ):
            bus.subscribe(event_type, self._recorder(kind))
        closed, growing = self._recorder(EventKind.CANDLE), self._recorder(EventKind.OPEN_CANDLE)
        bus.subscribe(CandleUpdate, lambda event: (closed if event.closed else growing)(event))

    @property
    def last(self) -> int:
        """The newest number given; 0 before the first event."""
        return self._last

    def event_id(self, sequence: int) -> str:
        """The number as an id that no other run of the program gives: "boot-sequence"."""
        return f"{self.boot}-{sequence}"

    def sequence(self, event_id: str) -> int | None:
        """The number in such an id; None when it was given by another run, or by nobody."""
        boot, _, number = event_id.rpartition("-")
        if boot != self.boot or not (number.isascii() and number.isdigit()):
            return None
        sequence = int(number)
        return sequence if sequence <= self._last else None

    def since(
        self, last: int, kinds: Collection[EventKind] | None = None, *, limit: int | None = None
    ) -> Retained:
        """What is kept of these kinds (of all, by default) with a number above `last`.

        With a `limit`, which is more than 0, the first so many.
        """
        rings = [self._rings[kind] for kind in (EventKind if kinds is None else kinds)]
        events = tuple(islice(merge(*(ring.after(last, limit) for ring in rings)), limit))
        return Retained(
            events=events,
            last=events[-1].sequence if len(events) == limit else max(last, self._last),
            lost={ring.kind: ring.dropped for ring in rings if ring.dropped > last},
        )

    def gone(self, last: int) -> int:
        """How many events with a number above `last` are not kept any more, of all kinds."""
        kept = sum(ring.count_after(last) for ring in self._rings.values())
        return max(0, self._last - last - kept)

    async def wait(self, after: int, kinds: Collection[EventKind] | None = None) -> None:
        """Return once there is an event of these kinds with a number above `after`."""
        rings = [self._rings[kind] for kind in (EventKind if kinds is None else kinds)]
        if any(ring.newest > after for ring in rings):
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for ring in rings:
            ring.waiting.add(woken)
        try:
            await woken
        finally:
            for ring in rings:
                ring.waiting.discard(woken)

    def figures(self) -> dict[str, int]:
        """The last number, how many events are kept, and how many readers wait."""
        rings = self._rings.values()
        return {
            "last": self._last,
            "kept": sum(len(ring.entries) for ring in rings),
            "waiting": len(set().union(*(ring.waiting for ring in rings))),
        }

    def _recorder(self, kind: EventKind) -> Callable[[Any], None]:
        return partial(self._record, self._rings[kind])

    def _record(self, ring: _Ring, event: object) -> None:
        self._last = sequence = self._last + 1
        entries = ring.entries
        if len(entries) == ring.size:
            ring.dropped = entries[0][0]
        entries.append(Entry(sequence, ring.kind, event))
        ring.newest = sequence
        if ring.waiting:
            ring.wake()


class _Ring:
    """The newest events of one kind; `dropped` is the newest number that had to go."""

    __slots__ = ("dropped", "entries", "kind", "newest", "size", "waiting")

    def __init__(self, kind: EventKind, size: int) -> None:
        self.kind = kind
        self.size = size
        self.entries: deque[Entry] = deque(maxlen=size)
        self.dropped = 0
        self.newest = 0
        self.waiting: set[asyncio.Future[None]] = set()

    def after(self, last: int, limit: int | None) -> list[Entry]:
        """The first `limit` entries above `last`; a deque is quick to read at its ends alone."""
        count = self.count_after(last)
        if limit is not None and limit < count:
            first = len(self.entries) - count
            return list(islice(self.entries, first, first + limit))
        return list(islice(reversed(self.entries), count))[::-1]

    def count_after(self, last: int) -> int:
        """How many kept entries have a number above `last`."""
        if self.newest <= last:
            return 0
        return len(self.entries) - bisect_right(self.entries, last, key=itemgetter(0))

    def wake(self) -> None:
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_result(None)
        self.waiting.clear()
