from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.simulator.calls import Answer
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.ws_api.messages import Malformed, read, reply

NOW = 1_767_614_400_250
SETTINGS = LimitSettings()
USED = {"x-mbx-used-weight-1m": "7"}
PLACED = USED | {"x-mbx-order-count-10s": "2", "x-mbx-order-count-1d": "3"}


def frame(**fields):
    return json.dumps({"id": 1, "method": "ping"} | fields)


def framed(answer, *, id_=1, limits=None):
    return json.loads(reply(id_, answer, now=NOW, limits=limits))


@pytest.mark.parametrize("id_", [1, 0, -1, 2**63 - 1, "1", "", "x" * 36, "é", None])
def test_ids_come_back_as_they_were(id_):
    ask = read(frame(id=id_))
    assert ask.id == id_
    assert type(ask.id) is type(id_)
    assert framed(Answer(200, b"{}", {}), id_=ask.id)["id"] == id_


@pytest.mark.parametrize("id_", [2**63, 1.5, True, [], {}, "x" * 37])
def test_other_ids_are_refused_and_not_repeated(id_):
    with pytest.raises(Malformed) as caught:
        read(frame(id=id_))
    assert caught.value.id is None
    assert caught.value.code == -1135


@pytest.mark.parametrize(
    ("text", "id_", "message"),
    [
        ("", None, "Invalid JSON Request"),
        ("ping", None, "Invalid JSON Request"),
        ("[]", None, "Invalid JSON Request"),
        ('"x"', None, "Invalid JSON Request"),
        ('{"id":1,"method":"ping"', None, "Invalid JSON Request"),
        ('{"id":NaN,"method":"ping"}', None, "Invalid JSON Request"),
        (r'{"id":"\ud800","method":"ping"}', None, "Invalid JSON Request"),
        ("[" * 100_000, None, "Invalid JSON Request"),
        (
            '{"method":"ping"}',
            None,
            "Invalid 'id' in JSON request; expected an integer, a string, or null.",
        ),
        ('{"id":5}', 5, "Invalid 'method' in JSON request; expected a string."),
        ('{"id":5,"method":7}', 5, "Invalid 'method' in JSON request; expected a string."),
        (
            '{"id":5,"method":"ping","params":["x"]}',
            5,
            "Invalid 'params' in JSON request; expected an object.",
        ),
    ],
)
def test_what_is_no_request_is_refused_by_name(text, id_, message):
    with pytest.raises(Malformed) as caught:
        read(text)
    assert (caught.value.id, caught.value.code, caught.value.message) == (id_, -1135, message)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        ask = read(text)
    except Malformed:
        return
    reply(ask.id, Answer(200, b"{}", {}), now=NOW, limits=None)


def test_parameters_keep_the_text_they_were_written_in():
    """That is what was signed: 0.010 is not 0.01, and a flag is lower case."""
    text = (
        '{"id":1,"method":"v3/order.place","params":{"quantity":0.010,"price":"37000.00",'
        '"timestamp":1645423376532,"returnRateLimits":false,"symbol":"１２３",'
        '"symbols":["A", "B"],"limit":1e2,"icebergQty":null}}'
    )
    ask = read(text)
    assert ask.method == "order.place"
    assert ask.show_limits is False
    assert ask.parameters == {
        "quantity": "0.010",
        "price": "37000.00",
        "timestamp": "1645423376532",
        "returnRateLimits": "false",
        "symbol": "１２３",
        "symbols": '["A","B"]',
        "limit": "1e2",
        "icebergQty": "",
    }


@pytest.mark.parametrize(
    ("flag", "shown"), [(True, True), (False, False), ("true", True), ("maybe", None)]
)
def test_a_request_may_say_whether_it_wants_to_see_limits(flag, shown):
    assert read(frame(params={"returnRateLimits": flag})).show_limits is shown


def test_no_parameters_are_none():
    assert read(frame()).parameters == read(frame(params=None)).parameters == {}
    assert read(frame()).show_limits is None


def test_a_success_carries_its_result():
    answer = Answer(200, b'{"serverTime":1}', USED)
    assert framed(answer) == {"id": 1, "status": 200, "result": {"serverTime": 1}}


def test_limits_are_shown_as_far_as_the_request_touched_them():
    weight = {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 6000,
        "count": 7,
    }
    short = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100}
    day = {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000}
    shown = framed(Answer(200, b"{}", USED), limits=SETTINGS)
    assert list(shown) == ["id", "status", "result", "rateLimits"]
    assert shown["rateLimits"] == [weight]
    assert framed(Answer(200, b"{}", PLACED), limits=SETTINGS)["rateLimits"] == [
        short | {"count": 2},
        day | {"count": 3},
        weight,
    ]
    assert framed(Answer(503, b"{}", {}), limits=SETTINGS)["rateLimits"] == []


def test_an_error_carries_code_message_and_data():
    answer = Answer(409, b'{"code":-2021,"msg":"half","data":{"a":1}}', USED)
    error = {"code": -2021, "msg": "half", "data": {"a": 1}}
    assert framed(answer) == {"id": 1, "status": 409, "error": error}


@pytest.mark.parametrize("status", [418, 429])
def test_who_asks_too_much_is_told_until_when(status):
    answer = Answer(status, b'{"code":-1003,"msg":"slower"}', {"Retry-After": "12"})
    assert framed(answer)["error"]["data"] == {"serverTime": NOW, "retryAfter": NOW + 12_000}


def test_data_of_its_own_stays():
    """CANCEL_ONLY of cancelReplace answers 429 and tells what it has done."""
    answer = Answer(429, b'{"code":-2021,"msg":"x","data":{"cancelResult":"SUCCESS"}}', {})
    assert framed(answer)["error"]["data"] == {"cancelResult": "SUCCESS"}


@pytest.mark.parametrize("body", [b"<html>403</html>", b"", b"[]"])
def test_an_error_that_is_no_object_becomes_one(body):
    assert framed(Answer(403, body, {}))["error"]["code"] == -1000


def test_a_result_that_was_cut_short_goes_out_cut_short():
    with pytest.raises(ValueError, match="delimiter"):
        framed(Answer(200, b'{"a":[1', {}))
