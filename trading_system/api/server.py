"""Runs the web server beside the system, and ends both together: on a signal, or when one ends.

Stock uvicorn raises the signals again once it is done, so nothing after it would run: here we own
them. Refuses to bind a port somebody else has.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_system.api.security import ApiOptions
from trading_system.domain.errors import ConfigurationError

log = structlog.get_logger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DRAIN_SECONDS = 3  # answers under way may end; five seconds after a signal all is over
_BACKLOG = 512


def bind(options: ApiOptions) -> socket.socket:
    """A listening socket at the host and port; with port 0 the system chose one.

    Raises ConfigurationError when the host is none of this machine or the port is taken.
    """
    where = f"API_HOST={options.host} API_PORT={options.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"{where}: {error.strerror}") from None
    try:
        # Elsewhere the option would let two processes share the port.
        if os.name == "posix":  # pragma: no branch
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.settimeout(0)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{where}: {error.strerror}; choose another API_PORT, or 0 for any free one"
        ) from None
    return listener


def url(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def serve(
    app: ASGIApp,
    options: ApiOptions,
    *,
    run: Callable[[], Awaitable[None]],
    listener: socket.socket | None = None,
) -> int:
    """Serve the app beside `run` until SIGINT or SIGTERM, or until one of the two ends.

    Returns the exit code: 0 after a signal or when `run` returned, 1 when one of them failed.
    Raises ConfigurationError when the port is taken; `listener` is one bound earlier.
    """
    listener = listener or bind(options)
    server = _Server(app)
    failed = False

    async def system() -> None:
        nonlocal failed
        try:
            await run()
        except Exception:
            failed = True
            log.exception("the system failed")
        finally:
            server.should_exit = True

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(system(), name="system")

        def stop(name: str) -> None:
            log.info("stopping", signal=name)
            server.should_exit = True

        with _signals(stop):
            log.info("listening", url=url(listener))
            await server.serve(sockets=[listener])
            # Only now: the answers under way still had a living system behind them.
            running.cancel()
            await asyncio.wait([running])
    return int(failed)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, and with an end for answers that have none."""

    def __init__(self, app: ASGIApp) -> None:
        self._ending = asyncio.Event()
        super().__init__(_config(_until(self._ending, app)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the answers under way end, event streams at once."""
        self._ending.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",  # what it tells of its coming and going, we tell ourselves
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )


def _until(ending: asyncio.Event, app: ASGIApp) -> ASGIApp:
    """The app, told at the end that whoever it still speaks to has hung up.

    An event stream goes on until then, while a plain answer does not ask: once the request has been
    read there is nothing else to receive.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        read = False

        async def received() -> Message:
            nonlocal read
            if not read:
                message = await receive()
                read = not message.get("more_body", False)
                return message
            receiving = asyncio.ensure_future(receive())
            ended = asyncio.ensure_future(ending.wait())
            try:
                await asyncio.wait({receiving, ended}, return_when=asyncio.FIRST_COMPLETED)
                return receiving.result() if receiving.done() else {"type": "http.disconnect"}
            finally:
                receiving.cancel()
                ended.cancel()

        await app(scope, received, send)

    return wrapped


@contextmanager
def _signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Call `stop` in the event loop on the first signal; a second one ends the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, _frame: object) -> None:
        restore()
        loop.call_soon_threadsafe(stop, signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield
    finally:
        restore()
