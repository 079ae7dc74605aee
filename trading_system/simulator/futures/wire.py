"""Objects as USD-M futures write them in JSON: its names, its order, its types.

Prices and quantities have the contract's own decimals, money has eight, times are ms. Nothing is
decided here. Source: recorded answers of /fapi.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.futures.model import (
    MARGIN_ASSET,
    AlgoOrder,
    FuturesFill,
    FuturesOrder,
    TimeInForce,
)
from trading_system.simulator.futures.positions import Margins
from trading_system.simulator.futures.rules import ContractRules
from trading_system.simulator.model import Depth, Level, MarketTrade, Side, Status

Json = dict[str, object]

ONE_WAY = "BOTH"
WORKING_TYPE = "CONTRACT_PRICE"
NO_MATCH = "NONE"
_ZERO = Decimal(0)
_EIGHT_HOURS = 8 * 3_600_000


class Scale:
    """Numbers with the decimals of one contract."""

    def __init__(self, rules: ContractRules) -> None:
        self._prices = rules.price_precision
        self._quantities = rules.quantity_precision

    def price(self, value: Decimal) -> str:
        return f"{value:.{self._prices}f}"

    def quantity(self, value: Decimal) -> str:
        return f"{value:.{self._quantities}f}"

    def quote(self, value: Decimal) -> str:
        return f"{value:.{self._prices + self._quantities}f}"

    def average(self, value: Decimal) -> str:
        """A price that need not be one of the book."""
        return f"{value:.{self._prices + 3}f}" if value else self.price(value)


def money(value: Decimal) -> str:
    """An amount of the margin asset."""
    return f"{value:.8f}"


def plain(value: Decimal) -> str:
    """A number without needless zeros, as events tell them."""
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return text if text != "-0" else "0"


def time_in_force(told: FuturesOrder | AlgoOrder) -> TimeInForce:
    """What the user asked for: the spot core knows no GTX."""
    return TimeInForce.GTX if told.post_only else TimeInForce(told.time_in_force)


def order(told: FuturesOrder, scale: Scale, *, timed: bool = False) -> Json:
    """An order; `timed` adds when it was placed, as queries do."""
    body: Json = {
        "orderId": told.order_id,
        "symbol": told.symbol,
        "status": told.status,
        "clientOrderId": told.client_order_id,
        "price": scale.price(told.price),
        "avgPrice": scale.average(told.average_price),
        "origQty": scale.quantity(told.quantity),
        "executedQty": scale.quantity(told.executed),
        "cumQuote": scale.quote(told.executed_quote),
        "timeInForce": time_in_force(told),
        "type": told.type,
        "reduceOnly": told.reduce_only,
        "closePosition": told.close_position,
        "side": told.side,
        "positionSide": ONE_WAY,
        "stopPrice": scale.price(_ZERO),
        "workingType": WORKING_TYPE,
        "priceProtect": False,
        "origType": told.type,
        "priceMatch": NO_MATCH,
        "selfTradePreventionMode": told.stp,
        "goodTillDate": 0,
    }
    if timed:
        body["time"] = told.time
    else:
        body["cumQty"] = scale.quantity(told.executed)
    body["updateTime"] = told.updated
    return body


def acknowledged(told: FuturesOrder, scale: Scale) -> Json:
    """A new order before anything has become of it, which is all that ACK tells."""
    nothing = {
        "avgPrice": scale.price(_ZERO),
        "executedQty": scale.quantity(_ZERO),
        "cumQuote": scale.quote(_ZERO),
        "cumQty": scale.quantity(_ZERO),
    }
    return order(told, scale) | {"status": Status.NEW, "updateTime": told.time} | nothing


def algo_order(told: AlgoOrder, scale: Scale) -> Json:
    """An algo order."""
    body: Json = {
        "algoId": told.order_id,
        "clientAlgoId": told.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": told.kind,
        "symbol": told.symbol,
        "side": told.side,
        "positionSide": ONE_WAY,
        "timeInForce": time_in_force(told),
        "quantity": scale.quantity(told.quantity),
        "algoStatus": told.state,
        "actualOrderId": "" if told.actual_id is None else str(told.actual_id),
        "actualPrice": scale.average(told.actual_price),
        "triggerPrice": scale.price(told.stop_price or _ZERO),
        "price": scale.price(told.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": told.stp,
        "workingType": WORKING_TYPE,
        "priceMatch": NO_MATCH,
        "closePosition": told.close_position,
        "priceProtect": False,
        "reduceOnly": told.reduce_only,
        "createTime": told.time,
        "updateTime": told.updated,
        "triggerTime": told.triggered,
        "goodTillDate": 0,
    }
    if told.callback_rate is not None:
        body["callbackRate"] = plain(told.callback_rate)
        body["activatePrice"] = scale.price(told.activation or _ZERO)
    return body


def own_trade(fill: FuturesFill, scale: Scale) -> Json:
    """A fill as userTrades tells it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": scale.price(fill.price),
        "qty": scale.quantity(fill.quantity),
        "realizedPnl": money(fill.realised),
        "marginAsset": MARGIN_ASSET,
        "quoteQty": scale.quote(fill.price * fill.quantity),
        "commission": money(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "positionSide": ONE_WAY,
        "maker": fill.maker,
        "buyer": fill.side is Side.BUY,
    }


