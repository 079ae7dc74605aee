"""Decides bar after bar of one mandate: each once, in order, and kept before it is acted on.

The frame of a symbol begins `warmup` bars before the mandate's first bar and only ever grows, for a
target may depend on all of it. Its bars are kept with the decisions, as they were seen: a restart
decides by the same frame, to the last bit, whatever has been corrected since. That costs 48 bytes a
bar and symbol of the strategy's process, and one computation over the frame with each bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

import numpy as np

from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.execution.valuation import exact
from trading_system.ports import Clock, DecisionRepository, OrderRepository, PriceRepository
from trading_system.trader.bars import ClosedBars, closed_bars
from trading_system.trader.workers import Brain, NewBars, Targets


@dataclass(slots=True, kw_only=True)
class Run:
    """A running mandate: its brain, the next bar of each symbol, and what it last acted by.

    `pending` is the newest decision where that is still to be acted on; `closes` are the newest
    prices it has seen; `executed` are orders known to have filled, in part at least.
    """

    brain: Brain
    next: dict[Symbol, int]
    acted: dict[Symbol, Decision] = field(default_factory=dict)
    pending: dict[Symbol, Decision] = field(default_factory=dict)
    closes: dict[Symbol, Decimal] = field(default_factory=dict)
    waiting: dict[Symbol, str] = field(default_factory=dict)
    executed: set[UUID] = field(default_factory=set)


class Decider:
    """Begins runs and takes them further; what it raises leaves a run unusable."""

    def __init__(
        self,
        *,
        decisions: DecisionRepository,
        prices: PriceRepository,
        orders: OrderRepository,
        clock: Clock,
    ) -> None:
        self._decisions = decisions
        self._prices = prices
        self._orders = orders
        self._clock = clock

    async def begin(self, mandate: Mandate, brain: Brain) -> Run:
        """A run that goes on where the record ends; raises StrategyFailed and StorageError."""
        assert mandate.begins is not None  # noqa: S101 -- it was started
        first = mandate.begins - mandate.warmup * mandate.timeframe.length
        run = Run(brain=brain, next=dict.fromkeys(mandate.symbols, first))
        seen = {}
        for symbol in mandate.symbols:
            rows = await self._decisions.bars(mandate.id, symbol)
            if len(rows):
                seen[symbol] = NewBars(rows=rows, decide=0)
                run.next[symbol] = int(rows[-1, 0]) + mandate.timeframe.length
                run.closes[symbol] = exact(float(rows[-1, 4]))
        if seen:
            await brain.decide(seen)
        for symbol, standing in (await self._decisions.standings(mandate.id)).items():
            if standing.newest.outcome is Outcome.PENDING:
                run.pending[symbol] = standing.newest
            if standing.acted is not None:
                run.acted[symbol] = standing.acted
        return run

    async def advance(self, mandate: Mandate, run: Run, until: Mapping[Symbol, int]) -> bool:
        """Decide what has closed up to `until`, ms UTC by symbol; whether more is to be decided."""
        closed = {
            symbol: await closed_bars(
                self._prices, symbol, mandate.timeframe, run.next[symbol], until[symbol]
            )
            for symbol in mandate.symbols
            if symbol in until
        }
        run.waiting = {symbol: bars.waiting for symbol, bars in closed.items() if bars.waiting}
        new = {
            symbol: NewBars(rows=bars.rows, decide=_decidable(mandate, bars))
            for symbol, bars in closed.items()
            if len(bars.rows)
        }
        if new:
            answers = await run.brain.decide(new)
            await self._note(mandate, run, new, answers)
        for symbol, bars in closed.items():
            run.next[symbol] = bars.end
        return any(
            not bars.waiting and bars.end < mandate.timeframe.floor(until[symbol])
            for symbol, bars in closed.items()
        )

    def is_current(self, mandate: Mandate, decision: Decision) -> bool:
        """Whether no bar has closed since, by the clock: what is older must not be acted on."""
        closed = decision.bar.open_time + mandate.timeframe.length
        return closed == mandate.timeframe.floor(self._clock.milliseconds())

    async def _note(
        self,
        mandate: Mandate,
        run: Run,
        new: Mapping[Symbol, NewBars],
        answers: Mapping[Symbol, Targets],
    ) -> None:
        """Write all of it down, then let the run know."""
        noted: list[Decision] = []
        newest: dict[Symbol, Decision] = {}
        for symbol, bars in new.items():
            decisions = self._decisions_of(mandate, symbol, bars, answers[symbol])
            last = decisions[-1]
            if last.target is not None and self.is_current(mandate, last):
                stands = await self._stands(mandate, run, last)
                outcome = Outcome.UNCHANGED if stands else Outcome.PENDING
                last = replace(last, outcome=outcome, reason=None)
                newest[symbol] = last
            noted += [*decisions[:-1], last]
        await self._decisions.add(noted)
        for symbol, bars in new.items():
            run.closes[symbol] = exact(float(bars.rows[-1, 4]))
            run.pending.pop(symbol, None)
        for symbol, decision in newest.items():
            if decision.outcome is Outcome.PENDING:
                run.pending[symbol] = decision

    def _decisions_of(
        self, mandate: Mandate, symbol: Symbol, bars: NewBars, answer: Targets
    ) -> list[Decision]:
        """Of every bar, as if each were too late to act on."""
        at = self._clock.milliseconds()
        candles = [Candle(int(row[0]), *row[1:]) for row in bars.rows.tolist()]
        warming = len(candles) - bars.decide
        return [
            Decision(
                mandate_id=mandate.id,
                symbol=symbol,
                bar=bar,
                target=None,
                at=at,
                outcome=Outcome.WARMUP,
            )
            for bar in candles[:warming]
        ] + [
            Decision(
                mandate_id=mandate.id,
                symbol=symbol,
                bar=bar,
                target=target,
                at=at,
                lines=lines,
                outcome=Outcome.MISSED,
                reason="it had closed while nothing ran",
            )
            for bar, target, lines in zip(
                candles[warming:], answer.targets, answer.lines, strict=True
            )
        ]

    async def _stands(self, mandate: Mandate, run: Run, decision: Decision) -> bool:
        """Whether this target was acted on already, with success, since the last start.

        Until it changes nothing more is done for it, as in a backtest: what a stop has closed stays
        closed, and of an order that the market took a part of the rest is not sent again. What that
        made, parity lays out as `partial`.
        """
        acted = run.acted.get(decision.symbol)
        if acted is None or acted.target != decision.target:
            return False
        if acted.at <= (mandate.started or 0):
            return False
        if acted.order_id is None or acted.order_id in run.executed:
            return True
        order = await self._orders.get(acted.order_id)
        if order.executed_quantity:
            run.executed.add(order.id)
        return bool(order.executed_quantity) or not order.status.is_final


def _decidable(mandate: Mandate, bars: ClosedBars) -> int:
    """How many of the bars are decided; those before the first are only looked back at."""
    return int(np.count_nonzero(bars.rows[:, 0] >= (mandate.begins or 0)))
