"""Public data of USD-M futures where it is not told as spot tells it.

A symbol such as BTC/USDT is its perpetual. Deliveries are not listed: they would share its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import Trade
from trading_system.exchange.futures.order_types import OURS
from trading_system.exchange.market_data import PublicCalls
from trading_system.exchange.translate import Json

_PERPETUAL = "PERPETUAL"
_CALLBACK = (10, 1_000)  # a callback rate of 0.1 to 10 percent, in basis points
_DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
"""The only numbers of levels that may be asked for."""


def instruments(exchange_info: Json) -> dict[Symbol, Instrument]:
    """ExchangeInfo to the perpetuals; without rules, or under another name, they are left out."""
    listed = filter(None, map(_instrument, exchange_info["symbols"]))
    return {each.symbol: each for each in listed}


def _instrument(entry: Json) -> Instrument | None:
    filters = {rule["filterType"]: rule for rule in entry["filters"]}
    price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
    if entry["contractType"] != _PERPETUAL or price is None or lot is None:
        return None
    symbol = Symbol(entry["baseAsset"], entry["quoteAsset"])
    if entry["symbol"] != f"{symbol.base}{symbol.quote}":
        return None  # in 2021 CRVUSDT was listed with a base of TRB: orders would go astray
    notional, market = filters.get("MIN_NOTIONAL", {}), filters.get("MARKET_LOT_SIZE", {})
    return Instrument(
        symbol=symbol,
        venue_id=entry["symbol"],
        tradable=entry["status"] == "TRADING",
        order_types=_our_types(entry["orderTypes"], entry["timeInForce"]),
        tick_size=Decimal(price["tickSize"]),
        step_size=Decimal(lot["stepSize"]),
        min_quantity=Decimal(lot["minQty"]),
        max_quantity=Decimal(lot["maxQty"]),
        min_notional=_optional(notional.get("notional")),
        max_notional=None,
        min_price=_optional(price.get("minPrice")),
        max_price=_optional(price.get("maxPrice")),
        market_step_size=_optional(market.get("stepSize")),
        market_min_quantity=_optional(market.get("minQty")),
        market_max_quantity=_optional(market.get("maxQty")),
        trailing_above=_CALLBACK,
        trailing_below=_CALLBACK,
        quote_quantity_allowed=False,
    )


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _our_types(types: Iterable[str], in_force: Iterable[str]) -> frozenset[str]:
    ours = {str(OURS[each]) for each in types if each in OURS}
    return frozenset(ours | {"LIMIT_MAKER"} if "GTX" in in_force else ours)


def aggregate_trade(row: Json, symbol: Symbol, *, received_at: int) -> Trade:
    """A row of GET aggTrades: what one order took at one price; their ids grow by one."""
    return Trade(
        symbol=symbol,
        id=row["a"],
        price=float(row["p"]),
        quantity=float(row["q"]),
        buyer_is_maker=row["m"],
        time=row["T"],
        received_at=received_at,
    )


def _depth(levels: int) -> int:
    return next((allowed for allowed in _DEPTHS if allowed >= levels), _DEPTHS[-1])


CALLS = PublicCalls("aggTrades", aggregate_trade, _depth)
"""Single trades cannot be streamed here, so that the tape is of aggregate ones throughout."""
