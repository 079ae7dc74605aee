"""From a target to the one order that gets there: pure, exact, and never more than is owned.

What opens goes out as a limit order that fills at once or not at all, since only a limit bounds
what is spent; what only closes goes out at the market.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from trading_system.domain.instruments import Instrument
from trading_system.domain.mandates import Mandate, SizeKind
from trading_system.domain.orders import OrderRequest, OrderType, Side, TimeInForce
from trading_system.risk import sizing

_NOTHING = Decimal(0)
_GIVES_WAY = Decimal("0.01")  # how far the price may have gone since the close
_FEE = Decimal("0.002")  # kept for the venue's fee, twice what Binance takes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a mandate has: `equity` in all, `others` of it tied up in other symbols.

    `held` is what it holds of this symbol, negative when short; `price` is the close.
    """

    equity: Decimal
    others: Decimal
    held: Decimal
    price: Decimal


def order_for(
    mandate: Mandate, target: Decimal, means: Means, instrument: Instrument
) -> OrderRequest | str:
    """The order from what is held to `target`, or why there is nothing to do."""
    opens = Side.BUY if target > 0 else Side.SELL
    limit = limit_price(means.price, opens, instrument.tick_size)
    wanted = target * _full(mandate, means, max(limit, means.price))
    wanted = (wanted / instrument.step_size).to_integral_value(ROUND_DOWN) * instrument.step_size
    closes = _closes(means.held, wanted)
    difference = wanted - means.held
    quantity = sizing.fitted(abs(difference), instrument, means.price, market=closes)
    if not quantity.quantity:
        return quantity.reason if difference else "what is held is what is wanted"
    side = Side.BUY if difference > 0 else Side.SELL
    if closes:
        return closing(instrument, side, quantity.quantity)
    return OrderRequest(
        symbol=instrument.symbol,
        side=side,
        type=OrderType.LIMIT,
        quantity=quantity.quantity,
        price=limit,
        time_in_force=TimeInForce.IOC,
    )


def closing(instrument: Instrument, side: Side, quantity: Decimal) -> OrderRequest:
    """An order that closes at the market, and never more than is there."""
    return OrderRequest(
        symbol=instrument.symbol,
        side=side,
        type=OrderType.MARKET,
        quantity=quantity,
        reduce_only=True,
    )


def close_all(held: Decimal, instrument: Instrument) -> OrderRequest | None:
    """The order that closes all of it; None where what is left is less than a step.

    What it is worth is for the venue to judge: whoever closes has no price in mind.
    """
    any_worth = replace(instrument, min_notional=None, max_notional=None)
    size = sizing.fitted(abs(held), any_worth, Decimal(1))
    side = Side.SELL if held > 0 else Side.BUY
    return closing(instrument, side, size.quantity) if size.quantity else None


def limit_price(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """The worst price that is taken."""
    worst = price * (1 + _GIVES_WAY if side is Side.BUY else 1 - _GIVES_WAY)
    return (worst / tick).to_integral_value(ROUND_HALF_EVEN) * tick


def _full(mandate: Mandate, means: Means, price: Decimal) -> Decimal:
    """How much of the base asset a target of 1 is; at `price` it must be affordable."""
    share = means.equity / len(mandate.symbols)
    owned = min(share, means.equity - means.others)
    affordable = sizing.fixed_quote(owned, price * (1 + _FEE))
    amount = mandate.sizing.amount
    match mandate.sizing.kind:
        case SizeKind.EQUITY:
            asked = sizing.percent_of_equity(share, amount, means.price)
        case SizeKind.QUOTE:
            asked = sizing.fixed_quote(amount, means.price)
        case SizeKind.QUANTITY:
            asked = sizing.fixed_quantity(amount)
        case SizeKind.RISK:  # pragma: no branch -- there are no others
            percent = _NOTHING if mandate.stop is None else mandate.stop.distance_percent
            asked = sizing.risk_per_trade(share, amount, means.price * percent / 100)
    return min(asked, affordable)


def _closes(held: Decimal, wanted: Decimal) -> bool:
    """Whether the way to `wanted` only makes a position smaller."""
    return held * wanted >= 0 and abs(wanted) < abs(held)
