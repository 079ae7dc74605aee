"""Candles of a longer timeframe out of shorter ones, one rule for files and for the database."""

from __future__ import annotations

from itertools import pairwise
from math import fsum

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Column, Frame

_VOLUME_DECIMALS = 8  # the finest step of any venue, as where candles are stored


def aggregated(frame: Frame, timeframe: Timeframe) -> Frame:
    """The candles that those of `frame` add up to: one wherever there is at least one of its parts.

    First open, highest high, lowest low, last close; the volumes added up exactly and rounded to 8
    decimals: adding in SQLite gives another last digit with each of its versions.
    """
    if not len(frame):
        return frame
    bars = (frame.open_time - timeframe.origin) // timeframe.length
    starts = np.flatnonzero(np.diff(bars, prepend=bars[0] - 1))
    ends = np.append(starts[1:], len(bars)) - 1
    columns = (
        bars[starts] * timeframe.length + timeframe.origin,
        frame.open[starts],
        np.maximum.reduceat(frame.high, starts),
        np.minimum.reduceat(frame.low, starts),
        frame.close[ends],
        _added(frame.volume, starts),
    )
    return Frame.from_array(np.column_stack(columns))


def _added(volume: Column, starts: NDArray[np.int64]) -> Column:
    values, edges = volume.tolist(), [*starts.tolist(), len(volume)]
    sums = (fsum(values[first:past]) for first, past in pairwise(edges))
    return np.array([round(each, _VOLUME_DECIMALS) for each in sums])
