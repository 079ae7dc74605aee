"""One connection to another exchange's combined streams, up as long as it can be.

Source: Binance's web-socket-streams.md: 1024 streams a connection, five messages a second, and its
end after 24 hours, which is healed like any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from itertools import count
from typing import Any

import aiohttp
import orjson

from trading_system.simulator.mirror.origin import GARBLED

_log = logging.getLogger(__name__)

MOST_STREAMS = 1_024
_AT_ONCE = 100  # names in one message
_PAUSE = 0.25  # seconds between messages
_DEAD_AFTER = 10.0  # seconds in which not even an answer to a ping came
_FIRST_RETRY, _LAST_RETRY = 1.0, 30.0
_DATA = '"data":'


class Link:
    """`streams` is what it should listen to; call `changed` after changing it.

    `on_open` is told of streams that are listened to from now on, `on_lost` of those that no longer
    are, `on_frame` of each frame: its stream, its text and what that says.
    """

    def __init__(
        self,
        url: str,
        http: aiohttp.ClientSession,
        *,
        on_open: Callable[[Collection[str]], None],
        on_lost: Callable[[Collection[str]], None],
        on_frame: Callable[[str, str, Any], None],
    ) -> None:
        self.streams: dict[str, None] = {}
        self.heard: set[str] = set()
        """What it does listen to."""
        self.connects = 0
        self._url = url
        self._http = http
        self._on_open = on_open
        self._on_lost = on_lost
        self._on_frame = on_frame
        self._more = asyncio.Event()
        self._asked: dict[str, None] = {}
        self._numbers = count(1)
        self._answers: dict[int, Collection[str]] = {}

    def changed(self) -> None:
        """Listen to what is now in `streams`."""
        self._more.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        pause = _FIRST_RETRY
        while True:
            try:
                async with self._http.ws_connect(
                    self._url, heartbeat=_DEAD_AFTER, max_msg_size=0, timeout=_CLOSING
                ) as socket:
                    self.connects += 1
                    if await self._serve(socket):
                        pause = _FIRST_RETRY
            except (aiohttp.ClientError, TimeoutError, OSError, *GARBLED) as lost:
                if pause == _FIRST_RETRY:
                    _log.warning("%s is not heard: %s", self._url, lost or type(lost).__name__)
            finally:
                lost_streams, self._asked = self._asked, {}
                self._answers.clear()
                self.heard.clear()
                self._on_lost(lost_streams)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_RETRY)

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Listen to the end of the connection; whether anything was heard."""
        heard = False
        asking = asyncio.create_task(self._keep_asking(socket))
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                heard = True
                self._hear(message.data)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        _log.warning("%s has ended: %s", self._url, socket.close_code)
        return heard

    def _hear(self, text: str) -> None:
        told = orjson.loads(text)
        if "stream" in told:
            # Cut out as it came, so that it can be passed on to the letter.
            self._on_frame(told["stream"], text[text.index(_DATA) + len(_DATA) : -1], told["data"])
        elif "result" in told and told.get("id") in self._answers:
            opened = self._answers.pop(told["id"])
            self.heard.update(opened)
            self._on_open(opened)
        else:
            _log.warning("%s says: %s", self._url, text[:200])

    async def _keep_asking(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._more.set()
        while True:
            await self._more.wait()
            self._more.clear()
            gone = [name for name in self._asked if name not in self.streams]
            new = [name for name in self.streams if name not in self._asked]
            for method, names in (("UNSUBSCRIBE", gone), ("SUBSCRIBE", new)):
                for first in range(0, len(names), _AT_ONCE):
                    await self._ask(socket, method, names[first : first + _AT_ONCE])
                    await asyncio.sleep(_PAUSE)

    async def _ask(
        self, socket: aiohttp.ClientWebSocketResponse, method: str, names: list[str]
    ) -> None:
        number = next(self._numbers)
        if method == "SUBSCRIBE":
            self._asked |= dict.fromkeys(names)
            self._answers[number] = names
        else:
            for name in names:
                del self._asked[name]
                self.heard.discard(name)
            self._answers[number] = ()
        await socket.send_str(
            orjson.dumps({"method": method, "params": names, "id": number}).decode()
        )


_CLOSING = aiohttp.ClientWSTimeout(ws_close=2.0)
