"""Backfill, candles and orders together want more than there is, against the real simulator."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from trading_system.exchange.budget import SharedBudget
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import Bans, Priority
from trading_system.resilience.retry import RetryPolicy
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.server import SimulatorOptions, serve

WEIGHT = 200
MINUTES = 3
SMALL = LimitSettings(weight_per_minute=WEIGHT, orders_per_10_seconds=8)
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "50"}


@pytest.fixture
async def exchange(clock):
    async with serve(SimulatorOptions(clock=clock.milliseconds, limits=SMALL)) as running:
        yield running


@pytest.fixture
async def start(exchange, clock, tmp_path):
    """Gateways to it that share one budget, each as another process would have it."""
    gateways, budgets = [], []

    def start():
        client = Client(
            endpoints=trading_endpoints(exchange.url),
            clock=clock,
            api_key=SecretStr(exchange.api_key),
            secret=SecretStr(exchange.secret),
        )
        budgets.append(SharedBudget.opened(tmp_path, exchange.url))
        limiter = Limiter(neighbours=budgets[-1])
        gateways.append(Gateway(client=client, clock=clock, retry=RetryPolicy(), limiter=limiter))
        return gateways[-1]

    yield start
    for gateway in gateways:
        await gateway.close()
    for budget in budgets:
        budget.close()


class Appetite:
    """Wants more than there is, and notes what it got."""

    def __init__(self, gateway, clock, symbols):
        self.gateway, self.clock, self.symbols = gateway, clock, symbols
        self.pages = self.candles = 0
        self.waited = []

    async def backfill(self):
        while True:
            await self.gateway.read(
                "klines", priority=Priority.BACKFILL, symbol="BTCUSDT", interval="1m", limit=1
            )
            self.pages += 1

    async def beat(self):
        while True:
            await self.clock.sleep(60 - self.clock.monotonic() % 60)
            calls = [
                self.gateway.read("klines", symbol="ETHUSDT", interval="1m", limit=1)
                for _ in range(self.symbols)
            ]
            await asyncio.gather(*calls)
            self.candles += self.symbols

    async def trade(self):
        while True:
            asked = self.clock.monotonic()
            await self.gateway.change("order", method="POST", **ORDER)
            self.waited.append(self.clock.monotonic() - asked)
            await self.clock.sleep(3)

    def tasks(self):
        workers = [self.backfill() for _ in range(4)]
        return [asyncio.create_task(each) for each in (*workers, self.beat(), self.trade())]


@pytest.mark.parametrize(("processes", "symbols"), [(1, 40), (2, 6)])
async def test_the_venue_refuses_nothing_and_orders_wait_for_no_data(
    start, clock, processes, symbols
):
    """Of several processes, candles are sure of what backfills leave them, and of no more."""
    appetites = [Appetite(start(), clock, symbols) for _ in range(processes)]
    for appetite in appetites:
        await appetite.gateway.read("exchangeInfo")
        await appetite.gateway.synchronize()
    tasks = [task for appetite in appetites for task in appetite.tasks()]
    for _ in range(MINUTES * 120):
        await clock.advance(0.5)
        await asyncio.sleep(0.002)  # sockets take real time
    ended = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.exception() for task in ended] == []
    for appetite in appetites:
        assert appetite.gateway._limiter.bans == Bans(), "refused by the venue"
        assert len(appetite.waited) >= MINUTES * 15
        assert max(appetite.waited) <= 1.0
        assert appetite.candles >= symbols * (MINUTES - 1)
    used = 2 * sum(appetite.pages + appetite.candles for appetite in appetites)
    assert used > 0.75 * WEIGHT * MINUTES, "what may be used is used"
