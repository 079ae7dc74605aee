"""Would a backtest have done what was done? Decision by decision, then fill by fill; pure.

The candles are those that were seen, so that a venue's later corrections change nothing. Decisions
must be equal to the last bit; fills differ, and each difference is laid out so that its parts add
up to the whole. Refuses to judge a bar whose successor has not closed: no backtest has it yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

import numpy as np

from trading_system.backtest import engine
from trading_system.backtest.records import Reason
from trading_system.backtest.rules import Rules, Sizing
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate, SizeKind
from trading_system.domain.orders import Order, Side
from trading_system.domain.reports import Fill
from trading_system.domain.stops import StopKind
from trading_system.frames import Column, Frame

ACTED = frozenset({Outcome.ORDERED, Outcome.FITTED, Outcome.UNCHANGED})
"""What a backtest does as well; a decision that was missed or refused it leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An order of the run that was filled; `bar` is the one it was decided at, or it stopped in.

    One that somebody asked for, to close what is held, has none: no backtest knows of it.
    """

    bar: int | None
    order: Order
    fills: Sequence[Fill]
    is_stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A decision that was stored, beside what the same candles decide now; NaN for none."""

    bar: int
    stored: float
    replayed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FillPair:
    """What was filled beside what the backtest filled for the same reason; None where one did not.

    `bar` is an open time in ms UTC, quantities are in base asset and positive, prices averages.
    What the run paid more than the backtest, in quote asset, has five parts: `latency` (the middle
    of the book when the order was sent, against the open that a backtest fills at), `slippage` (the
    price paid, against that middle), `fee`, `size` (another quantity was ordered, by rounding or
    another equity) and `partial` (less was filled than ordered), the last two at the backtest's
    price. `delay_ms` is from the decision to the last fill. `fee` is None if a third asset paid it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """One symbol of a mandate; `not_acted` counts decisions that were missed or refused."""

    symbol: Symbol
    decisions: int
    differing: tuple[Differing, ...]
    not_acted: int
    fills: tuple[FillPair, ...]
    profit: float
    replayed_profit: float | None

    @property
    def is_clean(self) -> bool:
        """Every decision is what it was, and no fill is without its like."""
        paired = all(
            each.order_id is not None and each.replayed_price is not None for each in self.fills
        )
        return not self.differing and paired


def parity(
    mandate: Mandate,
    instrument: Instrument,
    *,
    frame: Frame,
    replayed: Column,
    decisions: Iterable[Decision],
    executions: Sequence[Execution],
    fee: float,
) -> Parity:
    """Compare what a mandate did in one symbol with a backtest over the `frame` it has seen.

    `replayed`, shape (n,), is what the strategy decides over that frame now, `decisions` are all of
    that symbol, in any order; `fee` is the taker's share of a value. Raises InvalidRequest for what
    the engine cannot work on, and ConfigurationError where it is not installed.
    """
    stored = {each.bar.open_time: each for each in decisions if each.target is not None}
    rules = rules_of(mandate, instrument, fee=fee)
    played = _played(frame, stored, mandate)
    first = _first(frame, stored)
    run = engine.run(frame, played, rules, mandate.timeframe.name, warmup=first)
    replayed_fills = _replayed(frame, run, first)
    last = int(frame.open_time[-1])
    fills = [
        _pair(each, each.bar, replayed_fills.pop((each.bar, each.is_stop), None), mandate, rules)
        for each in executions
        # What was decided last, no backtest has filled yet.
        if each.bar is not None and (each.is_stop or each.bar < last)
    ]
    fills += [_alone(*each) for each in replayed_fills.items()]
    return Parity(
        symbol=instrument.symbol,
        decisions=len(stored),
        differing=_differing(frame, replayed, stored),
        not_acted=sum(each.outcome not in ACTED for each in stored.values()),
        fills=tuple(sorted(fills, key=lambda pair: pair.bar)),
        profit=_profit(executions, float(frame.close[-1])),
        replayed_profit=run.metrics.total_return * rules.capital if is_sized(mandate) else None,
    )


def is_sized(mandate: Mandate) -> bool:
    """Whether a backtest can size as the mandate does: by equity or by a quote amount."""
    return mandate.sizing.kind in {SizeKind.EQUITY, SizeKind.QUOTE}


def rules_of(mandate: Mandate, instrument: Instrument, *, fee: float) -> Rules:
    """What a backtest of one of its symbols takes for granted."""
    stop = mandate.stop
    distance = 0.0 if stop is None else float(stop.distance_percent) / 100
    kind = None if stop is None else stop.kind
    return Rules(
        capital=float(mandate.capital / len(mandate.symbols)),
        fee_taker=fee,
        fee_maker=fee,
        sizing=Sizing.FIXED if mandate.sizing.kind is SizeKind.QUOTE else Sizing.COMPOUNDING,
        lot_step=float(instrument.step_size),
        min_notional=float(instrument.min_notional or 0),
        stop_loss=distance if kind is StopKind.FIXED else 0.0,
        trailing_stop=distance if kind is StopKind.TRAILING else 0.0,
        short=True,
    )


def _first(frame: Frame, stored: Mapping[int, Decision]) -> int:
    """The row of the first decision; the last row where there is none."""
    begins = min(stored, default=int(frame.open_time[-1]))
    return int(np.searchsorted(frame.open_time, begins))


def _played(frame: Frame, stored: Mapping[int, Decision], mandate: Mandate) -> Column:
    """The exposures that were acted by, shape (n,): a decision that was not leaves the last one."""
    sizing, share = mandate.sizing, mandate.capital / len(mandate.symbols)
    whole = {SizeKind.EQUITY: Decimal(100), SizeKind.QUOTE: share}.get(sizing.kind)
    factor = 1.0 if whole is None else min(float(sizing.amount / whole), 1.0)
    played, target = np.zeros(len(frame)), 0.0
    for row, open_time in enumerate(frame.open_time.tolist()):
        decision = stored.get(open_time)
        if decision is not None and decision.outcome in ACTED and decision.target is not None:
            target = decision.target * factor
        played[row] = target
    return played


def _differing(
    frame: Frame, replayed: Column, stored: Mapping[int, Decision]
) -> tuple[Differing, ...]:
    again = dict(zip(frame.open_time.tolist(), replayed.tolist(), strict=True))
    pairs = [
        (bar, math.nan if each.target is None else each.target, again.get(bar, math.nan))
        for bar, each in sorted(stored.items())
    ]
    return tuple(
        Differing(bar=bar, stored=was, replayed=now)
        for bar, was, now in pairs
        if was.hex() != now.hex()
    )


def _replayed(
    frame: Frame, run: engine.Result, first: int
) -> dict[tuple[int, bool], tuple[float, float, float]]:
    """(signed quantity, price, fee) by the bar it was decided at, or by that it stopped in."""
    found = {}
    for fill in run.fills:
        is_stop = int(fill.reason) != Reason.SIGNAL
        row = first + int(fill.bar) - (0 if is_stop else 1)
        key = int(frame.open_time[row]), is_stop
        found[key] = float(fill.quantity), float(fill.price), float(fill.fee)
    return found


def _pair(
    execution: Execution,
    bar: int,
    replayed: tuple[float, float, float] | None,
    mandate: Mandate,
    rules: Rules,
) -> FillPair:
    """The execution beside its like, with the five parts of what it cost more."""
    order, fills = execution.order, execution.fills
    side = order.request.side
    sign = 1.0 if side is Side.BUY else -1.0
    filled = sum(fill.quantity for fill in fills)
    quantity, price = float(filled), float(sum(fill.quote_quantity for fill in fills) / filled)
    decided_at = bar + mandate.timeframe.length
    known = FillPair(
        bar=bar,
        side=side,
        is_stop=execution.is_stop,
        order_id=order.id,
        quantity=quantity,
        price=price,
        replayed_quantity=0.0,
        replayed_price=None,
        delay_ms=round(max(fill.time for fill in fills).timestamp() * 1000) - decided_at,
    )
    if replayed is None:
        return known
    signed, expected, fee = replayed
    ordered = float(order.request.quantity or quantity)
    wanted = abs(signed) if is_sized(mandate) else ordered
    middle = float(order.mid_price) if order.mid_price is not None else expected
    paid = _fee(order, fills)
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


def _alone(key: tuple[int, bool], replayed: tuple[float, float, float]) -> FillPair:
    """What only the backtest filled."""
    signed, price, _ = replayed
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


def _fee(order: Order, fills: Iterable[Fill]) -> float | None:
    """What was paid, in quote asset; None where a third asset paid."""
    symbol, total = order.request.symbol, Decimal(0)
    for fill in fills:
        if fill.fee and fill.fee_asset not in {symbol.base, symbol.quote}:
            return None
        total += fill.fee * (fill.price if fill.fee_asset == symbol.base else 1)
    return float(total)


def _profit(executions: Iterable[Execution], price: float) -> float:
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
