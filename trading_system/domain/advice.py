"""What to change about an order that the venue has refused, with the numbers that are known.

The venue's own code and words are never replaced: this comes beside them. Source: Binance's
errors.md, -1013 and -2010 with their messages, and the USD-M futures' error codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from trading_system.domain.filters import RISING, to_step, told
from trading_system.domain.instruments import Instrument
from trading_system.domain.orders import OrderRequest, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the market and the account; None where it is not.

    `price` is the newest of the symbol, `free` the amounts by asset.
    """

    instrument: Instrument | None = None
    price: Decimal | None = None
    free: Mapping[str, Decimal] | None = None
    leverage: int | None = None


def advice(code: int | None, reason: str, request: OrderRequest, known: Known) -> str | None:
    """What to change; None where the venue's words are all there is to say."""
    for of_code, words, say in _TABLE:
        if code == of_code and words in reason:
            return say if isinstance(say, str) else say(request, known)
    return None


def _quantity(request: OrderRequest, known: Known) -> str:
    rules = known.instrument
    if rules is None:
        return "change the quantity to one that the symbol allows"
    if request.price is None and rules.market_step_size:
        step, low, high = rules.market_step_size, rules.market_min_quantity, _market_most(rules)
    else:
        step, low, high = rules.step_size, rules.min_quantity, rules.max_quantity
    return f"send a quantity in steps of {told(step)}, {_between(low, high)}"


def _market_most(rules: Instrument) -> Decimal:
    return rules.market_max_quantity or rules.max_quantity


def _price(request: OrderRequest, known: Known) -> str:
    del request
    rules = known.instrument
    if rules is None:
        return "change the price to one that the symbol allows"
    return (
        f"send prices in steps of {told(rules.tick_size)}, "
        f"{_between(rules.min_price, rules.max_price)}"
    )


def _band(request: OrderRequest, known: Known) -> str:
    rules = known.instrument
    band = None if rules is None else _own_band(request, rules)
    if rules is None or band is None or known.price is None:
        return "send a price nearer to the market's"
    low = to_step(known.price * band[0], rules.tick_size, ROUND_CEILING)
    high = to_step(known.price * band[1], rules.tick_size, ROUND_FLOOR)
    return (
        f"send a price between about {told(low)} and {told(high)}: the market's, now "
        f"{told(known.price)}, times {told(band[0])} to {told(band[1])}"
    )


def _own_band(request: OrderRequest, rules: Instrument) -> tuple[Decimal, Decimal] | None:
    return rules.buy_band if request.side is Side.BUY else rules.sell_band


def _notional(request: OrderRequest, known: Known) -> str:
    rules = known.instrument
    if rules is None or rules.min_notional is None:
        return "change the quantity: the order is worth too little, or too much"
    asset = rules.symbol.quote
    worth = f"worth {_between(rules.min_notional, rules.max_notional)} {asset}"
    price = request.price or request.stop_price or known.price
    if price is None or request.quantity is None:
        return f"send an order {worth}"
    least = to_step(rules.min_notional / price, rules.step_size, ROUND_CEILING)
    return f"send an order {worth}: at {told(price)} that begins with a quantity of {told(least)}"


def _iceberg(request: OrderRequest, known: Known) -> str:
    rules = known.instrument
    if rules is None or not rules.iceberg_parts or request.quantity is None:
        return "show more at a time: raise iceberg_quantity"
    least = to_step(request.quantity / rules.iceberg_parts, rules.step_size, ROUND_CEILING)
    return f"show at least {told(least)} at a time: at most {rules.iceberg_parts} parts are allowed"


def _shown(request: OrderRequest, known: Known) -> str:
    del known
    most = "" if request.quantity is None else f" of {told(request.quantity)}"
    return f"send an iceberg_quantity of no more than the quantity{most}"


def _delta(request: OrderRequest, known: Known) -> str:
    rules = known.instrument
    if rules is None:
        return "change trailing_delta to one that the symbol allows"
    rises = (request.type, request.side) in RISING
    low, high = rules.trailing_above if rises else rules.trailing_below
    return f"send a trailing_delta between {low} and {high} basis points"


def _balance(request: OrderRequest, known: Known) -> str:
    price = request.price or request.stop_price or known.price
    if request.side is Side.SELL:
        asset, needed = request.symbol.base, request.quantity
    else:
        asset, needed = request.symbol.quote, request.quote_quantity
        if needed is None and request.quantity is not None and price is not None:
            needed = request.quantity * price
    if needed is None:
        return f"lower the quantity, or cancel open orders that tie up {asset}"
    if known.free is None:
        return f"needs {told(needed)} {asset}: lower the quantity, or cancel orders that tie it up"
    free = max(known.free.get(asset, Decimal(0)), Decimal(0))
    text = f"needs {told(needed)} {asset}, {told(free)} are free"
    return f"{text}: lower the quantity, deposit {asset}, or cancel open orders that tie it up"


