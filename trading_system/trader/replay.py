"""Plays what was acted on through the backtester, sized by what it was sized by then.

Capital may have been added and taken since, and a backtest has one capital from its first bar on.
So it begins with the most there ever was, and what was sized by less is a smaller exposure of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from trading_system.backtest import engine
from trading_system.backtest.rules import Rules, Sizing
from trading_system.domain.mandates import Mandate, SizeKind
from trading_system.frames import Column, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A target that was acted on under the terms of `mandate`, and whether by an order."""

    target: float
    mandate: Mandate
    ordered: bool

    @property
    def capital(self) -> float:
        """What this one symbol has of it."""
        return float(self.mandate.capital / len(self.mandate.symbols))

    @property
    def in_quote(self) -> bool:
        """Whether a target of 1 is the same amount, whatever was earned."""
        return self.mandate.sizing.kind is SizeKind.QUOTE

    def exposure(self, earned: float, basis: float) -> float:
        """As a share of `basis`, after so much was earned; the target itself where that is all."""
        equity, amount = max(self.capital + earned, 0.0), float(self.mandate.sizing.amount)
        if self.in_quote:
            return self.target * min(amount / basis, equity / basis, 1.0)
        percent = amount if self.mandate.sizing.kind is SizeKind.EQUITY else 100.0
        return self.target * (percent / 100.0) * min(equity / basis, 1.0)


def replay(
    frame: Frame, acted: Mapping[int, Acted], rules: Rules, timeframe: str, *, first: int
) -> engine.Result:
    """A backtest of what was acted on, by the open times of its bars, from row `first` on.

    `rules` are those of the mandate as it is; capital and sizing are of what was acted on. How much
    a size is may depend on what was earned until then, which is known only afterwards: so it is
    played until nothing changes any more. Each time has at least one more fill as it has to be,
    and with terms that never changed the first is the last.
    """
    if acted:
        fixed = all(each.in_quote for each in acted.values())
        rules = replace(
            rules,
            capital=max(each.capital for each in acted.values()),
            sizing=Sizing.FIXED if fixed else Sizing.COMPOUNDING,
        )
    exposures = _exposures(frame, acted, rules, np.zeros(len(frame)))
    while True:
        run = engine.run(frame, exposures, rules, timeframe, warmup=first)
        again = _exposures(frame, acted, rules, _earned(run, frame, first))
        if np.array_equal(again, exposures):
            return run
        exposures = again


def _exposures(frame: Frame, acted: Mapping[int, Acted], rules: Rules, earned: Column) -> Column:
    """What the engine takes, shape (n,); the last one stays until there is another target or order.

    `earned`, shape (n,), is what there is more than at the start when a bar's decision is filled.
    """
    played, exposure, target = np.zeros(len(frame)), 0.0, 0.0
    for row, open_time in enumerate(frame.open_time.tolist()):
        each = acted.get(open_time)
        if each is not None and (each.ordered or each.target != target):
            target, so_far = each.target, float(earned[row])
            basis = rules.capital + (so_far if rules.sizing is Sizing.COMPOUNDING else 0.0)
            exposure = each.exposure(so_far, basis) if basis > 0 else 0.0
        played[row] = exposure
    return played


def _earned(run: engine.Result, frame: Frame, first: int) -> Column:
    """What a run has made of its capital by the open after each bar, shape (n,)."""
    earned = np.zeros(len(frame))
    gaps = frame.open[first + 1 :] - run.close[:-1]
    held = np.nan_to_num(run.exposure * run.equity / run.close)[:-1]
    earned[first:-1] = run.equity[:-1] - run.capital + held * gaps
    return earned
