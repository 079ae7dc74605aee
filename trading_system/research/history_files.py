"""Candles of a backtest in files: read from whatever people have, written so that it comes back.

What is written is read again to the last digit, so an exported range gives the same digest as the
database it came from. Refuses a file that tells another symbol, or longer candles than wanted.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import COLUMNS, Frame
from trading_system.market.archives import symbol_told
from trading_system.market.candle_files import chunks, judged, table
from trading_system.research import parquet
from trading_system.research.aggregation import aggregated
from trading_system.research.history import History, from_frame, part
from trading_system.research.whole_files import whole
from trading_system.storage.completeness import digestible

FORMATS = (".csv", ".csv.gz", ".parquet")
"""How the name of an exported file may end."""

_CHUNK = 10_000


def from_file(
    path: Path, *, symbol: str, timeframe: str, start: datetime, end: datetime, warmup: int
) -> History:
    """The candles of a range, see `history.from_frame`, out of a CSV file, an archive or Parquet.

    CSV has 6 columns or the exchange's 12, in ms or µs, with or without a header, plain, gz or zip.
    Shorter candles than wanted are added up. Where an open time repeats, the later row counts.
    Raises InvalidRequest for what is no such file, with the line, or holds other candles.
    """
    told = _told(path)
    if told not in {None, Symbol.parse(symbol)}:
        raise InvalidRequest(f"{path} holds candles of {told}, not of {symbol}")
    rows = _in_order(_parquet_rows(path, symbol) if _is_parquet(path) else _text_rows(path))
    if not len(rows):
        raise InvalidRequest(f"{path} holds no candles, as CSV of 6 or 12 columns or as Parquet")
    frame = _lengthened(path, Frame.from_array(rows), Timeframe.parse(timeframe))
    return from_frame(
        frame, symbol=symbol, timeframe=timeframe, start=start, end=end, warmup=warmup
    )


def export(
    history: History,
    path: Path,
    *,
    force: bool,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write all its candles, those before the start too, in the format that the name ends with.

    `on_progress` hears how many are written. Raises InvalidRequest for another ending, or where the
    file is there already and is not to be replaced by `force`; StorageError when it cannot be
    written, ConfigurationError without what Parquet needs. Then nothing has changed.
    """
    writable(path, force=force)
    with whole(path) as file:
        if path.name.endswith(".parquet"):
            parquet.write(file, history.frame, history.symbol, history.timeframe)
            on_progress(len(history.frame))
        elif path.name.endswith(".gz"):
            # Neither time nor name inside: the same candles are the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                _write_text(cast("BinaryIO", packed), history.frame, on_progress)
        else:
            _write_text(file, history.frame, on_progress)


def writable(path: Path, *, force: bool) -> None:
    """Raise InvalidRequest for a file that `export` would refuse to write."""
    if not path.name.endswith(FORMATS):
        raise InvalidRequest(f"{path} ends in none of {', '.join(FORMATS)}")
    if path.exists() and not force:
        raise InvalidRequest(f"{path} is there already; --force replaces it")


def lines(frame: Frame) -> Iterator[bytes]:
    """The candles as text, some thousand lines at a time: ms, then numbers in their shortest form.

    They spell what `PriceRepository.coverage` takes the digest of.
    """
    for first in range(0, len(frame), _CHUNK):
        some = part(frame, first, first + _CHUNK)
        columns = (getattr(some, name).tolist() for name in COLUMNS)
        yield digestible(list(zip(*columns, strict=True)))


def _write_text(file: BinaryIO, frame: Frame, on_progress: Callable[[int], None]) -> None:
    file.write(",".join(COLUMNS).encode() + b"\n")
    for number, some in enumerate(lines(frame), 1):
        file.write(some)
        on_progress(min(number * _CHUNK, len(frame)))


def _told(path: Path) -> Symbol | None:
    """Whose candles the name tells, if it is one of the exchange's and not of one's own making."""
    try:
        return symbol_told(path)
    except InvalidRequest:
        return None


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(parquet.MAGIC)) == parquet.MAGIC
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from error


def _text_rows(path: Path) -> NDArray[np.float64]:
    return np.concatenate(
        [np.empty((0, len(COLUMNS))), *(table(path, some) for some in chunks(path, _CHUNK))]
    )


def _parquet_rows(path: Path, symbol: str) -> NDArray[np.float64]:
    try:
        return judged(parquet.read(path, symbol))
    except ValueError as error:
        raise InvalidRequest(f"{path}: {error}") from None


def _in_order(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """By open time; of those that share one, the last in the file."""
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    chosen: NDArray[np.float64] = rows[np.diff(rows[:, 0], append=np.inf) > 0]
    return chosen


def _lengthened(path: Path, frame: Frame, wanted: Timeframe) -> Frame:
    """Candles of the timeframe wanted, out of as long or shorter ones.

    The first and the last are left out when the file begins or ends in the middle of them.
    """
    times = frame.open_time
    step = int(np.diff(times).min()) if len(times) > 1 else wanted.length
    if wanted.length % step or np.any((times - wanted.origin) % step):
        raise InvalidRequest(
            f"{path} holds candles every {step // 60_000} minutes: "
            f"no {wanted.name} ones can be built from them"
        )
    if step == wanted.length:
        return frame
    begun = wanted.floor(int(times[0]) + wanted.length - 1)
    ended = wanted.floor(int(times[-1]) + step)
    first, past = np.searchsorted(times, [begun, ended]).tolist()
    return aggregated(part(frame, first, past), wanted)
