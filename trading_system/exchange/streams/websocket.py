"""ccxt's WebSocket client without the rest of ccxt.pro: each frame as it came, one last reason.

ccxt dials, inflates, decodes, answers pings and keeps receiving. Its cached structures collapse
fast events and its own watchdog takes minutes, so both are left out; a frame that it cannot read
would end its receive loop unnoticed, so nothing raised while handling one gets back to it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import certifi
import structlog
from aiohttp import WSMsgType
from ccxt.async_support.base.ws.client import Client

from trading_system.domain.errors import ExchangeError, RateLimited, Unreachable
from trading_system.ports import Clock
from trading_system.waiting import within

log = structlog.get_logger(__name__)

_LONGEST_FRAME = 10 * 1024 * 1024
_GOODBYE = aiohttp.ClientWSTimeout(ws_close=1.0)  # for a closing handshake, in real seconds
_WINDOW_BITS = 15  # permessage-deflate as ccxt offers it


def open_session(url: str) -> aiohttp.ClientSession:
    """A session for sockets to this URL, trusting the authorities that ccxt trusts."""
    if not url.startswith("wss:"):
        return aiohttp.ClientSession()
    context = ssl.create_default_context(cafile=certifi.where())
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


class WebSocket:
    """One connection, dialled once. `ended` resolves with the reason when it has gone.

    `heard_at` is the monotonic time of the last frame, ping or pong.
    """

    def __init__(self, url: str, *, clock: Clock, on_frame: Callable[[Any], None]) -> None:
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.heard_at = clock.monotonic()
        self.unreadable = 0
        self._clock = clock
        self._on_frame = on_frame
        self._client = _Client(url, self)

    async def open(self, session: aiohttp.ClientSession, *, patience: float) -> None:
        """Dial. Raises Unreachable, or RateLimited when the venue says how long to stay away."""
        client = self._client
        try:
            await within(self._clock, patience, client.open(session))
        except TimeoutError:
            self.end("no connection in time")
            raise Unreachable(f"no connection within {patience:g} s") from None
        self.heard_at = self._clock.monotonic()
        if client.error is not None:
            raise _refusal(client)

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send it as JSON. Raises Unreachable when the connection has gone."""
        try:
            await self._client.send(message)
        except (ConnectionError, RuntimeError) as error:
            raise Unreachable("the connection has gone") from error

    async def ping(self) -> None:
        """Ask for any sign of life. Raises Unreachable when the connection has gone."""
        try:
            await self._client.connection.ping()
        except (ConnectionError, RuntimeError) as error:
            raise Unreachable("the connection has gone") from error

    async def close(self) -> None:
        """Say goodbye, but do not wait long for the answer."""
        self.end("closed by us")
        await self._client.close()

    def abort(self, reason: str) -> None:
        """Cut a connection that does not answer any more."""
        self.end(reason)
        held = self._client.connection
        transport = held._conn.transport if held is not None and held._conn else None  # noqa: SLF001
        if transport is not None:
            transport.abort()

    def end(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    def heard(self) -> None:
        self.heard_at = self._clock.monotonic()

    def take(self, frame: Any) -> None:
        if not self.ended.done():
            self._on_frame(frame)

    def note_unreadable(self, error: Exception) -> None:
        self.unreadable += 1
        if self.unreadable == 1:
            log.error("cannot handle a frame", error=f"{type(error).__name__}: {error}")


class _Client(Client):  # type: ignore[misc]  # ccxt is untyped here
    """Tells its owner everything and keeps nothing; see ccxt/async_support/base/ws/client.py."""

    def __init__(self, url: str, owner: WebSocket) -> None:
        self._owner = owner
        super().__init__(
            url,
            lambda _, frame: owner.take(frame),
            lambda _, error: owner.end(str(error)),
            lambda _, code: owner.end(f"closed by the venue ({code})"),
            lambda _: None,
            # Without keepAlive ccxt sends no pings of its own, which would not go by our clock.
            {"asyncio_loop": asyncio.get_running_loop(), "keepAlive": 0, "options": {}},
        )
        self._pongs: set[asyncio.Task[None]] = set()

    def handle_message(self, message: aiohttp.WSMessage) -> None:
        """Every message passes here; an exception would stop ccxt's receive loop for good."""
        self._owner.heard()
        try:
            if message.type is WSMsgType.PING:
                self._answer(message.data)
            else:
                super().handle_message(message)
        except Exception as error:  # noqa: BLE001 -- whatever a frame holds, the next may be good
            self._owner.note_unreadable(error)

    def reject(self, result: Any, message_hash: str | None = None) -> None:  # noqa: ARG002
        """Nobody waits inside ccxt; a receive loop that failed tells nobody else but this."""
        self._owner.end(str(result))

    def create_connection(self, session: aiohttp.ClientSession) -> Any:
        """As ccxt does, but with an end to the closing handshake."""
        return session.ws_connect(
            self.url,
            autoping=False,
            autoclose=False,
            compress=_WINDOW_BITS,
            max_msg_size=_LONGEST_FRAME,
            timeout=_GOODBYE,
        ).__aenter__()

    def _answer(self, payload: bytes) -> None:
        task = asyncio.ensure_future(self._pong(payload))
        self._pongs.add(task)
        task.add_done_callback(self._pongs.discard)

    async def _pong(self, payload: bytes) -> None:
        try:
            await self.connection.pong(payload)
        except (ConnectionError, RuntimeError) as error:
            self._owner.end(f"{type(error).__name__}: {error}")


def _refusal(client: Client) -> ExchangeError:
    # aiohttp repeats the URL, whose path may be a key to an account.
    reason = str(client.error).replace(urlsplit(client.url).path, "/…")
    if client.last_retry_after is not None:
        return RateLimited(reason, retry_after=client.last_retry_after)
    return Unreachable(reason)
