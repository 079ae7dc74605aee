"""As many connections as the streams that are wanted need, opened when they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trading_system.simulator.mirror.link import MOST_STREAMS, Link


class Links:
    """`connect` makes a link; `run` keeps all of them up."""

    def __init__(self, connect: Callable[[], Link]) -> None:
        self._connect = connect
        self._links: list[Link] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def streams(self) -> list[str]:
        """What is listened to."""
        return [stream for link in self._links for stream in link.streams]

    @property
    def heard(self) -> set[str]:
        """What already comes in."""
        return {stream for link in self._links for stream in link.heard & link.streams.keys()}

    def want(self, *streams: str) -> None:
        """Listen to these too, all on one connection; needs a running event loop."""
        new = [
            stream for stream in streams if not any(stream in one.streams for one in self._links)
        ]
        if not new:
            return
        room = (link for link in self._links if len(link.streams) + len(new) <= MOST_STREAMS)
        link = next(room, None) or self._another()
        link.streams |= dict.fromkeys(new)
        link.changed()

    def drop(self, *streams: str) -> None:
        """Listen to these no longer; a connection with nothing to listen to ends."""
        for link, task in list(zip(self._links, self._tasks, strict=True)):
            gone = [stream for stream in streams if link.streams.pop(stream, 0) is None]
            if gone:
                link.changed()
            if not link.streams:
                self._links.remove(link)
                self._tasks.remove(task)
                task.cancel()

    async def close(self) -> None:
        """End every connection."""
        tasks, self._tasks, self._links = self._tasks, [], []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _another(self) -> Link:
        link = self._connect()
        self._links.append(link)
        self._tasks.append(asyncio.create_task(link.run(), name="mirror-link"))
        return link
