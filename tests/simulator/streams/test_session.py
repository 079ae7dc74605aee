from __future__ import annotations

import json

import orjson
import pytest

from trading_system.simulator.streams.names import parse
from trading_system.simulator.streams.session import MOST_STREAMS, Session


@pytest.fixture
def session():
    return Session([parse("btcusdt@trade")], combined=False)


def ask(session, method, params=None, number=1):
    request = {"method": method, "id": number} | ({} if params is None else {"params": params})
    return session.receive(json.dumps(request))


def answer(reply):
    return orjson.loads(reply.text)


def names(streams):
    return [stream.text for stream in streams]


def test_subscribing_is_confirmed_with_the_id_and_tells_what_is_new(session) -> None:
    reply = ask(session, "SUBSCRIBE", ["btcusdt@trade", "ethusdt@kline_1m"], 7)
    assert reply.text == '{"result":null,"id":7}'
    assert names(reply.added) == ["ethusdt@kline_1m"]


def test_the_same_stream_named_twice_is_one(session) -> None:
    reply = ask(session, "SUBSCRIBE", ["a@trade", "a@trade"])
    assert names(reply.added) == ["a@trade"]


def test_subscriptions_are_listed_in_their_order(session) -> None:
    ask(session, "SUBSCRIBE", ["ethusdt@trade", "bnbusdt@trade"])
    ask(session, "UNSUBSCRIBE", ["btcusdt@trade"])
    listed = answer(ask(session, "LIST_SUBSCRIPTIONS"))["result"]
    assert listed == ["ethusdt@trade", "bnbusdt@trade"] == names(session.streams)


def test_unsubscribing_what_is_not_subscribed_is_confirmed_too(session) -> None:
    reply = ask(session, "UNSUBSCRIBE", ["ethusdt@trade", "btcusdt@trade"])
    assert answer(reply)["result"] is None
    assert names(reply.removed) == ["btcusdt@trade"]


def test_the_combined_form_can_be_asked_for_and_chosen(session) -> None:
    assert answer(ask(session, "GET_PROPERTY", ["combined"]))["result"] is False
    assert answer(ask(session, "SET_PROPERTY", ["combined", True]))["result"] is None
    assert answer(ask(session, "GET_PROPERTY", ["combined"]))["result"] is True
    assert session.combined


@pytest.mark.parametrize("number", [0, 312, -5, 2**63 - 1, -(2**63), None, "", "x" * 36, "7a-Z"])
def test_ids_of_every_kind_come_back(session, number) -> None:
    assert answer(ask(session, "LIST_SUBSCRIPTIONS", number=number))["id"] == number


def test_without_an_id_it_is_null(session) -> None:
    assert answer(session.receive('{"method":"LIST_SUBSCRIPTIONS"}'))["id"] is None


@pytest.mark.parametrize("number", [1.5, True, "x" * 37, [], {}, 2**63])
def test_ids_of_no_kind_are_refused(session, number) -> None:
    reply = answer(ask(session, "LIST_SUBSCRIPTIONS", number=number))
    assert (reply["error"]["code"], reply["id"]) == (2, None)


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ("{", 3, "Invalid JSON: expected value at line 1 column"),
        ("[]", 2, "expected an object"),
        ('{"id":1}', 2, "missing field `method`"),
        ('{"method":"JUMP","id":1}', 2, "unknown variant `JUMP`, expected one of `SUBSCRIBE`"),
        ('{"method":"SUBSCRIBE","params":"a@trade","id":1}', 2, "params must be a list"),
        ('{"method":"SUBSCRIBE","params":["a@b"],"id":1}', 2, "Invalid request: invalid stream"),
        ('{"method":"SUBSCRIBE","params":[7],"id":1}', 2, "Invalid request: invalid stream"),
        ('{"method":"UNSUBSCRIBE","params":["A@trade"],"id":1}', 2, "invalid stream"),
        ('{"method":"GET_PROPERTY","id":1}', 2, "property name must be a string"),
        ('{"method":"GET_PROPERTY","params":[1],"id":1}', 2, "property name must be a string"),
        ('{"method":"GET_PROPERTY","params":["x"],"id":1}', 0, "Unknown property"),
        ('{"method":"GET_PROPERTY","params":["combined",1],"id":1}', 2, "too many parameters"),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1, "expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean"),
    ],
)
def test_what_cannot_be_served_is_refused_by_number(session, request_, code, message) -> None:
    reply = session.receive(request_)
    error = answer(reply)["error"]
    assert error["code"] == code
    assert message in error["msg"]
    assert not reply.added
    assert names(session.streams) == ["btcusdt@trade"]


def test_a_connection_has_at_most_1024_streams(session) -> None:
    rest = [f"s{number}@trade" for number in range(MOST_STREAMS)]
    assert answer(ask(session, "SUBSCRIBE", rest))["error"]["code"] == 2
    assert len(ask(session, "SUBSCRIBE", rest[:-1]).added) == 1_023
    assert not ask(session, "SUBSCRIBE", ["one@trade"]).added
    again = ask(session, "SUBSCRIBE", rest[:-1])
    assert answer(again)["result"] is None
