"""Every call to the venue passes here: reads are retried, limits obeyed, the clock kept in step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from trading_system.domain.errors import (
    ExchangeError,
    RateLimited,
    Rejected,
    Unreachable,
    Unreadable,
)
from trading_system.exchange.client import Client
from trading_system.exchange.faults import TIMESTAMP
from trading_system.ports import Clock
from trading_system.resilience.retry import RetryPolicy

log = structlog.get_logger(__name__)

_LONGEST_WAIT = 65.0  # one weight window; a longer ban is told to the caller instead of waited for
_OFFSET_PROBES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStatus:
    """How the last calls went: since when it is `reachable` or not, and why not."""

    reachable: bool
    since: datetime
    detail: str


class Gateway:
    """The one way out. Raises ExchangeError (or UnknownSymbol) when patience is over."""

    def __init__(self, *, client: Client, clock: Clock, retry: RetryPolicy) -> None:
        self._client = client
        self._clock = clock
        self._retry = retry
        self._paused_until = 0.0  # monotonic; set by a refusal for too many requests
        self.status = VenueStatus(reachable=False, since=clock.now(), detail="not asked yet")

    @property
    def offset_ms(self) -> int:
        """What to add to our clock to get the venue's."""
        return self._client.offset_ms

    def venue_milliseconds(self) -> int:
        """The venue's time now, in ms UTC."""
        return self._clock.milliseconds() + self._client.offset_ms

    async def read(self, path: str, *, signed: bool = False, **params: object) -> Any:
        """A call that changes nothing, tried again as the policy says."""
        delays = self._retry.delays()
        while True:
            try:
                return await self._once(path, signed=signed, **params)
            except (Unreachable, Unreadable):
                delay = next(delays, None)
                if delay is None:
                    raise
            except RateLimited as limited:
                if next(delays, None) is None or limited.retry_after > _LONGEST_WAIT:
                    raise
                delay = 0.0  # the pause below is the wait
            await self._clock.sleep(delay)

    async def change(self, path: str, *, method: str, **params: object) -> Any:
        """A signed call that changes something: sent once, never again on an unknown outcome.

        Only a refusal for our clock (-1021) is answered by setting the clock and asking once more:
        the venue has said that it did nothing.
        """
        try:
            return await self._once(path, method=method, signed=True, **params)
        except Rejected as refused:
            if refused.code != TIMESTAMP:
                raise
            await self.synchronize()
            return await self._once(path, method=method, signed=True, **params)

    async def synchronize(self) -> None:
        """Measure the clock offset: half the round trip back, the quickest of three probes."""
        best_trip = float("inf")
        for _ in range(_OFFSET_PROBES):
            sent, started = self._clock.milliseconds(), self._clock.monotonic()
            server = (await self._once("time"))["serverTime"]
            trip = self._clock.monotonic() - started
            if trip < best_trip:
                best_trip = trip
                self._client.offset_ms = round(server - (sent + trip * 500))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _once(self, path: str, **options: Any) -> Any:
        await self._wait_for_permission()
        try:
            answer = await self._client.call(path, **options)
        except RateLimited as limited:
            self._paused_until = self._clock.monotonic() + limited.retry_after
            self._note(reachable=True, detail=f"told to wait {limited.retry_after:.0f} s")
            log.warning("the venue limits us", seconds=limited.retry_after)
            raise
        except ExchangeError as error:
            self._note(reachable=isinstance(error, Rejected), detail=str(error))
            raise
        self._note(reachable=True, detail="")
        return answer

    async def _wait_for_permission(self) -> None:
        wait = self._paused_until - self._clock.monotonic()
        if wait <= 0:
            return
        if wait > _LONGEST_WAIT:
            raise RateLimited("the venue has banned us for a while", retry_after=wait)
        await self._clock.sleep(wait)

    def _note(self, *, reachable: bool, detail: str) -> None:
        if reachable != self.status.reachable:
            log.info("venue reachable" if reachable else "venue unreachable", detail=detail)
            self.status = VenueStatus(reachable=reachable, since=self._clock.now(), detail=detail)
        elif detail != self.status.detail:
            self.status = VenueStatus(reachable=reachable, since=self.status.since, detail=detail)
