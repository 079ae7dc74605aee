"""Buy what closes above everything lately, and sell it when it falls out of a shorter channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame
from trading_system.strategies.base import parameter, validate
from trading_system.strategies.indicators import donchian
from trading_system.strategies.signals import held


@dataclass(frozen=True, slots=True, kw_only=True)
class DonchianBreakout:
    """Long from a close above the highs of `entry` bars before until one below the lows of `exit`.

    Short the other way round. The Turtles' first system, with closes: Faith, Way of the Turtle
    (2007), appendix. Most breakouts fail; the few that become trends have to pay for them.
    """

    name: ClassVar[str] = "donchian_breakout"

    entry: int = parameter(20, low=1, high=10_000, help="Bars of the channel to break out of.")
    exit: int = parameter(10, low=1, high=10_000, help="Bars of the channel to leave at.")
    short: bool = parameter(default=False, help="Also go short below the lower line.")

    def __post_init__(self) -> None:
        validate(self)
        if self.exit > self.entry:
            raise InvalidRequest(f"exit={self.exit} must not be more than entry={self.entry}")

    @property
    def warmup(self) -> int:
        return self.entry

    def targets(self, frame: Frame) -> Column:
        close, lines = frame.close, self.lines(frame)
        long = held(close > lines["buy"], close < lines["sell"])
        if not self.short:
            return long
        return long - held(close < lines["sell_short"], close > lines["buy_back"])

    def lines(self, frame: Frame) -> dict[str, Column]:
        outer, inner = donchian(frame, self.entry), donchian(frame, self.exit)
        return {
            "buy": _before(outer.upper),
            "sell": _before(inner.lower),
            "sell_short": _before(outer.lower),
            "buy_back": _before(inner.upper),
        }


def _before(line: Column) -> Column:
    """The line as it was a bar ago: a bar does not break out of itself."""
    return np.concatenate(([np.nan], line[:-1]))[: len(line)]
