"""The longest candles of a symbol, from its first day to 2037: where every split begins.

A random walk through believable years: calm and wild months, volume that grew with the venue, and,
unless it begins somewhere else, a price that is today what its character says.
"""

from __future__ import annotations

from math import log as log_of
from typing import NamedTuple

import numpy as np

from trading_system.simulator.catalogue import Character
from trading_system.simulator.seeded.candles import Candles, built
from trading_system.simulator.seeded.levels import (
    DAY,
    LENGTHS,
    LOTS,
    MINUTE,
    QUIET,
    highest_quote,
    lowest_quote,
)
from trading_system.simulator.seeded.noise import Floats, Ints, Noise
from trading_system.simulator.seeded.portable import exp, log
from trading_system.simulator.seeded.units import LARGEST, Units

GENESIS = 1_502_928_000_000
"""2017-08-17T00:00Z, the first day of the venue."""

HORIZON = 2_114_380_800_000
"""2037-01-01T00:00Z; the market stands still some days after."""

_TODAY = 1_767_225_600_000  # 2026-01-01T00:00Z: the day the catalogue's prices are of
_YEAR = 365.25 * DAY
_STEP_TOPIC, _MOOD_TOPIC, _SEASON_TOPIC, _RANGE_TOPIC, _SHARE_TOPIC = range(600, 605)
_FLOOR = 400  # ticks: a hundred book levels and a visible path need this much room below
_AMPLE = 20  # times the promised lots: quiet children shall not all be at the minimum
_CEILING = 50_000_000  # ticks: half of the highest price the catalogue allows


class Origin(NamedTuple):
    """Where a path begins: on a whole minute (ms UTC), at a price in ticks, with a trade id."""

    start: int = GENESIS
    price: int | None = None  # None: the character's launch price, on the way to today's
    first_id: int = 1


class _Spans(NamedTuple):
    """The candles to make: when, how long, in what mood (log volatility), and for whom."""

    start: Ints
    length: Ints
    mood: Floats
    character: Character
    units: Units
    noise: Noise


class _Prices(NamedTuple):
    open: Ints
    high: Ints
    low: Ints
    close: Ints


def history(origin: Origin, character: Character, units: Units, noise: Noise) -> list[Candles]:
    """The candles nothing is above, by level: few short ones up to the first whole block.

    Each keeps the promises of levels.py. ValueError if it does not begin on a whole minute.
    """
    starts = _starts(origin.start)
    counts = [len(level) for level in starts]
    start, length = np.concatenate(starts), np.repeat(LENGTHS[::-1], counts)
    spans = _Spans(start, length, _mood(start, noise), character, units, noise)
    prices = _prices(origin, spans)
    trades, volume = _activity(spans, prices)
    whole = built(
        start=start,
        first_id=origin.first_id + trades.cumsum() - trades,
        open=prices.open,
        high=prices.high,
        low=prices.low,
        close=prices.close,
        trades=trades,
        volume=volume,
        quote=_quotes(spans, prices, volume),
    )
    ends = np.cumsum(counts).tolist()
    return [whole.span(first, end) for first, end in zip([0, *ends], ends, strict=False)][::-1]


