"""Hands the watchlist on to the streams, once the venue has told what it lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.ports import Clock, MarketData
from trading_system.waiting import set_within

log = structlog.get_logger(__name__)

_PAUSE = 2.0
_MISSED_PAUSE = 60.0

Follow = Callable[[frozenset[Symbol], frozenset[Symbol]], None]


class Following:
    """Takes what to follow at any time; passes on the newest wish, less what is not listed."""

    def __init__(
        self, *, market_data: MarketData, clock: Clock, followers: Sequence[Follow]
    ) -> None:
        self._market_data = market_data
        self._clock = clock
        self._followers = followers
        self._wanted: tuple[frozenset[Symbol], frozenset[Symbol]] = (frozenset(), frozenset())
        self._changed = asyncio.Event()

    def follow(self, monitored: frozenset[Symbol], traded: frozenset[Symbol]) -> None:
        """From now on these."""
        self._wanted = monitored, traded
        self._changed.set()

    async def run(self) -> None:
        """Pass on until cancelled; a venue that cannot be asked is asked again."""
        while True:
            await self._changed.wait()
            try:
                listed = (await self._market_data.instruments()).keys()
            except TradingError as error:
                log.info("streams wait for the listing", error=str(error))
                await self._clock.sleep(_PAUSE)
                continue
            self._changed.clear()
            monitored, traded = self._wanted
            for follow in self._followers:
                follow(monitored & listed, traded & listed)
            if not monitored | traded <= listed:
                await self._look_again()

    async def _look_again(self) -> None:
        """Have what is not listed looked for in a minute, or with the next wish."""
        await set_within(self._clock, _MISSED_PAUSE, self._changed)
        self._changed.set()
