"""Runs the system for a while and then asks the exchange whether every promise was kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from trading_system.domain.candles import MINUTE, Candle, Span, floor_minute
from trading_system.domain.errors import AlreadyRegistered, TradingError
from trading_system.domain.instruments import Instrument
from trading_system.domain.timeframes import Timeframe
from trading_system.domain.venues import StreamStatus
from trading_system.soak import verdict
from trading_system.soak.pulse import Stalls, memory_mb
from trading_system.soak.report import Soaked
from trading_system.soak.trader import Trader
from trading_system.soak.verdict import Sample
from trading_system.soak.witness import Witness
from trading_system.system import System

log = structlog.get_logger(__name__)

_ONE_MINUTE = Timeframe.parse("1m")
_QUOTE = "USDT"
_ALL = 1_000_000
_UP = frozenset({"connected", "ready"})
_START_SECONDS = 30.0  # real ones
_GLANCE = 0.05
_AFTERWARDS_SECONDS = 12.0  # the last candle comes with the beat, 5 s after its minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Endurance:
    """How long, how wide and how fast; times in seconds by the exchange's clock."""

    minutes: float
    symbols: int
    speed: float
    exchange_process: int
    trade_every: float = 5.0

    @property
    def sample_every(self) -> float:
        """Two hundred looks at a short run, one in fifteen seconds at a long one."""
        return min(self.minutes * 60 / 200, 15.0)


async def endure(
    system: System, witness: Witness, wanted: Endurance, progress: Callable[[Sample], None]
) -> Soaked:
    """Register, trade and watch for so many minutes, then compare; `system.run` is not running yet.

    Raises TradingError when the exchange lists too few symbols, or when the system ends early.
    """
    clock, heard = system.clock, system.user_stream
    if heard is None:
        raise TradingError("a soak needs keys, and orders by push")
    running = asyncio.ensure_future(system.run())
    stalls = Stalls()
    beside = [asyncio.ensure_future(witness.listen()), asyncio.ensure_future(stalls.run())]
    try:
        async with asyncio.timeout(_START_SECONDS):
            await witness.listening.wait()
            while any(line.state not in _UP for line in _streams(system)):  # noqa: ASYNC110 -- parts of several
                await asyncio.sleep(_GLANCE)
        instruments = await _registered(system, wanted.symbols)
        began = clock.now()
        first = floor_minute(clock.milliseconds()) + MINUTE
        trader = Trader(system, instruments, pause_seconds=wanted.trade_every)
        trading = asyncio.ensure_future(trader.run())
        beside.append(trading)
        samples = await _sampled(system, wanted, stalls, [running, *beside], progress)
        streams = _streams(system)
        trading.cancel()
        await asyncio.gather(trading, return_exceptions=True)
        await trader.cancel_all()
        span = Span(first, max(first, floor_minute(clock.milliseconds())))
        into_the_minute = clock.milliseconds() % MINUTE / 1000
        await clock.sleep(MINUTE / 1000 - into_the_minute + _AFTERWARDS_SECONDS)
        checks = (
            verdict.judge_streams(streams),
            await _candles(system, witness, instruments, span),
            await _orders(system, witness, instruments),
            verdict.judge_events(pushed=witness.heard, received=heard.reports),
            verdict.judge_memory(samples),
            verdict.judge_refusals(await witness.refusals()),
        )
        return Soaked(
            began=began,
            minutes=wanted.minutes,
            speed=wanted.speed,
            symbols=tuple(str(instrument.symbol) for instrument in instruments),
            orders=len(await system.orders.all(limit=_ALL)),
            order_events=witness.heard,
            checks=tuple(check for check in checks if check is not None),
            samples=tuple(samples),
        )
    finally:
        for task in (running, *beside):
            task.cancel()
        await asyncio.gather(running, *beside, return_exceptions=True)


async def _registered(system: System, count: int) -> list[Instrument]:
    """Register the first symbols that trade against one quote asset."""
    listed = [
        instrument
        for instrument in (await system.market_data.instruments()).values()
        if instrument.tradable and instrument.symbol.quote == _QUOTE
    ][:count]
    if len(listed) < count:
        raise TradingError(f"the exchange lists only {len(listed)} symbols against {_QUOTE}")
    for instrument in listed:
        try:
            await system.registry.register(instrument.symbol)
        except AlreadyRegistered:
            log.info("registered already", symbol=str(instrument.symbol))
    return listed


async def _sampled(
    system: System,
    wanted: Endurance,
    stalls: Stalls,
    tasks: Sequence[asyncio.Future[None]],
    progress: Callable[[Sample], None],
) -> list[Sample]:
    """Look every few seconds until the time is over; a task that ends before is an error."""
    clock, samples = system.clock, list[Sample]()
    started = clock.monotonic()
    while (passed := clock.monotonic() - started) < wanted.minutes * 60:
        sleeping = asyncio.ensure_future(clock.sleep(wanted.sample_every))
        done, _ = await asyncio.wait({sleeping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        if sleeping not in done:
            sleeping.cancel()
            for task in done:
                task.result()
            raise TradingError("a part of the system ended before its time")
        samples.append(_sample(system, wanted, stalls, passed / 60))
        progress(samples[-1])
    return samples


def _sample(system: System, wanted: Endurance, stalls: Stalls, minutes: float) -> Sample:
    streams = _streams(system)
    return Sample(
        minutes=round(minutes, 2),
        memory_mb=round(memory_mb(os.getpid()), 1),
        exchange_memory_mb=round(memory_mb(wanted.exchange_process), 1),
        loop_stall_ms=stalls.take_ms(),
        messages=sum(stream.messages for stream in streams),
        dropped=sum(stream.dropped for stream in streams),
        lag_ms={stream.role: stream.lag_ms for stream in streams},
    )


def _streams(system: System) -> list[StreamStatus]:
    return [stream for report in system.venue_reports() for stream in report.streams]


async def _candles(
    system: System, witness: Witness, instruments: Sequence[Instrument], span: Span
) -> verdict.Check:
    pairs: dict[str, tuple[Sequence[Candle], Sequence[Candle]]] = {}
    for each in instruments:
        ours = await system.prices.candles(each.symbol, span, _ONE_MINUTE)
        theirs = await witness.candles(each.venue_id, span.start, span.end)
        pairs[str(each.symbol)] = ours, theirs
    return verdict.judge_candles(pairs)


async def _orders(
    system: System, witness: Witness, instruments: Sequence[Instrument]
) -> verdict.Check:
    orders: dict[str, Mapping[str, Any]] = {}
    trades: dict[tuple[str, str], Mapping[str, Any]] = {}
    for each in instruments:
        orders |= await witness.orders(each.venue_id)
        for number, row in (await witness.trades(each.venue_id)).items():
            trades[str(each.symbol), number] = row
    return verdict.judge_orders(
        await system.orders.all(limit=_ALL),
        await system.orders.fills(limit=_ALL),
        theirs=orders,
        their_trades=trades,
    )
