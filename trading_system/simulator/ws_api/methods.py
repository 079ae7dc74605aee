"""Methods of the WebSocket API that are REST endpoints by another name.

Source: Binance's web-socket-api.md, July 2026. What comes later is refused with -1020, as is what
is unknown.
"""

from __future__ import annotations

import orjson

from trading_system.simulator.limits import LimitSettings, connection_limit, raw_limit

_TABLE = {
    "ping": "GET ping",
    "time": "GET time",
    "exchangeInfo": "GET exchangeInfo",
    "executionRules": "GET executionRules",
    "referencePrice": "GET referencePrice",
    "depth": "GET depth",
    "trades.recent": "GET trades",
    "trades.historical": "GET historicalTrades",
    "trades.aggregate": "GET aggTrades",
    "klines": "GET klines",
    "uiKlines": "GET uiKlines",
    "avgPrice": "GET avgPrice",
    "ticker.24hr": "GET ticker/24hr",
    "ticker.tradingDay": "GET ticker/tradingDay",
    "ticker": "GET ticker",
    "ticker.price": "GET ticker/price",
    "ticker.book": "GET ticker/bookTicker",
    "order.place": "POST order",
    "order.test": "POST order/test",
    "order.status": "GET order",
    "order.cancel": "DELETE order",
    "order.cancelReplace": "POST order/cancelReplace",
    "order.amend.keepPriority": "PUT order/amend/keepPriority",
    "order.amendments": "GET order/amendments",
    "openOrders.status": "GET openOrders",
    "openOrders.cancelAll": "DELETE openOrders",
    "allOrders": "GET allOrders",
    "orderList.place": "POST order/oco",
    "orderList.place.oco": "POST orderList/oco",
    "orderList.place.oto": "POST orderList/oto",
    "orderList.place.otoco": "POST orderList/otoco",
    "orderList.cancel": "DELETE orderList",
    "orderList.status": "GET orderList",
    "openOrderLists.status": "GET openOrderList",
    "allOrderLists": "GET allOrderList",
    "account.status": "GET account",
    "account.commission": "GET account/commission",
    "account.rateLimits.orders": "GET rateLimit/order",
    "myTrades": "GET myTrades",
    "myPreventedMatches": "GET myPreventedMatches",
    "myFilters": "GET myFilters",
}

EQUIVALENTS: dict[str, tuple[str, str]] = {
    method: (name.split()[0], "/api/v3/" + name.split()[1]) for method, name in _TABLE.items()
}
"""HTTP method and path of the endpoint that does the same."""


def in_its_words(method: str, body: bytes, settings: LimitSettings) -> bytes:
    """The endpoint's answer as this API tells it: exchangeInfo has a limit of its own."""
    if method != "exchangeInfo":
        return body
    ours, theirs = connection_limit(settings), raw_limit(settings)
    return body.replace(orjson.dumps(theirs), orjson.dumps(ours), 1)
