"""Binance's JSON to our words and back; the only place that knows its field names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import OutcomeUnknown, Unreadable
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import OrderBook, PriceLevel, Trade
from trading_system.domain.orders import Order, OrderStatus, OrderType, TimeInForce
from trading_system.domain.reports import Balance, Fill, Report

Json = dict[str, Any]

_ANY_DELTA = 1, 10_000
_LISTS = {"OCO": "ocoAllowed", "OTO": "otoAllowed", "OTOCO": "otoAllowed"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_AS_DOCUMENTED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@contextmanager
def understood(*, state_changing: bool) -> Iterator[None]:
    """Around what reads an answer: one of another shape raises Unreadable.

    After a call that may have changed something there it raises OutcomeUnknown instead. Errors of
    ours pass through.
    """
    try:
        yield
    except _NOT_AS_DOCUMENTED as strange:
        reason = f"the venue's answer is not as documented ({type(strange).__name__}: {strange})"
        raise (OutcomeUnknown if state_changing else Unreadable)(reason) from strange


def moment(milliseconds: int) -> datetime:
    """A venue's ms as an aware UTC datetime; raises ValueError beyond the years there are."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as beyond:
        raise ValueError(f"{milliseconds} ms is no moment") from beyond


def closed_candles(rows: Iterable[list[Any]], *, now_ms: int) -> list[Candle]:
    """Klines rows to candles; the running one (not closed by the venue's clock) is left out."""
    return [
        Candle(row[0], float(row[1]), float(row[2]), float(row[3]), float(row[4]), float(row[5]))
        for row in rows
        if row[0] + MINUTE <= now_ms
    ]


def instruments(exchange_info: Json) -> dict[Symbol, Instrument]:
    """ExchangeInfo to what can be traded; entries without price and lot rules are left out."""
    listed: dict[Symbol, Instrument] = {}
    for entry in exchange_info["symbols"]:
        instrument = _instrument(entry)
        if instrument is not None:
            listed[instrument.symbol] = instrument
    return listed


def _instrument(entry: Json) -> Instrument | None:
    filters = {rule["filterType"]: rule for rule in entry["filters"]}
    price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
    if price is None or lot is None:
        return None
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    market, trailing = filters.get("MARKET_LOT_SIZE", {}), filters.get("TRAILING_DELTA")
    above, below = (
        (int(trailing[f"minTrailing{way}Delta"]), int(trailing[f"maxTrailing{way}Delta"]))
        if trailing
        else _ANY_DELTA
        for way in ("Above", "Below")
    )
    return Instrument(
        symbol=Symbol(entry["baseAsset"], entry["quoteAsset"]),
        venue_id=entry["symbol"],
        tradable=entry["status"] == "TRADING",
        order_types=frozenset(entry["orderTypes"]),
        tick_size=Decimal(price["tickSize"]),
        step_size=Decimal(lot["stepSize"]),
        min_quantity=Decimal(lot["minQty"]),
        max_quantity=Decimal(lot["maxQty"]),
        min_notional=_optional(notional.get("minNotional")),
        max_notional=_optional(notional.get("maxNotional")),
        min_notional_of_market=_either(notional, "applyMinToMarket", "applyToMarket", default=True),
        max_notional_of_market=_either(notional, "applyMaxToMarket", default=False),
        min_price=_optional(price.get("minPrice")),
        max_price=_optional(price.get("maxPrice")),
        market_step_size=_optional(market.get("stepSize")),
        market_min_quantity=_optional(market.get("minQty")),
        market_max_quantity=_optional(market.get("maxQty")),
        iceberg_parts=filters.get("ICEBERG_PARTS", {}).get("limit"),
        trailing_above=above,
        trailing_below=below,
        quote_quantity_allowed=entry.get("quoteOrderQtyMarketAllowed", False),
        buy_band=_band(filters, "bid"),
        sell_band=_band(filters, "ask"),
        list_kinds=frozenset(kind for kind, flag in _LISTS.items() if entry.get(flag, False)),
    )


def _band(filters: Json, side: str) -> tuple[Decimal, Decimal] | None:
    """How far from the average price an order of this side of the book may be, as factors."""
    if "PERCENT_PRICE_BY_SIDE" in filters:
        rule, names = filters["PERCENT_PRICE_BY_SIDE"], f"{side}Multiplier"
    elif "PERCENT_PRICE" in filters:
        rule, names = filters["PERCENT_PRICE"], "multiplier"
    else:
        return None
    return Decimal(rule[f"{names}Down"]), Decimal(rule[f"{names}Up"])


