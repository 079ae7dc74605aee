"""Long while a fast exponential average is above a slow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame
from trading_system.strategies.base import parameter, validate
from trading_system.strategies.indicators import ema
from trading_system.strategies.signals import sided


@dataclass(frozen=True, slots=True, kw_only=True)
class EmaCross:
    """Follow the trend, recent prices weighing most: turns sooner than simple averages do.

    Appel, Technical Analysis: Power Tools for Active Investors (2005), chapter 8, on why recent
    prices should count more; 12 and 26 are his.
    """

    name: ClassVar[str] = "ema_cross"

    fast: int = parameter(12, low=1, high=10_000, help="Bars of the fast average; less than slow.")
    slow: int = parameter(26, low=2, high=10_000, help="Bars of the slow average.")
    short: bool = parameter(default=False, help="Go short below instead of flat.")

    def __post_init__(self) -> None:
        validate(self)
        if self.fast >= self.slow:
            raise InvalidRequest(f"fast={self.fast} must be less than slow={self.slow}")

    @property
    def warmup(self) -> int:
        """Until the average's beginning weighs less than e^-8, a third of a thousandth."""
        return 5 * self.slow

    def targets(self, frame: Frame) -> Column:
        lines = self.lines(frame)
        fast, slow = lines["fast"], lines["slow"]
        return sided(fast > slow, fast < slow, short=self.short)

    def lines(self, frame: Frame) -> dict[str, Column]:
        return {"fast": ema(frame.close, self.fast), "slow": ema(frame.close, self.slow)}
