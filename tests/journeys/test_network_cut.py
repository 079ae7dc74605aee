"""The network goes away for half a minute, silently or with a bang, and nothing is lost.

System and exchange share a clock that runs so many times as fast as the machine's.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.steady import FastClock
from trading_system.acceptance.cable import cable
from trading_system.config import Settings
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import Trade
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.timeframes import Timeframe
from trading_system.simulator.server import SimulatorOptions, serve
from trading_system.system import opened

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
SPEED = 12.0
BEGIN = datetime(2026, 1, 4, 12, tzinfo=UTC)
CUT_SECONDS = 30.0
BACK_WITHIN_SECONDS = 60.0
PATIENCE = 60.0  # real seconds


async def until(condition, what):
    """Wait for real sockets; the clock runs by itself."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- asks several parts
            await asyncio.sleep(0.01)
    assert condition(), what


@pytest.fixture
async def cut_off(tmp_path):
    """A living system whose way to the exchange is a cable."""
    clock = FastClock(SPEED, BEGIN)
    options = SimulatorOptions(speed=SPEED, clock=clock.milliseconds)
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(serve(options))
        line = await stack.enter_async_context(cable(exchange.url))
        wanted = Settings(
            _env_file=None,
            db_path=tmp_path / "cut.db",
            budget_dir=tmp_path,
            backfill_minutes=10,
            venue=line.url,
            binance_api_key=exchange.api_key,
            binance_secret_key=exchange.secret,
        )
        system = await stack.enter_async_context(opened(wanted, clock))
        living = asyncio.ensure_future(system.run())
        try:
            yield system, exchange, line
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)


def connected(system) -> bool:
    """Every stream is up, and the book of what is traded is whole."""
    streams = system.venue_reports()[0].streams
    up = {stream.role for stream in streams if stream.state in {"connected", "ready"}}
    in_sync = system.live.figures()["books_in_sync"]
    return {"execution", "monitoring", "standby", "user"} <= up and in_sync == 1


def filled(system) -> bool:
    """Whatever was missed has been asked for."""
    figures = system.live.figures()
    return not figures["trade_gaps_open"] and not figures["candle_gaps_open"]


@pytest.mark.parametrize(
    "silent",
    [pytest.param(False, marks=pytest.mark.slow), True],
    ids=["reset", "silent"],
)
async def test_half_a_minute_without_a_network_leaves_no_gap(cut_off, silent):
    system, exchange, line = cut_off
    clock = system.clock
    trades: list[Trade] = []
    system.bus.subscribe(Trade, trades.append)
    for symbol in (BTC, ETH):
        await system.registry.register(symbol)
    book = await system.live.book(BTC, levels=5)
    order = await system.desk.place(
        OrderRequest(
            symbol=BTC,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("0.01"),
            price=book.bids[0].price,
        )
    )
    await until(lambda: connected(system) and bool(trades), "streams")

    line.cut(silent=silent)
    await clock.sleep(CUT_SECONDS)
    told_before = len(trades)
    line.mend()
    mended = clock.monotonic()
    await until(lambda: connected(system) and len(trades) > told_before, "streams back")
    assert clock.monotonic() - mended < BACK_WITHIN_SECONDS

    last = max(trade.id for trade in trades)
    await until(lambda: filled(system), "gaps filled")
    ids = sorted(trade.id for trade in trades if trade.id <= last)
    assert ids == list(range(ids[0], last + 1))

    # The next beat has proven every minute of it.
    end = floor_minute(clock.milliseconds()) + MINUTE
    span = Span(end - 5 * MINUTE, end)
    await clock.sleep((end - clock.milliseconds()) / 1000 + 10)
    for symbol in (BTC, ETH):
        ours = await system.prices.candles(symbol, span, Timeframe.parse("1m"))
        assert len(ours) == span.minutes
        assert ours == await system.market_data.candles(symbol, span)

    await system.reconciler.reconcile()
    ours = await system.orders.get(order.id)
    theirs = exchange.exchange.venue.order(
        "main", "BTCUSDT", order_id=None, client_order_id=order.client_order_id
    )
    assert (ours.status, ours.executed_quantity) == (theirs.status, theirs.executed)
