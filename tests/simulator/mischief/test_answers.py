"""What was asked, what the client saw, and what the exchange did: a table a kind."""

from __future__ import annotations

import pytest

JSON = "application/json"
HTML = "text/html"

# kind and fields, status, what the body is told by, was the order placed
TABLE = [
    ({"kind": "server-error"}, 503, -1001, False),
    ({"kind": "server-error", "status": 500, "code": -1000}, 500, -1000, False),
    ({"kind": "server-error", "status": 504, "executed": True}, 504, -1001, True),
    ({"kind": "server-error", "status": 502, "body": "html"}, 502, HTML, False),
    ({"kind": "too-many-requests"}, 429, -1003, False),
    ({"kind": "banned"}, 418, -1003, False),
    ({"kind": "forbidden"}, 403, HTML, False),
    ({"kind": "error", "code": -1003}, 429, -1003, False),
    ({"kind": "error", "code": -1006, "executed": True}, 500, -1006, True),
    ({"kind": "error", "code": -1007}, 504, -1007, False),
    ({"kind": "error", "code": -1007, "executed": True}, 504, -1007, True),
    ({"kind": "error", "code": -1008}, 503, -1008, False),
    ({"kind": "error", "code": -1021}, 400, -1021, False),
    ({"kind": "error", "code": -1015, "status": 429, "message": "No."}, 429, -1015, False),
    ({"kind": "empty-body"}, 200, b"", True),
    ({"kind": "truncated-body"}, 200, b'{"symbol":', True),
    ({"kind": "answer-lost"}, None, None, True),
    ({"kind": "request-lost"}, None, None, False),
    ({"kind": "latency", "ms": 1}, 200, b'{"symbol":', True),
]


@pytest.mark.parametrize(("rule", "status", "told", "placed"), TABLE)
async def test_an_order_meets_mischief(client, rule, status, told, placed):
    await client.add({**rule, "calls": "POST /api/v3/order", "times": 1})
    seen = await client.place(newClientOrderId="one")
    assert seen.status == status
    match told:
        case int():
            assert seen.code == told
            assert seen.headers["Content-Type"].startswith(JSON)
        case str():
            assert seen.headers["Content-Type"].startswith(told)
            assert b"<html>" in seen.body
        case b"":
            assert seen.body == b""
        case bytes():
            assert seen.body.startswith(told)
    assert ("one" in client.orders()) == placed
    assert (await client.state())["done"] == {rule["kind"]: 1}


async def test_a_cut_connection_is_no_error_of_the_exchange(client, caplog):
    await client.add({"kind": "answer-lost", "calls": "POST /api/v3/order"})
    assert (await client.place()).status is None
    await client.clear()
    assert (await client.ping()).status == 200
    assert not caplog.records
