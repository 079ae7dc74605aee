"""Keeps an eye on equity, so that a drawdown stops trading when it happens and over a restart."""

from __future__ import annotations

import structlog

from trading_system.domain.errors import TradingError
from trading_system.domain.positions import Equity
from trading_system.ports import Clock, Drawdown, DrawdownRecord, Holdings
from trading_system.risk.limits import RiskLimits
from trading_system.risk.losses import Losses, step

log = structlog.get_logger(__name__)


class LossWatch:
    """Looks every `every` seconds while `run` runs; `losses` is what it saw last."""

    def __init__(
        self,
        *,
        holdings: Holdings,
        record: DrawdownRecord,
        limits: RiskLimits,
        clock: Clock,
        every: float = 10.0,
    ) -> None:
        self._holdings = holdings
        self._record = record
        self._limits = limits
        self._clock = clock
        self._every = every
        self._looked_at = float("-inf")
        self.losses: Losses | None = None

    async def run(self) -> None:
        """Until cancelled, or not at all where no limit depends on it."""
        while self._limits.bound_losses:
            await self.look()
            await self._clock.sleep(self._every)

    async def look(self, *, max_age: float | None = None) -> None:
        """Look, unless the last look is no older; what cannot be told leaves that one."""
        if max_age is not None and self._clock.monotonic() - self._looked_at <= max_age:
            return
        try:
            await self._step(await self._holdings.equity())
        except TradingError as error:
            log.warning("equity is not known", error=str(error))
        else:
            self._looked_at = self._clock.monotonic()

    async def _step(self, equity: Equity) -> None:
        """Go by it, unless it misses something: what was known stays, be it nothing."""
        if equity.missing:
            log.warning("losses are not known without prices", assets=equity.missing)
            return
        before = self.losses
        if before is None:
            kept = await self._record.load()
            if kept is not None:
                before = Losses(equity=equity, peak=kept.peak, stopped_at=kept.stopped_at)
        after = step(before, equity, self._limits)
        if before is None or (after.peak, after.stopped_at) != (before.peak, before.stopped_at):
            # Saved first: what a restart would forget does not count.
            await self._record.save(Drawdown(peak=after.peak, stopped_at=after.stopped_at))
        if after.stopped_at is not None and (before is None or before.stopped_at is None):
            log.error("drawdown stops trading", percent=f"{after.drawdown_percent:.2f}")
        self.losses = after
