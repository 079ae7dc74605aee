"""Buy below the lower Bollinger band, and sell at the average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trading_system.frames import Column, Frame
from trading_system.strategies.base import parameter, validate
from trading_system.strategies.indicators import bollinger
from trading_system.strategies.signals import held


@dataclass(frozen=True, slots=True, kw_only=True)
class BollingerReversion:
    """Long from a close below the lower band until one at the average; short the other way round.

    Bands: Bollinger, Bollinger on Bollinger Bands (2001), chapters 7 and 15: tags of a band are no
    signals in a trend, which is where this loses; it earns while prices go sideways.
    """

    name: ClassVar[str] = "bollinger_reversion"

    period: int = parameter(20, low=2, high=1_000, help="Bars of the average.")
    width: float = parameter(2.0, low=0.1, high=10, help="Standard deviations up to a band.")
    short: bool = parameter(default=False, help="Also go short above the upper band.")

    def __post_init__(self) -> None:
        validate(self)

    @property
    def warmup(self) -> int:
        return self.period - 1

    def targets(self, frame: Frame) -> Column:
        close, lines = frame.close, self.lines(frame)
        long = held(close < lines["lower"], close >= lines["middle"])
        if not self.short:
            return long
        return long - held(close > lines["upper"], close <= lines["middle"])

    def lines(self, frame: Frame) -> dict[str, Column]:
        return bollinger(frame.close, self.period, self.width)._asdict()
