"""What a contract allows: its filters, derived from the spot pair, and how orders fail them.

Codes and texts are those of the USD-M error list. Steps, ticks and sizes are the pair's own: the
contract trades against the pair's book, and its fills must fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from trading_system.simulator.arguments import required
from trading_system.simulator.feeds import Feed
from trading_system.simulator.futures.model import (
    MARGIN_ASSET,
    ModifyOrder,
    OrderType,
    PlaceAlgo,
    PlaceOrder,
    TimeInForce,
)
from trading_system.simulator.model import Refused, Side, SymbolRules

PRICE_UP, PRICE_DOWN = Decimal("1.05"), Decimal("0.95")
MOST_ORDERS = 200
MOST_ALGOS = 200
_CALLBACK_RATES = (Decimal("0.1"), Decimal(10))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRules:
    """The limits of one perpetual; `spot` are those of the pair whose prices it has."""

    spot: SymbolRules
    min_notional: Decimal = Decimal(5)

    @property
    def symbol(self) -> str:
        return self.spot.symbol

    @property
    def price_precision(self) -> int:
        return _places(self.spot.tick_size)

    @property
    def quantity_precision(self) -> int:
        return _places(self.spot.step_size)

    @property
    def market_max_quantity(self) -> Decimal:
        return self.spot.market_max_quantity or self.spot.max_quantity


def contracts(feed: Feed) -> Mapping[str, ContractRules]:
    """A perpetual for every listed pair that is quoted in the margin asset."""
    return {
        symbol: ContractRules(spot=rules)
        for symbol, rules in feed.symbols.items()
        if rules.quote == MARGIN_ASSET
    }


def contract(feed: Feed, symbol: str) -> ContractRules:
    """One of them; Refused when there is none."""
    rules = feed.symbols.get(symbol)
    if rules is None or rules.quote != MARGIN_ASSET:
        raise Refused(-1121, "Invalid symbol.")
    return ContractRules(spot=rules)


def judge_order(command: PlaceOrder, rules: ContractRules, *, mark: Decimal) -> None:
    """Raise Refused for the first parameter that is missing, unwanted or out of bounds."""
    if command.type.is_conditional:
        raise Refused(
            -4120,
            "Order type not supported for this endpoint. Please use the Algo Order API endpoints "
            "instead.",
        )
    _judge_presence(
        {"timeInForce": command.time_in_force, "price": command.price},
        wanted=command.type is OrderType.LIMIT,
    )
    quantity = required("quantity", command.quantity)
    judge_quantity(quantity, rules, market=command.type is OrderType.MARKET)
    if command.price is not None:
        judge_price(command.price, command.side, rules, mark=mark)
    if not command.reduce_only:
        judge_notional(quantity, command.price or mark, rules)


def judge_modification(command: ModifyOrder, rules: ContractRules, *, mark: Decimal) -> None:
    """The same for another price and quantity."""
    judge_quantity(command.quantity, rules, market=False)
    judge_price(command.price, command.side, rules, mark=mark)


def judge_algo(command: PlaceAlgo, rules: ContractRules) -> None:
    """The same for what waits; margin and price bounds are asked when it triggers."""
    if not command.type.is_conditional:
        raise Refused(-1116, "Invalid orderType.")
    _judge_presence({"price": command.price}, wanted=command.type.has_price)
    trails = command.type is OrderType.TRAILING_STOP_MARKET
    _judge_presence({"callbackRate": command.callback_rate}, wanted=trails)
    _judge_presence({"triggerPrice": command.trigger_price}, wanted=not trails)
    if command.activation is not None and not trails:
        raise _unwanted("activatePrice")
    if command.time_in_force is not None and not command.type.has_price:
        _judge_market_time(command.time_in_force)
    if command.close_position:
        _judge_close_position(command)
    else:
        judge_quantity(required("quantity", command.quantity), rules, market=False)
    for price in (command.price, command.trigger_price, command.activation):
        if price is not None:
            _judge_tick(price, rules)
    rate = command.callback_rate
    if rate is not None and not (_CALLBACK_RATES[0] <= rate <= _CALLBACK_RATES[1]):
        raise Refused(-2007, "Invalid callBack rate.")


def judge_quantity(quantity: Decimal, rules: ContractRules, *, market: bool) -> None:
    """LOT_SIZE and MARKET_LOT_SIZE."""
    if quantity <= 0:
        raise Refused(-4003, "Quantity less than or equal to zero.")
    if _places(quantity) > rules.quantity_precision:
        raise _too_precise()
    if quantity < rules.spot.min_quantity:
        raise Refused(-4004, "Quantity less than min quantity.")
    if quantity > (rules.market_max_quantity if market else rules.spot.max_quantity):
        raise Refused(-4005, "Quantity greater than max quantity.")
    if quantity % rules.spot.step_size:
        raise Refused(-4023, "Qty not increased by step size.")


def judge_price(price: Decimal, side: Side, rules: ContractRules, *, mark: Decimal) -> None:
    """PRICE_FILTER and PERCENT_PRICE: a buy has a ceiling only, a sell a floor only."""
    _judge_tick(price, rules)
    if side is Side.BUY and price > mark * PRICE_UP:
        cap = _shown(mark * PRICE_UP, rules)
        raise Refused(-4016, f"Limit price can't be higher than {cap}.")
    if side is Side.SELL and price < mark * PRICE_DOWN:
        floor = _shown(mark * PRICE_DOWN, rules)
        raise Refused(-4024, f"Limit price can't be lower than {floor}.")


def judge_notional(quantity: Decimal, price: Decimal, rules: ContractRules) -> None:
    """MIN_NOTIONAL, which orders that only reduce are free of."""
    if quantity * price < rules.min_notional:
        raise Refused(
            -4164,
            f"Order's notional must be no smaller than {rules.min_notional} (unless you choose "
            "reduce only).",
        )


def _judge_tick(price: Decimal, rules: ContractRules) -> None:
    if price <= 0:
        raise Refused(-4001, "Price less than or equal to zero.")
    if _places(price) > rules.price_precision:
        raise _too_precise()
    if price > rules.spot.max_price:
        raise Refused(-4002, "Price greater than max price.")
    if price < rules.spot.min_price:
        raise Refused(-4013, "Price less than min price.")
    if price % rules.spot.tick_size:
        raise Refused(-4014, "Price not increased by tick size.")


def _judge_close_position(command: PlaceAlgo) -> None:
    """It closes whatever there is, at the market, so nothing else may be said."""
    if command.type not in {OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET}:
        raise Refused(-4138, "Order type must be market order when closePosition is set.")
    if command.quantity is not None:
        raise Refused(-4136, "Quantity must be zero with closePosition equals true.")
    if command.reduce_only:
        raise _unwanted("reduceOnly")


def _judge_market_time(time_in_force: TimeInForce) -> None:
    if time_in_force is not TimeInForce.GTC:
        raise Refused(-1115, "Invalid timeInForce.")


def _judge_presence(values: Mapping[str, object], *, wanted: bool) -> None:
    for name, value in values.items():
        if wanted:
            required(name, value)
        elif value is not None:
            raise _unwanted(name)


def _unwanted(name: str) -> Refused:
    return Refused(-1106, f"Parameter '{name}' sent when not required.")


def _too_precise() -> Refused:
    return Refused(-1111, "Precision is over the maximum defined for this asset.")


def _places(value: Decimal) -> int:
    """Decimal places that matter: 1.500 has one."""
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _shown(price: Decimal, rules: ContractRules) -> str:
    return f"{price:.{rules.price_precision}f}"
