"""Every call to the venue passes here: budgeted, reads retried, failures counted, clock kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog

from trading_system.domain.errors import (
    ExchangeError,
    RateLimited,
    Rejected,
    TradingError,
    Unreachable,
    Unreadable,
)
from trading_system.domain.venues import BreakerStatus, LimitUse
from trading_system.exchange import weights
from trading_system.exchange.admission import Admission
from trading_system.exchange.circuit import Circuit
from trading_system.exchange.client import Client
from trading_system.exchange.faults import TIMESTAMP
from trading_system.exchange.reachability import Reachability, VenueStatus
from trading_system.exchange.translate import understood
from trading_system.ports import Clock
from trading_system.resilience.breaker import BreakerPolicy
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import Cost, Grant, Priority
from trading_system.resilience.retry import RetryPolicy

log = structlog.get_logger(__name__)

_LONGEST_WAIT = 65.0  # one weight window; a longer ban is told to the caller instead of waited for
_OFFSET_PROBES = 3
_RETRIED = (Unreachable, Unreadable)
_BEFORE_ORDERS = frozenset({"time", "exchangeInfo"})
"""Public calls that an order may have to wait for."""


def always() -> None:
    """Nothing has come between."""


class _Answer(NamedTuple):
    """What came back, and when the call began and ended (monotonic seconds)."""

    body: Any
    sent: float
    received: float


class Gateway:
    """The one way out. Raises ExchangeError (or UnknownSymbol) when patience is over.

    RateLimited without a word from the venue, and CircuitOpen, mean that nothing was sent.
    """

    def __init__(
        self,
        *,
        client: Client,
        clock: Clock,
        retry: RetryPolicy,
        limiter: Limiter | None = None,
        breaker: BreakerPolicy | None = None,
        publish: Callable[[object], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._rest_api = client.rest_api
        self._clock = clock
        self._retry = retry
        self._time = client.venue_time
        self._limiter = limiter or Limiter()
        self._admission = Admission(self._limiter, clock, self._time.milliseconds)
        policy = breaker or BreakerPolicy()
        self._data = Circuit("market data", clock=clock, publish=publish, policy=policy)
        self._trading = Circuit("trading", clock=clock, publish=publish, policy=policy)
        self._synchronizing = asyncio.Lock()
        self._measurements = 0
        self._reachability = Reachability(clock, publish)

    @property
    def status(self) -> VenueStatus:
        """Whether the venue answers, since when, and why not."""
        return self._reachability.status

    @property
    def offset_ms(self) -> int:
        """What to add to our clock to get the venue's."""
        return self._time.offset_ms

    @property
    def round_trip_ms(self) -> float | None:
        """Of the quickest probe of the last measurement."""
        return self._time.round_trip_ms

    @property
    def banned_until(self) -> datetime | None:
        """Until when the venue refuses everything, by our clock."""
        until = self._limiter.bans.everything
        if until <= self._time.milliseconds():
            return None
        return datetime.fromtimestamp((until - self.offset_ms) / 1000, UTC)

    @property
    def wants_attention(self) -> bool:
        """The clock jumped, or signed calls have rested long enough to be tried again."""
        return self._time.jumped or self._trading.wants_probe

    def venue_milliseconds(self) -> int:
        """The venue's time now, in ms UTC."""
        return self._time.milliseconds()

    def limits(self) -> tuple[LimitUse, ...]:
        """What the venue allows, what is used of it, and how many calls wait for it."""
        return self._admission.uses()

    def breakers(self) -> tuple[BreakerStatus, ...]:
        """Of the public calls and of the signed ones."""
        return self._data.status(), self._trading.status()

    async def read(
        self, path: str, *, signed: bool = False, priority: Priority | None = None, **params: object
    ) -> Any:
        """A call that changes nothing, tried again as the policy says.

        Signed calls and what orders wait for go as orders do, all others as candles.
        """
        if priority is None:
            first = signed or path in _BEFORE_ORDERS
            priority = Priority.ORDERS if first else Priority.CANDLES
        delays = self._retry.delays()
        while True:
            try:
                answer = await self._in_step(path, priority=priority, signed=signed, **params)
                break
            except _RETRIED:
                delay = next(delays, None)
                if delay is None:
                    raise
                await self._clock.sleep(delay)
            except RateLimited as limited:
                # The wait is that for admission.
                if next(delays, None) is None or limited.retry_after > _LONGEST_WAIT:
                    raise
        if path == "exchangeInfo":
            with understood(state_changing=False):
                self._limiter.learn(weights.read_limits(answer.body))
            self._admission.go_on()  # whoever waited for a lower limit
        return answer.body

    async def change(
        self,
        path: str,
        *,
        method: str,
        still_wanted: Callable[[], None] = always,
        **params: object,
    ) -> Any:
        """A signed call that changes something: sent once, never again on an unknown outcome.

        `still_wanted` is called after every wait and right before it goes out: what it raises is
        raised here, and nothing was sent.
        """
        answer = await self._in_step(
            path,
            method=method,
            priority=Priority.ORDERS,
            signed=True,
            still_wanted=still_wanted,
            **params,
        )
        return answer.body

    async def count(self, weight: int) -> None:
        """Wait until there is room for what weighs this much, and count it; just before it is done.

        For what passes elsewhere but counts here too (WebSocket API: 2 to connect, 2 to subscribe),
        and goes as orders do. Raises RateLimited as any other call.
        """
        grant = await self._admission.enter(Cost(weight, requests=0), Priority.ORDERS)
        self._limiter.settle(grant, self._time.milliseconds(), confirmed={})
        self._admission.go_on()

    def heed(self, limited: RateLimited) -> None:
        """The venue refuses us, wherever it said so: everybody waits as long as it told."""
        now = self._time.milliseconds()
        until = now + round(limited.retry_after * 1000)
        self._limiter.ban(until, now, only_orders=limited.only_orders)
        self._reachability.answered(f"told to wait {limited.retry_after:.0f} s")
        log.warning("the venue limits us", seconds=limited.retry_after, reason=str(limited))

    async def synchronize(self) -> None:
        """Measure the clock offset: half the round trip back, the quickest of three probes."""
        before = self._measurements
        async with self._synchronizing:
            if self._measurements > before:
                return  # somebody else has, while we waited
            best = float("inf")
            for _ in range(_OFFSET_PROBES):
                probe = await self._once("time", priority=Priority.ORDERS)
                if probe.received - probe.sent < best:
                    best = probe.received - probe.sent
                    told = _server_time(probe.body)
                    self._time.measured(told, sent=probe.sent, received=probe.received)
            self._limiter.uncertainty = self._time.uncertainty_ms
            self._measurements += 1

    async def attend(self) -> None:
        """Measure the clock, and try signed calls again where they have rested."""
        await self.synchronize()
        if self._trading.wants_probe:
            await self._in_step("rateLimit/order", priority=Priority.ORDERS, signed=True)

    async def close(self) -> None:
        """Close the connections."""
        self._admission.close()
        await self._client.close()

    async def _in_step(self, path: str, *, signed: bool, **options: Any) -> _Answer:
        """One call; where it is refused for our clock, set that and ask once more.

        That is safe for changes too: the venue has said that it did nothing.
        """
        if signed and self._time.jumped:
            with suppress(TradingError):  # the venue will tell if it matters
                await self.synchronize()
        try:
            return await self._once(path, signed=signed, **options)
        except Rejected as refused:
            if refused.code != TIMESTAMP:
                raise
            await self.synchronize()
            return await self._once(path, signed=signed, **options)

    async def _once(
        self,
        path: str,
        *,
        priority: Priority,
        method: str = "GET",
        signed: bool = False,
        still_wanted: Callable[[], None] = always,
        **params: object,
    ) -> _Answer:
        circuit = self._trading if signed else self._data
        circuit.check()  # before anybody waits for nothing
        cost = self._rest_api.cost(method, path, params)
        grant = await self._admission.enter(cost, priority)
        try:
            still_wanted()
            permit = circuit.enter()
        except TradingError:
            self._admission.withdraw(grant)
            raise
        headers: dict[str, str] = {}
        outcome: BaseException | None = None
        sent = self._clock.monotonic()
        try:
            body = await self._client.call(
                path, method=method, signed=signed, on_headers=headers.update, **params
            )
            cost = self._rest_api.cost_of_success(method, path, cost)
            return _Answer(body, sent, self._clock.monotonic())
        except BaseException as error:
            outcome = error
            raise
        finally:
            circuit.leave(permit, outcome)
            self._book(grant, cost, headers, outcome)

    def _book(
        self, grant: Grant, cost: Cost, headers: dict[str, str], outcome: BaseException | None
    ) -> None:
        now = self._time.milliseconds()
        self._limiter.settle(grant, now, confirmed=weights.read_counts(headers), cost=cost)
        if isinstance(outcome, RateLimited):
            self.heed(outcome)
        elif isinstance(outcome, Rejected):
            self._reachability.answered(str(outcome))
        elif isinstance(outcome, ExchangeError):
            self._reachability.failed(str(outcome))
        elif outcome is None or isinstance(outcome, TradingError):
            self._reachability.answered()
        self._admission.go_on()


def _server_time(answer: Any) -> int:
    match answer:
        case {"serverTime": int(told)}:
            return told
    raise Unreadable("the venue did not tell its time")
