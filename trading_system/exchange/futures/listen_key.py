"""How an account is heard of on USD-M futures: at an address of its own, which has to be kept.

The key in it lets anybody listen, so that it is shown to nobody. All programs of an account share
it: it is asked for and extended, never ended.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from trading_system.domain.errors import Rejected, TradingError
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.streams.supervision import Connection
from trading_system.exchange.translate import understood
from trading_system.ports import Clock

log = structlog.get_logger(__name__)

_EXTEND_EVERY = 30 * 60.0  # seconds; a key lives for an hour
_EXTEND_AGAIN = 60.0


class ListenKey:
    """Access by a key that REST hands out; the stream itself takes no requests."""

    def __init__(self, url: str, *, gateway: Gateway, clock: Clock) -> None:
        self.url = url
        self._gateway = gateway
        self._clock = clock

    async def address(self) -> str:
        """Where to dial next: asking extends the key, and makes a new one of one that expired.

        Raises ExchangeError.
        """
        answer = await self._gateway.change("listenKey", method="POST")
        with understood(state_changing=True):
            return f"{self.url}/{answer['listenKey']}"

    async def enter(self, connection: Connection) -> None:
        """Nothing to do: who knows the address is told everything."""

    async def keep(self, on_lost: Callable[[str], None]) -> None:
        """Extend the key in time until cancelled; `on_lost` hears when there is none any more."""
        pause = _EXTEND_EVERY
        while True:
            await self._clock.sleep(pause)
            pause = _EXTEND_EVERY
            try:
                await self._gateway.change("listenKey", method="PUT")
            except Rejected as refused:
                on_lost(f"its key was not extended: {refused}")
            except TradingError as error:
                log.warning("listen key not extended yet", error=str(error))
                pause = _EXTEND_AGAIN