def _taking(request: OrderRequest, known: Known) -> str:
    way = "below the best ask" if request.side is Side.BUY else "above the best bid"
    now = "" if known.price is None else f", the market being at {told(known.price)}"
    return f"send a price {way}{now}, or a LIMIT order, which may take"


def _trigger(request: OrderRequest, known: Known) -> str:
    way = "above" if (request.type, request.side) in RISING else "below"
    now = "" if known.price is None else f", now {told(known.price)}"
    return f"a {request.side} {request.type} needs a stop_price {way} the last price{now}"


def _types(request: OrderRequest, known: Known) -> str:
    rules = known.instrument
    if rules is None:
        return f"{request.symbol} does not take such orders"
    return f"{request.symbol} takes {', '.join(sorted(rules.order_types))} orders"


def _pair(request: OrderRequest, known: Known) -> str:
    del request
    now = "" if known.price is None else f", now {told(known.price)}"
    return f"one leg must lie above the last price{now}, the other below it"


def _margin(request: OrderRequest, known: Known) -> str:
    price = request.price or request.stop_price or known.price
    leverage = known.leverage
    if leverage is None or price is None or request.quantity is None:
        return "lower the quantity or raise the leverage"
    asset = request.symbol.quote
    needed = f"needs about {told(round(request.quantity * price / leverage, 8))} {asset} of margin"
    free = "" if known.free is None else f", {told(known.free.get(asset, Decimal(0)))} are free"
    return f"{needed} at a leverage of {leverage}{free}: lower the quantity or raise the leverage"


def _leverage(request: OrderRequest, known: Known) -> str:
    del request
    now = "" if known.leverage is None else f" of {known.leverage}"
    return f"lower the leverage{now}, or the position: the higher the one, the smaller the other"


def _between(low: Decimal | None, high: Decimal | None) -> str:
    bounds = [f"at least {told(low)}"] if low else []
    bounds += [f"at most {told(high)}"] if high else []
    return " and ".join(bounds) or "without bounds"


_CANCEL_ONE = "cancel an open order first: the venue allows no more at a time"
_SOMETHING_ELSE = "the market is too thin for this now: send a limit order, or less"
_RIGHTS = "give the API key the right to trade this at the venue, or use another account"
_PLACES = "a pair that sells takes its profit above and its loss below; one that buys, reversed"

_TABLE: tuple[tuple[int, str, str | Callable[[OrderRequest, Known], str]], ...] = (
    (-1013, "PERCENT_PRICE", _band),
    (-1013, "PRICE_FILTER", _price),
    (-1013, "LOT_SIZE", _quantity),  # MARKET_LOT_SIZE as well
    (-1013, "NOTIONAL", _notional),  # MIN_NOTIONAL as well
    (-1013, "ICEBERG_PARTS", _iceberg),
    (-1013, "TRAILING_DELTA", _delta),
    (-1013, "MAX_NUM", _CANCEL_ONE),  # orders, algo orders, icebergs, lists; here or everywhere
    (-1013, "MAX_POSITION", "buy less: the venue bounds what may be held of this asset"),
    (-1013, "MAX_ASSET", "order less: the venue bounds how much of an asset one order may move"),
    (-1013, "quantity", _quantity),
    (-1111, "", lambda request, known: f"{_price(request, known)}; {_quantity(request, known)}"),
    (-1112, "", _SOMETHING_ELSE),
    (-1116, "", _types),
    *((code, "", _PLACES) for code in (*range(-1168, -1157), *range(-1199, -1195))),
    (-2010, "insufficient balance", _balance),
    (-2010, "immediately match", _taking),
    (-2010, "trigger immediately", _trigger),
    (-2010, "not supported for this symbol", _types),
    (-2010, "relationship of the prices", _pair),
    (-2010, "IcebergQty exceeds", _shown),
    (-2010, "zero or less", _notional),
    (-2010, "liquidity is less", _SOMETHING_ELSE),
    (-2010, "Market is closed", "wait until the market is open"),
    (-2010, "trading phase", "wait until the market trades continuously"),
    (-2010, "require GTC", "send time_in_force GTC while the market is in this phase"),
    (-2010, "account", _RIGHTS),  # disabled, may not place, not permitted, restricted
    (-2010, "not enabled", _RIGHTS),
    (-2014, "", "check BINANCE_API_KEY: it is not of the form of a key"),
    (-2015, "", _RIGHTS),
    # USD-M futures
    (-2018, "", _margin),
    (-2019, "", _margin),
    (-2021, "", _trigger),
    (-2022, "", "send less: there is no position that it would reduce"),
    (-2025, "", _CANCEL_ONE),
    (-2027, "", _leverage),
    (-2028, "", _leverage),
    (-4003, "", _quantity),
    (-4005, "", _quantity),
    (-4014, "", _price),
    (-4131, "", _band),
    (-4164, "", _notional),
    (-5021, "", _SOMETHING_ELSE),
    (-5022, "", _taking),
)
"""Code, words that the venue's reason contains, and what to say; the first that fits counts."""
