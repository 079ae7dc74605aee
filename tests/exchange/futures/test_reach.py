"""Where futures are, and that nothing else can be reached from there."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from trading_system.clock import SystemClock
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import (
    BLOCKED,
    FUTURES_HOSTS,
    data_endpoints,
    trading_endpoints,
)
from trading_system.exchange.futures.rest_api import FUTURES
from trading_system.exchange.markets import MARKETS

SECTIONS = {"fapiPublic", "fapiPrivate", "fapiPrivateV3"}


def client(endpoints):
    return Client(
        endpoints=endpoints,
        clock=SystemClock(),
        rest_api=FUTURES,
        api_key=SecretStr("KEY"),
        secret=SecretStr("SECRET"),
    )


def reached(endpoints):
    return {
        section: url
        for section, url in client(endpoints).urls["api"].items()
        if isinstance(url, str) and url != BLOCKED
    }


@pytest.mark.parametrize("venue", ["live", "testnet", "http://127.0.0.1:9000"])
def test_only_futures_are_reached(venue):
    assert set(reached(trading_endpoints(venue, FUTURES_HOSTS))) == SECTIONS
    data = data_endpoints(venue, FUTURES_HOSTS)
    assert set(reached(data)) == {"fapiPublic"}
    assert (data.private, data.user) == (None, None)


@pytest.mark.parametrize("venue", ["testnet", "http://127.0.0.1:9000"])
def test_away_from_live_no_host_is_a_live_one(venue):
    endpoints = trading_endpoints(venue, FUTURES_HOSTS)
    urls = [*reached(endpoints).values(), endpoints.streams, endpoints.user]
    live = trading_endpoints("live", FUTURES_HOSTS)
    lives = {urlsplit(url).hostname for url in (live.public, live.streams, live.user)}
    assert lives.isdisjoint({urlsplit(url).hostname for url in urls})


def test_everything_of_an_exchange_of_ours_is_under_one_root():
    endpoints = trading_endpoints("http://127.0.0.1:9000", FUTURES_HOSTS)
    assert reached(endpoints)["fapiPrivateV3"] == "http://127.0.0.1:9000/fapi/v3"
    assert endpoints.streams == "ws://127.0.0.1:9000"
    assert endpoints.user == "ws://127.0.0.1:9000/private/ws"
    paths = [road.path for road in MARKETS["futures"].roads]
    assert paths == ["/market/stream", "/public/stream"]


@pytest.mark.parametrize(
    ("path", "method", "url"),
    [
        ("order", "POST", "http://here/fapi/v1/order"),
        ("listenKey", "POST", "http://here/fapi/v1/listenKey"),
        ("positionRisk", "GET", "http://here/fapi/v3/positionRisk"),
        ("balance", "GET", "http://here/fapi/v3/balance"),
    ],
)
def test_calls_go_to_the_version_they_exist_in(path, method, url):
    speaking = client(trading_endpoints("http://here", FUTURES_HOSTS))
    signed = speaking.sign(path, [FUTURES.section(path, signed=True)], method, {})
    assert signed["url"].partition("?")[0] == url
    assert signed["headers"]["X-MBX-APIKEY"] == "KEY"
    is_signed = "signature=" in f"{signed['url']}{signed['body']}"
    assert is_signed == (path != "listenKey")
    assert "KEY" not in repr(speaking)


def test_public_calls_carry_no_key():
    speaking = client(trading_endpoints("http://here", FUTURES_HOSTS))
    public = speaking.sign("aggTrades", [FUTURES.section("aggTrades", signed=False)], "GET", {})
    assert public["url"] == "http://here/fapi/v1/aggTrades"
    assert not public["headers"]
