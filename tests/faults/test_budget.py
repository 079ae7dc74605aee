"""Backfill, candles and orders want more than the exchange allows, and it never has to say so.

Its clock runs many times as fast as the machine's, so what takes real time takes as many times as
long by it: the real exchange is easier to please.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.ports import JobState
from trading_system.simulator.limits import LimitSettings

SPEED = 8.0
BEGIN = datetime(2026, 1, 4, 15, 54, 50, tzinfo=UTC)  # shortly before a beat
SYMBOLS = 10  # a weight of 20 a beat: what backfills leave of it is 180
PAST = 1_500_000 * MINUTE  # of each symbol: a weight of 30000 in all
LIMITS = LimitSettings(weight_per_minute=600, orders_per_10_seconds=8)
BTC = Symbol("BTC", "USDT")
OFTEN, EACH = 5.0, 10  # seconds between orders, and how many come before a burst
BURST = 12  # at once: more than ten seconds allow
WELL_USED = 0.6  # of the 0.7 that backfills may use
WAIT_SECONDS = 5.0  # more than a second of the machine, which is busy; data waits up to a minute


class Timed:
    """A Trading that notes how long each order was on its way, its turn included."""

    def __init__(self, trading, clock):
        self._trading, self._clock = trading, clock
        self.waits: list[float] = []

    async def place(self, order, *, still_wanted):
        asked = self._clock.monotonic()
        report = await self._trading.place(order, still_wanted=still_wanted)
        self.waits.append(self._clock.monotonic() - asked)
        return report

    async def find(self, order):
        return await self._trading.find(order)


class Trader:
    """Buys a little every few seconds, and now and then too much at once."""

    def __init__(self, world):
        self._world = world
        self._timed = Timed(world.system.trading, world.clock)
        world.system.order_manager._trading = self._timed
        self.waits: list[float] = []
        self.orders = 0

    async def trade(self):
        while True:
            for _ in range(EACH):
                await self._buy()
                self.waits.append(self._timed.waits[-1])
                await self._world.clock.sleep(OFTEN)
            # A burst waits for the limit of orders itself, which says nothing.
            await asyncio.gather(*[self._buy() for _ in range(BURST)])
            await self._world.clock.sleep(10)

    async def _buy(self):
        order = await self._world.system.desk.place(
            OrderRequest(
                symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(50)
            )
        )
        assert order.status == "FILLED", order.reject_reason
        self.orders += 1


class Meter:
    """Reads off, at the exchange, what was used of every minute; stands between backfills and it.

    Backfills stop where their share of the minute begins to be missing: what was used when the last
    page of a minute came tells whether they took what they may.
    """

    def __init__(self, world):
        self._clock, self._limits = world.clock, world.exchange.exchange.limits
        self._history = world.system.backfills._market_data
        world.system.backfills._market_data = self
        self.used: Counter[int] = Counter()
        self.used_at_last_page: dict[int, int] = {}

    async def watch(self):
        while True:
            self._read()
            await asyncio.sleep(0.002)

    async def candles(self, symbol, span):
        page = await self._history.candles(symbol, span)
        minute, used = self._read()
        self.used_at_last_page[minute] = used
        return page

    def _read(self):
        now = self._clock.milliseconds()
        minute, used = floor_minute(now), self._limits.used("127.0.0.1", now)
        self.used[minute] = max(self.used[minute], used)
        return minute, used


@contextmanager
def running(*tasks):
    """Have these run while the block lasts, and fail with them."""
    started = [asyncio.ensure_future(task) for task in tasks]
    try:
        yield
        for task in started:
            assert not task.done(), task.exception()
    finally:
        for task in started:
            task.cancel()


@asynccontextmanager
async def hungry(world):
    """A system that keeps up with all symbols, and is then to fetch years of each."""
    settings = {
        "backfill_minutes": 5,
        # Of so small a budget orders need a larger part, and whole passes of the reconciler more.
        "budget_share_backfill": 0.70,
        "budget_share_candles": 0.85,
        "reconcile_seconds": 86_400,
    }
    async with world(SPEED, begin=BEGIN, settings=settings, limits=LIMITS, symbols=SYMBOLS) as here:
        system = here.system
        symbols = sorted(await system.market_data.instruments())
        for symbol in symbols:
            await system.registry.register(symbol)

        async def collected() -> bool:
            beat = system.heartbeat.statistics.last_beat
            return beat is not None and beat.stored >= SYMBOLS

        await here.until(collected, "a beat with every symbol")
        meter = Meter(here)
        now = floor_minute(here.clock.milliseconds())
        past = Span(now - PAST, now - 10 * MINUTE)
        jobs = [await system.registry.backfill(symbol, past) for symbol in symbols]
        yield here, symbols, jobs, meter


@pytest.mark.parametrize(
    "minutes", [1, pytest.param(30, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_nothing_is_refused_and_nothing_is_late(world, minutes):
    async with hungry(world) as (here, symbols, jobs, meter):
        system, exchange = here.system, here.exchange.exchange
        trader = Trader(here)
        first, before = floor_minute(here.clock.milliseconds()), system.heartbeat.statistics.beats
        with running(trader.trade(), meter.watch()):
            await here.clock.sleep(60.0 * minutes + 15)  # past the last minute's beat

        assert not exchange.limits.refused
        assert not here.exchange.mischief.refused
        beats = system.heartbeat.statistics
        assert (beats.failed, beats.skipped) == (0, 0)
        assert beats.beats - before >= minutes - 1
        span = Span(first, floor_minute(round(beats.last_beat.due.timestamp() * 1000)))
        for symbol in symbols:
            coverage = await system.prices.coverage(symbol, span, digest=False)
            assert coverage.stored == span.minutes, symbol
        assert max(trader.waits) < WAIT_SECONDS
        assert trader.orders >= minutes * 5
        states = {(await system.backfills.get(job.id)).state for job in jobs}
        assert states <= {JobState.PENDING, JobState.RUNNING}, "more was wanted all the time"
        assert max(meter.used.values()) <= LIMITS.weight_per_minute
        used = [meter.used_at_last_page[first + number * MINUTE] for number in range(minutes)]
        print(used, sorted(trader.waits)[-4:], trader.orders)  # noqa: T201
        assert sum(used) > WELL_USED * LIMITS.weight_per_minute * len(used)
