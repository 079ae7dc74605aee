"""Keeps the mirrored market alive: what is wanted is listened to, what was missed is asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

import aiohttp

from trading_system.simulator.calls import Away
from trading_system.simulator.mirror.feed import MirrorFeed
from trading_system.simulator.mirror.link import Link
from trading_system.simulator.mirror.links import Links
from trading_system.simulator.mirror.listing import listed
from trading_system.simulator.mirror.origin import GARBLED, Origin
from trading_system.simulator.mirror.pair import Pair
from trading_system.simulator.mirror.pushes import PassedFrames
from trading_system.simulator.model import Refused

_log = logging.getLogger(__name__)

MOST_PAGES = 60
"""Of a thousand missed trades: some minutes of the busiest pair. What is more is left out."""

_PAGE = 1_000
_LEVELS = 1_000
_LISTING_SECONDS = 3_600.0
_IDLE_MS = 600_000
_SWEEP_SECONDS = 60.0
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 30.0


class Mirror:
    """`begin` once, then `run`; `clock` is this machine's, ms UTC, and `time` the mirrored one."""

    def __init__(
        self, origin: Origin, streams: str, http: aiohttp.ClientSession, clock: Callable[[], int]
    ) -> None:
        self.origin = origin
        self.feed = MirrorFeed({}, self.time)
        self.frames = PassedFrames(lambda: self.feed.rules, self.time)
        self.links = Links(lambda: self._link(streams, http))
        self._clock = clock
        self._ahead = 0
        self._healing: dict[str, asyncio.Task[None]] = {}

    def time(self) -> int:
        """The other exchange's time, ms UTC."""
        return self._clock() + self._ahead

    async def begin(self) -> None:
        """Learn its time and its rules; Refused when it does not tell them."""
        await self._synchronize()
        await self._read_listing()
        self.feed.on_wanted = self._listen
        self.frames.on_wanted = self.links.want

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            await asyncio.gather(self._keep_listing(), self._keep_tidy())
        finally:
            for task in self._healing.values():
                task.cancel()
            await asyncio.gather(*self._healing.values(), return_exceptions=True)
            await self.links.close()

    async def ready(self, symbol: str) -> None:
        """Returns when this market is open; KeyError for what is not listed, Away when it is lost.

        Whoever signed a call could not wait for it to come back: signatures grow old in seconds.
        """
        pair = self.feed.want(symbol)
        while not pair.is_live:
            if pair.is_lost:
                raise Away
            pair.changed.clear()
            await pair.changed.wait()

    def _link(self, url: str, http: aiohttp.ClientSession) -> Link:
        return Link(url, http, on_open=self._opened, on_lost=self._lost, on_frame=self._heard)

    def _listen(self, pair: Pair) -> None:
        self.links.want(*pair.streams)
        pair.open(self.links.heard)  # some of them may be passed on to somebody already
        if pair.is_heard:
            self._heal(pair)

    def _opened(self, streams: Collection[str]) -> None:
        for pair in self._pairs(streams):
            pair.open(streams)
            self._heal(pair)

    def _lost(self, streams: Collection[str]) -> None:
        for pair in self._pairs(streams):
            self._close(pair, streams)

    def _heard(self, stream: str, text: str, data: Any) -> None:
        name, _, topic = stream.partition("@")
        pair = self.feed.pairs.get(name.upper())
        if pair is not None and stream in pair.streams and not pair.hear(topic, data, self.time()):
            self._heal(pair)
        self.frames.hear(stream, text)

    def _pairs(self, streams: Collection[str]) -> list[Pair]:
        """The markets that live of any of these streams."""
        given = set(streams)
        return [pair for pair in self.feed.pairs.values() if not given.isdisjoint(pair.streams)]

    def _heal(self, pair: Pair) -> None:
        """Ask for what this market lacks, until it lacks nothing."""
        healing = self._healing.get(pair.symbol)
        if healing is None or healing.done():
            self._healing[pair.symbol] = asyncio.create_task(
                self._make_whole(pair), name=f"mirror-{pair.symbol}"
            )

    def _close(self, pair: Pair, streams: Collection[str]) -> None:
        """These streams are gone, and an answer on its way is older than what is heard next."""
        pair.lose(streams)
        healing = self._healing.pop(pair.symbol, None)
        if healing is not None:
            healing.cancel()

    async def _make_whole(self, pair: Pair) -> None:
        pause = _FIRST_PAUSE
        while pair.is_heard and not pair.is_live:
            try:
                if not pair.follows or pair.tape.last is None:
                    await self._catch_up(pair)
                if pair.average is None:
                    told = await self.origin.ask("/api/v3/avgPrice", _of(pair), weight=2)
                    pair.hear("avgPrice", {"w": told["price"]}, self.time())
                if not pair.book.is_whole:
                    query = f"{_of(pair)}&limit={_LEVELS}"
                    pair.book.begin(await self.origin.ask("/api/v3/depth", query, weight=50))
                    pair.changed.set()
            except (Refused, *GARBLED) as wrong:
                _log.warning("%s is not whole yet: %s", pair.symbol, wrong)
            if not pair.is_live:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)

    async def _catch_up(self, pair: Pair) -> None:
        """Ask for the trades that were missed, oldest first."""
        for _ in range(MOST_PAGES):
            first = pair.next_id
            query = _of(pair) + ("&limit=1" if first is None else f"&fromId={first}&limit={_PAGE}")
            rows = await self.origin.ask("/api/v3/aggTrades", query, weight=4)
            complete = len(rows) < _PAGE
            pair.catch_up(rows, self.time(), complete=complete)
            if complete:
                return
        _log.warning("%s: too many trades were missed, the rest is left out", pair.symbol)
        query = f"{_of(pair)}&limit=1"
        rows = await self.origin.ask("/api/v3/aggTrades", query, weight=4)
        pair.catch_up(rows, self.time(), complete=True)

    async def _keep_listing(self) -> None:
        while True:
            await asyncio.sleep(_LISTING_SECONDS)
            try:
                await self._synchronize()
                await self._read_listing()
            except Refused as refusal:
                _log.warning("what is listed is not known anew: %s", refusal)

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Listen no more to what nobody has looked at for ten minutes."""
        before = self.time() - _IDLE_MS
        gone = set(self.frames.forget(before=before))
        for pair in [pair for pair in self.feed.pairs.values() if pair.used < before]:
            del self.feed.pairs[pair.symbol]
            self._close(pair, pair.streams)
            gone |= set(pair.streams)
        needed = {stream for pair in self.feed.pairs.values() for stream in pair.streams}
        self.links.drop(*(gone - needed - self.frames.streams))

    async def _synchronize(self) -> None:
        asked = self._clock()
        told = await self.origin.ask("/api/v3/time", weight=1)
        try:
            self._ahead = told["serverTime"] - (asked + self._clock()) // 2
        except GARBLED as garbled:
            raise Away from garbled

    async def _read_listing(self) -> None:
        info = await self.origin.listing()
        try:
            self.feed.rules = await asyncio.to_thread(listed, info)
        except GARBLED as garbled:
            raise Away from garbled


def _of(pair: Pair) -> str:
    return f"symbol={pair.symbol}"
