"""The longest candles of a symbol, from its first day to 2037: where every split begins.

A random walk through believable years: calm and wild months, volume that grew with the venue, and,
unless it begins somewhere else, a price that is today what its character says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trading_system.simulator.catalogue import Character
from trading_system.simulator.seeded.candles import Candles, built
from trading_system.simulator.seeded.cascade import (
    DAY,
    LENGTHS,
    LOTS,
    MINUTE,
    QUIET,
    highest_quote,
    lowest_quote,
)
from trading_system.simulator.seeded.noise import Floats, Ints, Noise
from trading_system.simulator.seeded.units import LARGEST, Units

GENESIS = 1_502_928_000_000
"""2017-08-17T00:00Z, the first day of the venue."""

HORIZON = 2_114_380_800_000
"""2037-01-01T00:00Z; the market stands still some days after."""

_TODAY = 1_767_225_600_000  # 2026-01-01T00:00Z: the day the catalogue's prices are of
_YEAR = 365.25 * DAY
_STEP_TOPIC, _REGIME_TOPIC, _RANGE_TOPIC, _SHARE_TOPIC = 600, 601, 602, 603
_FLOOR = 400  # ticks: a hundred book levels and a visible path need this much room below
_CEILING = 50_000_000  # ticks: half of the highest price the catalogue allows


class Origin(NamedTuple):
    """Where a path begins: on a whole minute (ms UTC), at a price in ticks, with a trade id."""

    start: int = GENESIS
    price: int | None = None  # None: the character's launch price, on the way to today's
    first_id: int = 1


class _Prices(NamedTuple):
    open: Ints
    high: Ints
    low: Ints
    close: Ints


def history(origin: Origin, character: Character, units: Units, noise: Noise) -> list[Candles]:
    """The candles nothing is above, by level: few short ones up to the first whole block.

    Each keeps the promises of cascade.py. ValueError if it does not begin on a whole minute.
    """
    starts = _starts(origin.start)
    start = np.concatenate(starts[::-1])
    length = np.repeat(LENGTHS[::-1], [len(level) for level in starts[::-1]])
    mood = _mood(start, noise)
    spread = character.volatility * np.exp(mood) * np.sqrt(length / _YEAR)
    prices = _prices(origin, character, units, noise, start, length, spread)
    trades, volume = _activity(character, units, noise, start, length, mood, prices)
    quote = _quote(prices, volume, noise, start)
    whole = built(
        start=start,
        first_id=origin.first_id + trades.cumsum() - trades,
        open=prices.open,
        high=prices.high,
        low=prices.low,
        close=prices.close,
        trades=trades,
        volume=volume,
        quote=quote,
    )
    ends = np.cumsum([len(level) for level in starts[::-1]]).tolist()
    spans = zip([0, *ends], ends, strict=False)
    return [whole.span(*span) for span in spans][::-1]


def _starts(start: int) -> list[Ints]:
    """Start times by level: minutes up to the next 15, those up to the next two hours, and so on."""
    if start % MINUTE:
        raise ValueError(f"a path begins on a whole minute, not at {start}")
    starts = []
    for level in range(len(LENGTHS) - 1, 0, -1):
        end = -(-start // LENGTHS[level - 1]) * LENGTHS[level - 1]
        starts.append(np.arange(start, end, LENGTHS[level]))
        start = end
    starts.append(np.arange(start, HORIZON, LENGTHS[0]))
    return starts[::-1]


def _mood(start: Ints, noise: Noise) -> Floats:
    """Log volatility: one for each block, one for four blocks."""
    block = start // LENGTHS[0]
    return 0.28 * noise.normals(_REGIME_TOPIC, block) + 0.25 * noise.normals(
        _REGIME_TOPIC, -1 - block // 4
    )


def _prices(
    origin: Origin,
    character: Character,
    units: Units,
    noise: Noise,
    start: Ints,
    length: Ints,
    spread: Floats,
) -> _Prices:
    """A random walk of log prices; highs and lows as a random walk's between its ends."""
    tick = float(units.tick)
    way = (spread * noise.normals(_STEP_TOPIC, start)).cumsum()
    if origin.price is None:
        first = np.log(character.launch / tick)
        since = (start + length - GENESIS) / (_TODAY - GENESIS)
        wanted = np.log(character.price / tick) - first
        way += np.minimum(since, 1.0) * (wanted - np.interp(1.0, since, way))
        origin_price = max(round(np.exp(first)), _FLOOR)
    else:
        origin_price = origin.price
        first = np.log(origin_price)
    floor = min(_FLOOR, origin_price // 2 + 1)
    ceiling = max(_CEILING, 4 * origin_price)
    close = np.rint(np.exp(_between(first + way, np.log(floor), np.log(ceiling)))).astype(np.int64)
    opened = np.concatenate(([origin_price], close[:-1]))
    moved = np.log(close / opened)
    luck = np.log(noise.lanes(_RANGE_TOPIC, start)[:2])
    beyond = (np.sqrt(moved * moved - 2.0 * spread * spread * luck) - np.abs(moved)) * 0.5
    high = np.maximum(opened, close) * np.exp(beyond[0])
    low = np.minimum(opened, close) * np.exp(-beyond[1])
    return _Prices(
        opened,
        np.maximum(np.rint(high).astype(np.int64), np.maximum(opened, close)),
        np.clip(np.rint(low).astype(np.int64), floor, np.minimum(opened, close)),
        close,
    )


def _between(values: Floats, floor: float, ceiling: float) -> Floats:
    """Reflected at both ends, as often as it takes."""
    width = ceiling - floor
    inside: Floats = ceiling - np.abs((values - floor) % (2 * width) - width)
    return inside


def _activity(
    character: Character,
    units: Units,
    noise: Noise,
    start: Ints,
    length: Ints,
    mood: Floats,
    prices: _Prices,
) -> tuple[Ints, Ints]:
    """Trades, and lots by taker side (2, n): growing with the venue, and with the volatility."""
    years = (start - GENESIS) / _YEAR
    growth = 0.05 + 0.95 / (1.0 + np.exp(1.6 * (3.0 - years)))
    share, busy, *_ = noise.lanes(_SHARE_TOPIC, start)
    minutes = length // MINUTE
    trades = np.rint(character.trades * minutes * np.sqrt(growth) * np.exp(0.4 * mood))
    trades = np.maximum(trades.astype(np.int64), (QUIET + 1) * minutes)
    amount = character.quote_volume * length / DAY * growth * np.exp(1.3 * mood + busy - 0.5)
    lots = amount / (units.cent * prices.close)
    lots = np.minimum(lots, LARGEST / prices.high)
    buys = lots * (0.48 + 0.04 * share)
    volume = np.rint(np.stack((buys, lots - buys))).astype(np.int64)
    return trades, np.maximum(volume, 2 * LOTS * trades)


def _quote(prices: _Prices, volume: Ints, noise: Noise, start: Ints) -> Ints:
    """Quote amounts by taker side (2, n): a mean price about the middle."""
    luck = noise.lanes(_SHARE_TOPIC, start)[2]
    span = prices.high - prices.low
    mean = (prices.open + prices.close) * 0.5 + (luck - 0.5) * 0.2 * span
    quote = np.rint(volume * mean).astype(np.int64)
    return np.clip(
        quote,
        lowest_quote(prices.low, prices.high, volume),
        highest_quote(prices.low, prices.high, volume),
    )
