"""What happens to our orders and balances, pushed by the venue.

Reports are handed on one by one, in the order they came, by a task of their own: however slow the
receiver is, the socket is read on and no report is dropped. What may have been missed is told as a
gap, so that somebody asks; nothing is asked for here.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import structlog

from trading_system.domain.errors import (
    ExchangeError,
    NotFound,
    RateLimited,
    Rejected,
    TradingError,
)
from trading_system.domain.events import BalancesChanged, VenueChanged, VenuePositionsChanged
from trading_system.domain.reports import Report
from trading_system.domain.venues import StreamStatus
from trading_system.exchange.streams.dialling import Dialler, Redial
from trading_system.exchange.streams.market_frames import UNREADABLE
from trading_system.exchange.streams.standby import announces_shutdown
from trading_system.exchange.streams.standing import Standing
from trading_system.exchange.streams.supervision import Connection, Timing
from trading_system.exchange.streams.user_frames import SPOT_EVENTS, UserEvents
from trading_system.exchange.translate import Json
from trading_system.ports import Clock
from trading_system.resilience.retry import RetryPolicy
from trading_system.waiting import rest

log = structlog.get_logger(__name__)

_GLANCE = 0.5
_OVERLAP = 2.0
_SECOND_TRY = 30.0
_REFUSED_PAUSE = 60.0  # a key that is not accepted will not be accepted a second later
_REMEMBERED = 10_000


class Access(Protocol):
    """How a venue lets an account hear of itself; `url` may be shown, addresses may not."""

    url: str

    async def address(self) -> str:
        """Where to dial next. Raises ExchangeError."""
        ...

    async def enter(self, connection: Connection) -> None:
        """Make a new connection tell. Raises ExchangeError."""
        ...

    async def keep(self, on_lost: Callable[[str], None]) -> None:
        """Keep it alive until cancelled; `on_lost` hears that one has to connect anew."""
        ...


class _Event(NamedTuple):
    data: Json
    received_at: datetime
    latency_ms: int


class UserStream:
    """Listens while `run` runs.

    `access` says where and how, `events` what may be heard. `on_report` gets a report, when it
    reached us and how many ms after the venue's event time, `on_account` balances and positions;
    `on_gap` is called whenever a subscription has begun.
    """

    def __init__(
        self,
        *,
        access: Access,
        clock: Clock,
        venue_milliseconds: Callable[[], int],
        on_report: Callable[[Report, datetime, int], Awaitable[object]],
        on_account: Callable[[BalancesChanged | VenuePositionsChanged], None],
        on_gap: Callable[[], None],
        on_change: Callable[[VenueChanged], None],
        retry: RetryPolicy,
        events: UserEvents = SPOT_EVENTS,
        timing: Timing | None = None,
    ) -> None:
        self.invalid: Counter[str] = Counter()
        """Events that were not as documented, by kind."""
        self.reports = 0
        """Reports read, each event counted once."""
        self.duplicates = 0
        self.foreign = 0
        """Reports of orders that are not ours."""
        self._access = access
        self._clock = clock
        self._venue_milliseconds = venue_milliseconds
        self._on_report = on_report
        self._on_account = on_account
        self._on_gap = on_gap
        self._timing = timing or Timing()
        self._backoff = Redial(retry)
        self._standing = Standing("user", url=access.url, clock=clock, on_change=on_change)
        self._known = events
        self._events: asyncio.Queue[_Event] = asyncio.Queue()
        self._told: set[Hashable] = set()
        self._told_order: deque[Hashable] = deque()
        self._connection: Connection
        self._terminated = False
        self._leaving = ""
        self._try_again_at = 0.0

    def status(self) -> list[StreamStatus]:
        """One entry: the connection."""
        return [self._standing.status()]

    async def run(self) -> None:
        """Until cancelled."""
        access = self._access
        dialling = Dialler(
            access.url, clock=self._clock, timing=self._timing, address=access.address
        )
        async with dialling as dialler, asyncio.TaskGroup() as group:
            group.create_task(self._hand_on())
            group.create_task(access.keep(self._leave))
            group.create_task(self._listen(dialler))

    async def _listen(self, dialler: Dialler) -> None:
        while True:
            try:
                self._connection = await dialler.dial(
                    _ignore, self._backoff, lambda why: self._standing.enter("connecting", why)
                )
            except Rejected as refused:
                await self._pause_after(refused)
                continue
            try:
                await self._begin()
                await self._tend(dialler)
                self._standing.enter("lost", self._connection.ended.result())
            except ExchangeError as error:
                await self._pause_after(error)
            finally:
                await self._connection.close()
            if self._connection.age >= self._timing.steady:
                self._backoff.reset()

    async def _begin(self) -> None:
        """Subscribe. Raises ExchangeError."""
        self._terminated, self._leaving, self._try_again_at = False, "", 0.0
        self._standing.connects += 1
        await self._subscribe(self._connection)
        self._standing.enter("connected")
        self._on_gap()

    async def _subscribe(self, connection: Connection) -> None:
        connection.on_frame = self._take
        await self._access.enter(connection)

    async def _pause_after(self, error: ExchangeError) -> None:
        """A refusal will be repeated; anything else is left to the backoff between dials."""
        if isinstance(error, Rejected):
            self._standing.enter("refused", str(error))
            await self._clock.sleep(_REFUSED_PAUSE)
            return
        self._standing.enter("lost", str(error))
        if isinstance(error, RateLimited):
            await self._clock.sleep(error.retry_after)

    async def _tend(self, dialler: Dialler) -> None:
        """Until the connection, or the one that has replaced it, is lost."""
        while not (connection := self._connection).ended.done():
            if self._terminated:
                log.warning("the venue ended our subscription")
                await self._begin()
            if connection.age >= self._timing.life:
                self._leaving = "it is old"
            if self._leaving and self._clock.monotonic() >= self._try_again_at:
                await self._renew(dialler)
            else:
                await rest(self._clock, _GLANCE, connection.ended)

    async def _renew(self, dialler: Dialler) -> None:
        """Move over to another connection; for a while both are heard."""
        self._standing.enter("renewing", self._leaving)
        self._try_again_at = self._clock.monotonic() + _SECOND_TRY
        new = None
        try:
            new = await dialler.once(_ignore)
            await self._subscribe(new)
        except ExchangeError as error:
            self._standing.enter("renewing", f"{self._leaving}; not yet: {error}")
            if new is not None:
                await new.close()
            return
        old, self._connection = self._connection, new
        await rest(self._clock, _OVERLAP, old.ended)
        await old.close()
        self._leaving, self._terminated = "", False
        self._standing.connects += 1
        self._standing.enter("connected")
        self._on_gap()

    def _leave(self, reason: str) -> None:
        """Have another connection instead of this one, as soon as one can be had."""
        self._leaving = reason

    def _take(self, frame: Json) -> None:
        """Called right from the socket."""
        self._standing.messages += 1
        self._standing.heard_at = self._clock.monotonic()
        data = frame.get("event", frame)
        kind = data.get("e")
        if kind in self._known.told:
            now = self._venue_milliseconds()
            latency_ms = now - data.get("E", now)
            self._standing.lag_ms = latency_ms
            self._events.put_nowait(_Event(data, self._clock.now(), latency_ms))
        elif kind == self._known.ended:
            self._terminated = True
        elif kind == self._known.expired:
            self._leave("the venue lets it tell nothing more")
        elif announces_shutdown(data):
            self._leave("the venue is about to close it")

    async def _hand_on(self) -> None:
        while True:
            event = await self._events.get()
            if self._is_repeated(event.data):
                self.duplicates += 1
                continue
            try:
                await self._tell(event)
            except UNREADABLE as error:
                self._note_invalid(event.data, error)
            except NotFound:
                self.foreign += 1
            except TradingError as error:
                log.exception("a report could not be booked", error=str(error))
                self._on_gap()

    async def _tell(self, event: _Event) -> None:
        for told in self._known.read(event.data):
            if isinstance(told, Report):
                self.reports += 1
                await self._on_report(told, event.received_at, event.latency_ms)
            else:
                self._on_account(told)

    def _is_repeated(self, data: Json) -> bool:
        identity = self._known.identity(data)
        if identity in self._told:
            return True
        self._told.add(identity)
        self._told_order.append(identity)
        if len(self._told_order) > _REMEMBERED:
            self._told.discard(self._told_order.popleft())
        return False

    def _note_invalid(self, data: Json, error: Exception) -> None:
        """It may have been about one of our orders, so somebody has to ask."""
        kind = data["e"]
        self.invalid[kind] += 1
        if self.invalid[kind] == 1:
            log.error("unreadable event", kind=kind, error=f"{type(error).__name__}: {error}")
        self._on_gap()


def _ignore(_: Any) -> None:
    """Nothing is said before a subscription."""
