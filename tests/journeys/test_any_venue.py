"""One scenario for every venue: the simulator always, Binance's testnet where keys are set.

TESTNET_API_KEY=... TESTNET_SECRET_KEY=... uv run pytest -m testnet
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from trading_system.clock import SystemClock
from trading_system.config import Settings
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.ports import JobState
from trading_system.simulator.server import SimulatorOptions, serve
from trading_system.system import opened

BTC = Symbol("BTC", "USDT")
PATIENCE = 60.0


@asynccontextmanager
async def embedded():
    async with serve(SimulatorOptions(port=0)) as running:
        yield {
            "venue": running.url,
            "binance_api_key": running.api_key,
            "binance_secret_key": running.secret,
        }


@asynccontextmanager
async def binance_testnet():
    key, secret = os.environ.get("TESTNET_API_KEY"), os.environ.get("TESTNET_SECRET_KEY")
    if not key or not secret:
        pytest.skip("set TESTNET_API_KEY and TESTNET_SECRET_KEY, see README.md")
    yield {"venue": "testnet", "binance_api_key": key, "binance_secret_key": secret}


@pytest.fixture(
    params=[embedded, pytest.param(binance_testnet, marks=pytest.mark.testnet)],
    ids=["simulator", "testnet"],
)
async def system(request, tmp_path):
    async with request.param() as venue:
        wanted = Settings(
            _env_file=None,
            db_path=tmp_path / "any.db",
            budget_dir=tmp_path,
            backfill_minutes=5,
            **venue,
        )
        async with opened(wanted, SystemClock()) as running:
            living = asyncio.ensure_future(running.run())
            try:
                yield running
            finally:
                living.cancel()
                await asyncio.gather(living, return_exceptions=True)


async def until(condition):
    """Wait for a real venue over real sockets."""
    async with asyncio.timeout(PATIENCE):
        while not (result := await condition()):  # noqa: ASYNC110 -- the venue has no event for it
            await asyncio.sleep(0.02)
    return result


async def test_candles_prices_and_orders_come_and_go(system):
    """Registered, filled, live to the second; an order rests, is cancelled, another one fills."""
    registration = await system.registry.register(BTC)

    async def filled():
        job = await system.backfills.get(registration.backfill.id)
        return job.state is JobState.DONE

    await until(filled)
    end = floor_minute(system.clock.milliseconds())
    coverage = await system.prices.coverage(BTC, Span(end - 5 * MINUTE, end - MINUTE))
    assert not coverage.missing

    async def priced():
        return [price for price in system.live.prices() if price.symbol == BTC and price.ask]

    (price,) = await until(priced)
    assert 0 < price.bid <= price.ask
    assert price.quote_age_ms < PATIENCE * 1000

    instrument = (await system.market_data.instruments())[BTC]
    book = await system.live.book(BTC, levels=5)
    tick, step = instrument.tick_size, instrument.step_size
    low = (book.bids[0].price * Decimal("0.9") / tick).to_integral_value() * tick
    lots = (
        2 * (instrument.min_notional or Decimal(10)) / low / step + 1
    ).to_integral_value() * step
    resting = await system.desk.place(
        OrderRequest(
            symbol=BTC, side=Side.BUY, type=OrderType.LIMIT_MAKER, quantity=lots, price=low
        )
    )
    assert resting.status is OrderStatus.NEW
    assert (await system.order_manager.cancel(resting.id)).status is OrderStatus.CANCELED

    bought = await system.desk.place(
        OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=lots)
    )
    assert bought.status is OrderStatus.FILLED
    fills = await system.orders.fills(order_id=bought.id)
    assert sum(row.fill.quantity for row in fills) == bought.executed_quantity

    async def pushed():
        return system.user_stream.reports >= 4  # two NEW, a cancel and at least one fill

    await until(pushed)
