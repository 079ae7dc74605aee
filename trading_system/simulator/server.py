"""The exchange behind a socket: aiohttp outside, `RestApi` inside, loopback only."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from trading_system.simulator.auth import ApiKey, Keys
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.command_log import CommandLog
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.feeds import Feed
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.rest import Call, RestApi
from trading_system.simulator.seeded.feed import SeededFeed

SEEDED = "seed"
_ACCOUNT = "main"
_KEY_BYTES = 32  # 64 letters, as Binance's keys have
_ADVANCE_SECONDS = 0.1  # how soon resting orders notice the market
_LARGEST_BODY = 1 << 20
_PURSE = {
    "USDT": "1000000",
    "USDC": "1000000",
    "FDUSD": "1000000",
    "EUR": "1000000",
    "BTC": "10",
    "ETH": "100",
    "BNB": "100",
}
_POCKET = Decimal(1_000)  # of every other asset


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """What to serve, where, and to whom; keys are made up where none are given.

    `market` is "seed" or the path of a recording, `symbols` how many pairs a seeded market lists,
    `journal` the file that keeps accounts and orders, `clock` the time in ms UTC.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 42
    market: str = SEEDED
    symbols: int = 24
    shift: bool = False
    journal: Path | None = None
    limits: LimitSettings = field(default_factory=LimitSettings)
    api_key: str = field(default_factory=lambda: secrets.token_hex(_KEY_BYTES), repr=False)
    secret: str = field(default_factory=lambda: secrets.token_hex(_KEY_BYTES), repr=False)
    clock: Callable[[], int] = _milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSimulator:
    """How to reach it; `stop` ends it before its block does."""

    url: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    exchange: Exchange
    stop: Callable[[], object] = field(repr=False)


@asynccontextmanager
async def serve(options: SimulatorOptions) -> AsyncIterator[RunningSimulator]:
    """Serve for as long as the block lasts.

    Raises ValueError for an address that is not loopback or a market that cannot be read, OSError
    for a port that is taken, CommandLogError for a journal of another market.
    """
    if not ipaddress.ip_address(options.host).is_loopback:
        raise ValueError(f"{options.host} is not loopback: play money is for this machine only")
    feed = market(options)
    journal = options.journal and CommandLog(
        options.journal, {"seed": options.seed, "market": options.market}
    )
    exchange = Exchange(feed, {_ACCOUNT: purse(feed)}, settings=options.limits, log=journal or None)
    keys = Keys([ApiKey(key=options.api_key, secret=options.secret, account=_ACCOUNT)])
    runner = web.ServerRunner(
        web.Server(_handler(RestApi(exchange, keys), options.clock)), access_log=None
    )
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    try:
        await site.start()
        host, port = runner.addresses[0][:2]
        advancing = asyncio.create_task(_advance(exchange, options.clock))
        try:
            yield RunningSimulator(
                url=f"http://{f'[{host}]' if ':' in host else host}:{port}",
                api_key=options.api_key,
                secret=options.secret,
                exchange=exchange,
                stop=runner.cleanup,
            )
        finally:
            advancing.cancel()
            await asyncio.gather(advancing, return_exceptions=True)
    finally:
        await runner.cleanup()
        exchange.close()


def market(options: SimulatorOptions) -> Feed:
    """The feed these options ask for; raises ValueError when a recording cannot be read."""
    if options.market == SEEDED:
        return SeededFeed(options.seed, catalogue(options.symbols))
    # Most runs have no recording to read.
    from trading_system.simulator.replay.feed import ReplayFeed  # noqa: PLC0415

    return ReplayFeed.from_paths(
        [Path(options.market)], seed=options.seed, shift=options.shift, now=options.clock()
    )


def purse(feed: Feed) -> Mapping[str, Decimal]:
    """What the account holds at the beginning: something of every asset that is listed."""
    assets = {asset for rules in feed.symbols.values() for asset in (rules.base, rules.quote)}
    return {asset: Decimal(_PURSE.get(asset, _POCKET)) for asset in sorted(assets)}


def _handler(api: RestApi, clock: Callable[[], int]) -> Callable[[web.BaseRequest], object]:
    async def answer(request: web.BaseRequest) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        body = (await request.text()) if request.body_exists else ""
        call = Call(
            method=request.method,
            path=path,
            query=query,
            body=body,
            api_key=request.headers.get("X-MBX-APIKEY"),
            time_unit=request.headers.get("X-MBX-TIME-UNIT"),
            address=request.remote or "",
        )
        status, content, headers = api.answer(call, clock())
        return web.Response(status=status, body=content, headers=headers)

    return answer


async def _advance(exchange: Exchange, clock: Callable[[], int]) -> None:
    while True:
        await asyncio.sleep(_ADVANCE_SECONDS)
        if exchange.has_open_orders:
            exchange.advance(clock())
