"""One role's connection: carries the streams it is told to, whatever happens to the connection.

A connection that is lost is replaced at once by the standby; one that has to go soon (its age, the
venue's notice, a silent stream) is replaced before it goes, without losing a message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import structlog

from trading_system.domain.errors import ExchangeError, Rejected, Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.exchange.streams.dialling import Dialler, Redial
from trading_system.exchange.streams.market_frames import Kind
from trading_system.exchange.streams.pulses import Pulses
from trading_system.exchange.streams.standby import Standby, announces_shutdown
from trading_system.exchange.streams.standing import Standing
from trading_system.exchange.streams.supervision import Connection, Timing
from trading_system.exchange.translate import Json
from trading_system.ports import Clock
from trading_system.waiting import rest

log = structlog.get_logger(__name__)

_GLANCE = 0.5
_BEHIND = 1.0  # more than a stream and its leader are ever apart
_OVERLAP = 2.0  # what was sent over the old connection has arrived by then
_SECOND_TRY = 30.0
_BATCH = 200
_REFUSED_PAUSE = 60.0
_SHOWN = 3
_NEVER = float("-inf")


class Channel:
    """One stream: `position` is that of its last event, `heard_at` the monotonic time of it."""

    __slots__ = ("heard_at", "kind", "lag_ms", "name", "position", "symbol")

    def __init__(self, name: str, symbol: Symbol, kind: Kind) -> None:
        self.name = name
        self.symbol = symbol
        self.kind = kind
        self.position: Any = None
        self.heard_at = _NEVER
        self.lag_ms: float | None = None


Receive = Callable[[Standing, Channel, Json], None]
Gap = Callable[[frozenset[Symbol], float], None]
"""Told of symbols whose messages were lost, and since how many seconds."""


class Lane:
    """Runs one role; `channels` is replaced as a whole when others are to be carried."""

    def __init__(
        self,
        standing: Standing,
        *,
        dialler: Dialler,
        standby: Standby,
        backoff: Redial,
        clock: Clock,
        timing: Timing,
        receive: Receive,
        on_gap: Gap,
        on_drop: Callable[[frozenset[Symbol]], None],
    ) -> None:
        self.standing = standing
        self.channels: Mapping[str, Channel] = {}
        self._dialler = dialler
        self._standby = standby
        self._backoff = backoff
        self._clock = clock
        self._timing = timing
        self._receive = receive
        self._on_gap = on_gap
        self._on_drop = on_drop
        self._pulses = Pulses(timing.pulse)
        self._carried: dict[str, float] = {}  # since when, in monotonic seconds
        self._refused: dict[str, float] = {}  # until when
        self._behind: dict[str, float] = {}  # since when the leader speaks alone
        self._connection: Connection
        self._leaving = ""
        self._try_again_at = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        lost_at: float | None = None
        while True:
            self._connection = await self._obtain()
            try:
                await self._begin(self._connection)
                if lost_at is not None:
                    self._tell_gap(self.channels, lost_at)
                lost_at = None
                await self._tend()
            except ExchangeError as error:
                log.warning("cannot subscribe", role=self.standing.role, error=str(error))
            finally:
                await self._connection.close()
            lost_at = lost_at or self._connection.heard_at
            self._after_loss(self._connection)

    async def _obtain(self) -> Connection:
        """The standby, or a connection that had to be dialled."""
        ready = self._standby.take()
        if ready is None:
            ready = await self._dialler.dial(
                self._take, self._backoff, lambda why: self.standing.enter("connecting", why)
            )
        self.standing.connects += 1
        return ready

    async def _begin(self, connection: Connection) -> None:
        """Subscribe everything on a connection that follows none."""
        for channel in self.channels.values():
            channel.position = None  # a venue that came back may count anew
            channel.heard_at = _NEVER
        self._pulses.forget()
        self._behind = {}
        self._carried = {}
        self._leaving = ""
        self._try_again_at = 0.0
        connection.on_frame = self._take
        await self._carry_wanted(connection)
        self.standing.enter("connected")

    async def _tend(self) -> None:
        """Until the connection, or the one that has replaced it, is lost."""
        while not (connection := self._connection).ended.done():
            await self._carry_wanted(connection)
            await self._look_for_silence(connection)
            if connection.age >= self._timing.life:
                self._leaving = "it is old"
            if self._leaving and self._clock.monotonic() >= self._try_again_at:
                await self._renew(connection)
            elif not connection.ended.done():
                await rest(self._clock, _GLANCE, connection.ended)

    async def _carry_wanted(self, connection: Connection) -> None:
        """Subscribe what is missing, then drop what is not wanted any more."""
        now = self._clock.monotonic()
        missing = [
            name
            for name in self.channels
            if name not in self._carried and self._refused.get(name, now) <= now
        ]
        for batch in _batches(missing):
            await self._subscribe(connection, batch)
        superfluous = [name for name in self._carried if name not in self.channels]
        for batch in _batches(superfluous):
            await self._ask(connection, "UNSUBSCRIBE", batch)
            for name in batch:
                del self._carried[name]

    async def _subscribe(self, connection: Connection, names: list[str]) -> None:
        """A refused one makes the venue refuse the whole message: halve it to find out which."""
        try:
            await self._ask(connection, "SUBSCRIBE", names)
        except Rejected as error:
            if len(names) > 1:
                half = len(names) // 2
                await self._subscribe(connection, names[:half])
                await self._subscribe(connection, names[half:])
                return
            log.warning("stream refused", stream=names[0], error=str(error))
            self._refused[names[0]] = self._clock.monotonic() + _REFUSED_PAUSE
            return
        self._carried |= dict.fromkeys(names, self._clock.monotonic())
        for name in names:  # one that another connection carried before may have missed something
            channel = self.channels.get(name)
            if channel is not None and channel.kind.pulse and channel.heard_at > _NEVER:
                self._tell_gap([name], channel.heard_at)

    async def _ask(self, connection: Connection, method: str, names: Collection[str]) -> None:
        """One message about these streams; without an answer the connection is worth nothing."""
        try:
            await connection.request(method, list(names))
        except Unreachable as error:
            connection.abort(str(error))
            raise

    async def _look_for_silence(self, connection: Connection) -> None:
        now = self._clock.monotonic()
        finding = self._pulses.check(self._heard(now), now)
        for name, last_heard in finding.recovered.items():
            self._tell_gap([name], last_heard)
        if finding.subscribe_again:
            self.standing.enter("frozen", f"subscribing again: {_some(finding.subscribe_again)}")
            for batch in _batches(sorted(finding.subscribe_again)):
                await self._ask(connection, "UNSUBSCRIBE", batch)
                await self._ask(connection, "SUBSCRIBE", batch)
        if finding.renew:
            self._leaving = f"silent: {_some(finding.renew)}"
        if finding.recovered and not self._pulses:
            self.standing.enter("connected")

    def _heard(self, now: float) -> dict[str, float]:
        """When each stream spoke last; one that has a leader is silent only while that speaks."""
        heard = {}
        for name, since in self._carried.items():
            channel = self.channels.get(name)
            if channel is None:
                continue
            last = max(since, channel.heard_at)
            leader = self.channels.get(f"{name.partition('@')[0]}@{channel.kind.leader}")
            if channel.kind.pulse:
                heard[name] = last
            elif leader is not None and leader.heard_at > last + _BEHIND:
                heard[name] = self._behind.setdefault(name, now)
            elif leader is not None:
                self._behind.pop(name, None)
                heard[name] = now
        return heard

    async def _renew(self, old: Connection) -> None:
        """Move over to another connection: both are open until all of the old one has arrived."""
        self.standing.enter("renewing", self._leaving)
        held: list[Any] = []
        new: Connection | None = None
        try:
            new = self._standby.take() or await self._dialler.once(held.append)
            new.on_frame = held.append
            for batch in _batches(list(self._carried)):
                await self._ask(new, "SUBSCRIBE", batch)
            lost = old.ended.done()
            if not lost:
                await rest(self._clock, _OVERLAP, old.ended)
            self._connection, self._leaving = new, ""
        except ExchangeError as error:
            self.standing.enter("renewing", f"{self._leaving}; not yet: {error}")
            return
        finally:
            self._try_again_at = self._clock.monotonic() + _SECOND_TRY
            if new is not None and new is not self._connection:
                await new.close()
        await old.close()
        new.on_frame = self._take
        new.repeat(held)
        if lost:
            self._tell_gap(self.channels, old.heard_at)
        self.standing.connects += 1
        self.standing.enter("connected")

    def _take(self, frame: Json) -> None:
        now = self._clock.monotonic()
        self.standing.messages += 1
        self.standing.heard_at = now
        channel = self.channels.get(frame.get("stream", ""))
        if channel is not None:
            channel.heard_at = now
            self._receive(self.standing, channel, frame["data"])
        elif announces_shutdown(frame):
            self._leaving = "the venue is about to close it"

    def _after_loss(self, connection: Connection) -> None:
        if connection.age >= self._timing.steady:
            self._backoff.reset()
        self.standing.enter("lost", connection.ended.result())
        if self.channels:
            self._on_drop(self._symbols(self.channels))

    def _tell_gap(self, names: Collection[str], since: float) -> None:
        if names:
            self._on_gap(self._symbols(names), self._clock.monotonic() - since)

    def _symbols(self, names: Collection[str]) -> frozenset[Symbol]:
        return frozenset(self.channels[name].symbol for name in names)


def _batches(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _BATCH):
        yield names[start : start + _BATCH]


def _some(names: Collection[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(sorted(names)[:_SHOWN]) + more
