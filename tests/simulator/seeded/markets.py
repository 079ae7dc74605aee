"""What these tests are about: a moment, a listing, and candles that can be split."""

import numpy as np
from hypothesis import strategies as st

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.seeded.candles import Candles, built
from trading_system.simulator.seeded.levels import (
    LENGTHS,
    LOTS,
    MINUTE,
    QUIET,
    highest_quote,
    lowest_quote,
)

NOW = 1_760_000_123_456  # 2025-10-09 08:55:23.456
LISTED = catalogue(60)


def candle(**fields: object) -> Candles:
    """One candle from plain numbers; volume and quote are pairs of taker buys and sells."""
    return built(
        **{
            name: np.array(value, np.int64).reshape(2, 1)
            if name in {"volume", "quote"}
            else np.array([value], np.int64)
            for name, value in fields.items()
        }
    )


@st.composite
def parents(draw, level):
    """A candle of the level above that keeps its promises, just about or with ease."""
    low = draw(st.integers(1, 10_000_000))
    span = draw(st.one_of(st.integers(0, 3), st.integers(0, low)))
    inside = st.integers(low, low + span)
    least = QUIET * LENGTHS[level - 1] // MINUTE
    trades = least + draw(st.one_of(st.just(0), st.integers(0, least * 50)))
    volume = [LOTS * trades + draw(st.one_of(st.just(0), st.integers(0, 10**9))) for _ in range(2)]
    quote = [
        draw(
            st.integers(
                int(lowest_quote(low, low + span, lots)), int(highest_quote(low, low + span, lots))
            )
        )
        for lots in volume
    ]
    return candle(
        start=draw(st.integers(500, 700)) * LENGTHS[level - 1],
        first_id=draw(st.integers(1, 1 << 40)),
        open=draw(inside),
        high=low + span,
        low=low,
        close=draw(inside),
        trades=trades,
        volume=volume,
        quote=quote,
    )
