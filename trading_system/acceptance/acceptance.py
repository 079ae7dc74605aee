"""Takes the runs one after the other on a system that lives meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from trading_system.acceptance.cable import Cable
from trading_system.acceptance.report import Accepted
from trading_system.acceptance.runs import RUNS, Ground, Run
from trading_system.domain.errors import AlreadyRegistered, TradingError, UnknownSymbol
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import Trade
from trading_system.system import System


async def accept(
    system: System,
    cable: Cable | None,
    *,
    venue: str,
    symbol: Symbol,
    only: Collection[str],
    minutes: float,
    progress: Callable[[Run], None],
) -> Accepted:
    """Take the runs named in `only`, of RUNS; `system.run` is not running yet.

    Raises UnknownSymbol, and TradingError when the system ends early.
    """
    instrument = (await system.market_data.instruments()).get(symbol)
    if instrument is None:
        raise UnknownSymbol(f"the venue lists no {symbol}")
    ground = Ground(system=system, instrument=instrument, cable=cable, minutes=minutes)
    system.bus.subscribe(Trade, ground.trades.append)
    began = system.clock.now()
    running = asyncio.ensure_future(system.run())
    taking = asyncio.ensure_future(_taken(ground, only, progress))
    try:
        await asyncio.wait({running, taking}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
            raise TradingError("the system ended before its time")
        return Accepted(venue=venue, began=began, runs=tuple(taking.result()))
    finally:
        for task in (running, taking):
            task.cancel()
        await asyncio.gather(running, taking, return_exceptions=True)


async def _taken(
    ground: Ground, only: Collection[str], progress: Callable[[Run], None]
) -> list[Run]:
    with contextlib.suppress(AlreadyRegistered):
        await ground.system.registry.register(ground.symbol)
    taken = []
    for name, take in RUNS.items():
        if name in only:
            taken.append(await take(ground))
            progress(taken[-1])
    return taken
