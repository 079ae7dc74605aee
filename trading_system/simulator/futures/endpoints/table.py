"""The futures API as a table: each endpoint's handler, weight, access and the parameters it reads.

Source: Binance's USD-M documentation, May 2026. What is not served here answers 404.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.auth import SIGNED
from trading_system.simulator.futures.endpoints import (
    account,
    listening,
    orders,
    public,
    settings,
)
from trading_system.simulator.futures.endpoints.request import Request

Handler = Callable[[Request], object]
Weight = int | Callable[[Arguments], int]


class Access(Enum):
    """What a caller must bring: nothing, a key, or a key and a signature."""

    PUBLIC = auto()
    KEY = auto()
    SIGNED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`counted`: tells how many orders were placed lately."""

    handle: Handler
    weight: Weight
    reads: frozenset[str]
    access: Access
    counted: bool = False

    def weigh(self, arguments: Arguments) -> int:
        """What this request costs; raises Refused when its parameters are nonsense."""
        return self.weight if isinstance(self.weight, int) else self.weight(arguments)


def _public(handle: Handler, weight: Weight, reads: str = "") -> Endpoint:
    names = frozenset(reads.split())
    return Endpoint(handle=handle, weight=weight, reads=names, access=Access.PUBLIC)


def _keyed(handle: Handler) -> Endpoint:
    # The key is the account's, whatever listenKey or signature comes with it.
    names = SIGNED | {"listenKey"}
    return Endpoint(handle=handle, weight=1, reads=names, access=Access.KEY)


def _signed(handle: Handler, weight: Weight, reads: str = "", *, counted: bool = False) -> Endpoint:
    names = SIGNED | frozenset(reads.split())
    return Endpoint(
        handle=handle, weight=weight, reads=names, access=Access.SIGNED, counted=counted
    )


_IDS = "symbol orderId origClientOrderId"
_ORDER = (
    "symbol side positionSide type timeInForce quantity reduceOnly price newClientOrderId "
    "newOrderRespType selfTradePreventionMode stopPrice closePosition activationPrice "
    "callbackRate workingType priceProtect"
)
_ALGO = (
    "algoType symbol side positionSide type timeInForce quantity price triggerPrice workingType "
    "closePosition priceProtect reduceOnly activatePrice callbackRate clientAlgoId "
    "newOrderRespType selfTradePreventionMode"
)
_PAGE = "startTime endTime limit"

_TABLE = {
    "GET v1/ping": _public(public.ping, 1),
    "GET v1/time": _public(public.time, 1),
    "GET v1/exchangeInfo": _public(public.info, 1),
    "GET v1/depth": _public(public.depth, public.depth_weight, "symbol limit"),
    "GET v1/trades": _public(public.trades, 5, "symbol limit"),
    "GET v1/aggTrades": _public(
        public.aggregate_trades, 20, "symbol fromId startTime endTime limit"
    ),
    "GET v1/klines": _public(
        public.klines, public.klines_weight, "symbol interval startTime endTime limit"
    ),
    "GET v1/premiumIndex": _public(public.premium_index, public.by_symbol(1, 10), "symbol"),
    "GET v1/ticker/24hr": _public(public.day, public.by_symbol(1, 40), "symbol"),
    "GET v1/ticker/price": _public(public.price, public.by_symbol(1, 2), "symbol"),
    "GET v2/ticker/price": _public(public.price, public.by_symbol(1, 2), "symbol"),
    "GET v1/ticker/bookTicker": _public(public.book, public.by_symbol(2, 5), "symbol"),
    "POST v1/order": _signed(orders.place, 0, _ORDER, counted=True),
    "POST v1/order/test": _signed(orders.rehearse, 0, _ORDER),
    "PUT v1/order": _signed(orders.modify, 0, _IDS + " side quantity price", counted=True),
    "GET v1/order": _signed(orders.find, 1, _IDS),
    "DELETE v1/order": _signed(orders.cancel, 1, _IDS),
    "DELETE v1/allOpenOrders": _signed(orders.cancel_all, 1, "symbol"),
    "GET v1/openOrder": _signed(orders.find_open, 1, _IDS),
    "GET v1/openOrders": _signed(orders.list_open, public.by_symbol(1, 40), "symbol"),
    "GET v1/allOrders": _signed(orders.list_all, 5, "symbol orderId " + _PAGE),
    "GET v1/userTrades": _signed(orders.my_trades, 5, "symbol orderId fromId " + _PAGE),
    "POST v1/algoOrder": _signed(orders.place_algo, 0, _ALGO, counted=True),
    "GET v1/algoOrder": _signed(orders.find_algo, 1, "algoId clientAlgoId symbol"),
    "DELETE v1/algoOrder": _signed(orders.cancel_algo, 1, "algoId clientAlgoId symbol"),
    "DELETE v1/algoOpenOrders": _signed(orders.cancel_all_algos, 1, "symbol"),
    "GET v1/openAlgoOrders": _signed(
        orders.list_open_algos, public.by_symbol(1, 40), "symbol algoType algoId"
    ),
    "GET v1/allAlgoOrders": _signed(orders.list_all_algos, 5, "symbol algoId " + _PAGE),
    "GET v2/balance": _signed(account.balance, 5),
    "GET v3/balance": _signed(account.balance, 5),
    "GET v2/account": _signed(account.account_v2, 5),
    "GET v3/account": _signed(account.account, 5),
    "GET v2/positionRisk": _signed(account.position_risk_v2, 5, "symbol"),
    "GET v3/positionRisk": _signed(account.position_risk, 5, "symbol"),
    "POST v1/leverage": _signed(settings.set_leverage, 1, "symbol leverage"),
    "POST v1/marginType": _signed(settings.set_margin_type, 1, "symbol marginType"),
    "GET v1/positionSide/dual": _signed(settings.position_mode, 30),
    "POST v1/positionSide/dual": _signed(settings.set_position_mode, 1, "dualSidePosition"),
    "GET v1/multiAssetsMargin": _signed(settings.assets_mode, 30),
    "GET v1/symbolConfig": _signed(settings.symbol_config, 5, "symbol"),
    "GET v1/accountConfig": _signed(settings.account_config, 5),
    "GET v1/leverageBracket": _signed(settings.leverage_brackets, 1, "symbol"),
    "GET v1/commissionRate": _signed(settings.commission_rate, 20, "symbol"),
    "GET v1/rateLimit/order": _signed(settings.order_limits, 1),
    "POST v1/listenKey": _keyed(listening.start_listening),
    "PUT v1/listenKey": _keyed(listening.keep_listening),
    "DELETE v1/listenKey": _keyed(listening.stop_listening),
}

ROOT = "/fapi/"
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    (name.split()[0], ROOT + name.split()[1]): endpoint for name, endpoint in _TABLE.items()
}
"""By method and path."""
