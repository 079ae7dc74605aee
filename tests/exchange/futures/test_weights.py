"""What calls of futures cost, by the documentation and by the embedded exchange."""

from __future__ import annotations

import pytest

from trading_system.exchange.futures import weights
from trading_system.exchange.futures.rest_api import FUTURES
from trading_system.exchange.weights import read_counts, read_limits
from trading_system.resilience.limits import Cost, Kind, Window
from trading_system.simulator.arguments import Arguments
from trading_system.simulator.futures.endpoints.table import ENDPOINTS

CALLS = [
    ("GET", "time", {}, Cost(1)),
    ("GET", "exchangeInfo", {}, Cost(1, teaches=True)),
    ("GET", "klines", {"limit": 99}, Cost(1)),
    ("GET", "klines", {"limit": 100}, Cost(2)),
    ("GET", "klines", {}, Cost(5)),
    ("GET", "klines", {"limit": 1000}, Cost(5)),
    ("GET", "klines", {"limit": 1001}, Cost(10)),
    ("GET", "depth", {"limit": 50}, Cost(2)),
    ("GET", "depth", {"limit": 100}, Cost(5)),
    ("GET", "depth", {}, Cost(10)),
    ("GET", "depth", {"limit": 1000}, Cost(20)),
    ("GET", "aggTrades", {}, Cost(20)),
    ("GET", "positionRisk", {}, Cost(5)),
    ("GET", "balance", {}, Cost(5)),
    ("GET", "order", {}, Cost(1)),
    ("GET", "openOrders", {"symbol": "X"}, Cost(1)),
    ("GET", "openOrders", {}, Cost(40)),
    ("GET", "openAlgoOrders", {}, Cost(40)),
    ("GET", "allAlgoOrders", {}, Cost(5)),
    ("GET", "userTrades", {}, Cost(5)),
    ("POST", "order", {}, Cost(0, orders=1)),
    ("POST", "algoOrder", {}, Cost(0, orders=1)),
    ("PUT", "order", {}, Cost(0, orders=1)),
    ("DELETE", "order", {}, Cost(1)),
    ("DELETE", "algoOrder", {}, Cost(1)),
    ("POST", "leverage", {}, Cost(1)),
    ("POST", "listenKey", {}, Cost(1)),
    ("PUT", "listenKey", {}, Cost(1)),
    ("GET", "rateLimit/order", {}, Cost(1)),
    ("GET", "never/heard/of", {}, Cost(40)),
]


@pytest.mark.parametrize(("method", "path", "parameters", "expected"), CALLS)
def test_every_call_has_its_price(method, path, parameters, expected):
    cost = weights.cost(method, path, parameters)
    assert cost == expected
    assert weights.cost_of_success(method, path, cost) == expected


@pytest.mark.parametrize(("method", "path", "parameters"), [call[:3] for call in CALLS[:-1]])
def test_the_exchange_asks_for_the_same(method, path, parameters):
    """Also that every call we make exists there, at the version we call it by."""
    section = FUTURES.section(path, signed=True)
    root = (FUTURES.public | FUTURES.private)[section]
    endpoint = ENDPOINTS[method, f"{root}/{path}"]
    weight = endpoint.weigh(Arguments({name: str(value) for name, value in parameters.items()}))
    assert weight == weights.cost(method, path, parameters).weight
    assert endpoint.counted == bool(weights.cost(method, path, parameters).orders)


def test_its_limits_and_headers_are_told_in_spots_words():
    row = {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}
    assert read_limits({"rateLimits": [row]})[Window(Kind.ORDERS, 60)] == 1200
    assert read_counts({"X-MBX-ORDER-COUNT-1M": "7"}) == {Window(Kind.ORDERS, 60): 7}
