"""What each REST call costs of the venue's budget, and what the venue says of its limits.

Source: Binance's rest-api.md, weights as of 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trading_system.resilience.limits import CAUTIOUS, Cost, Kind, Window

_FLAT = {
    ("GET", "ping"): Cost(1),
    ("GET", "time"): Cost(1),
    ("GET", "exchangeInfo"): Cost(20, teaches=True),
    ("GET", "trades"): Cost(25),
    ("GET", "historicalTrades"): Cost(25),
    ("GET", "aggTrades"): Cost(4),
    ("GET", "klines"): Cost(2),
    ("GET", "uiKlines"): Cost(2),
    ("GET", "avgPrice"): Cost(2),
    ("GET", "account"): Cost(20),
    ("GET", "order"): Cost(4),
    ("GET", "allOrders"): Cost(20),
    ("GET", "rateLimit/order"): Cost(40),
    ("POST", "order"): Cost(1, orders=1),
    ("POST", "order/test"): Cost(1),
    ("DELETE", "order"): Cost(1),
    ("DELETE", "openOrders"): Cost(1),
    ("POST", "order/cancelReplace"): Cost(1, orders=1),
    ("PUT", "order/amend/keepPriority"): Cost(4),
    ("POST", "orderList/oco"): Cost(1, orders=2),
    ("POST", "orderList/oto"): Cost(1, orders=2),
    ("POST", "orderList/otoco"): Cost(1, orders=3),
    ("DELETE", "orderList"): Cost(1),
}
_UNKNOWN = Cost(80)
"""The most that any call without a limit of rows weighs."""

_FREE = {
    *(("POST", "order"), ("DELETE", "order"), ("DELETE", "openOrders")),
    *(("POST", "order/cancelReplace"), ("DELETE", "orderList")),
    *(("POST", f"orderList/{kind}") for kind in ("oco", "oto", "otoco")),
}
_DEPTH = ((100, 5), (500, 25), (1_000, 50))
_DEEPEST = 250
_BATCHES = ((20, 2), (100, 40))
_ALL_TICKERS = 80

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
_KINDS = {
    "REQUEST_WEIGHT": Kind.WEIGHT,
    "RAW_REQUESTS": Kind.REQUESTS,
    "ORDERS": Kind.ORDERS,
}
_HEADER = re.compile(r"x-mbx-(used-weight|order-count)-(\d+)([smhd])", re.IGNORECASE)
_LETTERS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def cost(method: str, path: str, parameters: Mapping[str, object]) -> Cost:
    """What this call costs unless it is one that succeeds for nothing."""
    if flat := _FLAT.get((method, path)):
        return flat
    match method, path:
        case "GET", "depth":
            return Cost(_by(_DEPTH, int(str(parameters.get("limit", 100))), _DEEPEST))
        case "GET", "myTrades":
            return Cost(5 if "orderId" in parameters else 20)
        case "GET", "openOrders":
            return Cost(6 if "symbol" in parameters else 80)
        case "GET", "ticker/24hr":
            return Cost(_tickers(parameters))
        case "GET", "ticker/price" | "ticker/bookTicker":
            return Cost(2 if "symbol" in parameters else 4)
    return _UNKNOWN


def cost_of_success(method: str, path: str, cost: Cost) -> Cost:
    """What it cost when the venue did it: calls about orders then weigh nothing."""
    return cost._replace(weight=0) if (method, path) in _FREE else cost


def read_limits(answer: Any) -> dict[Window, int]:
    """The limits in an answer of exchangeInfo; what it does not tell stays as cautious as before.

    Kinds that are not counted by calls (connections) are left out.
    """
    told: dict[Window, int] = {}
    for row in answer.get("rateLimits", ()) if isinstance(answer, Mapping) else ():
        match row:
            case {
                "rateLimitType": kind,
                "interval": interval,
                "intervalNum": int(number),
                "limit": int(limit),
            } if kind in _KINDS and interval in _SECONDS:
                told[Window(_KINDS[kind], _SECONDS[interval] * number)] = limit
    kinds = {window.kind for window in told}
    return {window: n for window, n in CAUTIOUS.items() if window.kind not in kinds} | told


def read_counts(headers: Mapping[str, str]) -> dict[Window, int]:
    """What an answer's headers say was used of each window, the call itself included."""
    counts = {}
    for name, value in headers.items():
        if (found := _HEADER.fullmatch(name)) and value.isdigit():
            kind = Kind.WEIGHT if found[1].lower() == "used-weight" else Kind.ORDERS
            seconds = int(found[2]) * _LETTERS[found[3].lower()]
            counts[Window(kind, seconds)] = int(value)
    return counts


def _by(steps: tuple[tuple[int, int], ...], number: int, most: int) -> int:
    return next((weight for limit, weight in steps if number <= limit), most)


def _tickers(parameters: Mapping[str, object]) -> int:
    if "symbol" in parameters:
        return 2
    if "symbols" not in parameters:
        return _ALL_TICKERS
    return _by(_BATCHES, str(parameters["symbols"]).count(",") + 1, _ALL_TICKERS)
