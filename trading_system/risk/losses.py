"""How much was lost, since midnight UTC and since the peak, and whether that stops trading.

After the cool-down the drawdown is counted from what is left then: otherwise it would stop trading
again at once. It knows equity alone: money that is withdrawn looks like money that was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_system.domain.positions import Equity
from trading_system.risk.limits import RiskLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The last equity that could be trusted, and the peak that the drawdown is counted from.

    `stopped_at` is when the drawdown breaker opened; None while it is closed.
    """

    equity: Equity
    peak: Decimal
    stopped_at: datetime | None = None

    @property
    def today(self) -> Decimal:
        """What was lost since the UTC day began; less than nothing is a gain."""
        return self.equity.day_start - self.equity.total

    @property
    def drawdown_percent(self) -> Decimal:
        """How far below the peak: 0 to 100, and more where more than all is lost."""
        return (self.peak - self.equity.total) / self.peak * 100 if self.peak > 0 else Decimal(0)

    def resumes_at(self, limits: RiskLimits) -> datetime | None:
        """When the cool-down ends; None while the breaker is closed."""
        return None if self.stopped_at is None else self.stopped_at + limits.cool_down


def step(before: Losses | None, equity: Equity, limits: RiskLimits) -> Losses:
    """The losses after one more look at the equity; with the first look nothing is lost yet.

    An equity that misses something must not be looked at: an asset whose price is unknown for a
    moment is not lost.
    """
    if before is None:
        return Losses(equity=equity, peak=equity.total)
    resumes_at = before.resumes_at(limits)
    if limits.max_drawdown_percent is None or (resumes_at and equity.at >= resumes_at):
        return Losses(
            equity=equity,
            peak=max(before.peak, equity.total) if resumes_at is None else equity.total,
        )
    after = Losses(equity=equity, peak=max(before.peak, equity.total), stopped_at=before.stopped_at)
    if after.stopped_at is None and after.drawdown_percent >= limits.max_drawdown_percent:
        return Losses(equity=equity, peak=after.peak, stopped_at=equity.at)
    return after
