"""Opens an exchange of paper: accounts and orders of its own on a market that is mirrored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from trading_system.simulator.exchange import Exchange
from trading_system.simulator.mirror.log import MirrorLog
from trading_system.simulator.mirror.looks import Looks
from trading_system.simulator.mirror.mirror import Mirror
from trading_system.simulator.mirror.origin import Origin
from trading_system.simulator.mirror.passing import Passing
from trading_system.simulator.model import Refused
from trading_system.simulator.opened import ACCOUNT, PURSE, Opened

if TYPE_CHECKING:
    from trading_system.simulator.options import Mirrored, SimulatorOptions


@asynccontextmanager
async def opened(options: SimulatorOptions, mirrored: Mirrored) -> AsyncIterator[Opened]:
    """The exchange with what its journal remembers, and its market while the block lasts.

    Mischief with answers and frames works as anywhere; no mischief is made of the market itself.

    Raises ValueError when the other exchange cannot be reached, CommandLogError for a journal that
    does not fit.
    """
    async with aiohttp.ClientSession() as http:
        origin = Origin(mirrored.rest, http, clock=options.clock)
        mirror = Mirror(origin, mirrored.streams, http, options.clock)
        try:
            await mirror.begin()
        except Refused as refusal:
            raise ValueError(
                f"{mirrored.rest} cannot be mirrored: it does not tell what it lists ({refusal})"
            ) from refusal
        looks = Looks(mirror.feed)
        exchange = _exchange(options, mirrored, mirror, looks)
        for symbol in _waiting(exchange):
            if symbol in mirror.feed.rules:
                mirror.feed.want(symbol, after=looks.last_ids.get(symbol))
        passing = Passing(origin, mirror, mirror.time, patience=mirrored.patience)
        running = asyncio.create_task(mirror.run(), name="mirror")
        try:
            yield Opened(exchange, mirror.time, passing.prepare)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            exchange.close()


def _exchange(
    options: SimulatorOptions, mirrored: Mirrored, mirror: Mirror, looks: Looks
) -> Exchange:
    funds = PURSE if options.funds is None else options.funds
    log = None
    if options.journal is not None:
        told = {asset: str(amount) for asset, amount in sorted(funds.items())}
        market = {"mirrored": mirrored.rest, "funds": told}
        log = MirrorLog(options.journal, market, looks, now=mirror.time())
    return Exchange(
        looks,
        {ACCOUNT: funds},
        settings=options.limits,
        filters=options.filters,
        log=log,
        frames=mirror.frames,
    )


def _waiting(exchange: Exchange) -> set[str]:
    """The symbols in which orders wait for trades that were missed."""
    return {order.symbol for order in exchange.venue.open_orders(ACCOUNT)}
