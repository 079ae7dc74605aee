"""What calls cost, and what the venue says of its limits."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from trading_system.exchange import weights
from trading_system.resilience.limits import (
    CAUTIOUS,
    ORDERS_PER_10_SECONDS,
    ORDERS_PER_DAY,
    REQUESTS_PER_5_MINUTES,
    WEIGHT_PER_MINUTE,
    Cost,
)
from trading_system.simulator.arguments import Arguments
from trading_system.simulator.endpoints.table import ENDPOINTS


def names(count):
    return "[" + ",".join(f'"S{number}"' for number in range(count)) + "]"


CALLS = [
    ("GET", "time", {}, Cost(1)),
    ("GET", "exchangeInfo", {}, Cost(20, teaches=True)),
    ("GET", "klines", {"limit": 1000}, Cost(2)),
    ("GET", "historicalTrades", {}, Cost(25)),
    ("GET", "depth", {}, Cost(5)),
    ("GET", "depth", {"limit": 100}, Cost(5)),
    ("GET", "depth", {"limit": 101}, Cost(25)),
    ("GET", "depth", {"limit": 1000}, Cost(50)),
    ("GET", "depth", {"limit": 5000}, Cost(250)),
    ("GET", "account", {}, Cost(20)),
    ("GET", "order", {}, Cost(4)),
    ("GET", "myTrades", {"orderId": 3}, Cost(5)),
    ("GET", "myTrades", {}, Cost(20)),
    ("GET", "openOrders", {"symbol": "X"}, Cost(6)),
    ("GET", "openOrders", {}, Cost(80)),
    ("GET", "ticker/price", {"symbol": "X"}, Cost(2)),
    ("GET", "ticker/bookTicker", {}, Cost(4)),
    ("GET", "ticker/24hr", {"symbol": "X"}, Cost(2)),
    ("GET", "ticker/24hr", {"symbols": '["A","B"]'}, Cost(2)),
    ("GET", "ticker/24hr", {"symbols": names(21)}, Cost(40)),
    ("GET", "ticker/24hr", {"symbols": names(101)}, Cost(80)),
    ("GET", "ticker/24hr", {}, Cost(80)),
    ("GET", "rateLimit/order", {}, Cost(40)),
    ("POST", "order", {}, Cost(1, orders=1)),
    ("DELETE", "order", {}, Cost(1)),
    ("GET", "never/heard/of", {}, Cost(80)),
]


@pytest.mark.parametrize(("method", "path", "parameters", "expected"), CALLS)
def test_every_call_has_its_price(method, path, parameters, expected):
    assert weights.cost(method, path, parameters) == expected


@pytest.mark.parametrize(("method", "path", "parameters"), [call[:3] for call in CALLS[:-1]])
def test_the_simulator_charges_the_same(method, path, parameters):
    endpoint = ENDPOINTS[method, f"/api/v3/{path}"]
    charged = endpoint.weigh(Arguments.parse(urlencode(parameters), ""))
    cost = weights.cost(method, path, parameters)
    assert charged == cost.weight
    assert endpoint.free == (weights.cost_of_success(method, path, cost).weight == 0)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("POST", "order", Cost(0, 1)), ("DELETE", "order", Cost(0, 1)), ("GET", "order", Cost(1, 1))],
)
def test_orders_that_succeed_weigh_nothing(method, path, expected):
    assert weights.cost_of_success(method, path, Cost(1, 1)) == expected


def row(kind, interval, number, limit):
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def test_limits_are_read_as_they_are_listed():
    listed = [
        row("REQUEST_WEIGHT", "MINUTE", 1, 6_000),
        row("ORDERS", "SECOND", 10, 100),
        row("ORDERS", "DAY", 1, 200_000),
        row("RAW_REQUESTS", "MINUTE", 5, 300_000),
        row("CONNECTIONS", "MINUTE", 5, 300),
        row("ORDERS", "FORTNIGHT", 1, 1),
    ]
    assert weights.read_limits({"rateLimits": listed}) == {
        WEIGHT_PER_MINUTE: 6_000,
        ORDERS_PER_10_SECONDS: 100,
        ORDERS_PER_DAY: 200_000,
        REQUESTS_PER_5_MINUTES: 300_000,
    }


@pytest.mark.parametrize("answer", [{}, [], None, {"rateLimits": [{"rateLimitType": "ORDERS"}]}])
def test_a_venue_that_tells_no_limits_is_met_with_caution(answer):
    assert weights.read_limits(answer) == CAUTIOUS


def test_only_kinds_that_are_not_listed_stay_cautious():
    limits = weights.read_limits({"rateLimits": [row("ORDERS", "MINUTE", 1, 7)]})
    assert {window for window in limits if window.kind == "orders"} == {("orders", 60)}
    assert limits[WEIGHT_PER_MINUTE] == CAUTIOUS[WEIGHT_PER_MINUTE]


def test_headers_tell_what_was_used():
    headers = {
        "X-MBX-USED-WEIGHT": "9",
        "X-MBX-USED-WEIGHT-1M": "17",
        "x-mbx-order-count-10s": "3",
        "X-Mbx-Order-Count-1D": "4",
        "X-MBX-ORDER-COUNT-1M": "many",
        "Content-Type": "text/html",
    }
    assert weights.read_counts(headers) == {
        WEIGHT_PER_MINUTE: 17,
        ORDERS_PER_10_SECONDS: 3,
        ORDERS_PER_DAY: 4,
    }
