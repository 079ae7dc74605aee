"""The levels of the cascade, and what every candle promises so that it can be split further.

* At least QUIET trades a minute, and at least LOTS lots a trade on either taker side.
* On either taker side the mean price keeps off low and high by 1/INSET of the range.
* Open and close lie between low and high.

Together they leave the tape enough trades and lots to touch open, high, low and close exactly.
"""

from __future__ import annotations

from itertools import pairwise

from trading_system.simulator.seeded.noise import Ints

MINUTE = 60_000
DAY = 1440 * MINUTE

LENGTHS = (64 * DAY, DAY, 120 * MINUTE, 15 * MINUTE, MINUTE)
"""Candle lengths from block to minute, aligned to the epoch; few children keep pages cheap."""

FANOUT = tuple(longer // shorter for longer, shorter in pairwise(LENGTHS))

QUIET = 8
LOTS = 4
INSET = 16
_INSET_BITS = 4  # shifting is several times faster than dividing


def lowest_quote(low: Ints, high: Ints, volume: Ints) -> Ints:
    """The least quote amount that keeps the mean price off the low, as promised."""
    least: Ints = low * volume + ((high - low) * volume >> _INSET_BITS)
    return least


def highest_quote(low: Ints, high: Ints, volume: Ints) -> Ints:
    """The greatest quote amount that keeps the mean price off the high."""
    most: Ints = high * volume - ((high - low) * volume >> _INSET_BITS)
    return most
