"""Objects as Binance writes them in JSON: its names, its order, its types.

Amounts are texts with eight decimals, ids and times are numbers, times in ms. Nothing is decided
here. Source: Binance's rest-api.md and recorded answers.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from trading_system.simulator.matching import to_cents
from trading_system.simulator.model import (
    Depth,
    Fill,
    MarketTrade,
    Order,
    OrderType,
    Refused,
    Side,
    Status,
)
from trading_system.simulator.orders import CONTINGENT
from trading_system.simulator.self_trades import PreventedMatch

Json = dict[str, object]

_CENT = Decimal(1).scaleb(-8)
_EXPIRED = {Status.EXPIRED, Status.EXPIRED_IN_MATCH}


class ResponseType(StrEnum):
    """How much is told about a new order."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


def amount(value: Decimal) -> str:
    """A price or a quantity."""
    return f"{value:.8f}"


def error(refusal: Refused) -> Json:
    """The body of an error, with what cancelReplace adds to it."""
    body: Json = {"code": refusal.code, "msg": refusal.message}
    if refusal.data is not None:
        body["data"] = refusal.data
    return body


def placed(order: Order, kind: ResponseType | None = None) -> Json:
    """A new order; FULL is the default for MARKET and LIMIT, ACK for the rest."""
    if kind is None:
        plain = order.type in {OrderType.MARKET, OrderType.LIMIT}
        kind = ResponseType.FULL if plain else ResponseType.ACK
    answer: Json = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": order.time,
    }
    if kind is ResponseType.ACK:
        return answer
    answer |= _progress(order)
    answer["workingTime"] = order.working_time
    if kind is ResponseType.FULL:
        answer["fills"] = [_fill(fill) for fill in order.fills]
    if order.prevented_matches:
        answer["preventedMatches"] = [_prevented(match) for match in order.prevented_matches]
    answer["selfTradePreventionMode"] = order.stp
    return answer | prices_of_its_type(order) | conditional(order)


def cancelled(order: Order, cancel_id: str) -> Json:
    """A cancelled order; `clientOrderId` is the id of the cancel."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": order.updated,
        **_progress(order),
        "selfTradePreventionMode": order.stp,
        **prices_of_its_type(order),
        **conditional(order),
    }


def queried(order: Order) -> Json:
    """An order that is asked for; stop price and iceberg quantity are 0 where it has none."""
    progress = _progress(order)
    quote_quantity = progress.pop("origQuoteOrderQty")
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        **progress,
        "stopPrice": amount(order.stop_price or Decimal(0)),
        "icebergQty": amount(order.iceberg_quantity or Decimal(0)),
        "time": order.time,
        "updateTime": order.updated,
        "isWorking": order.is_working,
        "workingTime": order.working_time,
        "origQuoteOrderQty": quote_quantity,
        "selfTradePreventionMode": order.stp,
        **conditional(order),
    }


def _progress(order: Order) -> Json:
    return {
        "price": amount(order.price),
        "origQty": amount(order.quantity),
        "executedQty": amount(order.executed),
        "origQuoteOrderQty": amount(order.quote_quantity),
        "cummulativeQuoteQty": amount(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "side": order.side,
    }


def prices_of_its_type(order: Order) -> Json:
    """Prices and quantities that only some types have, in whatever is told but a query."""
    fields: Json = {}
    if order.type in CONTINGENT and order.stop_price is not None:
        fields["stopPrice"] = amount(order.stop_price)
    if order.iceberg_quantity is not None:
        fields["icebergQty"] = amount(order.iceberg_quantity)
    return fields


def conditional(order: Order) -> Json:
    """What appears only under conditions; rest-api.md, "Conditional fields in Order Responses"."""
    fields: Json = {}
    if order.status is Status.EXPIRED_IN_MATCH or order.prevented:
        fields["preventedMatchId"] = order.prevented_matches[-1].id
        fields["preventedQuantity"] = amount(order.prevented)
    if order.strategy_id is not None:
        fields["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        fields["strategyType"] = order.strategy_type
    if order.trailing_delta is not None:
        fields["trailingDelta"] = order.trailing_delta
        fields["trailingTime"] = order.trailing_time
    if order.status in _EXPIRED and order.expiry_reason is not None:
        fields["expiryReason"] = order.expiry_reason
    return fields


def _fill(fill: Fill) -> Json:
    return {
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "commission": amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }


def prevented_match(match: PreventedMatch) -> Json:
    """A prevented match as myPreventedMatches tells it; no account is in a trade group."""
    told = _prevented(match)
    return {
        "symbol": match.symbol,
        "preventedMatchId": told.pop("preventedMatchId"),
        "takerOrderId": match.taker_order_id,
        "makerSymbol": told.pop("makerSymbol"),
        "makerOrderId": told.pop("makerOrderId"),
        "tradeGroupId": -1,
        "selfTradePreventionMode": match.mode,
        **told,
        "transactTime": match.time,
    }


def _prevented(match: PreventedMatch) -> Json:
    told: Json = {
        "preventedMatchId": match.id,
        "makerSymbol": match.symbol,
        "makerOrderId": match.maker_order_id,
        "price": amount(match.price),
    }
    if match.off_taker:
        told["takerPreventedQuantity"] = amount(match.off_taker)
    if match.off_maker:
        told["makerPreventedQuantity"] = amount(match.off_maker)
    return told


def own_trade(fill: Fill) -> Json:
    """A fill as myTrades tells it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": fill.list_id,
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "quoteQty": amount(to_cents(fill.price * fill.quantity, _CENT)),
        "commission": amount(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def public_trade(trade: MarketTrade) -> Json:
    """A trade of the tape."""
    return {
        "id": trade.id,
        "price": amount(trade.price),
        "qty": amount(trade.quantity),
        "quoteQty": amount(to_cents(trade.price * trade.quantity, _CENT)),
        "time": trade.time,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trade(trade: MarketTrade) -> Json:
    """Each trade is an aggregate of its own: no two of the tape come from one taker order."""
    return {
        "a": trade.id,
        "p": amount(trade.price),
        "q": amount(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def depth(book: Depth, limit: int) -> Json:
    """At most `limit` levels a side."""
    return {
        "lastUpdateId": book.last_update_id,
        "bids": [(amount(price), amount(quantity)) for price, quantity in book.bids[:limit]],
        "asks": [(amount(price), amount(quantity)) for price, quantity in book.asks[:limit]],
    }


def balance(asset: str, free: Decimal, locked: Decimal) -> Json:
    """One asset of the account."""
    return {"asset": asset, "free": amount(free), "locked": amount(locked)}
