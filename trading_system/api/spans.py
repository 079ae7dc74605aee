"""From the instants somebody asked for to spans of whole candles."""

from __future__ import annotations

from trading_system.api.dependencies import Parts, Window
from trading_system.domain.candles import Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe

MINUTES = Timeframe.parse("1m")


def first_open(milliseconds: int, timeframe: Timeframe = MINUTES) -> int:
    """The open time of the first candle that does not open before this instant, ms UTC."""
    return timeframe.floor(milliseconds + timeframe.length - 1)


async def stored_span(parts: Parts, symbol: Symbol, window: Window) -> Span:
    """The minutes asked for; a side left open is where the stored candles begin or end.

    Where nothing is stored, both are now. Raises NotRegistered.
    """
    now = first_open(parts.clock.milliseconds())
    stored = await parts.prices.bounds(symbol) or Span(now, now)
    start = stored.start if window.start is None else first_open(window.start)
    end = stored.end if window.end is None else first_open(window.end)
    return Span(start, max(start, end)) if window.end is None else Span(min(start, end), end)
