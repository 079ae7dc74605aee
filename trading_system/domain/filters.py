"""What a venue's filters say of an order before it is sent, and the nearest values that pass.

Only what can be known here for sure is judged: numbers of orders, positions and the venue's own
average prices are left to the venue. Source: Binance's filters.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Instrument
from trading_system.domain.orders import OrderRequest, OrderType, Side

RISING = {(OrderType.STOP_LOSS, Side.BUY), (OrderType.STOP_LOSS_LIMIT, Side.BUY)}
RISING |= {(OrderType.TAKE_PROFIT, Side.SELL), (OrderType.TAKE_PROFIT_LIMIT, Side.SELL)}
"""What waits for a market that rises to it; other stop orders wait for one that falls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A filter that the order does not pass: `field` is `given`, `nearest` would pass.

    `nearest` is None where no value of this field helps. `adjustable`: it asks for no more than
    was asked for, so that it may be taken where the orderer allows it.
    """

    filter: str
    field: str
    given: Decimal | str
    nearest: Decimal | None
    text: str
    adjustable: bool = False


class Unfit(InvalidRequest):
    """An order, or a leg of a list, does not pass the venue's filters: it was not sent."""

    def __init__(self, found: tuple[Violation, ...]) -> None:
        super().__init__("; ".join(f"{each.filter}: {each.text}" for each in found))
        self.violations = found


def violations(
    request: OrderRequest, instrument: Instrument, price: Decimal | None
) -> tuple[Violation, ...]:
    """Every filter that fails, in the venue's order; `price` is the market's, None if unknown.

    Without a price the worth of a market order is left to the venue.
    """
    return tuple(
        violation
        for check in (_type, _prices, _quantities, _notional, _iceberg, _trailing)
        for violation in check(request, instrument, price)
    )


def conformed(
    request: OrderRequest, instrument: Instrument, price: Decimal | None
) -> tuple[OrderRequest, tuple[Violation, ...]]:
    """The order with everything adjusted that may be, and what was; it may still not pass.

    Amounts only ever get smaller, and a limit price within the bounds never worse.
    """
    adjusted: list[Violation] = []
    while True:
        found = (each for each in violations(request, instrument, price) if each.adjustable)
        violation = next(found, None)
        if violation is None:
            return request, tuple(adjusted)
        adjusted.append(violation)
        change = {violation.field: violation.nearest}
        request = replace(request, **change)  # type: ignore[arg-type]  # a name of its fields


def _type(
    request: OrderRequest,
    instrument: Instrument,
    price: Decimal | None,  # noqa: ARG001 -- as every check
) -> Iterator[Violation]:
    if request.type not in instrument.order_types:
        allowed = ", ".join(sorted(instrument.order_types))
        yield Violation(
            filter="ORDER_TYPE",
            field="type",
            given=str(request.type),
            nearest=None,
            text=f"{instrument.symbol} takes no {request.type} orders, only {allowed}",
        )
    if request.quote_quantity is not None and not instrument.quote_quantity_allowed:
        yield Violation(
            filter="ORDER_TYPE",
            field="quote_quantity",
            given=request.quote_quantity,
            nearest=None,
            text=f"{instrument.symbol} is not bought by quote_quantity: send quantity",
        )


def _prices(
    request: OrderRequest,
    instrument: Instrument,
    price: Decimal | None,  # noqa: ARG001 -- as every check
) -> Iterator[Violation]:
    better = ROUND_FLOOR if request.side is Side.BUY else ROUND_CEILING
    for field, given, rounding in (
        ("price", request.price, better),
        ("stop_price", request.stop_price, ROUND_HALF_EVEN),
    ):
        if given is None:
            continue
        yield from _stepped(
            "PRICE_FILTER",
            field,
            given,
            low=instrument.min_price,
            high=instrument.max_price,
            step=instrument.tick_size,
            rounding=rounding,
        )


def _quantities(
    request: OrderRequest,
    instrument: Instrument,
    price: Decimal | None,  # noqa: ARG001 -- as every check
) -> Iterator[Violation]:
    for field, given in (
        ("quantity", request.quantity),
        ("iceberg_quantity", request.iceberg_quantity),
    ):
        if given is not None:
            yield from _stepped(
                "LOT_SIZE",
                field,
                given,
                low=instrument.min_quantity,
                high=instrument.max_quantity,
                step=instrument.step_size,
                rounding=ROUND_FLOOR,
            )
    if request.type is OrderType.MARKET and request.quantity is not None:
        yield from _stepped(
            "MARKET_LOT_SIZE",
            "quantity",
            request.quantity,
            low=instrument.market_min_quantity,
            high=instrument.market_max_quantity,
            step=instrument.market_step_size,
            rounding=ROUND_FLOOR,
        )