def _starts(start: int) -> list[Ints]:
    """Start times: minutes up to the next quarter, those up to the next two hours, and so on."""
    if start % MINUTE:
        raise ValueError(f"a path begins on a whole minute, not at {start}")
    starts = []
    for longer, length in zip(LENGTHS[-2::-1], LENGTHS[:0:-1], strict=True):
        end = -(-start // longer) * longer
        starts.append(np.arange(start, end, length))
        start = end
    return [*starts, np.arange(start, max(HORIZON, start + 1), LENGTHS[0])]


def _mood(start: Ints, noise: Noise) -> Floats:
    """Log volatility: something for each block, something for every four of them."""
    block = start // LENGTHS[0]
    season = noise.normals(_SEASON_TOPIC, block // 4)
    return 0.28 * noise.normals(_MOOD_TOPIC, block) + 0.25 * season


def _prices(origin: Origin, spans: _Spans) -> _Prices:
    """A random walk of log prices; highs and lows as a random walk's between its ends."""
    spread = spans.character.volatility * exp(spans.mood) * np.sqrt(spans.length / _YEAR)
    way = (spread * spans.noise.normals(_STEP_TOPIC, spans.start)).cumsum()
    first = origin.price
    if first is None:
        tick = float(spans.units.tick)
        first = max(round(spans.character.launch / tick), _FLOOR)
        way += _on_course(spans, way, log_of(spans.character.price / tick / first))
    floor, ceiling = min(_FLOOR, first // 2 + 1), max(_CEILING, 4 * first)
    way = _between(log_of(first) + way, log_of(floor), log_of(ceiling))
    close = np.rint(exp(way)).astype(np.int64)
    opened = np.append(first, close[:-1])
    step = log(close / opened)
    luck = log(spans.noise.lanes(_RANGE_TOPIC, spans.start)[:2])
    up, down = (np.sqrt(step * step - 2.0 * spread * spread * luck) - np.abs(step)) * 0.5
    higher, lower = np.maximum(opened, close), np.minimum(opened, close)
    high = np.rint(higher * exp(up)).astype(np.int64)
    low = np.rint(lower * exp(-down)).astype(np.int64)
    return _Prices(opened, np.maximum(high, higher), np.clip(low, floor, lower), close)


def _on_course(spans: _Spans, way: Floats, wanted: float) -> Floats:
    """A drift, steady until today, after which the way has come as far as wanted by today."""
    passed = (spans.start + spans.length - GENESIS) / (_TODAY - GENESIS)
    drift: Floats = np.minimum(passed, 1.0) * (wanted - np.interp(1.0, passed, way))
    return drift


def _between(values: Floats, floor: float, ceiling: float) -> Floats:
    """Reflected at both ends, as often as it takes."""
    width = ceiling - floor
    inside: Floats = ceiling - np.abs((values - floor) % (2 * width) - width)
    return inside


def _activity(spans: _Spans, prices: _Prices) -> tuple[Ints, Ints]:
    """Trades (n), and lots by taker side (2, n): growing with the venue and the volatility."""
    years = (spans.start - GENESIS) / _YEAR
    growth = 0.05 + 0.95 / (1.0 + exp(1.6 * (3.0 - years)))
    side, luck, *_ = spans.noise.lanes(_SHARE_TOPIC, spans.start)
    minutes = spans.length // MINUTE
    often = spans.character.trades * np.sqrt(growth) * exp(0.4 * spans.mood)
    trades = np.maximum(np.rint(often * minutes).astype(np.int64), (QUIET + 1) * minutes)
    amount = spans.character.quote_volume * spans.length / DAY * growth
    amount *= exp(1.3 * spans.mood + luck - 0.5)
    lots = np.minimum(amount / (spans.units.cent * prices.close), LARGEST / prices.high)
    buys = lots * (0.48 + 0.04 * side)
    volume = np.rint(np.stack((buys, lots - buys))).astype(np.int64)
    return trades, np.maximum(volume, _AMPLE * LOTS * trades)


def _quotes(spans: _Spans, prices: _Prices, volume: Ints) -> Ints:
    """Quote amounts by taker side (2, n): a mean price about the middle."""
    luck = spans.noise.lanes(_SHARE_TOPIC, spans.start)[2]
    mean = 0.25 * (prices.open + prices.close + prices.low + prices.high)
    mean += 0.1 * (luck - 0.5) * (prices.high - prices.low)
    quote = np.rint(volume * mean).astype(np.int64)
    least = lowest_quote(prices.low, prices.high, volume)
    return np.clip(quote, least, highest_quote(prices.low, prices.high, volume))
