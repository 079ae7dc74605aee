"""Where the candles of an interval begin: by number, for any interval the venue knows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.levels import DAY, MINUTE
from trading_system.simulator.seeded.noise import Ints

SECOND = 1_000
_HOUR = 60 * MINUTE
_ORIGINS = {
    "3d": DAY,  # as recorded candles of three days open, those of the venue's first day too
    "1w": 4 * DAY,  # 1970-01-05, a Monday
}

_LENGTHS = {"1s": SECOND}
_LENGTHS |= {f"{n}m": n * MINUTE for n in (1, 3, 5, 15, 30)}
_LENGTHS |= {f"{n}h": n * _HOUR for n in (1, 2, 4, 6, 8, 12)}
_LENGTHS |= {"1d": DAY, "3d": 3 * DAY, "1w": 7 * DAY, "1M": 0}

INTERVALS = tuple(_LENGTHS)
"""Every interval, case-sensitive: 1m is a minute, 1M a calendar month."""


class Interval(NamedTuple):
    """Candle k opens at `origin + k * length`; a length of 0 is the calendar month."""

    length: int
    origin: int

    @classmethod
    def named(cls, name: str, utc_offset: int = 0) -> Interval:
        """The interval of this name; KeyError if there is none.

        `utc_offset` (ms) is the local clock's lead over UTC: candles of an hour and longer begin
        when that clock strikes.
        """
        length = _LENGTHS[name]
        shift = utc_offset if length == 0 or length >= _HOUR else 0
        return cls(length, _ORIGINS.get(name, 0) - shift)

    def number(self, time: int) -> int:
        """The number of the candle that holds this instant."""
        if self.length:
            return (time - self.origin) // self.length
        return int(np.datetime64(time - self.origin, "ms").astype("datetime64[M]").astype(np.int64))

    def opens(self, first: int, count: int) -> Ints:
        """The open times of `count` candles from number `first` on."""
        numbers = np.arange(first, first + count)
        if self.length:
            return numbers * self.length + self.origin
        months = numbers.astype("datetime64[M]").astype("datetime64[ms]")
        return months.astype(np.int64) + self.origin