def _notional(
    request: OrderRequest, instrument: Instrument, price: Decimal | None
) -> Iterator[Violation]:
    low, high = instrument.notional_bounds(market=request.type is OrderType.MARKET)
    if request.quantity is None:
        yield from _stepped(
            "NOTIONAL",
            "quote_quantity",
            request.quote_quantity or Decimal(0),  # one of both is always there
            low=low,
            high=high,
            step=None,
            rounding=ROUND_FLOOR,
        )
        return
    each = request.price or request.stop_price or price
    if each is None:
        return
    worth, step = request.quantity * each, instrument.step_size
    if low is not None and worth < low:
        least = to_step(low / each, step, ROUND_CEILING)
        yield Violation(
            filter="NOTIONAL",
            field="quantity",
            given=request.quantity,
            nearest=least,
            text=f"worth {told(worth)}, less than the minimum of {told(low)} "
            f"{instrument.symbol.quote}: send a quantity of at least {told(least)}",
        )
    if high is not None and worth > high:
        most = to_step(high / each, step, ROUND_FLOOR)
        yield Violation(
            filter="NOTIONAL",
            field="quantity",
            given=request.quantity,
            nearest=most,
            text=f"worth {told(worth)}, more than the maximum of {told(high)} "
            f"{instrument.symbol.quote}: send a quantity of at most {told(most)}",
            adjustable=True,
        )


def _iceberg(
    request: OrderRequest,
    instrument: Instrument,
    price: Decimal | None,  # noqa: ARG001 -- as every check
) -> Iterator[Violation]:
    shown, whole = request.iceberg_quantity, request.quantity
    if shown is None or whole is None or not shown or not instrument.iceberg_parts:
        return
    parts = (whole / shown).to_integral_value(ROUND_CEILING)
    if parts > instrument.iceberg_parts:
        least = to_step(whole / instrument.iceberg_parts, instrument.step_size, ROUND_CEILING)
        yield Violation(
            filter="ICEBERG_PARTS",
            field="iceberg_quantity",
            given=shown,
            nearest=least,
            text=f"{told(parts)} parts, more than {instrument.iceberg_parts}: "
            f"show at least {told(least)} at a time",
        )


def _trailing(
    request: OrderRequest,
    instrument: Instrument,
    price: Decimal | None,  # noqa: ARG001 -- as every check
) -> Iterator[Violation]:
    if request.trailing_delta is None:
        return
    rises = (request.type, request.side) in RISING
    low, high = instrument.trailing_above if rises else instrument.trailing_below
    nearest = min(max(request.trailing_delta, low), high)
    if nearest != request.trailing_delta:
        yield Violation(
            filter="TRAILING_DELTA",
            field="trailing_delta",
            given=Decimal(request.trailing_delta),
            nearest=Decimal(nearest),
            text=f"trailing_delta must be between {low} and {high} basis points",
        )


def _stepped(
    filter_: str,
    field: str,
    given: Decimal,
    *,
    low: Decimal | None,
    high: Decimal | None,
    step: Decimal | None,
    rounding: str,
) -> Iterator[Violation]:
    """Between the bounds and on a step counted from zero; None or zero is no bound, no step."""
    nearest = to_step(given, step, rounding) if step else given
    if high:
        nearest = min(nearest, to_step(high, step, ROUND_FLOOR) if step else high)
    if low and nearest < low:
        nearest = to_step(low, step, ROUND_CEILING) if step else low
    if nearest == given:
        return
    rules = [
        f"{word} {told(bound)}"
        for word, bound in (("at least", low), ("at most", high), ("in steps of", step))
        if bound
    ]
    yield Violation(
        filter=filter_,
        field=field,
        given=given,
        nearest=nearest,
        text=f"{field} {told(given)} must be {', '.join(rules)}: {told(nearest)} would be",
        # More than was asked for is for the orderer to say.
        adjustable=nearest < given or field.endswith("price"),
    )


def to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The next multiple of the step in that direction."""
    return (value / step).to_integral_value(rounding) * step


def told(value: Decimal) -> str:
    """Plain digits, as many as it takes."""
    return format(value.normalize(), "f")