def _either(rule: Json, *names: str, default: bool) -> bool:
    """The first of these that is told."""
    return next((bool(rule[name]) for name in names if name in rule), default)


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def order_parameters(order: Order, venue_id: str) -> dict[str, str]:
    """POST order as Binance wants it, each number exactly as it was asked for."""
    request = order.request
    parameters = {
        "symbol": venue_id,
        "side": str(request.side),
        "type": str(request.type),
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "FULL",
    }
    for name, value in (
        ("quantity", request.quantity),
        ("quoteOrderQty", request.quote_quantity),
        ("price", request.price),
        ("stopPrice", request.stop_price),
        ("icebergQty", request.iceberg_quantity),
    ):
        if value is not None:
            parameters[name] = format(value, "f")
    if request.trailing_delta is not None:
        parameters["trailingDelta"] = str(request.trailing_delta)
    in_force = request.time_in_force or _default_time_in_force(request.type)
    if in_force is not None:
        parameters["timeInForce"] = str(in_force)
    return parameters


def _default_time_in_force(kind: OrderType) -> TimeInForce | None:
    rests = {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
    return TimeInForce.GTC if kind in rests else None


def placed(answer: Json, order: Order) -> Report:
    """The answer to POST order; conditional orders are only acknowledged, which means NEW."""
    time = moment(answer["transactTime"])
    return Report(
        client_order_id=order.client_order_id,
        venue_order_id=str(answer["orderId"]),
        status=OrderStatus(answer.get("status", "NEW")).value,
        source="answer",
        time=time,
        executed_quantity=amount(answer.get("executedQty", "0")),
        executed_quote=amount(answer.get("cummulativeQuoteQty", "0")),
        fills=tuple(_answered_fill(fill, time) for fill in answer.get("fills", ())),
        quantity=_optional(answer.get("origQty")),
        reject_reason=answer.get("expiryReason"),
    )


def _answered_fill(fill: Json, time: datetime) -> Fill:
    price, quantity = amount(fill["price"]), amount(fill["qty"])
    return Fill(
        trade_id=str(fill["tradeId"]),
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        fee=amount(fill["commission"]),
        fee_asset=fill["commissionAsset"],
        maker=False,  # an order fills inside its own answer only as the taker
        time=time,
    )


def looked_up(answer: Json, order: Order, trades: list[Json], *, source: str) -> Report:
    """GET order or a cancel's answer, with the order's rows of myTrades."""
    return Report(
        client_order_id=order.client_order_id,
        venue_order_id=str(answer["orderId"]),
        status=OrderStatus(answer["status"]).value,
        source=source,
        time=moment(answer.get("updateTime") or answer["transactTime"]),
        executed_quantity=amount(answer["executedQty"]),
        executed_quote=amount(answer["cummulativeQuoteQty"]),
        fills=tuple(recorded_fill(trade) for trade in trades),
        quantity=_optional(answer.get("origQty")),
        reject_reason=answer.get("expiryReason"),
    )


def of_order(answer: Json, order: Order) -> Json:
    """The answer to a cancel, or what it says of this order where it tells of a whole list."""
    if "orderReports" not in answer:
        return answer
    told: dict[str, Json] = {row["origClientOrderId"]: row for row in answer["orderReports"]}
    return told[order.client_order_id]


def executed(answer: Json) -> Decimal:
    """How much of the order this answer says is filled, in base."""
    return amount(answer["executedQty"])


def recorded_fill(trade: Json) -> Fill:
    """A row of myTrades."""
    return Fill(
        trade_id=str(trade["id"]),
        price=amount(trade["price"]),
        quantity=amount(trade["qty"]),
        quote_quantity=amount(trade["quoteQty"]),
        fee=amount(trade["commission"]),
        fee_asset=trade["commissionAsset"],
        maker=trade["isMaker"],
        time=moment(trade["time"]),
    )


def amount(text: str) -> Decimal:
    """A finite number as Binance writes it; raises ValueError for others."""
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text} is no amount")
    return amount


def balances(account: Json) -> list[Balance]:
    """The account's assets that hold anything."""
    rows = [
        Balance(asset=row["asset"], free=amount(row["free"]), locked=amount(row["locked"]))
        for row in account["balances"]
    ]
    return [row for row in rows if row.free or row.locked]


def order_book(answer: Json, symbol: Symbol, *, most: int, received_at: int) -> OrderBook:
    """GET depth: the best `most` levels first, amounts exactly as they were sent."""
    return OrderBook(
        symbol=symbol,
        update_id=answer["lastUpdateId"],
        bids=levels(answer["bids"][:most]),
        asks=levels(answer["asks"][:most]),
        received_at=received_at,
    )


def levels(rows: Iterable[list[str]]) -> tuple[PriceLevel, ...]:
    """Rows of price and quantity."""
    return tuple(PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in rows)


def public_trade(row: Json, symbol: Symbol, *, received_at: int) -> Trade:
    """A row of GET historicalTrades."""
    return Trade(
        symbol=symbol,
        id=row["id"],
        price=float(row["price"]),
        quantity=float(row["qty"]),
        buyer_is_maker=row["isBuyerMaker"],
        time=row["time"],
        received_at=received_at,
    )
