"""Long while the MACD line is above its signal line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame
from trading_system.strategies import indicators
from trading_system.strategies.base import parameter, validate
from trading_system.strategies.signals import sided


@dataclass(frozen=True, slots=True, kw_only=True)
class Macd:
    """Follow momentum: the distance of two averages is growing while it is above its own average.

    Appel, Technical Analysis: Power Tools for Active Investors (2005), chapter 8.
    """

    name: ClassVar[str] = "macd"

    fast: int = parameter(12, low=1, high=10_000, help="Bars of the fast average; less than slow.")
    slow: int = parameter(26, low=2, high=10_000, help="Bars of the slow average.")
    signal: int = parameter(9, low=1, high=10_000, help="Bars of the average of their difference.")
    short: bool = parameter(default=False, help="Go short below instead of flat.")

    def __post_init__(self) -> None:
        validate(self)
        if self.fast >= self.slow:
            raise InvalidRequest(f"fast={self.fast} must be less than slow={self.slow}")

    @property
    def warmup(self) -> int:
        """Until the beginnings of both averages weigh less than e^-8, a third of a thousandth."""
        return 5 * self.slow + 5 * self.signal

    def targets(self, frame: Frame) -> Column:
        lines = self.lines(frame)
        line, signal = lines["line"], lines["signal"]
        return sided(line > signal, line < signal, short=self.short)

    def lines(self, frame: Frame) -> dict[str, Column]:
        return indicators.macd(frame.close, self.fast, self.slow, self.signal)._asdict()
