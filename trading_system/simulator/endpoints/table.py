"""The API as a table: each endpoint's handler, its weight and the parameters it reads.

Source: Binance's rest-api.md, July 2026. What comes later answers -1020; what is unknown, 404.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.auth import SIGNED
from trading_system.simulator.endpoints import (
    account,
    amendment,
    general,
    market,
    order_lists,
    orders,
    replacement,
    tickers,
)
from trading_system.simulator.endpoints.request import Request
from trading_system.simulator.list_commands import OF_A_LIST, reads

Handler = Callable[[Request], object]
Weight = int | Callable[[Arguments], int]

_ROOT = "/api/v3/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`free`: weighs nothing when it succeeds; `counted`: tells how many orders are unfilled."""

    handle: Handler
    weight: Weight
    reads: frozenset[str]
    signed: bool = False
    free: bool = False
    counted: bool = False

    def weigh(self, arguments: Arguments) -> int:
        """What this request costs; raises Refused when its parameters are nonsense."""
        return self.weight if isinstance(self.weight, int) else self.weight(arguments)


def _public(handle: Handler, weight: Weight, reads: str = "") -> Endpoint:
    return Endpoint(handle=handle, weight=weight, reads=frozenset(reads.split()))


def _signed(handle: Handler, weight: Weight, reads: str = "") -> Endpoint:
    return Endpoint(
        handle=handle, weight=weight, reads=SIGNED | frozenset(reads.split()), signed=True
    )


def _trading(handle: Handler, reads: str, *, counted: bool = False) -> Endpoint:
    return Endpoint(
        handle=handle,
        weight=1,
        reads=SIGNED | frozenset(reads.split()),
        signed=True,
        free=True,
        counted=counted,
    )


_ORDER = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId strategyId "
    "strategyType stopPrice trailingDelta icebergQty newOrderRespType selfTradePreventionMode "
    "pegPriceType pegOffsetValue pegOffsetType "
)
_REPLACE = (
    "cancelReplaceMode cancelNewClientOrderId cancelOrigClientOrderId cancelOrderId "
    "cancelRestrictions orderRateLimitExceededMode"
)
_CANCEL = "symbol orderId origClientOrderId newClientOrderId cancelRestrictions"
_WORKING = "workingSide workingQuantity "
_OLD_OCO = (
    "side quantity price limitClientOrderId limitStrategyId limitStrategyType limitIcebergQty "
    "trailingDelta stopClientOrderId stopPrice stopStrategyId stopStrategyType stopLimitPrice "
    "stopIcebergQty stopLimitTimeInForce"
)
_KLINES = "symbol interval startTime endTime timeZone limit"
_SYMBOLS = "symbol symbols symbolStatus "

_TABLE = {
    "GET ping": _public(general.ping, 1),
    "GET time": _public(general.time, 1),
    "GET exchangeInfo": _public(
        general.exchange_info, 20, _SYMBOLS + "permissions showPermissionSets"
    ),
    "GET executionRules": _public(
        general.execution_rules, general.execution_rules_weight, _SYMBOLS
    ),
    "GET referencePrice": _public(general.reference_price, 2, "symbol"),
    "GET depth": _public(market.depth, market.depth_weight, "symbol limit symbolStatus"),
    "GET trades": _public(market.trades, 25, "symbol limit"),
    "GET historicalTrades": _public(market.trades, 25, "symbol limit fromId"),
    "GET aggTrades": _public(market.aggregate_trades, 4, "symbol fromId startTime endTime limit"),
    "GET klines": _public(market.klines, 2, _KLINES),
    "GET uiKlines": _public(market.klines, 2, _KLINES),
    "GET avgPrice": _public(market.average_price, 2, "symbol"),
    "GET ticker/24hr": _public(tickers.day, tickers.day_weight, _SYMBOLS + "type"),
    "GET ticker/tradingDay": _public(
        tickers.trading_day, tickers.window_weight, _SYMBOLS + "timeZone type"
    ),
    "GET ticker": _public(tickers.window, tickers.window_weight, _SYMBOLS + "windowSize type"),
    "GET ticker/price": _public(tickers.price, tickers.price_weight, _SYMBOLS),
    "GET ticker/bookTicker": _public(tickers.book, tickers.price_weight, _SYMBOLS),
    "POST order": _trading(orders.place, _ORDER, counted=True),
    "POST order/test": _signed(
        orders.rehearse, orders.rehearsal_weight, _ORDER + "computeCommissionRates"
    ),
    "GET order": _signed(orders.find, 4, "symbol orderId origClientOrderId"),
    "DELETE order": _trading(orders.cancel, _CANCEL),
    "POST order/cancelReplace": _trading(replacement.replace, _ORDER + _REPLACE, counted=True),
    # It is free only where it ends the order, and here it never does.
    "PUT order/amend/keepPriority": _signed(
        amendment.amend, 4, "symbol orderId origClientOrderId newClientOrderId newQty"
    ),
    "GET order/amendments": _signed(
        amendment.list_amendments, 4, "symbol orderId fromExecutionId limit"
    ),
    "GET openOrders": _signed(orders.list_open, orders.list_open_weight, "symbol"),
    "DELETE openOrders": _trading(orders.cancel_all, "symbol"),
    "GET allOrders": _signed(orders.list_all, 20, "symbol orderId startTime endTime limit"),
    "POST order/oco": _trading(order_lists.place_old_oco, OF_A_LIST + _OLD_OCO, counted=True),
    "POST orderList/oco": _trading(
        order_lists.place_oco, OF_A_LIST + "side quantity " + reads("above", "below"), counted=True
    ),
    "POST orderList/oto": _trading(
        order_lists.place_oto,
        OF_A_LIST + _WORKING + "pendingSide pendingQuantity " + reads("working", "pending"),
        counted=True,
    ),
    "POST orderList/otoco": _trading(
        order_lists.place_otoco,
        OF_A_LIST
        + _WORKING
        + "pendingSide pendingQuantity "
        + reads("working", "pendingAbove", "pendingBelow"),
        counted=True,
    ),
    "DELETE orderList": _trading(
        order_lists.cancel, "symbol orderListId listClientOrderId newClientOrderId"
    ),
    "GET orderList": _signed(order_lists.find, 4, "orderListId origClientOrderId"),
    "GET openOrderList": _signed(order_lists.list_open, 6),
    "GET allOrderList": _signed(order_lists.list_all, 20, "fromId startTime endTime limit"),
    "GET account": _signed(account.account, 20, "omitZeroBalances"),
    "GET account/commission": _signed(account.commission, 20, "symbol"),
    "GET myTrades": _signed(
        account.my_trades, account.my_trades_weight, "symbol orderId startTime endTime fromId limit"
    ),
    "GET myPreventedMatches": _signed(
        amendment.list_prevented,
        amendment.list_prevented_weight,
        "symbol preventedMatchId orderId fromPreventedMatchId limit",
    ),
    "GET myFilters": _signed(account.my_filters, 40, "symbol"),
    "GET rateLimit/order": _signed(account.order_counts, 40),
}

ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    (name.split()[0], _ROOT + name.split()[1]): endpoint for name, endpoint in _TABLE.items()
}
"""By method and path."""

RETIRED = frozenset({_ROOT + "userDataStream"})
"""Gone since 2026-02-20: HTTP 410 from the proxy in front, whatever the method."""

LATER = frozenset(
    _ROOT + path
    for path in (
        *("orderList/opo", "orderList/opoco"),
        *("sor/order", "sor/order/test", "myAllocations", "historicalBlockTrades"),
        "referencePrice/calculation",
    )
)
"""Binance has them, this exchange does not yet."""
