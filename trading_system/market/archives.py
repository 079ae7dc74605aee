"""Recorded candles from files into the database: the exchange's public kline archives and CSV.

Takes one-minute spot candles only, and judges every row before any of its batch is stored. Reading
twice changes nothing, so a file that turned out bad is mended and read again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import InvalidRequest, NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.market.candle_files import Chunk, chunks, table
from trading_system.ports import Clock, PriceRepository, SymbolRepository

BATCH = 10_000
"""Rows stored in one transaction."""

_QUOTES = (
    *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "USDS", "USD1", "PAX", "UST", "DAI", "USD"),
    *("EURI", "AEUR", "EUR", "TRY", "BRL", "ARS", "MXN", "COP", "JPY", "IDRT", "BIDR", "IDR"),
    *("GBP", "AUD", "RUB", "UAH", "NGN", "ZAR", "PLN", "RON", "CZK", "BKRW", "BVND", "VAI"),
    *("BTC", "ETH", "BNB", "SOL", "XRP", "TRX", "DOGE", "DOT"),
)
_NAME = re.compile(r"(?:spot-klines-)?(?P<symbol>[^\W_]+)[-_](?P<interval>\d+(?:mo|[smhdwM]))[-_.]")
_INTERVAL = re.compile(r"[-_](?P<interval>\d+(?:mo|[smhdwM]))[-_.]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A file of one symbol's minute candles, in the order they were written."""

    path: Path
    symbol: Symbol
    says_minutes: bool

    def batches(self) -> Iterator[list[Candle]]:
        """Its rows, `BATCH` at a time; raises InvalidRequest naming the line that is wrong."""
        return map(self.candles, self.chunks())

    def chunks(self) -> Iterator[Chunk]:
        """Its lines without the header; raises InvalidRequest when they cannot be unpacked."""
        return chunks(self.path, BATCH)

    def candles(self, chunk: Chunk) -> list[Candle]:
        """A chunk read and judged; raises InvalidRequest naming the line that is wrong."""
        times, *values = table(self.path, chunk).T
        columns = (times.astype(np.int64).tolist(), *(column.tolist() for column in values))
        candles = list(map(Candle._make, zip(*columns, strict=True)))
        if not self.says_minutes and not _look_like_minutes(candles):
            raise InvalidRequest(f"{self.path} holds no 1m candles: nowhere two minutes in a row")
        return candles


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What came of a file: `read` rows = `stored` candles + `repeated` ones, the later row kept.

    `first` and `last` are the earliest and the latest open time, ms UTC; None in an empty file.
    """

    symbol: Symbol
    read: int
    stored: int
    repeated: int
    first: int | None
    last: int | None


def read_archive(path: Path, symbol: Symbol | None = None) -> Archive:
    """The candles of a file: CSV with 6 or 12 columns, header or not, plain, gz or zip.

    Its name tells symbol and interval, like BTCUSDT-1m-2024-10.zip; a `symbol` that is given counts
    more. Raises InvalidRequest when neither tells the symbol, or it is not one-minute candles.
    """
    interval = _INTERVAL.search(path.name)
    if interval and interval["interval"] != "1m":
        raise InvalidRequest(
            f"{path.name} holds {interval['interval']} candles; only 1m ones are stored, "
            "all longer ones are built from them"
        )
    if symbol is None:
        symbol = symbol_told(path)
        if symbol is None:
            raise InvalidRequest(
                f"{path.name} does not tell whose candles it holds; "
                "name it like BTCUSDT-1m-2024-10.zip, or say the symbol"
            )
    return Archive(path=path, symbol=symbol, says_minutes=interval is not None)


def symbol_told(path: Path) -> Symbol | None:
    """Whose candles the name of the file says it holds; None when it does not say."""
    name = _NAME.match(path.name)
    return None if name is None else split_symbol(name["symbol"])


def split_symbol(name: str) -> Symbol:
    """BTCUSDT as BTC/USDT, by the quote assets known; raises InvalidRequest for other ones."""
    for quote in _QUOTES:
        base = name.upper().removesuffix(quote)
        if base not in {"", name.upper()}:
            return Symbol(base, quote)
    raise InvalidRequest(f"{name} ends in no quote asset that is known; say the symbol")


class ArchiveImporter:
    """Stores the candles of files. The database alone is needed, no venue."""

    def __init__(self, *, symbols: SymbolRepository, prices: PriceRepository, clock: Clock) -> None:
        self._symbols = symbols
        self._prices = prices
        self._clock = clock

    async def import_file(
        self,
        path: Path,
        *,
        symbol: Symbol | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> ImportResult:
        """Store every candle of the file; `on_progress` hears after each batch how many were read.

        A symbol that is not registered becomes so, deactivated: it is kept and not collected.
        Raises InvalidRequest for what is no such file or has a wrong line; batches before that
        line stay stored.
        """
        archive = read_archive(path, symbol)
        batches = archive.batches()
        times: list[NDArray[np.int64]] = []
        candles = await asyncio.to_thread(next, batches, None)
        while candles is not None:
            if not times:
                await self._keep(archive.symbol)
            times.append(np.array([candle.open_time for candle in candles], np.int64))
            # Reading what follows and writing to SQLite happen at once: both let the GIL go.
            reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
            try:
                await self._prices.upsert({archive.symbol: candles})
            finally:
                await asyncio.wait([reading])
            candles = reading.result()
            if on_progress is not None:
                on_progress(sum(map(len, times)))
        return _result(archive.symbol, times)

    async def _keep(self, symbol: Symbol) -> None:
        """Register a symbol nobody asked to collect."""
        try:
            await self._symbols.get(symbol)
        except NotRegistered:
            await self._symbols.add(symbol, self._clock.now())
            await self._symbols.deactivate(symbol)


def _result(symbol: Symbol, times: list[NDArray[np.int64]]) -> ImportResult:
    read = np.concatenate([np.empty(0, np.int64), *times])
    distinct = np.unique(read).tolist()
    return ImportResult(
        symbol=symbol,
        read=len(read),
        stored=len(distinct),
        repeated=len(read) - len(distinct),
        first=distinct[0] if distinct else None,
        last=distinct[-1] if distinct else None,
    )


def _look_like_minutes(candles: list[Candle]) -> bool:
    steps = {two.open_time - one.open_time for one, two in pairwise(candles)} - {0}
    return min(steps, default=MINUTE) == MINUTE
