"""Would a backtest have done what was done? Decision by decision, then fill by fill; pure.

The candles are those that were seen, so that a venue's later corrections change nothing. Decisions
must be equal to the last bit; fills differ, and each difference is laid out so that its parts add
up to the whole. Refuses to judge a bar whose successor has not closed: no backtest has it yet, and
what was filled since is told as unseen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np

from trading_system.backtest.rules import Rules
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate, Terms, as_of
from trading_system.domain.stops import StopKind
from trading_system.frames import Column, Frame
from trading_system.storage.times import to_milliseconds
from trading_system.trader.fill_pairs import (
    Execution,
    FillPair,
    is_sized,
    profit,
    replayed_by,
)
from trading_system.trader.pairing import closings, paired
from trading_system.trader.replay import Acted, replay

_ACTED = frozenset({Outcome.ORDERED, Outcome.FITTED, Outcome.UNCHANGED})
"""What a backtest does as well; a decision that was missed, refused or not filled it leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """A decision that was stored, beside what the same candles decide now; NaN for none."""

    bar: int
    stored: float
    replayed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingLevel:
    """A price of a grid as it was laid, beside what the same candles lead to; None for no level."""

    level: int
    stored: Decimal | None
    replayed: Decimal | None


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
    levels: tuple[DifferingLevel, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Every decision and level is what it was, and no fill lacks its like without a cause."""
        return not self.differing and not self.levels and all(each.agrees for each in self.fills)


def parity(
    mandate: Mandate,
    instrument: Instrument,
    *,
    frame: Frame,
    replayed: Column,
    decisions: Iterable[Decision],
    executions: Sequence[Execution],
    fee: float,
    terms: Sequence[Terms] = (),
    may_short: bool = True,
) -> Parity:
    """Compare what a mandate did in one symbol with a backtest over the `frame` it has seen.

    `replayed`, shape (n,), is what the strategy decides over that frame now, `decisions` are all of
    that symbol, in any order; `fee` is the taker's share of a value, and `terms` are those of
    before each change: sizes are replayed by what they were computed from, stops as they are now.
    What somebody closed, or a kill, the backtest closes too. Unless it `may_short` a target below
    nothing is flat. Raises InvalidRequest for what the engine cannot work on, and
    ConfigurationError where it is not installed.
    """
    stored = {each.bar.open_time: each for each in decisions if each.target is not None}
    sent: dict[UUID | None, int] = {
        each.order.id: to_milliseconds(each.order.created_at) for each in executions
    }
    acted = _acted(mandate, terms, stored.values(), sent)
    ordered = {bar for bar, each in acted.items() if each.ordered}
    closed = closings(mandate.timeframe, frame, executions, ordered)
    flat = {bar: Acted(target=0.0, mandate=mandate, ordered=True) for bar in closed.values()}
    rules = rules_of(mandate, instrument, fee=fee, may_short=may_short)
    first = _first(frame, stored)
    run = replay(frame, acted | flat, rules, mandate.timeframe.name, first=first)
    fills = paired(
        executions,
        replayed_by(run, frame, first),
        closed,
        last=int(frame.open_time[-1]),
        as_sized=lambda each: as_of(mandate, terms, sent[each.order.id]),
        rules=rules,
    )
    sized = is_sized(mandate) and all(is_sized(each.mandate) for each in acted.values())
    return Parity(
        symbol=instrument.symbol,
        decisions=len(stored),
        differing=differing(frame, replayed, stored),
        not_acted=len(stored) - len(acted),
        fills=tuple(sorted(fills, key=lambda each: each.bar)),
        profit=profit(executions, float(frame.close[-1])),
        replayed_profit=run.metrics.total_return * run.capital if sized else None,
    )


def rules_of(mandate: Mandate, instrument: Instrument, *, fee: float, may_short: bool) -> Rules:
    """What a backtest of one of its symbols takes for granted, but for how it sizes."""
    stop = mandate.stop
    distance = 0.0 if stop is None else float(stop.distance_percent) / 100
    kind = None if stop is None else stop.kind
    return Rules(
        capital=float(mandate.capital / len(mandate.symbols)),
        fee_taker=fee,
        fee_maker=fee,
        lot_step=float(instrument.step_size),
        min_notional=float(instrument.min_notional or 0),
        stop_loss=distance if kind is StopKind.FIXED else 0.0,
        trailing_stop=distance if kind is StopKind.TRAILING else 0.0,
        short=may_short,
    )


def _first(frame: Frame, stored: Mapping[int, Decision]) -> int:
    """The row of the first decision; the last row where there is none."""
    begins = min(stored, default=int(frame.open_time[-1]))
    return int(np.searchsorted(frame.open_time, begins))


def _acted(
    mandate: Mandate,
    terms: Sequence[Terms],
    decisions: Iterable[Decision],
    sent: Mapping[UUID | None, int],
) -> dict[int, Acted]:
    """What was acted on, by its bar; `sent` are the moments, ms UTC, of orders that were filled.

    An order that nobody filled changed nothing, and the next bar tries again.
    """
    return {
        each.bar.open_time: Acted(
            target=each.target,
            mandate=as_of(mandate, terms, sent.get(each.order_id, each.at)),
            ordered=each.outcome is Outcome.ORDERED,
        )
        for each in decisions
        if each.target is not None
        and each.outcome in _ACTED
        and (each.order_id is None or each.order_id in sent)
    }


def differing(
    frame: Frame, replayed: Column, stored: Mapping[int, Decision]
) -> tuple[Differing, ...]:
    """Where a target, stored by open time, is not `replayed`, shape (n,), to the last bit."""
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
