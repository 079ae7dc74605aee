"""A cable between the system and the exchange that can be cut and mended: a TCP relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536


class Cable:
    """Relays every connection to one port while it is whole.

    `cut(silent=True)` swallows what is sent and never says so, as a pulled plug does; otherwise
    connections are reset and new ones refused. After `mend` silent connections stay dead, as those
    of a router that was restarted.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent = False
        self._refusing = False
        self.url = ""

    def cut(self, *, silent: bool) -> None:
        """From now on nothing gets through."""
        self._silent, self._refusing = silent, not silent
        if not silent:
            self._abort()

    def mend(self) -> None:
        """New connections get through again."""
        self._silent = self._refusing = False
        self._abort()

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from the system."""
        if self._refusing:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            if self._silent:
                await reader.read()
                return
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._writers.add(far_writer)
            try:
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            finally:
                self._writers.discard(far_writer)
                far_writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                if self._silent:
                    continue
                writer.write(data)
                await writer.drain()
        if not self._silent:
            writer.transport.abort()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[Cable]:
    """A cable to the server at this URL; its own `url` is where to connect instead."""
    host, port = url.removeprefix("http://").split(":")
    relay = Cable(host, int(port))
    server = await asyncio.start_server(relay.relay, "127.0.0.1", 0)
    relay.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        relay.cut(silent=False)
