"""Orders of USD-M futures in our words and back; field names as in Binance's REST documentation.

What futures do not have (amounts in quote asset, icebergs, trailing limits) raises NotAllowed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from trading_system.domain.errors import NotAllowed
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, TimeInForce
from trading_system.domain.reports import (
    Balance,
    Fill,
    Report,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from trading_system.exchange.futures.order_types import ALGO, OURS, PLAIN, TRAILING
from trading_system.exchange.modifications import identity
from trading_system.exchange.translate import Json, amount, moment

_BASIS_POINTS_IN_PERCENT = 100
_RESTING = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_POST_ONLY = "GTX"
_RECONCILER = "reconciler"
_AT_ONCE = frozenset({"IOC", "FOK"})
"""Times in force that do not rest; all others (until a date, for retail only) rest like GTC."""

_ALGO_ENDS = {
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    # Refused when its time came, which is an end of what had been accepted.
    "REJECTED": OrderStatus.EXPIRED,
}


def order_parameters(order: Order, venue_id: str) -> dict[str, str]:
    """POST order, for what needs no trigger, each number exactly as it was asked for."""
    request = order.request
    _refuse_spots_own(request)
    parameters = {
        "symbol": venue_id,
        "side": str(request.side),
        "type": PLAIN[request.type],
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "RESULT",
    }
    return (
        parameters
        | _numbers(quantity=request.quantity, price=request.price)
        | _in_force(request)
        | _reducing(request)
    )


def algo_parameters(order: Order, venue_id: str) -> dict[str, str]:
    """POST algoOrder, for what waits for a trigger; a trailing delta becomes a callback rate."""
    request = order.request
    _refuse_spots_own(request)
    parameters = {
        "algoType": "CONDITIONAL",
        "symbol": venue_id,
        "side": str(request.side),
        "type": ALGO[request.type],
        "clientAlgoId": order.client_order_id,
    } | _reducing(request)
    numbers = _numbers(quantity=request.quantity, price=request.price)
    if request.trailing_delta is None:
        return parameters | numbers | _numbers(triggerPrice=request.stop_price) | _in_force(request)
    if request.type is not OrderType.STOP_LOSS:
        raise NotAllowed("on futures only a STOP_LOSS may follow the market")
    rate = Decimal(request.trailing_delta) / _BASIS_POINTS_IN_PERCENT
    trailing = _numbers(callbackRate=rate, activatePrice=request.stop_price)
    return parameters | {"type": TRAILING} | numbers | trailing


def amend_parameters(order: Order, venue_id: str, quantity: Decimal) -> dict[str, str]:
    """PUT order wants everything again, what stays as it was too."""
    request = order.request
    if request.type in ALGO or request.price is None:
        raise NotAllowed("on futures only a limit order can be changed: cancel it instead")
    return {
        "symbol": venue_id,
        "side": str(request.side),
        **identity(order),
    } | _numbers(quantity=quantity, price=request.price)


def _refuse_spots_own(request: OrderRequest) -> None:
    if request.quantity is None:
        raise NotAllowed("futures are ordered by quantity of the base asset only")
    if request.iceberg_quantity is not None:
        raise NotAllowed("futures have no iceberg orders")


def _numbers(**values: Decimal | None) -> dict[str, str]:
    return {name: format(value, "f") for name, value in values.items() if value is not None}


def _reducing(request: OrderRequest) -> dict[str, str]:
    """More than the position is then never executed; spot has no such word, and no need of it."""
    return {"reduceOnly": "true"} if request.reduce_only else {}


def _in_force(request: OrderRequest) -> dict[str, str]:
    if request.type is OrderType.LIMIT_MAKER:
        return {"timeInForce": _POST_ONLY}
    if request.type not in _RESTING:
        return {}
    return {"timeInForce": str(request.time_in_force or TimeInForce.GTC)}


def reported(answer: Json, client_order_id: str, *, source: str) -> Report:
    """An order as any endpoint tells it, which is without its fills."""
    return Report(
        client_order_id=client_order_id,
        venue_order_id=str(answer["orderId"]),
        status=status(answer["status"]).value,
        source=source,
        time=moment(int(answer["updateTime"])),
        executed_quantity=amount(answer["executedQty"]),
        executed_quote=amount(answer["cumQuote"]),
        quantity=amount(answer["origQty"]) or None,
        price=amount(answer.get("price", "0")) or None,
    )


def with_fills(report: Report, trades: list[Json]) -> Report:
    """The report with the order's rows of userTrades."""
    return replace(report, fills=tuple(map(fill, trades)))


def status(text: str) -> OrderStatus:
    """Theirs as ours; liquidations (NEW_INSURANCE, NEW_ADL) are orders like any other."""
    return OrderStatus.NEW if text.startswith("NEW_") else OrderStatus(text)


