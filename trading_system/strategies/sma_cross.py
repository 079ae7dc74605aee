"""Long while a fast simple average is above a slow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame
from trading_system.strategies.base import Targets, parameter, validate
from trading_system.strategies.sums import WindowSums, order, window_sums


@dataclass(frozen=True, slots=True, kw_only=True)
class SmaCross:
    """Follow the trend: prices that rise on average over days go on rising more often than not.

    Brock, Lakonishok, LeBaron, Simple Technical Trading Rules and the Stochastic Properties of
    Stock Returns, Journal of Finance 47 (1992). Averages that are equal, exactly, are flat.
    """

    name: ClassVar[str] = "sma_cross"

    fast: int = parameter(20, low=1, high=10_000, help="Bars of the fast average; less than slow.")
    slow: int = parameter(50, low=2, high=10_000, help="Bars of the slow average.")
    short: bool = parameter(default=False, help="Go short below instead of flat.")

    def __post_init__(self) -> None:
        validate(self)
        if self.fast >= self.slow:
            raise InvalidRequest(f"fast={self.fast} must be less than slow={self.slow}")

    @property
    def warmup(self) -> int:
        return self.slow - 1

    def targets(self, frame: Frame) -> Targets:
        return order(frame.close, self.fast, self.slow, below=self._below)

    def lines(self, frame: Frame) -> dict[str, Column]:
        sums = self.prepared(frame)
        return {"fast": sums.means(self.fast), "slow": sums.means(self.slow)}

    @staticmethod
    def prepared(frame: Frame) -> WindowSums:
        """What all periods share: the sums of closes."""
        return window_sums(frame.close)

    def targets_from(self, sums: WindowSums) -> Targets:
        """The targets, shape (n,), by the sums of closes."""
        return sums.order(self.fast, self.slow, below=self._below)

    @property
    def _below(self) -> int:
        return -1 if self.short else 0
