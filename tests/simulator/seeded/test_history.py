from itertools import pairwise

import numpy as np
import pytest

from tests.simulator.seeded.markets import LISTED
from trading_system.simulator.catalogue import character_of
from trading_system.simulator.seeded.candles import Candles, joined
from trading_system.simulator.seeded.history import GENESIS, HORIZON, Origin, history
from trading_system.simulator.seeded.levels import INSET, LENGTHS, LOTS, MINUTE, QUIET
from trading_system.simulator.seeded.noise import Noise
from trading_system.simulator.seeded.units import Units

TODAY = 1_767_225_600_000
ODD_MINUTE = 1_709_212_620_000  # 2024-02-29 13:17


def roots(symbol: str = "BTCUSDT", seed: int = 7, origin: Origin | None = None) -> list[Candles]:
    rules = LISTED[symbol]
    units = Units.of(rules, character_of(rules))
    return history(origin or Origin(), character_of(rules), units, Noise(seed, symbol))


@pytest.mark.parametrize("start", [GENESIS, ODD_MINUTE, HORIZON - MINUTE, HORIZON + MINUTE])
def test_candles_fill_the_time_from_the_start_on(start):
    levels = roots(origin=Origin(start=start, price=4_000))
    spans = sorted(
        (int(open_time), int(open_time) + length)
        for level, length in zip(levels, LENGTHS, strict=True)
        for open_time in level.start
    )
    assert spans[0][0] == start
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert spans[-1][1] >= HORIZON


@pytest.mark.parametrize("symbol", LISTED)
def test_every_candle_continues_the_one_before_and_keeps_the_promises(symbol):
    levels = roots(symbol)
    whole = joined(levels)
    minutes = np.concatenate(
        [
            np.full(level.count, length // MINUTE)
            for level, length in zip(levels, LENGTHS, strict=True)
        ]
    )[np.concatenate([level.start for level in levels]).argsort()]
    span = whole.high - whole.low
    assert (whole.open[1:] == whole.close[:-1]).all()
    assert (whole.first_id[1:] == whole.end_id()[:-1]).all()
    assert (whole.trades >= QUIET * minutes).all()
    assert (whole.volume >= LOTS * whole.trades).all()
    assert (whole.quote - whole.low * whole.volume >= span * whole.volume // INSET).all()
    assert (whole.high * whole.volume - whole.quote >= span * whole.volume // INSET).all()
    assert (whole.low > 100).all()
    assert float(whole.quote.sum(axis=0).max()) < 2**62


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHBTC", "ADAUSDT"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_price_of_today_is_of_the_size_one_knows(symbol, seed):
    whole = joined(roots(symbol, seed))
    price = whole.close[whole.start.searchsorted(TODAY) - 1] * float(LISTED[symbol].tick_size)
    assert 0.5 < price / character_of(LISTED[symbol]).price < 2


def test_the_venue_grew():
    whole = joined(roots())
    early, late = whole.start < GENESIS + 64 * 86_400_000, whole.start > TODAY
    days = np.where(whole.start < GENESIS + 20 * 86_400_000, 1, 64)
    amount = whole.quote.sum(axis=0) / days
    assert amount[late].mean() > 5 * amount[early].mean()


def test_a_path_begins_where_it_is_told_to():
    whole = joined(roots(origin=Origin(start=ODD_MINUTE, price=6_123_456, first_id=99)))
    assert (whole.start[0], whole.open[0], whole.first_id[0]) == (ODD_MINUTE, 6_123_456, 99)


@pytest.mark.parametrize("price", [1, 5, 300, 10**9])
def test_it_may_begin_at_a_price_no_seeded_pair_has(price):
    whole = joined(roots(origin=Origin(start=ODD_MINUTE, price=price)))
    assert whole.low.min() >= 1
    assert whole.high.max() < 1 << 40


def test_a_path_that_begins_within_a_minute_is_refused():
    with pytest.raises(ValueError, match="whole minute"):
        roots(origin=Origin(start=GENESIS + 1, price=5_000))
