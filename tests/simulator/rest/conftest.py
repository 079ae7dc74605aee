"""The REST API without sockets: a small market, a clock that stands still, signed calls by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from trading_system.simulator.auth import ApiKey, Keys
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.rest import Call, RestApi
from trading_system.simulator.seeded.feed import SeededFeed

NOON = 1_767_614_400_250  # 2026-01-05 12:00:00.250 UTC
KEY = "K" * 64
SECRET = "a secret of any length"
FUNDS = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "ETH": Decimal(0)}


@pytest.fixture(scope="session")
def feed():
    return SeededFeed(7, catalogue(4))


def sign(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Desk:
    """An exchange, asked in short sentences; `now` is its time, ms UTC."""

    def __init__(self, feed, *, log=None, **limits) -> None:
        self.now = NOON
        self.feed = feed
        self.exchange = Exchange(feed, {"main": FUNDS}, settings=LimitSettings(**limits), log=log)
        self.api = RestApi(self.exchange, Keys([ApiKey(key=KEY, secret=SECRET, account="main")]))
        self.headers: dict[str, str] = {}

    def call(self, method, path, query="", body="", **more):
        """The status and the decoded body of one raw call."""
        call = Call(method=method, path=f"/api/v3/{path}", query=query, body=body, **more)
        answer = self.api.answer(call, self.now)
        self.headers = answer.headers
        if not answer.headers["Content-Type"].startswith("application/json"):
            return answer.status, answer.body.decode()
        return answer.status, json.loads(answer.body)

    def get(self, path, query="", **fields):
        """A public GET that must succeed."""
        status, body = self.call("GET", path, query or urlencode(fields))
        assert status == 200, body
        return body

    def refusal(self, path, query="", **fields):
        """A public GET that must be refused: (code, message)."""
        status, body = self.call("GET", path, query or urlencode(fields))
        assert status == 400, body
        return body["code"], body["msg"]

    def signed(self, method, path, *, key=KEY, address="", time_unit=None, **fields):
        """A signed call with everything in the query: (status, body)."""
        query = urlencode({"timestamp": self.now, **fields})
        query += f"&signature={sign(query)}"
        return self.call(method, path, query, api_key=key, address=address, time_unit=time_unit)

    def ask(self, method, path, **fields):
        """A signed call that must succeed."""
        status, body = self.signed(method, path, **fields)
        assert status == 200, body
        return body

    def signed_refusal(self, method, path, **fields):
        """A signed call that must be refused: (status, code, message)."""
        status, body = self.signed(method, path, **fields)
        assert status >= 400, body
        return status, body["code"], body["msg"]

    def buy(self, quantity="0.01", price="50000", **more):
        """A limit order far below the market, unless told otherwise."""
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        return self.ask("POST", "order", **order, quantity=quantity, price=price, **more)


@pytest.fixture
def desk(feed):
    return Desk(feed)


@pytest.fixture(scope="session")
def make_desk(feed):
    """The same with other limits, or a log."""
    return lambda **more: Desk(feed, **more)


@pytest.fixture(scope="session")
def signature():
    return sign
