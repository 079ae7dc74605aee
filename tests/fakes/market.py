"""A venue and a database on paper: fakes of MarketData and of the candle repositories."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import numpy as np

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.errors import (
    AlreadyRegistered,
    NotFound,
    NotRegistered,
    UnknownSymbol,
)
from trading_system.domain.instruments import Symbol
from trading_system.ports import Coverage, JobState, RegisteredSymbol

BTC = Symbol("BTC", "USDT")
ETH = Symbol("ETH", "USDT")


def candle(open_time, price=100.0, volume=1.5):
    """A candle around a price."""
    return Candle(open_time, price, price + 2.5, price - 1.25, price + 0.5, volume)


def runs(minutes):
    """Spans covering exactly these minutes."""
    spans = []
    for minute in sorted(minutes):
        if spans and spans[-1].end == minute:
            spans[-1] = Span(spans[-1].start, minute + MINUTE)
        else:
            spans.append(Span(minute, minute + MINUTE))
    return tuple(spans)


class FakeMarketData:
    """A venue with a candle for every minute from `listed` on but the `holes`; obeys `failures`."""

    def __init__(self, *symbols, listed=0, now=2**60) -> None:
        self.symbols = {symbol: object() for symbol in symbols}
        self.listed = listed
        self.now = now
        self.holes = set()
        self.asked = []
        self.failures = {}
        self.unreachable = None
        self.gate = None
        self.at_once = 0
        self.most_at_once = 0
        self.books = {}
        self.tape = {}

    async def _ask(self, symbol, wish):
        """Note the question; raise what it is answered with when that is no answer."""
        self.asked.append((symbol, wish))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
        finally:
            self.at_once -= 1
        if self.unreachable:
            raise self.unreachable
        if self.failures.get(symbol):
            failure = self.failures[symbol].pop(0)
            if failure is not None:
                raise failure
        if symbol not in self.symbols:
            raise UnknownSymbol(f"the venue lists no {symbol}")

    async def candles(self, symbol, span):
        await self._ask(symbol, span)
        first = max(span.start, self.listed)
        found = []
        for at in range(first, min(span.end, self.now), MINUTE):
            if at not in self.holes:
                found.append(candle(at, price=100.0 + at // MINUTE % 1000))
            if len(found) == 1000:
                break
        return found

    async def recheck(self, symbols):
        """Everything is known here already."""

    async def instruments(self):
        if self.unreachable:
            raise self.unreachable
        return self.symbols

    async def server_time(self):
        return self.now

    async def book(self, symbol, *, levels):
        """What `books` holds at the moment of the answer."""
        await self._ask(symbol, levels)
        book = self.books[symbol]
        return replace(book, bids=book.bids[:levels], asks=book.asks[:levels])

    async def trades(self, symbol, *, first_id):
        """From what `tape` holds at the moment of the answer."""
        await self._ask(symbol, first_id)
        return [trade for trade in self.tape.get(symbol, ()) if trade.id >= first_id][:1000]


class FakeSymbols:
    """SymbolRepository in memory."""

    def __init__(self) -> None:
        self.rows = {}

    async def add(self, symbol, at):
        if symbol in self.rows and self.rows[symbol].active:
            raise AlreadyRegistered(str(symbol))
        self.rows[symbol] = RegisteredSymbol(symbol=symbol, active=True, registered_at=at)
        return self.rows[symbol]

    async def deactivate(self, symbol):
        self.rows[symbol] = replace(await self.get(symbol), active=False)
        return self.rows[symbol]

    async def get(self, symbol):
        if symbol not in self.rows:
            raise NotRegistered(str(symbol))
        return self.rows[symbol]

    async def all(self, *, active=None):
        rows = sorted(self.rows.values(), key=lambda row: row.symbol)
        return [row for row in rows if active in {None, row.active}]


class FakePrices:
    """PriceRepository in memory; `writes` holds how many rows each transaction had."""

    def __init__(self, symbols) -> None:
        self.symbols = symbols
        self.rows = {}
        self.holes = {}
        self.writes = []
        self.failures = []

    async def _of(self, symbol):
        await self.symbols.get(symbol)
        return self.rows.setdefault(symbol, {})

    async def upsert(self, candles):
        if self.failures:
            raise self.failures.pop(0)
        if not any(candles.values()):
            return 0
        tables = {symbol: await self._of(symbol) for symbol in candles}
        for symbol, several in candles.items():
            tables[symbol].update((row.open_time, row) for row in several)
        self.writes.append(sum(map(len, candles.values())))
        return self.writes[-1]

    async def last_open_times(self):
        return {symbol: max(rows) for symbol, rows in self.rows.items() if rows}

    async def candles(self, symbol, span, timeframe, limit=None):
        built = {}
        for at, row in sorted((await self._of(symbol)).items()):
            if not span.start <= at < span.end:
                continue
            start = timeframe.floor(at)
            known = built.get(start, Candle(start, row.open, row.high, row.low, 0.0, 0.0))
            built[start] = Candle(
                start,
                known.open,
                max(known.high, row.high),
                min(known.low, row.low),
                row.close,
                known.volume + row.volume,
            )
        return [row._replace(volume=round(row.volume, 8)) for row in list(built.values())[:limit]]

    async def columns(self, symbol, span, timeframe):
        rows = await self.candles(symbol, span, timeframe)
        return np.array(rows, dtype=np.float64).reshape(-1, 6)

    async def bounds(self, symbol):
        rows = await self._of(symbol)
        return Span(min(rows), max(rows) + MINUTE) if rows else None

    async def coverage(self, symbol, span, *, digest=True):
        rows = await self._of(symbol)
        minutes = range(span.start, span.end, MINUTE)
        absent = {at for at in minutes if at not in rows}
        holes = absent & self.holes.get(symbol, set())
        lines = [",".join(map(repr, rows[at])) + "\n" for at in minutes if at in rows]
        return Coverage(
            span=span,
            stored=len(lines),
            holes=runs(holes),
            missing=runs(absent - holes),
            digest=hashlib.sha256("".join(lines).encode()).hexdigest() if digest else "",
        )

    async def record_holes(self, symbol, holes, at):
        await self._of(symbol)
        for hole in holes:
            self.holes.setdefault(symbol, set()).update(range(hole.start, hole.end, MINUTE))


class FakeBeats:
    """BeatRepository in memory; `failures` are raised by the next calls."""

    def __init__(self) -> None:
        self.rows = []
        self.failures = []

    async def begin(self, beat):
        if self.failures:
            raise self.failures.pop(0)
        self.rows.append(beat)
        return len(self.rows)

    async def end(self, beat_id, beat):
        if self.failures:
            raise self.failures.pop(0)
        if not 1 <= beat_id <= len(self.rows):
            raise NotFound(str(beat_id))
        self.rows[beat_id - 1] = beat

    async def latest(self, limit=1):
        return self.rows[::-1][:limit]


class FakeBackfills:
    """BackfillRepository in memory; `history` keeps every save."""

    def __init__(self, symbols) -> None:
        self.symbols = symbols
        self.rows = {}
        self.history = []
        self.failures = []

    async def save(self, job):
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                raise failure
        await self.symbols.get(job.symbol)
        self.rows[job.id] = job
        self.history.append(job)

    async def get(self, job_id):
        if job_id not in self.rows:
            raise NotFound(str(job_id))
        return self.rows[job_id]

    async def unfinished(self):
        open_states = {JobState.PENDING, JobState.RUNNING}
        jobs = [job for job in self.rows.values() if job.state in open_states]
        return sorted(jobs, key=lambda job: job.created_at)
