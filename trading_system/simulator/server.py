"""The exchange behind a socket, loopback only, for as long as a block lasts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from trading_system.simulator.auth import ApiKey, Keys
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.command_log import CommandLog
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.feeds import Feed, RecordedFrames
from trading_system.simulator.front import Front
from trading_system.simulator.futures.command_log import FuturesLog
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.mischief.control import Mischief
from trading_system.simulator.mischief.rules import read_rule
from trading_system.simulator.opened import ACCOUNT, PURSE, Opened
from trading_system.simulator.options import SEEDED, SimulatorOptions
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.seeded.feed import SeededFeed

__all__ = ["RunningSimulator", "SimulatorOptions", "serve"]

_KEY_BYTES = 32  # 64 characters, as Binance's keys have
_SHUTDOWN_SECONDS = 1.0
_LONGEST_LINE = 1 << 16  # `symbols` may name hundreds of them
_POCKET = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSimulator:
    """Where it listens and the keys it takes; `stop` ends it before its block does.

    `secret` is empty where a public key was given.
    """

    url: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    exchange: Exchange = field(repr=False)
    futures: FuturesExchange = field(repr=False)
    mischief: Mischief = field(repr=False)
    stop: Callable[[], Awaitable[None]] = field(repr=False)


@asynccontextmanager
async def serve(
    options: SimulatorOptions, feed: Feed | None = None
) -> AsyncIterator[RunningSimulator]:
    """Serve as long as the block lasts, on the market of the options or on another one.

    Raises ValueError for a market, a key or a rule that cannot be read, OSError for a port that is
    taken, CommandLogError for a journal that does not fit.
    """
    key = _key(options)
    rules = [read_rule(rule) for rule in options.mischief]
    mischief = Mischief(seed=options.mischief_seed, speed=options.speed, clock=options.clock)
    async with _opened(options, feed, mischief) as (opened, futures):
        front = Front(
            opened.exchange,
            futures,
            Keys([key], any_logon=options.any_logon),
            mischief,
            clock=opened.clock,
            speed=options.speed,
            prepare=opened.prepare,
        )
        mischief.add(rules)
        async with _listening(options, front) as (url, stop):
            yield RunningSimulator(
                url=url,
                api_key=key.key,
                secret=key.secret,
                exchange=opened.exchange,
                futures=futures,
                mischief=mischief,
                stop=stop,
            )


@asynccontextmanager
async def _listening(
    options: SimulatorOptions, front: Front
) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """Where it is reached while the block lasts, and what ends that before."""
    server = web.Server(front.respond, access_log=None, max_line_size=_LONGEST_LINE)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()

    async def stop() -> None:
        """Cut what is connected: its handlers would be waited for."""
        front.cut()
        await runner.cleanup()

    running = asyncio.create_task(front.run())
    try:
        await web.TCPSite(runner, options.host, options.port).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}", stop
    finally:
        running.cancel()
        await stop()


@asynccontextmanager
async def _opened(
    options: SimulatorOptions, feed: Feed | None, mischief: Mischief
) -> AsyncIterator[tuple[Opened, FuturesExchange]]:
    """Both exchanges; beside a mirrored market there is one of futures that lists nothing."""
    if options.mirrored is not None:
        # Most runs have nothing to mirror.
        from trading_system.simulator.mirror.opening import opened  # noqa: PLC0415

        async with opened(options, options.mirrored) as paper:
            yield paper, FuturesExchange(SeededFeed(options.seed, {}), {ACCOUNT: Decimal(0)})
        return
    log, futures_log = open_logs(options)
    exchange = open_exchange(options, log, feed, mischief)
    futures = FuturesExchange(exchange.feed, {ACCOUNT: options.futures_wallet}, log=futures_log)
    try:
        yield Opened(exchange, options.clock), futures
    finally:
        exchange.close()
        futures.close()


def open_logs(options: SimulatorOptions) -> tuple[CommandLog, FuturesLog] | tuple[None, None]:
    """What keeps the commands of spot and of futures, which agree on when their market was opened.

    That of futures lies beside the journal; neither file is there before its first command.
    """
    if options.journal is None:
        return None, None
    market = {"seed": options.seed, "market": options.market, "shift": options.shift}
    opened = CommandLog(options.journal, market, now=options.clock()).opened
    futures_log = FuturesLog(
        options.journal.with_name(f"{options.journal.stem}.futures{options.journal.suffix}"),
        market | {"wallet": str(options.futures_wallet)},
        now=opened,
    )
    return CommandLog(options.journal, market, now=futures_log.opened), futures_log


def open_exchange(
    options: SimulatorOptions, log: CommandLog | None, feed: Feed | None, mischief: Mischief | None
) -> Exchange:
    """The exchange of these options, with what its log remembers."""
    now = options.clock() if log is None else log.opened
    recorded: RecordedFrames | None = None
    if feed is None:
        feed, recorded = open_market(options, now)
    if recorded is None:  # whose book would not stand still within a second
        feed = RememberedFeed(feed)
    feed = feed if mischief is None else mischief.market(feed)
    return Exchange(
        feed,
        {ACCOUNT: purse(feed) if options.funds is None else options.funds},
        settings=options.limits,
        filters=options.filters,
        log=log,
        frames=recorded,
    )


def open_market(options: SimulatorOptions, now: int) -> tuple[Feed, RecordedFrames | None]:
    """The market of these options as opened at `now`; ValueError when it cannot be read."""
    if options.market == SEEDED:
        return SeededFeed(options.seed, catalogue(options.symbols)), None
    # Most runs have no recording to read.
    from trading_system.simulator.replay.opening import opened  # noqa: PLC0415

    return opened(Path(options.market), seed=options.seed, shift=options.shift, now=now)


def purse(feed: Feed) -> Mapping[str, Decimal]:
    """What an account holds at first: something of every asset that is listed."""
    assets = {asset for rules in feed.symbols.values() for asset in (rules.base, rules.quote)}
    return {asset: PURSE.get(asset, _POCKET) for asset in sorted(assets)}


def _key(options: SimulatorOptions) -> ApiKey:
    return ApiKey(
        key=options.api_key or secrets.token_hex(_KEY_BYTES),
        secret="" if options.public_key else options.secret or secrets.token_hex(_KEY_BYTES),
        public_key=options.public_key,
        account=ACCOUNT,
    )
