"""Would a backtest's grid have bought and sold what was bought and sold? Cell by cell; pure.

A grid has three things to compare. Its targets, as of any strategy, must be equal to the last bit.
Its levels, laid again from the candles that were seen, must be equal to the last digit. Its fills
are laid beside those of a grid that is played over the same candles with the same levels, quantity
and fee, turn after turn of each cell: bought, sold, bought again.

It is clean when levels and targets are equal and no fill contradicts the candles. A candle says
between which prices the market was and not which way it went; so a fill may be one side's alone, or
be made in another bar, for a cause that is named beside it (see `Cause`). Of an order that rested
all the bar while the price went past its level no candle makes an excuse, nor of a fill where no
price was. What the run had not placed, because it was stopped or refused, is told and no fault, as
a decision that was missed is none.

Somebody may close all that is held; the backtest then sells as well, at the same price, and both
begin anew with the next order of a cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from uuid import UUID

from trading_system.backtest.rules import Rules
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Instrument
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import Order, Side
from trading_system.frames import Column, Frame
from trading_system.storage.times import to_milliseconds
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.strategies.grid_state import on_ticks
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import Execution, FillPair, profit
from trading_system.trader.grid_causes import of_pair, rests
from trading_system.trader.grid_pairs import Pairing, profit_of, shares
from trading_system.trader.grid_record import GridRecord, Place
from trading_system.trader.grid_turns import (
    Bars,
    Like,
    Stint,
    Turn,
    aligned,
    filled_from,
    replayed_cells,
    stints,
    turns,
)
from trading_system.trader.parity import DifferingLevel, Parity, differing


def grid_parity(
    mandate: Mandate,
    instrument: Instrument,
    *,
    frame: Frame,
    replayed: Column,
    decisions: Iterable[Decision],
    executions: Sequence[Execution],
    record: GridRecord | None,
    fee: float,
) -> Parity:
    """Compare what a grid did in one symbol with a backtest over the `frame` it has seen.

    `replayed`, shape (n,), is what the strategy decides over that frame now; `decisions` and
    `executions` are all of that symbol, `record` is None where it was never laid. `fee` is a share
    of a value, whoever takes. Raises InvalidRequest for what the backtester cannot work on, and
    ConfigurationError where it is not installed.
    """
    stored = {each.bar.open_time: each for each in decisions if each.target is not None}
    worth = float(frame.close[-1])
    fills: list[FillPair] = []
    likes: list[Like] = []
    if record is not None:
        capital = float(mandate.capital / len(mandate.symbols))
        comparison = _Comparison(
            record=record,
            places=record.places,
            executions={each.order.id: each for each in executions},
            pairing=Pairing(bars=Bars(frame, mandate.timeframe), worth=worth),
            rules=Rules(capital=capital, fee_taker=fee, fee_maker=fee),
        )
        for stint in stints(record, executions):
            comparison.add(stint, fills, likes)
    return Parity(
        symbol=instrument.symbol,
        decisions=len(stored),
        differing=differing(frame, replayed, stored),
        not_acted=sum(each.outcome is not Outcome.KEPT for each in stored.values()),
        levels=() if record is None else _differing_levels(mandate, instrument, frame, record),
        fills=tuple(sorted(fills, key=lambda each: each.bar)),
        profit=profit(executions, worth),
        replayed_profit=profit_of(likes, worth),
    )


def _differing_levels(
    mandate: Mandate, instrument: Instrument, frame: Frame, record: GridRecord
) -> tuple[DifferingLevel, ...]:
    strategy = build(Grid, mandate.parameters)
    assert isinstance(strategy, Grid)  # noqa: S101 -- what was built
    again = on_ticks(strategy.prices(frame), instrument.tick_size)
    return tuple(
        DifferingLevel(level=level, stored=was, replayed=now)
        for level, (was, now) in enumerate(zip_longest(record.prices, again))
        if was != now
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """Lays what was done beside what a backtest does; `executions` by their orders' ids."""

    record: GridRecord
    places: Mapping[UUID, Place]
    executions: Mapping[UUID, Execution]
    pairing: Pairing
    rules: Rules

    def add(self, stint: Stint, fills: list[FillPair], likes: list[Like]) -> None:
        """All pairs of a stint, and all that the backtest filled in it."""
        bars = self.pairing.bars
        stop = len(bars.frame) if stint.ends is None else max(bars.closed(stint.ends), 1)
        start = max(bars.closed(stint.begins) - 1, 0)
        cells = replayed_cells(self.record, bars, self.rules, start=start, stop=stop)
        _, end = bars.span(stop - 1)
        for cell, several in enumerate(cells):
            fills += self._cell(cell, stint.orders[cell], several, end=end)
            likes += several
        full = sum(1 if like.side is Side.BUY else -1 for several in cells for like in several)
        held = full * float(self.record.quantity)
        for closing in stint.closings:
            fills.append(self._closed(closing, held, likes))
            held = 0.0

    def _cell(
        self, cell: int, orders: Sequence[Order], likes: Sequence[Like], *, end: int
    ) -> Iterator[FillPair]:
        """What was filled before `end`, ms UTC, beside its like; and what was filled afterwards."""
        bars, resting, judged = self.pairing.bars, rests(orders, self.executions), {}
        for order in orders:
            before, after = _cut(self.executions.get(order.id), end)
            if before is not None:
                judged[order.id] = before
            if after is not None:
                yield self._done(after, Cause.UNSEEN)
        rows = {bars.row(filled_from(each)) for each in judged.values()}
        for turn, like, follows in aligned(turns(orders, judged, bars), likes):
            cause = of_pair(turn, like, resting, rows, bars)
            if follows and cause is not None and not cause.contradicts:
                cause = Cause.FOLLOWS
            if turn is None:
                assert like is not None  # noqa: S101 -- nothing is aligned with nothing
                yield self.pairing.undone(like, cell, cause)
            elif like is None:
                yield from (self._done(each, cause) for each in turn.executions)
            else:
                yield from self._both(turn, like, cause)

    def _both(self, turn: Turn, like: Like, cause: Cause | None) -> Iterator[FillPair]:
        parts = shares(like, turn.executions)
        for each, part in zip(turn.executions, parts, strict=True):
            is_last = each is turn.executions[-1]
            yield self.pairing.both(each, part, self._place(each), cause, is_last=is_last)

    def _done(self, execution: Execution, cause: Cause | None) -> FillPair:
        return self.pairing.done(execution, self._place(execution), cause)

    def _place(self, execution: Execution) -> Place:
        return self.places[execution.order.id]

    def _closed(self, closing: Execution, held: float, likes: list[Like]) -> FillPair:
        """What somebody closed, beside all that the backtest held then, at the price of that."""
        alone = self.pairing.done(closing, Place(), Cause.ASKED)
        if not held or alone.price is None:
            return alone
        like = Like(
            row=self.pairing.bars.row(filled_from(closing)),
            side=Side.SELL,
            quantity=held,
            price=alone.price,
            fee=held * alone.price * self.rules.fee_taker,
        )
        likes.append(like)
        both = self.pairing.both(closing, like, Place(), Cause.ASKED, is_last=False)
        return replace(both, bar=alone.bar, delay_ms=None)


def _cut(execution: Execution | None, end: int) -> tuple[Execution | None, Execution | None]:
    """An order's fills before `end`, ms UTC, and the others."""
    if execution is None:
        return None, None
    before = [fill for fill in execution.fills if to_milliseconds(fill.time) < end]
    after = [fill for fill in execution.fills if to_milliseconds(fill.time) >= end]
    first, rest = (
        replace(execution, fills=several) if several else None for several in (before, after)
    )
    return first, rest
