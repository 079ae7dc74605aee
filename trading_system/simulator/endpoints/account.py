"""The account: balances, fills, commission, limits and filters. All of it signed."""

from __future__ import annotations

from trading_system.simulator import wire
from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.endpoints.request import Request, combination, is_within, page
from trading_system.simulator.exchange import MAKER_BIPS, TAKER_BIPS
from trading_system.simulator.exchange_info import (
    asset_filters,
    exchange_filters,
    symbol_filters,
)
from trading_system.simulator.limits import order_limits
from trading_system.simulator.wire import Json

_UID = 1
_QUESTIONS = {
    frozenset[str](),
    frozenset({"orderId"}),
    frozenset({"startTime"}),
    frozenset({"endTime"}),
    frozenset({"fromId"}),
    frozenset({"startTime", "endTime"}),
    frozenset({"orderId", "fromId"}),
}
"""The sets of parameters that myTrades supports besides the symbol."""


def account(request: Request) -> Json:
    """GET account."""
    exchange, arguments, now, name = request
    without_zeros = arguments.flag("omitZeroBalances", default=False)
    exchange.advance(now)
    return {
        "makerCommission": MAKER_BIPS,
        "takerCommission": TAKER_BIPS,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _four_rates(MAKER_BIPS, TAKER_BIPS),
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": exchange.updated[name],
        "accountType": "SPOT",
        "balances": [
            wire.balance(asset, free, locked)
            for asset, (free, locked) in exchange.venue.balances(name).items()
            if free or locked or not without_zeros
        ],
        "permissions": ["SPOT"],
        "uid": _UID,
    }


def my_trades(request: Request) -> list[Json]:
    """GET myTrades: the newest fills, or the oldest from an id or a time on."""
    exchange, arguments, now, name = request
    symbol = required("symbol", arguments.symbol())
    order_id, first = arguments.whole("orderId"), arguments.whole("fromId")
    start, end = span = request.span_of_a_day()
    asked = {"orderId": order_id, "fromId": first, "startTime": start, "endTime": end}
    if {key for key, value in asked.items() if value is not None} not in _QUESTIONS:
        raise combination()
    limit = request.limit()
    exchange.advance(now)
    fills = [
        fill
        for fill in exchange.venue.fills(name, symbol)
        if order_id in {None, fill.order_id}
        and fill.trade_id >= (first or 0)
        and is_within(fill.time, span)
    ]
    from_oldest = first is not None or start is not None
    return [wire.own_trade(fill) for fill in page(fills, limit, from_oldest=from_oldest)]


def my_trades_weight(arguments: Arguments) -> int:
    """One order's fills are cheap."""
    return 20 if arguments.whole("orderId") is None else 5


def commission(request: Request) -> Json:
    """GET account/commission."""
    return {
        "symbol": request.rules().symbol,
        "standardCommission": _four_rates(MAKER_BIPS, TAKER_BIPS),
        "specialCommission": _four_rates(0, 0),
        "taxCommission": _four_rates(0, 0),
        "discount": _discount(),
    }


def commission_for_order() -> Json:
    """What order/test tells with computeCommissionRates."""
    return {
        "standardCommissionForOrder": {"maker": _rate(MAKER_BIPS), "taker": _rate(TAKER_BIPS)},
        "specialCommissionForOrder": {"maker": _rate(0), "taker": _rate(0)},
        "taxCommissionForOrder": {"maker": _rate(0), "taker": _rate(0)},
        "discount": _discount(),
    }


def order_counts(request: Request) -> list[Json]:
    """GET rateLimit/order."""
    exchange = request.exchange
    counts = exchange.limits.orders(request.account, request.now)
    rows = order_limits(exchange.settings)
    return [{**row, "count": count} for row, count in zip(rows, counts, strict=True)]


def my_filters(request: Request) -> Json:
    """GET myFilters."""
    return {
        "exchangeFilters": exchange_filters(request.exchange.filters),
        "symbolFilters": symbol_filters(request.rules()),
        "assetFilters": asset_filters(request.rules(), request.exchange.filters),
    }


def _rate(bips: int) -> str:
    return f"{bips / 10_000:.8f}"


def _four_rates(maker: int, taker: int) -> Json:
    return {"maker": _rate(maker), "taker": _rate(taker), "buyer": _rate(0), "seller": _rate(0)}


def _discount() -> Json:
    """Commission is taken from the received asset here, never in BNB."""
    return {
        "enabledForAccount": False,
        "enabledForSymbol": False,
        "discountAsset": "BNB",
        "discount": "0.75000000",
    }
