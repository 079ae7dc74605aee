"""What each REST call of USD-M futures costs of the venue's budget.

Source: Binance's USD-M futures REST documentation, weights as of 2026. Limits and headers are told
in the words of spot, see `exchange.weights`.
"""

from __future__ import annotations

from collections.abc import Mapping

from trading_system.resilience.limits import Cost

_FLAT = {
    ("GET", "ping"): Cost(1),
    ("GET", "time"): Cost(1),
    ("GET", "exchangeInfo"): Cost(1, teaches=True),
    ("GET", "aggTrades"): Cost(20),
    ("GET", "positionRisk"): Cost(5),
    ("GET", "balance"): Cost(5),
    ("GET", "account"): Cost(5),
    ("GET", "userTrades"): Cost(5),
    ("GET", "allOrders"): Cost(5),
    ("GET", "allAlgoOrders"): Cost(5),
    ("GET", "order"): Cost(1),
    ("GET", "algoOrder"): Cost(1),
    ("GET", "rateLimit/order"): Cost(1),
    # Placing and changing orders weighs nothing: it is the account that counts orders.
    ("POST", "order"): Cost(0, orders=1),
    ("PUT", "order"): Cost(0, orders=1),
    ("POST", "algoOrder"): Cost(0, orders=1),
    ("DELETE", "order"): Cost(1),
    ("DELETE", "algoOrder"): Cost(1),
    ("POST", "leverage"): Cost(1),
    ("POST", "listenKey"): Cost(1),
    ("PUT", "listenKey"): Cost(1),
}
_UNKNOWN = Cost(40)
"""The most that any call without a limit of rows weighs."""

_KLINES = ((99, 1), (499, 2), (1_000, 5))
_MOST_KLINES = 10
_DEPTH = ((50, 2), (100, 5), (500, 10))
_DEEPEST = 20
_DEFAULT_ROWS = 500


def cost(method: str, path: str, parameters: Mapping[str, object]) -> Cost:
    """What this call costs."""
    if flat := _FLAT.get((method, path)):
        return flat
    rows = int(str(parameters.get("limit", _DEFAULT_ROWS)))
    match method, path:
        case "GET", "klines":
            return Cost(_by(_KLINES, rows, _MOST_KLINES))
        case "GET", "depth":
            return Cost(_by(_DEPTH, rows, _DEEPEST))
        case "GET", "openOrders" | "openAlgoOrders":
            return Cost(1) if "symbol" in parameters else _UNKNOWN
    return _UNKNOWN


def cost_of_success(_method: str, _path: str, cost: Cost) -> Cost:
    """The same: no call here is cheaper for having succeeded."""
    return cost


def _by(steps: tuple[tuple[int, int], ...], number: int, most: int) -> int:
    return next((weight for limit, weight in steps if number <= limit), most)
