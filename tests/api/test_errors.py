from __future__ import annotations

import inspect

import pytest

from trading_system.api.errors import STATUSES
from trading_system.domain import errors
from trading_system.domain.errors import TradingError

EXPECTED = {
    errors.UnknownSymbol: 404,
    errors.NotRegistered: 404,
    errors.NotFound: 404,
    errors.AlreadyRegistered: 400,
    errors.NotAllowed: 403,
    errors.NotHeld: 409,
    errors.RiskRefused: 403,
    errors.KeyReused: 409,
    errors.InvalidRequest: 422,
    errors.StopTooLate: 422,
    errors.StorageError: 503,
    errors.Unreachable: 503,
    errors.CircuitOpen: 503,
    errors.RateLimited: 503,
    errors.OutcomeUnknown: 504,
    errors.Unreadable: 502,
    errors.Rejected: 400,
    errors.InsufficientFunds: 400,
    errors.OrderNotFound: 404,
    errors.DuplicateOrder: 409,
    errors.ExchangeError: 502,
    errors.ConfigurationError: 500,
    errors.TradingError: 500,
}
EVERY_ERROR = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, TradingError)
]


def made(kind: type[TradingError]) -> TradingError:
    if issubclass(kind, errors.Rejected):
        return kind(-2010, "Account has insufficient balance")
    if issubclass(kind, errors.RateLimited):
        return kind("slow down", retry_after=12.2)
    return kind("so it is")


@pytest.mark.parametrize("kind", EVERY_ERROR)
async def test_every_error_has_its_status_and_is_a_problem(client, system, kind):
    error = made(kind)
    system.trading.failure = error
    response = await client.get("/balances")
    body = response.json()
    assert response.status_code == EXPECTED[kind] == body["status"]
    assert response.headers["content-type"] == "application/problem+json"
    assert body.keys() >= {"type", "title", "status", "detail"}
    if EXPECTED[kind] != 500:
        assert body["detail"].partition("; try again")[0] == str(error)
        assert body["type"].startswith("/docs#")
    if isinstance(error, errors.Rejected):
        assert (body["code"], body["reason"]) == (error.code, error.reason)
    assert ("Retry-After" in response.headers) == (EXPECTED[kind] == 503)


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.CircuitOpen])
@pytest.mark.parametrize(("seconds", "told"), [(12.2, "13"), (60.0, "60"), (0, "1")])
async def test_a_pause_says_when_to_come_back_in_whole_seconds(client, system, kind, seconds, told):
    system.trading.failure = kind("the venue stumbles", retry_after=seconds)
    response = await client.get("/balances")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == told
    assert response.json()["detail"] == f"the venue stumbles; try again in {told} s"


@pytest.mark.parametrize(
    "error", [RuntimeError("secret detail"), TradingError("secret detail"), KeyError("secret")]
)
async def test_a_bug_is_500_and_tells_nothing(client, system, error):
    system.trading.failure = error
    response = await client.get("/balances")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(client):
    missing = await client.get("/nowhere")
    assert missing.status_code == 404
    assert missing.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at /nowhere",
    }
    wrong = await client.put("/symbols")
    assert wrong.status_code == 405
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "POST" in wrong.headers["allow"] or "GET" in wrong.headers["allow"]


async def test_a_body_that_is_no_json_is_a_problem(client):
    headers = {"Content-Type": "application/json"}
    response = await client.post("/symbols", content=b'{"symbol":', headers=headers)
    assert response.status_code == 422
    assert response.json()["title"] == "Invalid request"


async def test_what_was_sent_is_not_repeated(client):
    response = await client.post("/symbols", json={"symbol": "hunter2hunter2", "key": "s3cr3t"})
    assert "s3cr3t" not in response.text


def test_every_problem_type_is_documented(client):
    """A type points into the documentation, where the anchors are made from x-problems."""
    document = client._transport.app.openapi()
    listed = {problem["type"] for problem in document["x-problems"]}
    assert len(listed) == len([s for s in STATUSES.values() if s != 500])
