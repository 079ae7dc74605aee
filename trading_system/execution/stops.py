"""Keeps stop losses: at the venue where it has them, else by watching prices and closing in time.

Every step is saved before it is taken, and an order is sent under a key of its stop, so that a
crash in between neither loses a stop nor sends it twice. Nothing is decided before our record is
known to be the venue's, and no order that guards is given up before its successor would be taken.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import InvalidRequest, NotFound, TradingError
from trading_system.domain.events import OrderChanged, PositionChanged, StopFailed
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import Ticker, Trade
from trading_system.domain.orders import Order, OrderStatus, Side
from trading_system.domain.stop_steps import decide
from trading_system.domain.stops import Stop, StopStatus, StopWish
from trading_system.execution.desk import Desk
from trading_system.execution.oms import OrderManager
from trading_system.execution.stop_facts import StopFacts
from trading_system.execution.stop_prices import StopPrices
from trading_system.execution.stop_wishes import StopWishes
from trading_system.ports import (
    Clock,
    Holdings,
    Live,
    MarketData,
    OrderRepository,
    StopRepository,
)

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0
_LONGEST_WAIT = 60.0
_ALL = Decimal("Infinity")
_REFUSED = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH})


class StopKeeper:
    """Guards positions until cancelled; `guard` and `cancel` are for whoever asks.

    `ready` returns once our record is known to be the venue's, or says why that is not known.
    """

    def __init__(
        self,
        *,
        stops: StopRepository,
        wishes: StopWishes,
        desk: Desk,
        manager: OrderManager,
        orders: OrderRepository,
        holdings: Holdings,
        market_data: MarketData,
        live: Live,
        clock: Clock,
        bus: Bus,
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._repository = stops
        self._wishes = wishes
        self._desk = desk
        self._manager = manager
        self._facts = StopFacts(
            orders=orders, holdings=holdings, market_data=market_data, clock=clock
        )
        self._clock = clock
        self._bus = bus
        self._ready = ready
        self._stops: dict[UUID, Stop] = {}  # those that still guard something, as saved
        self._symbols: frozenset[Symbol] = frozenset()
        self._prices = StopPrices(live)
        self._tries: dict[UUID, tuple[int, float]] = {}  # failures in a row, not before
        # A lock lives as long as somebody holds or awaits it.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._read = False
        self._reading = asyncio.Lock()
        self._woken = asyncio.Event()
        bus.subscribe(Trade, lambda event: self._on_price(event.symbol, event.price, event.time))
        bus.subscribe(Ticker, lambda event: self._on_price(event.symbol, event.last, event.time))
        bus.subscribe(OrderChanged, lambda event: self._on_change(event.order.request.symbol))
        bus.subscribe(PositionChanged, lambda event: self._on_change(event.position.symbol))

    async def run(self) -> None:
        """Until cancelled; what fails is tried again, less and less often."""
        while True:
            try:
                await self._read_all()
                await asyncio.gather(*map(self._keep, list(self._stops)))
            except TradingError as error:
                log.warning("stops could not be kept", error=str(error))
            await self._pause()

    @property
    def symbols(self) -> frozenset[Symbol]:
        """What is guarded, and must be followed therefore."""
        return self._symbols

    async def guard(self, wish: StopWish) -> Stop:
        """A new stop, saved and as far as its first step got.

        Raises InvalidRequest, NotFound, UnknownSymbol, StorageError, and ExchangeError while it is
        not known what is held.
        """
        await self._ready()
        await self._read_all()
        if wish.id is not None:
            with suppress(NotFound):
                return await self._repository.get(wish.id)
        stop = await self._wishes.stop(wish, self._clock.now())
        await self._save(stop)
        self._prices.begin(stop)
        return await self._keep(stop.id)

    async def get(self, stop_id: UUID) -> Stop:
        """Raises NotFound."""
        return await self._repository.get(stop_id)

    async def all(self, *, symbol: Symbol | None = None, limit: int = 500) -> list[Stop]:
        """Newest first, ended ones too."""
        return await self._repository.all(symbol=symbol, limit=limit)

    async def failed(self) -> list[Stop]:
        """Those that gave up while more is held of what they were for than others guard.

        Raises StorageError.
        """
        await self._read_all()
        guarded: defaultdict[tuple[Symbol, Side], Decimal] = defaultdict(Decimal)
        for stop in self._stops.values():
            left = _ALL if stop.quantity is None else stop.quantity - stop.closed
            guarded[stop.symbol, stop.side] += left
        return [
            stop
            for stop in await self._repository.failed()
            if await self._facts.held(stop) > guarded[stop.symbol, stop.side]
        ]

    async def cancel(self, stop_id: UUID) -> Stop:
        """Guard no longer; one that has ended or is closing already is returned as it is.

        One that gave up is cancelled: somebody has taken note.
        Raises NotFound, and StorageError. A venue that cannot be asked is asked again.
        """
        await self._read_all()
        async with self._lock(stop_id):
            stop = self._stops.get(stop_id) or await self._repository.get(stop_id)
            closing = stop.status is StopStatus.TRIGGERED and stop.ordered is not None
            now = self._clock.now()
            if stop.status is StopStatus.FAILED:
                return await self._save(replace(stop, status=StopStatus.CANCELLED, updated_at=now))
            if stop.status.is_final or closing:
                return stop
            await self._save(
                replace(stop, status=StopStatus.CANCELLING, reason="asked for", updated_at=now)
            )
        self._tries.pop(stop_id, None)
        return await self._keep(stop_id)

    async def _keep(self, stop_id: UUID) -> Stop:
        """Take one step after the other until there is nothing to do but to wait."""
        async with self._lock(stop_id):
            stop = self._stops.get(stop_id)
            if stop is None:
                return await self._repository.get(stop_id)
            failures, not_before = self._tries.get(stop_id, (0, 0.0))
            if failures and self._clock.monotonic() < not_before:
                return stop
            try:
                stop = await self._steps(stop)
            except TradingError as error:
                log.warning("stop not kept", stop_id=str(stop_id), error=str(error))
                self._wait_longer(stop_id)
                return await self._because(stop_id, str(error))
            return stop

    async def _steps(self, stop: Stop) -> Stop:
        await self._ready()
        while True:
            before = stop
            stop, send, cancel, instead = decide(
                before, await self._facts.of(before, self._prices.of(before))
            )
            if instead is not None and cancel is not None:
                await self._desk.check(instead, instead_of=cancel)
            if stop != before:
                await self._save(stop)
            if send:
                stop, order = await self._send(before, stop)
                if order.status not in _REFUSED:
                    self._tries.pop(stop.id, None)
                elif stop.attempt > 1:
                    self._wait_longer(stop.id)
                    return stop
            elif cancel is not None:
                if not (await self._manager.cancel(cancel)).status.is_final:
                    return stop
            elif stop == before or stop.status.is_final:
                return stop

    async def _send(self, before: Stop, stop: Stop) -> tuple[Stop, Order]:
        """Place its order; refused by our own rules, it was not, and nothing is ordered."""
        try:
            order = await self._desk.place(stop.request(), stop.key)
        except InvalidRequest:
            await self._save(
                replace(
                    stop,
                    ordered=None,
                    attempt=stop.attempt - 1,
                    reason=before.reason,
                    updated_at=self._clock.now(),
                )
            )
            raise
        return await self._save(replace(stop, order_id=order.id)), order

    async def _save(self, stop: Stop) -> Stop:
        before = self._stops.get(stop.id)
        await self._repository.save(stop)
        if before is not None and before.status is StopStatus.RESIZING and stop.order_id is None:
            self._prices.begin(stop)  # until now the venue watched, by prices of its own
        if stop.status.is_final:
            self._stops.pop(stop.id, None)
            self._prices.forget(stop)
            self._tries.pop(stop.id, None)
            log.info("stop ended", stop_id=str(stop.id), status=stop.status, reason=stop.reason)
            if stop.status is StopStatus.FAILED:
                log.error("a stop gave up", stop_id=str(stop.id), symbol=str(stop.symbol))
                self._bus.publish(StopFailed(stop=stop))
        else:
            self._stops[stop.id] = stop
        self._symbols = frozenset(each.symbol for each in self._stops.values())
        return stop

    async def _because(self, stop_id: UUID, reason: str) -> Stop:
        stop = self._stops[stop_id]
        if stop.reason == reason:
            return stop
        return await self._save(replace(stop, reason=reason, updated_at=self._clock.now()))

    def _wait_longer(self, stop_id: UUID) -> None:
        failures = self._tries.get(stop_id, (0, 0.0))[0] + 1
        wait = min(_LONGEST_WAIT, 2.0**failures)
        self._tries[stop_id] = failures, self._clock.monotonic() + wait

    async def _read_all(self) -> None:
        async with self._reading:
            if self._read:
                return
            self._stops = {stop.id: stop for stop in await self._repository.unfinished()}
            self._symbols = frozenset(stop.symbol for stop in self._stops.values())
            for stop in self._stops.values():
                self._prices.begin(stop)
            self._read = True

    def _on_price(self, symbol: Symbol, price: float, time: int) -> None:
        if symbol not in self._symbols:
            return
        for stop in self._prices.hear(symbol, price, time, self._stops.values()):
            self._tries.pop(stop.id, None)  # what could wait until now cannot any longer
            self._woken.set()

    def _on_change(self, symbol: Symbol) -> None:
        if symbol in self._symbols:
            self._woken.set()

    def _lock(self, stop_id: UUID) -> asyncio.Lock:
        return self._locks.setdefault(stop_id, asyncio.Lock())

    async def _pause(self) -> None:
        waits = [
            asyncio.ensure_future(self._clock.sleep(_EVERY_SECONDS)),
            asyncio.ensure_future(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._woken.clear()
