"""One exchange over real sockets, its time standing still, and three clients that judge it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.simulator.judges.by_ccxt import CcxtJudge
from tests.simulator.judges.by_official_sdk import OfficialJudge
from tests.simulator.judges.by_python_binance import PythonBinanceJudge
from tests.simulator.judges.judge import Clock
from tests.steady import FastClock
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.server import SimulatorOptions, serve

NOON = 1_767_614_400_250  # 2026-01-05 12:00:00.250 UTC
KEY, SECRET = "k" * 64, "s" * 64
SPEED = 4
JUDGES = [CcxtJudge, PythonBinanceJudge, OfficialJudge]


@pytest.fixture(scope="session")
def feed():
    """Twelve pairs; LTCUSDT has narrow limits so that every filter can fail."""
    rules = catalogue(12)
    rules["LTCUSDT"] = replace(
        rules["LTCUSDT"],
        max_num_orders=3,
        max_num_algo_orders=1,
        max_num_iceberg_orders=1,
        max_position=Decimal(10_050),
    )
    return SeededFeed(7, rules)


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
async def exchange(feed, clock):
    options = SimulatorOptions(
        api_key=KEY,
        secret=SECRET,
        clock=clock,
        filters=ExchangeLimits(max_num_orders=5, max_num_algo_orders=3, max_num_iceberg_orders=2),
    )
    async with serve(options, feed) as running:
        yield running


@pytest.fixture(params=JUDGES, ids=lambda judge: judge.name)
async def judge(request, exchange, clock):
    """Each client in turn; what the official one complains about fails the test."""
    client = request.param(exchange.url, KEY, SECRET, clock)
    await client.markets()
    try:
        yield client
    finally:
        await client.close()
    assert getattr(client, "complaints", []) == []


@pytest.fixture
async def official(exchange, clock):
    client = OfficialJudge(exchange.url, KEY, SECRET, clock)
    try:
        yield client
    finally:
        await client.close()
    assert client.complaints == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_clock():
    """The exchange's time from noon on, four times as fast as ours."""
    return FastClock(SPEED, datetime.fromtimestamp(NOON / 1_000, UTC)).milliseconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(feed, running_clock):
    """One exchange for all tests of a module, its time running."""
    options = SimulatorOptions(api_key=KEY, secret=SECRET, clock=running_clock, speed=SPEED)
    async with serve(options, feed) as running:
        yield running