def public_trade(trade: MarketTrade, scale: Scale) -> Json:
    """A trade of the tape."""
    return {
        "id": trade.id,
        "price": scale.price(trade.price),
        "qty": scale.quantity(trade.quantity),
        "quoteQty": scale.quote(trade.price * trade.quantity),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_is_maker,
    }


def aggregate_trade(trade: MarketTrade, scale: Scale) -> Json:
    """Each trade is an aggregate of its own, as on the spot side."""
    return {
        "a": trade.id,
        "p": scale.price(trade.price),
        "q": scale.quantity(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time,
        "m": trade.buyer_is_maker,
    }


def depth(book: Depth, limit: int, scale: Scale, now: int) -> Json:
    """At most `limit` levels a side."""
    return {
        "lastUpdateId": book.last_update_id,
        "E": now,
        "T": now,
        "bids": [(scale.price(p), scale.quantity(q)) for p, q in book.bids[:limit]],
        "asks": [(scale.price(p), scale.quantity(q)) for p, q in book.asks[:limit]],
    }


def best(book: Depth) -> tuple[Level, Level]:
    """The best bid and the best ask; zeros for a side that is empty."""
    bid, ask = (side[0] if side else Level(_ZERO, _ZERO) for side in (book.bids, book.asks))
    return bid, ask


def next_funding(now: int) -> int:
    """The next of the day's three times of funding, at which nothing is paid here; ms UTC."""
    return (now // _EIGHT_HOURS + 1) * _EIGHT_HOURS


def position_risk(symbol: str, margins: Margins, scale: Scale) -> Json:
    """A position as v3/positionRisk tells it; there is no liquidation, so no price of it."""
    held = margins.position
    return {
        "symbol": symbol,
        "positionSide": ONE_WAY,
        "positionAmt": scale.quantity(held.amount),
        "entryPrice": plain(held.entry_price),
        "breakEvenPrice": plain(held.break_even_price),
        "markPrice": money(margins.mark),
        "unRealizedProfit": money(margins.unrealised),
        "liquidationPrice": "0",
        "isolatedMargin": "0",
        "notional": money(margins.notional),
        "marginAsset": MARGIN_ASSET,
        "isolatedWallet": "0",
        "initialMargin": money(margins.initial),
        "maintMargin": money(margins.maintenance),
        "positionInitialMargin": money(margins.of_position),
        "openOrderInitialMargin": money(margins.of_orders),
        "adl": 0,
        "bidNotional": money(margins.bids),
        "askNotional": money(margins.asks),
        "updateTime": held.updated,
    }
