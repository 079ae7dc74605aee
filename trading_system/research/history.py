"""The candles of one backtest, cut from wherever they come from by one rule.

Two that ask for the same and are given the same candles have the same digest. Refuses to answer
with less than what was asked for: a range that ends early, or too few candles to warm up with.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from trading_system.domain.candles import Span
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import COLUMNS, Frame

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """The candles with `start` <= open time < `end`, after `warmup` ones that come before them.

    `missing` candles of that range exist nowhere. `digest` is the SHA-256 of symbol, timeframe and
    the six columns, warm-up included, as little-endian bytes.
    """

    symbol: str
    timeframe: str
    frame: Frame
    warmup: int
    start: datetime
    end: datetime
    missing: int
    digest: str


def from_frame(
    frame: Frame, *, symbol: str, timeframe: str, start: datetime, end: datetime, warmup: int
) -> History:
    """Cut the candles of a range, and the last `warmup` ones before it, out of all there are.

    Raises InvalidRequest, saying what there is, when the range does not begin and end with a
    candle or fewer than `warmup` lie before it. Only the candles that are cut out decide that, not
    how many more there are: so a file and a database agree.
    """
    symbol, length = str(Symbol.parse(symbol)), Timeframe.parse(timeframe)
    span = asked(length, start, end)
    first, past = np.searchsorted(frame.open_time, [span.start, span.end]).tolist()
    inside = part(frame, first, past)
    if _reach(inside, length) != span:
        raise InvalidRequest(
            f"no candles of {symbol} {timeframe} for all of {told(span.start)} to "
            f"{told(span.end)}: {_there_is(_reach(inside, length) or _reach(frame, length))}"
        )
    if first < warmup:
        raise InvalidRequest(
            f"{warmup} candles of {symbol} {timeframe} have to come before "
            f"{told(span.start)}, and there are {first}{_earliest(frame, warmup)}"
        )
    chosen = part(frame, first - warmup, past)
    return History(
        symbol=symbol,
        timeframe=timeframe,
        frame=chosen,
        warmup=warmup,
        start=start,
        end=end,
        missing=(span.end - span.start) // length.length - (past - first),
        digest=_digest(chosen, symbol, timeframe),
    )


def asked(timeframe: Timeframe, start: datetime, end: datetime) -> Span:
    """From the first candle of a range to the end of its last, ms UTC.

    Raises InvalidRequest when no candle opens in it.
    """
    first, past = _first_open(timeframe, start), _first_open(timeframe, end)
    if past <= first:
        raise InvalidRequest(
            f"no {timeframe.name} candle opens from {start.isoformat()} to {end.isoformat()}"
        )
    return Span(first, past)


def part(frame: Frame, first: int, past: int) -> Frame:
    """The candles `first` <= i < `past`, not copied."""
    return Frame(**{name: getattr(frame, name)[first:past] for name in COLUMNS})


def _first_open(timeframe: Timeframe, moment: datetime) -> int:
    """The open time of the first candle that does not open before this instant."""
    since = -((_EPOCH - moment) // timedelta(milliseconds=1))  # rounded up
    return timeframe.floor(since + timeframe.length - 1)


def _reach(frame: Frame, timeframe: Timeframe) -> Span | None:
    """From the first candle to the end of the last; None when there is none."""
    if not len(frame):
        return None
    return Span(int(frame.open_time[0]), int(frame.open_time[-1]) + timeframe.length)


def _there_is(reach: Span | None) -> str:
    if reach is None:
        return "there are none"
    return f"there are those from {told(reach.start)} to {told(reach.end)}"


def _earliest(frame: Frame, warmup: int) -> str:
    if len(frame) <= warmup:
        return ""
    return f": start at {told(int(frame.open_time[warmup]))} or later"


def told(milliseconds: int) -> str:
    """An instant in words, to the minute."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="minutes").replace("+00:00", "Z")


def _digest(frame: Frame, symbol: str, timeframe: str) -> str:
    digest = hashlib.sha256(f"{symbol} {timeframe}\n".encode())
    for name in COLUMNS:
        column = getattr(frame, name)
        digest.update(column.astype(column.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
