"""Keeps knowing whether the venue answers and how far its clock is from ours."""

from __future__ import annotations

import structlog

from trading_system.domain.errors import TradingError
from trading_system.exchange.gateway import Gateway
from trading_system.ports import Clock

log = structlog.get_logger(__name__)


class VenueWatch:
    """Measures the clock offset every `interval` seconds, every `impatient` ones while it fails.

    A venue that is down at the start is found again by this alone.
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
                await self._gateway.synchronize()
                pause = self._interval
            except TradingError as error:
                log.debug("venue does not answer", error=str(error))
                pause = self._impatient
            await self._clock.sleep(pause)
