"""Backtests of a running system, computed in a real worker over candles of a real exchange."""

from __future__ import annotations

import pytest

from tests.research.questions import record
from trading_system.backtest.rules import Rules
from trading_system.research.backtest import answered
from trading_system.research.configuration import Configuration, read_instant
from trading_system.research.history_files import from_file
from trading_system.research.record import canonical
from trading_system.strategies.sma_cross import SmaCross

pytestmark = pytest.mark.usefixtures("unmeasured_processes")  # the queue kills what has answered
ASKED = {
    "strategy": "sma_cross",
    "parameters": {"fast": 5, "slow": 20},
    "symbol": "BTC/USDT",
    "timeframe": "5m",
    "start": "2026-01-01T05:00:00Z",  # hours before what a new symbol is backfilled with
    "end": "2026-01-01T11:00:00Z",
}


async def test_a_backtest_fetches_its_candles_and_says_the_same_offline(
    exchange, at, live, tmp_path
):
    record()  # compiled for good, so that the worker does not take half a minute for it
    folders = {"results_dir": tmp_path / "results", "cache_dir": tmp_path / "cache"}
    async with exchange() as running:
        async with live(at(running, **folders)) as day:
            await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
            answer = await day.http.post("/backtests", json=ASKED)
            assert answer.status_code == 202, answer.text
            place = answer.headers["Location"]
            done = await day.until(lambda: ended(day, place), "backtest")
            assert done["state"] == "done", done
            assert done["data"]["bars"] == 72
            whole = (await day.http.get(done["result"])).json()["result"]
            assert "plotly" in (await day.http.get(done["plot"])).text
            candles = await exported(day, tmp_path / "candles.csv")
        async with live(at(running, **folders)) as day:
            assert (await day.http.get(place)).json() == done
            assert [job["id"] for job in (await day.http.get("/backtests")).json()] == [done["id"]]
    assert canonical(offline(candles).to_json()) == canonical(whole)


async def ended(day, place):
    """The backtest once it is over; a backfill waits for time to pass."""
    await day.clock.advance(0.2)
    job = (await day.http.get(place)).json()
    return job if job["state"] in {"done", "failed"} else None


async def exported(day, path):
    """Everything stored, as a file of minutes."""
    headers = {"Accept": "text/csv"}
    answer = await day.http.get("/prices/BTC-USDT", params={"limit": 10_000}, headers=headers)
    rows = [line.split(",")[1:] for line in answer.text.splitlines()]
    path.write_text(
        "".join(",".join(row) + "\n" for row in [["open_time", *rows[0][1:]], *rows[1:]])
    )
    return path


def offline(path):
    strategy = SmaCross(fast=5, slow=20)
    asked = Configuration.of(
        strategy,
        symbol="BTC/USDT",
        timeframe="5m",
        start=read_instant(ASKED["start"]),
        end=read_instant(ASKED["end"]),
        rules=Rules(),
    )
    history = from_file(
        path,
        symbol=asked.symbol,
        timeframe=asked.timeframe,
        start=asked.start,
        end=asked.end,
        warmup=strategy.warmup,
    )
    return answered(strategy, asked, history)
