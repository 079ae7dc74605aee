"""`trading-system pause | resume | kill | arm | control` against an API of dictionaries."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import httpx
import pytest

from trading_system.cli import control

ENTRY = {
    "state": "KILLED",
    "flatten": True,
    "reason": "mad",
    "who": "ann",
    "at": "2026-01-01T12:00:00Z",
}
NOT_YET = {"done": False, "open_orders": None, "positions": [], "left_over": {}}
DONE = {"done": True, "open_orders": 0, "positions": [], "left_over": {"ETH/USDT": "too little"}}


@pytest.fixture
def api(monkeypatch):
    """What was asked, and what each GET and POST answers next."""
    asked = []
    kills = [None]
    status = {"code": 200}

    def handle(request):
        asked.append((request.method, request.url.path, json.loads(request.content or b"{}")))
        if status["code"] != 200:
            return httpx.Response(status["code"], json={"detail": "not armed"})
        kill = kills.pop(0) if len(kills) > 1 else kills[0]
        return httpx.Response(200, json=ENTRY | {"armed": True, "kill": kill, "log": [ENTRY]})

    @asynccontextmanager
    async def connected(_):
        transport = httpx.MockTransport(handle)
        async with httpx.AsyncClient(transport=transport, base_url="http://system") as client:
            yield client

    monkeypatch.setattr(control, "connected", connected)
    monkeypatch.setattr(control, "_EVERY", 0.0)
    return asked, kills, status


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (("pause", "--reason", "lunch"), "/control/pause", {"reason": "lunch"}),
        (("resume",), "/control/resume", {"reason": "no reason given"}),
        (("arm",), "/control/arm", {}),
        (("arm", "5f0d7a526a0e4f57"), "/control/arm", {"code": "5f0d7a526a0e4f57"}),
    ],
)
def test_a_decision_is_sent_with_who_made_it(cli, api, words, path, body):
    asked, _, _ = api
    result = cli(*words)
    assert result.exit_code == 0, result.output
    ((method, where, sent),) = asked
    assert (method, where) == ("POST", path)
    assert sent.pop("who").endswith(", command line")
    assert sent == body
    assert "KILLED, armed: mad (ann)" in result.output


def test_how_things_stand_is_a_line_and_a_table(cli, api):
    asked, _, _ = api
    result = cli("control")
    assert asked == [("GET", "/control", {})]
    assert "KILLED, flatten" in result.output
    assert "open orders" not in result.output


def test_a_kill_waits_until_it_is_carried_out(cli, api):
    asked, kills, _ = api
    kills[:] = [NOT_YET, NOT_YET, DONE]
    result = cli("kill", "--flatten", "--reason", "mad")
    assert result.exit_code == 0, result.output
    assert [method for method, _, _ in asked] == ["POST", "GET", "GET"]
    assert asked[0][2]["flatten"] is True
    assert "open orders: 0, positions to close: 0" in result.output
    assert "ETH/USDT stays: too little" in result.output


def test_a_kill_that_takes_long_says_that_it_goes_on(cli, api, monkeypatch):
    _, kills, _ = api
    kills[:] = [NOT_YET]
    monkeypatch.setattr(control, "_WAITS", 0.05)
    result = cli("kill")
    assert result.exit_code == 1
    assert "keeps trying" in result.output


def test_a_refusal_is_one_line(cli, api):
    _, _, status = api
    status["code"] = 403
    result = cli("arm", "wrong")
    assert (result.exit_code, result.stderr) == (1, "not armed\n")
