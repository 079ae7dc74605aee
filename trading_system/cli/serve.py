"""`trading-system serve`: the heartbeat, the REST API and the embedded exchange, in one command."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import typer

from trading_system.cli.running import explained, run, settings
from trading_system.domain.errors import TradingError

if TYPE_CHECKING:
    from trading_system.cli.embedded import EmbeddedExchange
    from trading_system.config import Settings
    from trading_system.system import System


@explained
def serve() -> None:
    """Run the system until Ctrl-C: heartbeat, REST API, charts and, by default, an exchange."""
    wanted = settings()
    from trading_system.cli.embedded import beside

    with beside(wanted) as exchange:
        code = run(_serve(wanted, exchange))
    raise typer.Exit(code)


async def _serve(wanted: Settings, exchange: EmbeddedExchange | None) -> int:
    # Imported while the exchange comes up in its own process.
    from trading_system import logs
    from trading_system.api.application import create_app
    from trading_system.api.security import ApiOptions
    from trading_system.api.server import serve as serve_api
    from trading_system.clock import SystemClock
    from trading_system.config import LogFormat
    from trading_system.system import opened

    logs.configure(
        level=wanted.log_level,
        json=wanted.log_format is LogFormat.JSON,
        folder=wanted.log_dir,
    )
    if exchange is not None:
        wanted = await exchange.settings(wanted)
    options = ApiOptions(host=wanted.api_host, port=wanted.api_port, token=wanted.api_token)
    async with opened(wanted, SystemClock()) as system:
        # What was imported stays: a full collection would walk through all of it, for 100 ms.
        gc.freeze()
        app = create_app(system, options)
        return await serve_api(app, options, run=lambda: _live(system, exchange))


async def _live(system: System, exchange: EmbeddedExchange | None) -> None:
    """The system, for as long as the exchange beside it lives."""
    if exchange is None:
        await system.run()
        return
    running = asyncio.ensure_future(system.run())
    ended = asyncio.ensure_future(exchange.ended())
    try:
        await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        else:
            raise TradingError("the embedded exchange has ended, so the system ends too")
    finally:
        for task in (running, ended):
            task.cancel()
        await asyncio.gather(running, ended, return_exceptions=True)
