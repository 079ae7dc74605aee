"""Backtests over the API; the queue is the real one, its workers are small programs."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sys
from types import SimpleNamespace

import pytest

from tests.research.questions import configuration, history, record
from trading_system.api.backtest_schemas import RulesIn
from trading_system.backtest.rules import Rules
from trading_system.domain.instruments import Symbol
from trading_system.research import report, result_files
from trading_system.research.backtest_queue import BacktestQueue

pytestmark = pytest.mark.usefixtures("unmeasured_processes")  # the queue kills what has answered
ASKED = {
    "strategy": "sma_cross",
    "parameters": {"fast": 5, "slow": 50, "short": False},
    "symbol": "btc-usdt",
    "timeframe": "1h",
    "start": "2025-06-01",
    "end": "2025-08-01T00:00:00Z",
    "rules": {"slippage_bps": 2, "stop_loss": 0.05, "fill": "close"},
}
REFUSES = 'import sys\nsys.stdin.readline()\nprint(\'{"error": "the price stood still"}\')'
KEPT = "20250101T000000000Z"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


@pytest.fixture
async def client(system, folder, clock, connect):
    async def candles(*, warmup, **asked):
        return history(warmup=warmup)

    await system.symbols.add(Symbol("BTC", "USDT"), clock.now())
    system.backtests = BacktestQueue(
        candles=SimpleNamespace(get=candles),
        folder=folder,
        strategies=None,
        clock=clock,
        worker=(sys.executable, "-c", REFUSES),
    )
    return connect()


@pytest.fixture
def kept(folder):
    """A result from before the start, with its page."""
    path = result_files.save(folder, KEPT, record(), {"asked_at": "2025-01-01T00:00:00Z"})
    result_files.write_whole(path.with_suffix(".html"), report.page(record()))
    return path


async def test_a_backtest_is_accepted_and_can_be_followed(client, system):
    answer = await client.post("/backtests", json=ASKED)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/backtests/{job['id']}"
    assert (job["state"], job["progress"], job["run_id"]) == ("waiting", 0.0, None)
    assert job["configuration"]["symbol"] == "BTC/USDT"
    assert job["configuration"]["parameters"] == {"fast": "5", "slow": "50", "short": "no"}
    assert job["configuration"]["rules"]["stop_loss"] == 0.05
    assert job["configuration"]["start"] == "2025-06-01T00:00:00Z"
    running = asyncio.create_task(system.backtests.run())
    async with asyncio.timeout(60):
        while job["state"] != "failed":
            await asyncio.sleep(0.01)
            job = (await client.get(answer.headers["Location"])).json()
    running.cancel()
    assert job["error"] == "the price stood still"


async def test_a_pair_that_is_not_registered_is_refused_at_once(client):
    answer = await client.post("/backtests", json=ASKED | {"symbol": "ETH/USDT"})
    assert answer.status_code == 404
    assert "ETH/USDT is not registered" in answer.json()["detail"]
    assert (await client.get("/backtests")).json() == []


async def test_what_was_done_before_the_start_is_there(client, kept):
    (job,) = (await client.get("/backtests")).json()
    assert job == (await client.get(f"/backtests/{KEPT}")).json()
    whole = record()
    assert (job["state"], job["run_id"]) == ("done", whole.run_id)
    assert job["metrics"] == whole.metrics
    assert job["holding"] == whole.holding
    assert job["configuration"] == configuration().to_json()
    assert job["circumstances"] == {"asked_at": "2025-01-01T00:00:00Z"}


async def test_the_whole_result_is_the_file(client, kept):
    job = (await client.get(f"/backtests/{KEPT}")).json()
    answer = await client.get(job["result"])
    assert answer.content == kept.read_bytes()
    assert answer.headers["Content-Type"] == "application/json"
    assert kept.name in answer.headers["Content-Disposition"]


async def test_the_page_runs_its_own_scripts_and_no_others(client, kept):
    job = (await client.get(f"/backtests/{KEPT}")).json()
    answer = await client.get(job["plot"])
    assert answer.headers["Content-Type"].startswith("text/html")
    (scripts,) = re.findall(r"script-src ([^;]*);", answer.headers["Content-Security-Policy"])
    assert scripts.split() == list(report.script_hashes())
    assert answer.content == kept.with_suffix(".html").read_bytes()


async def test_a_result_without_a_page_says_so(client, kept):
    kept.with_suffix(".html").unlink()
    answer = await client.get(f"/plot/backtests/{KEPT}")
    assert answer.status_code == 404
    assert "without a page" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/backtests/{}", "/backtests/{}/result", "/plot/backtests/{}"])
async def test_what_nobody_asked_for_is_not_found(client, path):
    answer = await client.get(path.format("20240101T000000000Z"))
    assert answer.status_code == 404
    assert answer.json()["type"] == "/docs#not-found"


async def test_what_is_not_done_has_no_result(client):
    job = (await client.post("/backtests", json=ASKED)).json()
    for path in (f"/backtests/{job['id']}/result", f"/plot/backtests/{job['id']}"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert "it is waiting" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"strategy": "luck"}, "there is no strategy 'luck'"),
        ({"parameters": {"fast": 60}}, "fast=60 must be less than slow=50"),
        ({"parameters": {"fats": 6}}, "has no parameter 'fats'"),
        ({"parameters": {"fast": [1]}}, "parameters.fast"),
        ({"timeframe": "1y"}, "is not a timeframe"),
        ({"end": "2025-06-01"}, "end must be after start"),
        ({"symbol": "BTC"}, "is not a symbol"),
        ({"rules": {"stop_loss": 2}}, "stop_loss=2 is a share"),
        ({"rules": {"luck": 2}}, "rules.luck"),
        ({"rules": {"fill": "yesterday"}}, "rules.fill"),
        ({"more": 2}, "more"),
    ],
)
async def test_what_cannot_be_answered_is_refused_at_once(client, changed, reason):
    answer = await client.post("/backtests", json=ASKED | changed)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]
    assert (await client.get("/backtests")).json() == []


def test_every_rule_can_be_set():
    standard = dataclasses.asdict(Rules())
    assert RulesIn().model_dump() == standard
    assert {name: each.annotation for name, each in RulesIn.model_fields.items()} == {
        name: type(value) for name, value in standard.items()
    }
