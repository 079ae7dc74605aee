"""Strategies that decide at round prices, and brains that run them in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from trading_system.domain.instruments import Symbol
from trading_system.frames import Frame
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.trader.worker import Growing, decided
from trading_system.trader.workers import StrategyFailed, Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """All long while the close is above 100, half long at 99 and flat below; -1 at 50."""

    name: ClassVar[str] = "above"

    @property
    def warmup(self) -> int:
        return 2

    def targets(self, frame: Frame):
        long = np.where(frame.close > 100, 1.0, np.where(frame.close == 99, 0.5, 0.0))
        return np.where(frame.close == 50, -1.0, long)

    def lines(self, frame: Frame):
        return {"twice": 2 * frame.close}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Raises at 13, is no number at 14 and has no shape at 15."""

    name: ClassVar[str] = "wrong"
    warmup: ClassVar[int] = 0

    def targets(self, frame: Frame):
        last = frame.close[-1]
        if last == 13:
            raise RuntimeError("unlucky")
        if last == 15:
            return np.zeros(1)
        return np.where(frame.close == 14, np.nan, 0.0)


KINDS = {kind.name: kind for kind in (Above, Wrong, Grid)}


class Brain:
    """What a worker does, in this process; `failure` is raised instead."""

    def __init__(self, strategy) -> None:
        self.strategy = strategy
        self.warmup = strategy.warmup
        self.frames: dict[Symbol, Growing] = {}
        self.closed = False

    async def decide(self, bars):
        assert not self.closed
        try:
            answers = {
                symbol: decided(
                    self.strategy,
                    self.frames.setdefault(symbol, Growing()).append(new.rows),
                    new.decide,
                )
                for symbol, new in bars.items()
            }
        except Exception as error:
            self.closed = True
            raise StrategyFailed(f"{type(error).__name__}: {error}") from error
        return {
            symbol: Targets(
                targets=answer["targets"],
                lines=[
                    {name: line[at] for name, line in answer["lines"].items()}
                    for at in range(len(answer["targets"]))
                ],
            )
            for symbol, answer in answers.items()
        }

    async def close(self):
        self.closed = True


@dataclass
class Brains:
    """Every brain opened, in order."""

    opened: list[Brain] = field(default_factory=list)

    async def open(self, strategy, parameters):
        if strategy not in KINDS:
            raise StrategyFailed(f"InvalidRequest: there is no strategy {strategy!r}")
        self.opened.append(Brain(build(KINDS[strategy], parameters)))
        return self.opened[-1]