def algo_status(text: str) -> OrderStatus:
    """Of an algo order: while it waits, and once its order tells for itself, it is NEW."""
    return _ALGO_ENDS.get(text, OrderStatus.NEW)


def algo_reported(answer: Json, *, source: str) -> Report:
    """An algo order whose own order, if it has one yet, tells nothing."""
    return Report(
        client_order_id=answer["clientAlgoId"],
        venue_order_id=str(answer["algoId"]),
        status=algo_status(answer["algoStatus"]).value,
        source=source,
        time=moment(int(answer["updateTime"])),
    )


def algo_cancelled(answer: Json, *, time: datetime) -> Report:
    """The answer to a cancel, which tells the ids and nothing else."""
    return Report(
        client_order_id=answer["clientAlgoId"],
        venue_order_id=str(answer["algoId"]),
        status=OrderStatus.CANCELED.value,
        source="answer",
        time=time,
    )


def triggered_order(answer: Json) -> str | None:
    """The id of the order that an algo order became."""
    return str(answer.get("actualOrderId") or "") or None


def fill(trade: Json) -> Fill:
    """A row of userTrades; its realised profit is left to the fold over all fills."""
    return Fill(
        trade_id=str(trade["id"]),
        price=amount(trade["price"]),
        quantity=amount(trade["qty"]),
        quote_quantity=amount(trade["quoteQty"]),
        fee=amount(trade["commission"]),
        fee_asset=trade["commissionAsset"],
        maker=trade["maker"],
        time=moment(int(trade["time"])),
    )


def venue_fill(trade: Json, symbol: Symbol) -> VenueFill:
    """The same with the order it belongs to."""
    return VenueFill(
        symbol=symbol,
        venue_order_id=str(trade["orderId"]),
        side=trade["side"],
        fill=fill(trade),
    )


def venue_order(answer: Json, symbol: Symbol) -> VenueOrder:
    """An order on record, whoever placed it."""
    return _on_record(
        answer,
        symbol,
        kind=answer["type"],
        quantity=amount(answer["origQty"]),
        stop_price=amount(answer.get("stopPrice", "0")),
        created_at=moment(int(answer["time"])),
        report=reported(answer, answer["clientOrderId"], source=_RECONCILER),
    )


def venue_algo_order(answer: Json, symbol: Symbol) -> VenueOrder:
    """An algo order on record."""
    trigger = answer.get("activatePrice") or answer.get("triggerPrice") or "0"
    return _on_record(
        answer,
        symbol,
        kind=answer["orderType"],
        quantity=amount(answer["quantity"]),
        stop_price=amount(trigger),
        created_at=moment(int(answer["createTime"])),
        report=algo_reported(answer, source=_RECONCILER),
    )


def _on_record(
    answer: Json,
    symbol: Symbol,
    *,
    kind: str,
    quantity: Decimal,
    stop_price: Decimal,
    created_at: datetime,
    report: Report,
) -> VenueOrder:
    post_only = answer["timeInForce"] == _POST_ONLY
    ours = OrderType.LIMIT_MAKER if post_only else OURS[kind]
    return VenueOrder(
        symbol=symbol,
        side=answer["side"],
        type=str(ours),
        time_in_force=_our_time(answer["timeInForce"]) if ours in _RESTING else None,
        quantity=quantity,
        quote_quantity=None,
        price=amount(answer["price"]) or None,
        stop_price=stop_price or None,
        created_at=created_at,
        report=report,
    )


def _our_time(theirs: str) -> str:
    return theirs if theirs in _AT_ONCE else str(TimeInForce.GTC)


def balances(rows: list[Json]) -> list[Balance]:
    """GET balance: the wallet of each asset, and what of it is tied up as margin."""
    held = []
    for row in rows:
        wallet = amount(row["balance"])
        # What is available counts profits not yet realised, which nobody holds yet.
        free = max(Decimal(0), min(wallet, amount(row["availableBalance"])))
        if wallet:
            held.append(Balance(asset=row["asset"], free=free, locked=wallet - free))
    return held


def position(row: Json, symbol: Symbol) -> VenuePosition:
    """A row of positionRisk, which tells the leverage only as the margin that it asks for."""
    margin = amount(row["positionInitialMargin"])
    return VenuePosition(
        symbol=symbol,
        quantity=amount(row["positionAmt"]),
        entry_price=amount(row["entryPrice"]),
        unrealised=amount(row["unRealizedProfit"]),
        mark_price=amount(row["markPrice"]),
        leverage=round(abs(amount(row["notional"])) / margin) if margin else None,
    )
