"""What was filled beside what a backtest filled for the same reason, and what the one cost more.

Every difference is laid out so that its parts add up to the whole; pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from trading_system.backtest import engine
from trading_system.backtest.records import Reason
from trading_system.backtest.rules import Rules
from trading_system.domain.mandates import Mandate, SizeKind
from trading_system.domain.orders import Order, Side
from trading_system.domain.reports import Fill
from trading_system.frames import Frame
from trading_system.storage.times import to_milliseconds
from trading_system.trader.causes import Cause

Replayed = tuple[float, float, float]
"""What a backtest filled: signed quantity, price and fee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An order of the run that was filled; `bar` is the one it was decided at, or it stopped in.

    One that somebody asked for, to close what is held, has none: nothing decided it.
    """

    bar: int | None
    order: Order
    fills: Sequence[Fill]
    is_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FillPair:
    """What was filled beside what the backtest filled for the same reason; None where one did not.

    `bar` is an open time in ms UTC, quantities are in base asset and positive, prices averages.
    What the run paid more than the backtest, in quote asset, has five parts: `latency` (the middle
    of the book when the order was sent, against the open that a backtest fills at), `slippage` (the
    price paid, against that middle), `fee`, `size` (another quantity was ordered, by rounding or
    another equity) and `partial` (less was filled than ordered), the last two at the backtest's
    price. `delay_ms` is from the decision to the last fill, None of a stop. `fee` is None if a
    third asset paid it. Of a grid there is more to tell, and its parts mean a little else: see
    `grid_pairs`.
    """

    bar: int
    side: Side
    is_stop: bool
    order_id: UUID | None
    quantity: float
    price: float | None
    replayed_quantity: float
    replayed_price: float | None
    delay_ms: int | None = None
    latency: float = 0.0
    slippage: float = 0.0
    fee: float | None = 0.0
    size: float = 0.0
    partial: float = 0.0
    alone: float = 0.0
    cell: int | None = None
    number: int | None = None
    maker: bool | None = None
    cause: Cause | None = None

    @property
    def agrees(self) -> bool:
        """Whether it has its like, or a cause for having none that contradicts no candle."""
        if self.cause is not None:
            return not self.cause.contradicts
        return self.order_id is not None and self.replayed_price is not None


def is_sized(mandate: Mandate) -> bool:
    """Whether a backtest can size as the mandate does: by equity or by a quote amount."""
    return mandate.sizing.kind in {SizeKind.EQUITY, SizeKind.QUOTE}


def replayed_by(run: engine.Result, frame: Frame, first: int) -> dict[tuple[int, bool], Replayed]:
    """All fills of a run that begins at row `first`.

    By the open time of the bar they were decided at, or stopped in, and whether they stopped.
    """
    found = {}
    for fill in run.fills:
        is_stop = int(fill.reason) != Reason.SIGNAL
        row = first + int(fill.bar) - (0 if is_stop else 1)
        key = int(frame.open_time[row]), is_stop
        found[key] = float(fill.quantity), float(fill.price), float(fill.fee)
    return found


def pair(
    execution: Execution,
    bar: int,
    like: Replayed | None,
    mandate: Mandate,
    rules: Rules,
) -> FillPair:
    """The execution beside its like, with the five parts of what it cost more."""
    order, fills = execution.order, execution.fills
    side = order.request.side
    sign = 1.0 if side is Side.BUY else -1.0
    filled = sum(fill.quantity for fill in fills)
    quantity, price = float(filled), float(sum(fill.quote_quantity for fill in fills) / filled)
    decided_at, done_at = bar + mandate.timeframe.length, max(fill.time for fill in fills)
    known = FillPair(
        bar=bar,
        side=side,
        is_stop=execution.is_stop,
        order_id=order.id,
        quantity=quantity,
        price=price,
        replayed_quantity=0.0,
        replayed_price=None,
        delay_ms=None if execution.is_stop else to_milliseconds(done_at) - decided_at,
    )
    if like is None:
        return known
    signed, expected, fee = like
    ordered = float(order.request.quantity or quantity)
    wanted = abs(signed) if is_sized(mandate) else ordered
    middle = float(order.mid_price) if order.mid_price is not None else expected
    paid = fee_in_quote(order, fills)
    if not is_sized(mandate):
        fee = wanted * expected * rules.fee_taker
    return replace(
        known,
        replayed_quantity=wanted,
        replayed_price=expected,
        latency=sign * quantity * (middle - expected),
        slippage=sign * quantity * (price - middle),
        fee=None if paid is None else paid - fee,
        size=sign * (ordered - wanted) * expected,
        partial=sign * (quantity - ordered) * expected,
    )


def alone(key: tuple[int, bool], like: Replayed) -> FillPair:
    """What only the backtest filled."""
    signed, price, _ = like
    return FillPair(
        bar=key[0],
        side=Side.BUY if signed > 0 else Side.SELL,
        is_stop=key[1],
        order_id=None,
        quantity=0.0,
        price=None,
        replayed_quantity=abs(signed),
        replayed_price=price,
    )


def fee_in_quote(order: Order, fills: Iterable[Fill]) -> float | None:
    """What was paid, coins at the price of their fill; None where a third asset paid."""
    symbol, total = order.request.symbol, Decimal(0)
    for fill in fills:
        if fill.fee and fill.fee_asset not in {symbol.base, symbol.quote}:
            return None
        total += fill.fee * (fill.price if fill.fee_asset == symbol.base else 1)
    return float(total)


def profit(executions: Iterable[Execution], price: float) -> float:
    """Of all fills, after fees in base and quote, what is held valued at `price`."""
    spent = held = Decimal(0)
    for execution in executions:
        request = execution.order.request
        sign = 1 if request.side is Side.BUY else -1
        for fill in execution.fills:
            held += sign * fill.quantity
            spent += sign * fill.quote_quantity
            held -= fill.fee if fill.fee_asset == request.symbol.base else 0
            spent += fill.fee if fill.fee_asset == request.symbol.quote else 0
    return float(held) * price - float(spent)
