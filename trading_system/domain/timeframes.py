"""Timeframes by their usual names, and where their candles begin."""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import InvalidRequest

_UNIT = {"m": MINUTE, "h": 60 * MINUTE, "d": 1440 * MINUTE, "w": 7 * 1440 * MINUTE}
_LONGEST_NAME = 5  # "1440m"
_MONDAY = 4 * 1440 * MINUTE  # 1970-01-05, the first Monday of the epoch


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A candle length in ms; candles begin at `origin` + k x `length` (weeks on Monday, UTC)."""

    name: str
    length: int
    origin: int = 0

    @classmethod
    def parse(cls, name: str) -> Timeframe:
        """Read "1m", "15m", "4h", "1d", "1w" ...; raises InvalidRequest for anything else."""
        unit = _UNIT.get(name[-1:])
        if (
            unit is None
            or not name[:-1].isdigit()
            or int(name[:-1]) < 1
            or len(name) > _LONGEST_NAME
        ):
            raise InvalidRequest(
                f"{name!r} is not a timeframe; write it like 1m, 15m, 4h, 1d or 1w"
            )
        return cls(name, int(name[:-1]) * unit, _MONDAY if name[-1] == "w" else 0)

    def floor(self, milliseconds: int) -> int:
        """The open time of the candle that holds this instant."""
        return milliseconds - (milliseconds - self.origin) % self.length
