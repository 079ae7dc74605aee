"""`trading-system reconcile` against an API of dictionaries."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import pytest

from trading_system.cli import reconciliation

DONE = {
    "asked": 1,
    "booked": 2,
    "adopted": 3,
    "fills": 4,
    "unknown_left": 5,
    "balances_compared": True,
    "differences": [],
}


@pytest.fixture
def answers(monkeypatch):
    """What POST /reconcile answers: change it."""
    told = {"status": 200, "body": dict(DONE)}

    def handle(request):
        assert (request.method, request.url.path) == ("POST", "/reconcile")
        return httpx.Response(told["status"], json=told["body"])

    @asynccontextmanager
    async def connected(_):
        transport = httpx.MockTransport(handle)
        async with httpx.AsyncClient(transport=transport, base_url="http://system") as client:
            yield client

    monkeypatch.setattr(reconciliation, "connected", connected)
    return told


def test_counts_are_a_table(cli, answers):
    result = cli("reconcile")
    assert result.exit_code == 0
    row = result.output.splitlines()[4]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["1", "2", "3", "4", "5"]
    assert "what the fills explain" in result.output


def test_differences_are_shown_with_their_size(cli, answers):
    answers["body"]["differences"] = [
        {"asset": "USDT", "expected": "100", "actual": "130.5", "size": "30.5", "time": "-"}
    ]
    output = cli("reconcile").output
    assert "explain" not in output
    for text in ("USDT", "100", "130.5", "30.5"):
        assert text in output


def test_balances_that_moved_are_said_to_be_left(cli, answers):
    answers["body"]["balances_compared"] = False
    assert "the next pass compares them" in cli("reconcile").output


def test_a_venue_that_cannot_be_asked_is_one_line(cli, answers):
    answers.update(status=503, body={"detail": "the venue is down"})
    result = cli("reconcile")
    assert result.exit_code == 1
    assert result.stderr == "the venue is down\n"
