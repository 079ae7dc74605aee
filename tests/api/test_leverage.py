"""Setting a symbol's leverage over the API."""

from __future__ import annotations

import pytest

from trading_system.domain.errors import NotAllowed, OutcomeUnknown, Rejected, UnknownSymbol
from trading_system.domain.instruments import Symbol

PATH = "/positions/BTC-USDT/leverage"


async def test_the_leverage_that_the_venue_has_set_is_told(client, system):
    answer = await client.post(PATH, json={"leverage": 7})
    assert (answer.status_code, answer.json()) == (200, {"symbol": "BTC/USDT", "leverage": 7})
    assert system.derivatives.leverages == {Symbol("BTC", "USDT"): 7}


@pytest.mark.parametrize("wanted", [0, 126, 2.5, "7", None, True])
async def test_a_leverage_that_no_symbol_has_is_422(client, system, wanted):
    answer = await client.post(PATH, json={"leverage": wanted})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["body.leverage"]
    assert not system.derivatives.leverages


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (NotAllowed("spot has no leverage: set MARKET_TYPE=futures"), 403),
        (UnknownSymbol("the venue lists no BTC/USDT"), 404),
        (Rejected(-4028, "Leverage 126 is not valid"), 400),
        (OutcomeUnknown("no answer"), 504),
    ],
)
async def test_why_it_was_not_set_is_said(client, system, failure, status):
    system.derivatives.failure = failure
    answer = await client.post(PATH, json={"leverage": 7})
    assert (answer.status_code, answer.json()["detail"]) == (status, str(failure))


async def test_a_symbol_that_is_none_is_422(client):
    assert (
        await client.post("/positions/BTCUSDT/leverage", json={"leverage": 7})
    ).status_code == 422
