"""VENUE=paper: the real program on the market of another exchange, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from decimal import Decimal

import httpx
import pytest

from tests.ports import free_port
from trading_system.simulator.options import Mirrored

PATIENCE = 60.0  # of the machine's seconds
BTC = "BTC/USDT"


async def test_a_system_on_paper_has_the_candles_of_the_market_and_fills_in_its_book(
    live, at, exchange
) -> None:
    """Nothing of it can tell that the exchange is of paper: the same way as anywhere else."""
    async with exchange() as market:
        there = Mirrored(rest=market.url, streams=f"{market.url.replace('http', 'ws')}/stream")
        async with (
            exchange(mirrored=there, funds={"USDT": Decimal(10_000)}) as paper,
            live(at(paper, streams="on")) as day,
        ):
            registered = (await day.http.post("/symbols", json={"symbol": BTC})).json()
            await day.backfilled(registered["backfill"]["id"])
            answer = await day.order(symbol=BTC, side="BUY", type="market", quantity="0.01")
            bought = answer.json()
            assert bought["status"] == "FILLED", answer.text
            book = market.exchange.feed.depth("BTCUSDT", now=day.clock.milliseconds())
            assert Decimal(bought["average_price"]) == book.asks[0].price
            prices = (await day.http.get("/prices/BTC-USDT", params={"limit": 1000})).json()
            theirs = market.exchange.feed.klines(
                "BTCUSDT",
                "1m",
                start=prices["candles"][0]["open_time_ms"],
                end=None,
                limit=len(prices["candles"]),
                now=day.clock.milliseconds(),
            )
            names = ("open_time_ms", "open", "high", "low", "close", "volume")
            ours = [[candle[name] for name in names] for candle in prices["candles"]]
            assert len(ours) == 180
            assert ours == [[row[0], *map(float, row[1:6])] for row in theirs]


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if result := condition():
                return result
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


@pytest.fixture
def environment():
    measured = {name for name in os.environ if name.startswith("COVERAGE_")}
    return {name: os.environ[name] for name in {"PATH", "HOME"} | measured if name in os.environ}


@pytest.fixture
def origin(environment, tmp_path):
    """Another exchange, whose clock is the machine's."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "trading_system", "simulate", "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
        try:
            wait_for(lambda: http.get("/api/v3/ping").is_success)
            yield http
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


@pytest.fixture
def program(environment, tmp_path, origin):
    """Start ours on paper, and kill it at the end of the block."""

    @contextmanager
    def start(**more):
        port = free_port()
        ours = {"VENUE": "paper", "PAPER_MARKET": str(origin.base_url), "API_PORT": str(port)}
        ours |= {"BACKFILL_MINUTES": "30"}
        process = subprocess.Popen(
            [sys.executable, "-m", "trading_system"],
            cwd=tmp_path,
            env=environment | ours | more,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
                wait_for(lambda: http.get("/health").is_success)
                yield http
        finally:
            process.kill()
            process.communicate()

    return start


def order(http, **fields):
    answer = http.post("/orders", json={"symbol": BTC, "side": "BUY", **fields})
    assert answer.is_success, answer.text
    return answer.json()


@pytest.mark.slow  # three starts of a program; the laws behind it are held without
def test_paper_orders_trade_at_real_prices_and_outlive_a_kill(origin, program) -> None:
    with program() as http:
        assert http.get("/balances").json() == [
            {"asset": "USDT", "free": "10000.00000000", "locked": "0.00000000"}
            | {"total": "10000.00000000"}
        ]
        ask = Decimal(origin.get("/api/v3/ticker/bookTicker?symbol=BTCUSDT").json()["askPrice"])
        bought = order(http, type="market", quantity="0.01")
        assert bought["status"] == "FILLED"
        assert abs(Decimal(bought["average_price"]) / ask - 1) < Decimal("0.005")
        low = f"{ask * 9 / 10:.2f}"  # far enough to rest, near enough for the risk checks
        resting = order(http, type="limit", quantity="0.001", price=low)
        assert resting["status"] == "NEW"
        registered = http.post("/symbols", json={"symbol": BTC}).json()
        job = registered["backfill"]["id"]
        wait_for(lambda: http.get(f"/backfills/{job}").json()["state"] == "done")
        balances = http.get("/balances").json()
    with program() as http:
        assert http.get("/balances").json() == balances
        kept = {each["id"]: each["status"] for each in http.get("/orders").json()}
        assert kept == {bought["id"]: "FILLED", resting["id"]: "NEW"}
        assert http.delete(f"/orders/{resting['id']}").json()["status"] == "CANCELED"
