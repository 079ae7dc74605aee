"""Live market data: what is traded, what is only watched, and a connection that stands by.

Everything is told in the order the venue sent it, once; what was lost is told as a gap, to be
filled by asking. Nothing is computed from it here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from typing import NamedTuple

import structlog

from trading_system.domain.events import VenueChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import MarketEvent
from trading_system.domain.venues import StreamStatus
from trading_system.exchange.streams import roles
from trading_system.exchange.streams.buffer import StreamBuffer
from trading_system.exchange.streams.dialling import Dialler, Redial
from trading_system.exchange.streams.lane import Channel, Lane
from trading_system.exchange.streams.market_frames import UNREADABLE
from trading_system.exchange.streams.roles import SPOT_ROAD, Road
from trading_system.exchange.streams.standby import Standby
from trading_system.exchange.streams.standing import Standing
from trading_system.exchange.streams.supervision import Timing
from trading_system.exchange.translate import Json
from trading_system.ports import Clock
from trading_system.resilience.retry import RetryPolicy

log = structlog.get_logger(__name__)

_BACKLOGS = 4  # times the capacity; so much of what must not be lost one by one may wait


class _Received(NamedTuple):
    standing: Standing
    channel: Channel
    data: Json
    received_at: int
    venue_time: int


class MarketStream:
    """Follows symbols while `run` runs; handlers are called in the event loop and must not block.

    `url` is the root that the road begins at; a road has the streams that it has, and no others.
    `venue_id` names a symbol as the venue does, None when it lists no such symbol. `on_gap` tells
    that messages of these symbols since that time (ms UTC, our clock) may be missing; what comes
    after it is complete again. `on_drop` tells earlier, as soon as their connection is lost. Both
    are told too when handlers have fallen so far behind that the backlog was dropped.
    """

    def __init__(
        self,
        *,
        url: str,
        clock: Clock,
        venue_milliseconds: Callable[[], int],
        venue_id: Callable[[Symbol], str | None],
        on_event: Callable[[MarketEvent], None],
        on_gap: Callable[[frozenset[Symbol], int], None],
        on_change: Callable[[VenueChanged], None],
        on_drop: Callable[[frozenset[Symbol]], None] | None = None,
        retry: RetryPolicy,
        road: Road = SPOT_ROAD,
        timing: Timing | None = None,
        capacity: int = 20_000,
    ) -> None:
        self.invalid: Counter[str] = Counter()
        """Frames that were not as documented, by kind of stream."""
        self.duplicates = 0
        self._url = url + road.path
        self._road = road
        self._clock = clock
        self._venue_milliseconds = venue_milliseconds
        self._venue_id = venue_id
        self._on_event = on_event
        self._on_gap = on_gap
        self._on_change = on_change
        self._on_drop = on_drop or _ignore
        self._retry = retry
        self._timing = timing or Timing()
        self._buffer: StreamBuffer[_Received] = StreamBuffer(capacity, limit=_BACKLOGS * capacity)
        self._roles = roles.assign({}, roles.wanted((), ()), road.kinds)
        self._lanes: dict[str, Lane] = {}
        self._standby: Standing | None = None
        self._changed = asyncio.Event()

    def follow(self, monitored: Collection[Symbol], traded: Collection[Symbol]) -> None:
        """From now on these, and no others; those that the venue does not list are left out."""
        self._roles = roles.assign(self._roles, roles.wanted(monitored, traded), self._road.kinds)
        self._changed.set()

    def status(self) -> list[StreamStatus]:
        """One entry a connection."""
        lanes = [
            lane.standing.status({name: found.lag_ms for name, found in lane.channels.items()})
            for lane in self._lanes.values()
        ]
        return lanes if self._standby is None else [*lanes, self._standby.status()]

    async def run(self) -> None:
        """Until cancelled."""
        opened = Dialler(self._url, clock=self._clock, timing=self._timing)
        async with opened as dialler, asyncio.TaskGroup() as group:
            self._standby = self._standing(roles.STANDBY)
            standby = Standby(
                self._standby,
                dialler=dialler,
                backoff=Redial(self._retry),
                clock=self._clock,
                timing=self._timing,
            )
            group.create_task(self._buffer.drain(self._deliver))
            group.create_task(self._keep_lanes(group, dialler, standby))
            group.create_task(standby.run())

    async def _keep_lanes(
        self, group: asyncio.TaskGroup, dialler: Dialler, standby: Standby
    ) -> None:
        """Have a lane for every role, carrying what it is to carry."""
        tasks: dict[str, asyncio.Task[None]] = {}
        while True:
            self._changed.clear()
            for role in self._lanes.keys() - self._roles.keys():
                del self._lanes[role]
                tasks.pop(role).cancel()
            channels = {
                name: found
                for lane in self._lanes.values()
                for name, found in lane.channels.items()
            }
            for role, symbols in self._roles.items():
                if role not in self._lanes:
                    self._lanes[role] = self._lane(role, dialler, standby)
                self._lanes[role].channels = self._channels(role, symbols, channels)
                if role not in tasks:
                    tasks[role] = group.create_task(self._lanes[role].run())
            await self._changed.wait()

    def _lane(self, role: str, dialler: Dialler, standby: Standby) -> Lane:
        return Lane(
            self._standing(role),
            dialler=dialler,
            standby=standby,
            backoff=Redial(self._retry),
            clock=self._clock,
            timing=self._timing,
            receive=self._receive,
            on_gap=self._tell_gap,
            on_drop=self._on_drop,
        )

    def _standing(self, role: str) -> Standing:
        name = f"{role} {self._road.label}".strip()
        return Standing(name, url=self._url, clock=self._clock, on_change=self._on_change)

    def _channels(
        self, role: str, symbols: frozenset[Symbol], existing: dict[str, Channel]
    ) -> dict[str, Channel]:
        """Those that exist already stay, so that nothing is told twice when a symbol moves."""
        channels = {}
        for symbol in sorted(symbols):
            venue_id = self._venue_id(symbol)
            if venue_id is None:
                continue
            for kind in roles.kinds(role, self._road.kinds):
                name = f"{venue_id.lower()}@{kind.suffix}"
                channels[name] = existing.get(name) or Channel(name, symbol, kind)
        return channels

    def _receive(self, standing: Standing, channel: Channel, data: Json) -> None:
        """Called by the lanes for every frame, right from the socket."""
        times = self._clock.milliseconds(), self._venue_milliseconds()
        received = _Received(standing, channel, data, *times)
        dropped = self._buffer.put(received, passing=channel.kind.passing(data))
        for each in dropped:
            each.standing.dropped += 1
        if not all(each.channel.kind.passing(each.data) for each in dropped):
            self._tell_lost(dropped)

    def _tell_lost(self, backlog: list[_Received]) -> None:
        """The handlers are so far behind that asking the venue is quicker."""
        log.error("fell behind", dropped=len(backlog))
        symbols = frozenset(each.channel.symbol for each in backlog)
        self._on_drop(symbols)
        self._on_gap(symbols, backlog[0].received_at)

    def _deliver(self, received: _Received) -> None:
        standing, channel, data, received_at, venue_time = received
        kind = channel.kind
        try:
            event = kind.read(data, channel.symbol, received_at)
            position = kind.position(event)
            lag_ms = venue_time - int(data["E"]) if kind.tells_time else None
        except UNREADABLE as error:
            self._note_invalid(channel, error)
            return
        last = channel.position
        if last is not None and position <= last and not kind.is_set_back(position, last):
            self.duplicates += 1
            return
        channel.position = position
        if lag_ms is not None:
            channel.lag_ms = standing.lag_ms = lag_ms
        self._on_event(event)

    def _note_invalid(self, channel: Channel, error: Exception) -> None:
        self.invalid[channel.kind.suffix] += 1
        if self.invalid[channel.kind.suffix] == 1:
            log.error(
                "unreadable frame", stream=channel.name, error=f"{type(error).__name__}: {error}"
            )

    def _tell_gap(self, symbols: frozenset[Symbol], seconds: float) -> None:
        self._on_gap(symbols, self._clock.milliseconds() - round(seconds * 1000))


def _ignore(_: frozenset[Symbol]) -> None:
    """Not everybody wants to know that early."""
