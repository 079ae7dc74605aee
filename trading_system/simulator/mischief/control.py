"""What goes wrong on request: switched on and off at /mischief, which Binance does not have."""

from __future__ import annotations

from aiohttp import web

from trading_system.simulator.feeds import Feed
from trading_system.simulator.interference import NoInterference

PATH = "/mischief"


class Mischief(NoInterference):
    """Seeded; does nothing until it is asked for."""

    def __init__(self, *, seed: int, speed: float) -> None:
        self._seed = seed
        self._speed = speed

    def market(self, feed: Feed) -> Feed:
        """The feed as it is shown while something is wrong with the market."""
        return feed

    async def control(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request to /mischief."""
        raise NotImplementedError
