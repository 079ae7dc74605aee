"""One open WebSocket of the exchange: what goes out is queued and what comes in is handed on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import WSMsgType, web

from trading_system.simulator.interference import Frame, Interference


class WebSocketLink:
    """See interference.Link; `deliver` asks the interference, `send` does not."""

    def __init__(
        self, socket: web.WebSocketResponse, *, kind: str, address: str, interference: Interference
    ) -> None:
        self.kind = kind
        self.address = address
        self.silent = False
        self._socket = socket
        self._interference = interference
        self._waiting: deque[str] = deque()
        self._more = asyncio.Event()

    async def serve(self, on_text: Callable[[str], None]) -> None:
        """Hand on every text until the connection ends."""
        writing = asyncio.create_task(self._write())
        self._interference.opened(self)
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT and not self.silent:
                    on_text(message.data)
        finally:
            self._interference.closed(self)
            writing.cancel()

    def deliver(self, text: str, stream: str = "") -> None:
        """Send it, or whatever the interference makes of it."""
        for frame in self._interference.outgoing(self, Frame(text, stream)):
            self.send(frame)

    def send(self, frame: Frame) -> None:
        self._waiting.append(frame.text)
        self._more.set()

    def abort(self) -> None:
        transport = self._socket._req.transport if self._socket._req else None  # noqa: SLF001
        if transport is not None:
            transport.abort()

    async def _write(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting and not self.silent:
                await self._socket.send_str(self._waiting.popleft())
