from __future__ import annotations

import hashlib
import hmac

import pytest

from trading_system.simulator.auth import ApiKey, Keys
from trading_system.simulator.model import Refused
from trading_system.simulator.ws_api.session import Session

NOON = 1_767_614_400_250
SINCE = NOON - 5_000
ANN = ApiKey(key="A" * 64, secret="of ann", account="ann")
BOB = ApiKey(key="B" * 64, secret="of bob", account="bob")


@pytest.fixture
def session():
    return Session(Keys([ANN, BOB]), now=SINCE, shows_limits=True)


def signed(key=ANN, *, now=NOON, **params):
    """As it comes out of a frame: every value a text."""
    params = {"apiKey": key.key, "timestamp": str(now), **params}
    text = "&".join(f"{name}={value}" for name, value in sorted(params.items()))
    signature = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return params | {"signature": signature}


def refusal(call, *args):
    with pytest.raises(Refused) as caught:
        call(*args)
    return caught.value.code


def status(session, now=NOON):
    return session.answer("session.status", {}, now)


def test_nobody_is_logged_on_at_first(session):
    assert status(session) == {
        "apiKey": None,
        "authorizedSince": None,
        "connectedSince": SINCE,
        "returnRateLimits": True,
        "serverTime": NOON,
        "userDataStream": False,
    }
    assert refusal(session.identify, {"timestamp": str(NOON)}, NOON) == -1102
    assert refusal(session.answer, "userDataStream.subscribe", {}, NOON) == -2015


def test_after_a_logon_requests_need_only_a_time(session):
    told = session.answer("session.logon", signed(), NOON)
    assert (told["apiKey"], told["authorizedSince"]) == (ANN.key, NOON)
    assert session.identify({"timestamp": str(NOON)}, NOON) == "ann"
    assert refusal(session.identify, {}, NOON) == -1102
    assert refusal(session.identify, {"timestamp": str(NOON - 5_001)}, NOON) == -1021


def test_a_request_may_speak_for_another_key(session):
    session.answer("session.logon", signed(), NOON)
    assert session.identify(signed(BOB), NOON) == "bob"
    assert status(session)["apiKey"] == ANN.key


def test_a_signature_counts_where_one_is_sent_though_logged_on(session):
    session.answer("session.logon", signed(), NOON)
    without_key = {"timestamp": str(NOON), "signature": "x"}
    assert refusal(session.identify, without_key, NOON) == -1022
    assert refusal(session.identify, {"timestamp": str(NOON), "apiKey": BOB.key}, NOON) == -1102


@pytest.mark.parametrize("method", ["session.logon", "userDataStream.subscribe.signature"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": "x"}, -1022),
        ({"apiKey": "C" * 64}, -2015),
        ({"apiKey": "short"}, -2014),
        ({"apiKey": ""}, -1105),
        ({"extra": "1"}, -1104),
    ],
)
def test_who_cannot_prove_it_stays_outside(session, method, change, code):
    assert refusal(session.answer, method, signed() | change, NOON) == code
    assert status(session)["apiKey"] is None
    assert not session.subscriptions


def test_a_later_logon_takes_the_place_of_an_earlier_one(session):
    session.answer("session.logon", signed(), NOON)
    assert session.answer("session.logon", signed(BOB), NOON)["apiKey"] == BOB.key
    assert session.identify({"timestamp": str(NOON)}, NOON) == "bob"


def test_a_logout_forgets_the_key_and_ends_its_subscription_alone(session):
    session.answer("session.logon", signed(), NOON)
    assert session.answer("userDataStream.subscribe", {}, NOON) == {"subscriptionId": 0}
    by_signature = "userDataStream.subscribe.signature"
    assert session.answer(by_signature, signed(BOB), NOON) == {"subscriptionId": 1}
    told = session.answer("session.logout", {}, NOON)
    assert (told["apiKey"], told["authorizedSince"], told["userDataStream"]) == (None, None, True)
    assert session.ended == [0]
    assert session.answer("session.subscriptions", {}, NOON) == [{"subscriptionId": 1}]


def test_a_logout_of_nobody_does_nothing(session):
    assert session.answer("session.logout", {}, NOON)["apiKey"] is None


@pytest.mark.parametrize(("params", "ended"), [({}, [0, 1]), ({"subscriptionId": "1"}, [1])])
def test_subscriptions_end_on_request(session, params, ended):
    for key in (ANN, BOB):
        session.answer("userDataStream.subscribe.signature", signed(key), NOON)
    assert session.answer("userDataStream.unsubscribe", params, NOON) == {}
    assert session.ended == ended
    assert refusal(session.answer, "userDataStream.unsubscribe", {"subscriptionId": "1"}, NOON) == (
        -2036
    )


def test_what_a_method_does_not_read_is_refused(session):
    assert refusal(session.answer, "session.status", {"symbol": "BTCUSDT"}, NOON) == -1101
    assert session.answer("session.status", {"returnRateLimits": "true"}, NOON)["apiKey"] is None
