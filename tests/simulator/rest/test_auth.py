from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.auth import (
    ApiKey,
    KeyKind,
    Keys,
    authenticate,
    payload,
    sorted_payload,
)
from trading_system.simulator.model import Refused

NOW = 1_767_614_400_250
# The example of Binance's rest-api.md, "HMAC Keys".
DOCUMENTED = ApiKey(
    key="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    account="main",
)


def checked(query, body="", *, now=NOW, key=DOCUMENTED):
    return authenticate(key, Arguments.parse(query, body), payload(query, body), now)


def refusal(*args, **more):
    with pytest.raises(Refused) as caught:
        checked(*args, **more)
    return caught.value.code


def sign(text):
    return hmac.new(DOCUMENTED.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def test_the_documented_example_is_accepted():
    query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    body = "recvWindow=5000&timestamp=1499827319559"
    whole = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    mixed = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    now = 1_499_827_319_559
    assert checked(f"{query}&{body}&signature={whole}", now=now) == "main"
    assert checked("", f"{query}&{body}&signature={whole}", now=now) == "main"
    query, body = query.split("&quantity", maxsplit=1)[0], f"quantity=1&price=0.1&{body}"
    assert checked(query, f"{body}&signature={mixed}", now=now) == "main"


@pytest.mark.parametrize(
    ("query", "body", "signed"),
    [
        ("a=1&signature=x", "", "a=1"),
        ("signature=x&a=1", "", "a=1"),
        ("a=1&signature=x&b=2", "c=3", "a=1&b=2c=3"),
        ("a=1", "signature=x&b=2", "a=1b=2"),
        ("", "a=1&signature=x", "a=1"),
        ("a=%5B%22B%22%5D&signature=x", "", "a=%5B%22B%22%5D"),
        ("mysignature=1&signature=x", "", "mysignature=1"),
    ],
)
def test_the_signature_is_cut_out_of_the_raw_text_wherever_it_stands(query, body, signed):
    assert payload(query, body) == signed


def test_what_was_signed_unencoded_but_sent_encoded_is_refused():
    raw, sent = 'symbols=["A"]', "symbols=%5B%22A%22%5D"
    signature = sign(f"{raw}&timestamp={NOW}")
    assert refusal(f"{sent}&timestamp={NOW}&signature={signature}") == -1022


def test_hmac_signatures_may_be_in_capitals():
    text = f"timestamp={NOW}"
    assert checked(f"{text}&signature={sign(text).upper()}") == "main"


@given(st.text(alphabet="0123456789abcdefé", min_size=1))
def test_a_made_up_signature_is_refused(signature):
    assert refusal(f"timestamp={NOW}&signature={quote(signature)}") == -1022


@pytest.mark.parametrize(
    ("offset", "window", "code"),
    [
        (0, None, None),
        (999, None, None),
        (1000, None, -1021),
        (-5000, None, None),
        (-5001, None, -1021),
        (-60_000, "60000", None),
        (-100, "99.999", -1021),
        (-100, "100.000", None),
        (0, "60000.001", -1131),
        (0, "0.0001", -1111),
        (0, "-1", -1100),
    ],
)
def test_timing_is_judged_at_receipt(offset, window, code):
    text = f"timestamp={NOW + offset}" + (f"&recvWindow={window}" if window else "")
    query = f"{text}&signature={sign(text)}"
    if code is None:
        assert checked(query) == "main"
    else:
        assert refusal(query) == code


def test_timestamps_may_be_microseconds():
    text = f"timestamp={NOW}123"
    assert checked(f"{text}&signature={sign(text)}") == "main"
    text = f"timestamp={NOW - 5001}999"
    assert refusal(f"{text}&signature={sign(text)}") == -1021


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("signature=x", -1102),
        (f"timestamp={NOW}", -1102),
        ("timestamp=&signature=x", -1105),
        ("timestamp=now&signature=x", -1100),
    ],
)
def test_what_signed_requests_must_carry(query, code):
    assert refusal(query) == code


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, -2014), ("", -2014), ("short", -2014), ("!" * 64, -2014), ("x" * 64, -2015)],
)
def test_keys_are_malformed_or_unknown(key, code):
    with pytest.raises(Refused) as caught:
        Keys([DOCUMENTED]).find(key)
    assert (caught.value.code, caught.value.status) == (code, 401)


def test_a_key_of_any_form_is_found_once_it_is_known():
    key = ApiKey(key="mine", secret="hush", account="main")
    assert Keys([key]).find("mine") is key


def test_secrets_do_not_show():
    assert DOCUMENTED.secret not in repr(DOCUMENTED)


PEM = {"encoding": Encoding.PEM, "format": PublicFormat.SubjectPublicKeyInfo}
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(32))
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def by_ed25519(text):
    return base64.b64encode(ED25519.sign(text.encode())).decode()


def by_rsa(text):
    signature = RSA.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def opened_by(private):
    pem = private.public_key().public_bytes(**PEM).decode()
    return ApiKey(key="mine", public_key=pem, account="main")


@pytest.mark.parametrize(
    ("private", "kind", "by"),
    [(ED25519, KeyKind.ED25519, by_ed25519), (RSA, KeyKind.RSA, by_rsa)],
)
def test_public_keys_open_an_account_too(private, kind, by):
    """Base64 is sent percent-encoded, and case counts in it."""
    key, text = opened_by(private), f"symbol=BTCUSDT&timestamp={NOW}"
    assert key.kind is kind
    assert checked(f"{text}&signature={quote(by(text), safe='')}", key=key) == "main"
    for wrong in (by(text + " "), by(text).swapcase(), sign(text), "no base64!", "AAAA", "é"):
        assert refusal(f"{text}&signature={quote(wrong, safe='')}", key=key) == -1022


@pytest.mark.parametrize(
    "pem",
    [
        "no key",
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(**PEM).decode(),
    ],
)
def test_other_kinds_of_keys_are_an_error(pem):
    with pytest.raises(ValueError, match=r"."):
        ApiKey(key="mine", public_key=pem, account="main")


def test_the_websocket_api_signs_its_parameters_by_name():
    """The examples of Binance's web-socket-api.md, "SIGNED request example (HMAC)"."""
    order = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "recvWindow": "100",
        "timestamp": "1645423376532",
        "apiKey": DOCUMENTED.key,
        "signature": "x",
    }
    assert (
        sign(sorted_payload(order))
        == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    )
    order |= {"symbol": "１２３４５６", "side": "BUY", "price": "0.10000000", "recvWindow": "5000"}
    assert (
        sign(sorted_payload(order | {"quantity": "1.00000000"}))
        == "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"
    )


def test_only_ed25519_keys_log_on_where_it_is_as_documented():
    strict = Keys([DOCUMENTED, opened_by(ED25519)], any_logon=False)
    assert strict.for_logon("mine").kind is KeyKind.ED25519
    with pytest.raises(Refused) as caught:
        strict.for_logon(DOCUMENTED.key)
    assert (caught.value.code, caught.value.status) == (-2015, 401)
    assert Keys([DOCUMENTED]).for_logon(DOCUMENTED.key) is DOCUMENTED
