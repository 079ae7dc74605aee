"""A strategy trades on a fast market, is killed in between, and did what a backtest does."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.journeys.fast_program import SharedClock
from tests.ports import free_port
from trading_system.simulator.options import SimulatorOptions
from trading_system.simulator.server import serve

SPEED = 30.0
PATIENCE = 100.0  # of the machine's seconds
CAPITAL = Decimal(1000)
WISH = {
    "name": "sma_cross",
    "symbols": ["BTC/USDT"],
    "timeframe": "1m",
    "parameters": {"fast": 1, "slow": 2},
    "capital": str(CAPITAL),
}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start() -> float:
    """When the clock of program and exchange began."""
    return time.monotonic()


@pytest.fixture
def program(tmp_path, start):
    """Start the program on one database and wait until it is healthy."""
    port = free_port()

    @asynccontextmanager
    async def started(running):
        environment = {
            "API_PORT": str(port),
            "DB_PATH": str(tmp_path / "journey.db"),
            "BUDGET_DIR": str(tmp_path),
            "RESULTS_DIR": str(tmp_path),
            "BACKFILL_MINUTES": "60",
            "VENUE": running.url,
            "BINANCE_API_KEY": running.api_key,
            "BINANCE_SECRET_KEY": running.secret,
        }
        with (tmp_path / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.journeys.fast_program", str(SPEED), str(start)),
                cwd=ROOT,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE
            ) as http:
                await until(lambda: answers(http), "the program to be healthy")
                yield process, http
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    return started


async def until(condition, what):
    """Ask again and again: the other side is another process."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (result := await condition()):  # noqa: ASYNC110 -- asks over HTTP
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None
    return result


async def answers(http) -> bool:
    try:
        return (await http.get("/health")).status_code == 200
    except httpx.TransportError:
        return False


async def got(http, path, **query):
    answer = await http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def trades_at_least(http, count):
    async def traded():
        trades = await got(http, "/trades")
        return trades if len({trade["order_id"] for trade in trades}) >= count else None

    return await until(traded, f"{count} orders to be filled")


@pytest.mark.timeout(300)
async def test_a_killed_strategy_goes_on_and_has_done_what_a_backtest_does(program, start):
    options = SimulatorOptions(clock=SharedClock(SPEED, start).milliseconds, speed=SPEED)
    async with serve(options) as running:
        async with program(running) as (process, http):
            assert (await http.post("/symbols", json={"symbol": "BTC/USDT"})).status_code == 201
            made = await http.post("/strategies", json=WISH)
            assert made.status_code == 201, made.text
            name = made.json()["id"]
            started = await http.post(f"/strategies/{name}/start")
            assert started.json()["state"] == "running", started.text
            await trades_at_least(http, 1)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        async with program(running) as (_, http):
            await trades_at_least(http, 3)
            stopped = await http.post(f"/strategies/{name}/stop")
            assert stopped.status_code == 200, stopped.text

            async def at_rest():
                view = await got(http, f"/strategies/{name}")
                return view if view["state"] == "stopped" else None

            view = await until(at_rest, "the strategy to be stopped")
            (report,) = await got(http, f"/strategies/{name}/parity")
            signals = await got(http, "/signals", strategy_id=name)
        ledger = running.exchange.venue.fills("main", "BTCUSDT")
    assert report["clean"], report
    assert report["decisions"] >= 3
    assert all(pair["delay_ms"] >= 0 for pair in report["fills"])
    assert len({signal["bar"] for signal in signals["signals"]}) == len(signals["signals"])
    same_money(view, ledger)


def same_money(view, ledger) -> None:
    """What the sub-wallet says is what the exchange's own orders add up to, to the last digit."""
    spent = held = Decimal(0)
    for fill in ledger:
        sign = 1 if fill.side == "BUY" else -1
        spent += sign * fill.price * fill.quantity
        held += sign * fill.quantity
        if fill.commission_asset == "BTC":
            held -= fill.commission
        else:
            spent += fill.commission
    assert Decimal(view["cash"]) == CAPITAL - spent
    holds = sum(Decimal(position["quantity"]) for position in view["positions"])
    assert holds == held
