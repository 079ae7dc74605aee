"""Files of recorded candles as columns of whole numbers, no digit lost.

Knows CSV of our own six and of the exchange's twelve columns and the exchange's zip archives; what
a file holds it takes from its name. It refuses what is no candle instead of mending it.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trading_system.simulator.replay.digits import Column, column
from trading_system.simulator.seeded.intervals import INTERVALS, Interval
from trading_system.simulator.seeded.noise import Floats, Ints

_NAME = re.compile(r"(?:spot-klines-)?(?P<symbol>[^\W_]+)[-_](?P<interval>\d+(?:mo|[smhdwM]))[-_.]")
_SUFFIXES = (".csv", ".csv.gz", ".zip")
_SHORT, _LONG = 6, 12
_EARLIEST = 1_230_768_000_000  # 2009: nothing was traded before
_MICROSECONDS = 10**14  # so many ms are the year 5138; the archives tell µs since 2025
_COMMA, _END = b",\n"
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error)
UNKNOWN = -1
"""The number of trades in a candle of six columns."""


class Name(NamedTuple):
    """What the name of a file tells."""

    symbol: str
    interval: str


class Recording(NamedTuple):
    """The rows of one file in their order; of six columns, the last four are `UNKNOWN` or 0."""

    start: Ints
    prices: Column  # open, high, low, close: values of shape (4, n)
    volume: Column
    trades: Ints
    quote: Column
    taker_volume: Column
    taker_quote: Column


def files(paths: Iterable[Path]) -> list[tuple[Path, Name]]:
    """The files to read; of a folder those whose name tells what they hold, by name.

    Raises ValueError when there is none, or a file that is asked for has no such name.
    """
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.name.endswith(_SUFFIXES))
            told = [(each, name) for each in inside if (name := told_by(each)) is not None]
            if not told:
                raise ValueError(f"{path} holds no candles with a name like BTCUSDT-1m-2024-10.zip")
            found += told
        else:
            name = told_by(path)
            if name is None:
                raise ValueError(
                    f"{path.name} does not tell symbol and interval; "
                    "name it like BTCUSDT-1m-2024-10.zip"
                )
            found.append((path, name))
    return found


def told_by(path: Path) -> Name | None:
    """Symbol and interval by the name of the file; None for any other name, and for months."""
    match = _NAME.match(path.name)
    if match is None or match["interval"] not in INTERVALS or match["interval"] == "1M":
        return None
    return Name(match["symbol"].upper(), match["interval"])


def read(path: Path, interval: Interval) -> Recording:
    """Every row of the file; raises ValueError that names the file and what is wrong with it."""
    try:
        text = _unpacked(path).replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf").rstrip(b"\n")
        header = not text[:1].isdigit()
        if header:
            text = text.partition(b"\n")[2]
        lines = text.splitlines()
        return _recording(lines, _lengths(text, 2 if header else 1), interval)
    except _UNREADABLE as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise ValueError(f"{len(names)} files inside instead of one")
            return archive.read(names[0])
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def _lengths(text: bytes, number: int) -> Ints:
    """How long each field is, shape (rows, columns); the first line has this number."""
    columns = _SHORT if text.partition(b"\n")[0].count(b",") == _SHORT - 1 else _LONG
    letters = np.frombuffer(text + b"\n", np.uint8)
    ends = np.flatnonzero((letters == _COMMA) | (letters == _END))
    last = np.arange(len(ends)) % columns == columns - 1
    wrong = (letters[ends] == _END) != last
    if wrong.any() or len(ends) % columns:
        row = int(wrong.argmax()) // columns if wrong.any() else len(ends) // columns
        raise ValueError(f"line {row + number} has not the {columns} columns of the others")
    lengths: Ints = np.diff(ends, prepend=-1) - 1
    return lengths.reshape(-1, columns)


def _recording(lines: list[bytes], lengths: Ints, interval: Interval) -> Recording:
    table = np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    start = _opens(table, interval)
    longest = lengths.max(axis=0)

    def columns(*numbers: int) -> Column:
        return column(table[:, numbers].T, lines, numbers, longest=int(longest[[*numbers]].max()))

    def alone(number: int) -> Column:
        found = columns(number)
        return Column(found.values[0], found.digits)

    if table.shape[1] == _SHORT:
        nothing = np.zeros(len(start), np.int64)
        rest = (nothing + UNKNOWN, *(Column(nothing, 0),) * 3)
    else:
        rest = (table[:, 8].astype(np.int64), alone(7), alone(9), alone(10))
    return Recording(start, columns(1, 2, 3, 4), alone(5), *rest)


def _opens(table: Floats, interval: Interval) -> Ints:
    """The open times, ms UTC, once every row has been found to be a candle."""
    times, opened, high, low, close, volume = table[:, :_SHORT].T
    times = np.where(times >= _MICROSECONDS, times // 1_000, times)
    # Asked so that nan, which compares as false, is refused too.
    timely = (times >= _EARLIEST) & (times < _MICROSECONDS)
    timely &= (times - interval.origin) % interval.length == 0
    good = (low > 0) & (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))
    good &= (high < np.inf) & (volume >= 0) & (volume < np.inf) & timely
    good &= (table[:, _SHORT:] >= 0).all(axis=1)
    if not good.all():
        row = int(good.argmin())
        fault = "a candle" if timely[row] else "the start of a candle in ms or µs"
        raise ValueError(f"row {row + 1} is not {fault}")
    opens: Ints = times.astype(np.int64)
    return opens
