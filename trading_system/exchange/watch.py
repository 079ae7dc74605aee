"""Keeps knowing whether the venue answers and how far its clock is from ours."""

from __future__ import annotations

import structlog

from trading_system.domain.errors import TradingError
from trading_system.exchange.gateway import Gateway
from trading_system.ports import Clock

log = structlog.get_logger(__name__)


_GLANCE = 1.0  # seconds between looks at whether something cannot wait


class VenueWatch:
    """Measures the clock offset every `interval` seconds, every `impatient` ones while it fails.

    At once when the clock jumps, or when signed calls may be tried again. A venue that is down at
    the start is found again by this alone.
    """

    def __init__(
        self, *, gateway: Gateway, clock: Clock, interval: float = 60.0, impatient: float = 2.0
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._interval = interval
        self._impatient = impatient

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._gateway.attend()
            except TradingError as error:
                log.debug("venue does not answer", error=str(error))
                await self._clock.sleep(self._impatient)
            else:
                await self._rest()

    async def _rest(self) -> None:
        until = self._clock.monotonic() + self._interval
        while (left := until - self._clock.monotonic()) > 0 and not self._gateway.wants_attention:
            await self._clock.sleep(min(left, _GLANCE))
