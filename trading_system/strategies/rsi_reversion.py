"""Buy what fell too fast, and sell it when it has recovered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame
from trading_system.strategies.base import parameter, validate
from trading_system.strategies.indicators import rsi
from trading_system.strategies.signals import held


@dataclass(frozen=True, slots=True, kw_only=True)
class RsiReversion:
    """Long from an RSI below `oversold` until it is back at `neutral`; short the other way round.

    The thresholds are of Wilder, New Concepts in Technical Trading Systems (1978), chapter 6. That
    short falls recover is the reversal of Jegadeesh, Evidence of Predictable Behavior of Security
    Returns, Journal of Finance 45 (1990). It loses in a trend that does not turn.
    """

    name: ClassVar[str] = "rsi_reversion"

    period: int = parameter(14, low=2, high=1_000, help="Bars of the RSI.")
    oversold: float = parameter(30.0, low=0, high=100, help="Buy below; less than neutral.")
    neutral: float = parameter(50.0, low=0, high=100, help="Back to flat from here on.")
    overbought: float = parameter(70.0, low=0, high=100, help="Sell short above; if short.")
    short: bool = parameter(default=False, help="Also go short when overbought.")

    def __post_init__(self) -> None:
        validate(self)
        if not self.oversold < self.neutral < self.overbought:
            raise InvalidRequest(
                f"oversold={self.oversold:g} < neutral={self.neutral:g} < "
                f"overbought={self.overbought:g} must hold"
            )

    @property
    def warmup(self) -> int:
        """Until where Wilder's average began weighs less than e^-8, a third of a thousandth."""
        return 9 * self.period

    def targets(self, frame: Frame) -> Column:
        level = self.lines(frame)["rsi"]
        long = held(level < self.oversold, level >= self.neutral)
        if not self.short:
            return long
        return long - held(level > self.overbought, level <= self.neutral)

    def lines(self, frame: Frame) -> dict[str, Column]:
        return {"rsi": rsi(frame.close, self.period)}
