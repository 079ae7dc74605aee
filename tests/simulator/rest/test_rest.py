from __future__ import annotations

import pytest

from trading_system.simulator.endpoints.table import ENDPOINTS, LATER


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nothing"), ("POST", "ping"), ("PUT", "order"), ("GET", "../v1/ping"), ("GET", "")],
)
def test_what_does_not_exist_is_not_found(desk, method, path):
    status, page = desk.call(method, path)
    assert (status, page.startswith("<html>")) == (404, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
def test_listen_keys_are_gone(desk, method):
    status, page = desk.call(method, "userDataStream")
    assert status == 410
    assert "410 Gone" in page


@pytest.mark.parametrize("path", sorted(LATER))
def test_what_comes_later_is_not_supported_yet(desk, path):
    answer = desk.call("POST", path.removeprefix("/api/v3/"))
    assert answer == (400, {"code": -1020, "msg": "This operation is not supported."})


@pytest.mark.parametrize(
    ("method", "path"), [key for key, endpoint in ENDPOINTS.items() if endpoint.signed]
)
def test_signed_endpoints_want_key_time_and_signature(desk, method, path):
    path = path.removeprefix("/api/v3/")
    assert desk.call(method, path)[1]["code"] == -2014
    assert desk.signed_refusal(method, path, key="x" * 64)[:2] == (401, -2015)
    assert desk.call(method, path, api_key="K" * 64)[1] == {
        "code": -1102,
        "msg": "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.",
    }
    forged = f"timestamp={desk.now}&signature={'0' * 64}"
    assert desk.call(method, path, forged, api_key="K" * 64)[1]["code"] == -1022
    assert desk.signed_refusal(method, path, timestamp=desk.now - 6_000)[1] == -1021


def test_a_call_without_rights_weighs_all_the_same(desk):
    desk.call("GET", "openOrders")
    assert desk.headers["x-mbx-used-weight"] == "80"


def test_too_much_weight_ends_in_429_and_then_in_418(make_desk):
    desk = make_desk(weight_per_minute=40, refusals_before_ban=2)
    desk.get("exchangeInfo")
    desk.get("exchangeInfo")
    status, body = desk.call("GET", "ping")
    assert (status, body["code"]) == (429, -1003)
    assert 0 < int(desk.headers["Retry-After"]) <= 60
    assert desk.call("GET", "ping")[0] == 429
    status, body = desk.call("GET", "ping")
    assert (status, body["code"]) == (418, -1003)
    assert desk.headers["Retry-After"] == "120"
    assert f"IP banned until {desk.now + 120_000}." in body["msg"]
    assert desk.call("GET", "ping", address="10.1.1.1")[0] == 200
    desk.now += 120_000
    assert desk.call("GET", "ping")[0] == 200


def test_orders_too_are_refused_once_there_is_too_much_weight(make_desk):
    desk = make_desk(weight_per_minute=19)
    assert desk.call("GET", "exchangeInfo")[0] == 429
    status, code, _ = desk.signed_refusal(
        "POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01"
    )
    assert (status, code) == (429, -1003)


def test_every_answer_has_a_mark_of_its_own(desk):
    desk.get("ping")
    first = desk.headers["x-mbx-uuid"]
    desk.get("ping")
    assert desk.headers["x-mbx-uuid"] != first
