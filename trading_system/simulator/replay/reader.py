"""Reads recorded candles: CSV of 6 or 12 columns, gz or not, and the exchange's zips.

Refuses what it does not understand, with file and line; never repairs a number.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.simulator.seeded.intervals import INTERVALS

Ints = NDArray[np.int64]

DECIMALS = 8
UNIT = 10**DECIMALS
"""Numbers are kept as integers of 10^-8, the finest the exchange's candles show."""

OHLCV, FULL = 6, 12
_NAME = re.compile(
    r"(?:^|[-_])(?P<symbol>[A-Z0-9]{5,24})[-_](?P<interval>\d{1,2}[smhdwM])(?=[-_.])"
)
_MICROSECONDS = 10**14  # archives since 2025 tell time in microseconds
_SUFFIXES = (".csv", ".csv.gz", ".zip")


class Recording(NamedTuple):
    """Candles of one symbol and interval, ascending, each open time once.

    `times` (n,) are open times in ms UTC. `values` (n, 5 or 9) are open, high, low, close, volume
    and, where the file had them, quote volume, trades, taker base and taker quote; all but the
    count of trades in units of 10^-8.
    """

    symbol: str
    interval: str
    times: Ints
    values: Ints


def read(paths: Iterable[Path]) -> list[Recording]:
    """The recordings in these files and folders; files of one symbol are put together.

    Of a repeated open time the later row counts, of several intervals of a symbol the finest. In a
    folder, files whose names tell no symbol and interval are passed over. Raises ValueError.
    """
    rows: dict[tuple[str, str], dict[int, tuple[int, ...]]] = {}
    for file in (file for path in paths for file in _files(path)):
        rows.setdefault(_named(file), {}).update(_rows(file))
    recordings = []
    for (symbol, interval), found in rows.items():
        if not found:
            raise ValueError(f"the recording of {symbol} holds no candle")
        width = min(map(len, found.values()))  # a mixture is as good as its poorest file
        times = sorted(found)
        values = np.array([found[time][:width] for time in times], np.int64)
        recordings.append(Recording(symbol, interval, np.array(times, np.int64), values))
    finest = {each.symbol: each for each in sorted(recordings, key=_length, reverse=True)}
    return list(finest.values())


def _length(recording: Recording) -> int:
    return INTERVALS.index(recording.interval)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if _is_recording(each))
        if not found:
            raise ValueError(f"{path} holds no recording: no {', '.join(_SUFFIXES)}")
        return found
    if not path.exists():
        raise ValueError(f"there is no recording at {path}")
    return [path]


def _is_recording(path: Path) -> bool:
    return path.name.endswith(_SUFFIXES) and _NAME.search(path.name) is not None


def _named(path: Path) -> tuple[str, str]:
    match = _NAME.search(path.name)
    if match is None or match["interval"] not in INTERVALS:
        raise ValueError(
            f"{path.name} does not tell symbol and interval; name it like BTCUSDT-1m-2024-10.zip"
        )
    return match["symbol"], match["interval"]


def _rows(path: Path) -> Iterator[tuple[int, tuple[int, ...]]]:
    for number, row in enumerate(csv.reader(_lines(path)), start=1):
        if number == 1 and not row[0].isdigit():
            continue  # a header
        try:
            yield _candle(row)
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error


def _lines(path: Path) -> Iterable[str]:
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                (inside,) = archive.namelist()
                return io.StringIO(archive.read(inside).decode("ascii"))
        content = path.read_bytes()
        return io.StringIO((gzip.decompress(content) if path.suffix == ".gz" else content).decode())
    except (OSError, zipfile.BadZipFile, EOFError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _candle(row: list[str]) -> tuple[int, tuple[int, ...]]:
    time = int(row[0])
    if time > _MICROSECONDS:
        time //= 1000
    prices = tuple(map(units_of, row[1:OHLCV]))
    if len(row) == OHLCV:
        return time, prices
    if len(row) != FULL:
        raise ValueError(f"{len(row)} columns; a candle has {OHLCV} or {FULL}")
    return time, (*prices, units_of(row[7]), int(row[8]), units_of(row[9]), units_of(row[10]))


def units_of(text: str) -> int:
    """A decimal text in units of 10^-8, exactly."""
    whole, _, part = text.partition(".")
    if len(part) > DECIMALS:
        if part[DECIMALS:].strip("0"):
            raise ValueError(f"{text!r} has more than {DECIMALS} decimals")
        part = part[:DECIMALS]
    return int(whole + part.ljust(DECIMALS, "0"))


def text(units: int) -> str:
    """Units of 10^-8 with eight decimals."""
    whole, part = divmod(units, UNIT)
    return f"{whole}.{part:0{DECIMALS}}"
