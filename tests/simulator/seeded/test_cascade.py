import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.seeded.markets import candle, parents
from trading_system.simulator.seeded.candles import Candles, folded
from trading_system.simulator.seeded.cascade import _ranges, split
from trading_system.simulator.seeded.levels import (
    FANOUT,
    INSET,
    LENGTHS,
    LOTS,
    MINUTE,
    QUIET,
)
from trading_system.simulator.seeded.noise import Noise
from trading_system.simulator.seeded.walk import Reach


def keeps_its_promises(candles: Candles, level: int) -> bool:
    span = candles.high - candles.low
    return bool(
        (candles.low > 0).all()
        and (candles.low <= np.minimum(candles.open, candles.close)).all()
        and (candles.high >= np.maximum(candles.open, candles.close)).all()
        and (candles.trades >= QUIET * LENGTHS[level] // MINUTE).all()
        and (candles.volume >= LOTS * candles.trades).all()
        and (candles.quote - candles.low * candles.volume >= span * candles.volume // INSET).all()
        and (candles.high * candles.volume - candles.quote >= span * candles.volume // INSET).all()
    )


@pytest.mark.parametrize("level", range(1, len(LENGTHS)))
@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 1 << 62))
def test_children_fold_back_into_their_parent_and_promise_what_it_did(level, data, seed):
    parent = data.draw(parents(level))
    children = split(parent, level, Noise(seed, "X"))
    assert children.count == FANOUT[level - 1]
    assert (folded(children, parent.start).table == parent.table).all()
    assert (children.open[1:] == children.close[:-1]).all()
    assert (children.first_id[1:] == children.end_id()[:-1]).all()
    assert (np.diff(children.start) == LENGTHS[level]).all()
    assert keeps_its_promises(children, level)


@settings(max_examples=30)
@given(data=st.data())
def test_many_candles_split_together_as_each_would_alone(data):
    noise = Noise(1, "X")
    several = [data.draw(parents(3)) for _ in range(data.draw(st.integers(2, 7)))]
    together = split(Candles(np.concatenate([one.table for one in several], axis=1)), 3, noise)
    alone = np.concatenate([split(one, 3, noise).table for one in several], axis=1)
    assert (together.table == alone).all()


def test_a_mean_that_floats_cannot_tell_from_a_whole_tick_is_inside_all_the_same():
    price, lots = 9_000_000, 20_000_000_000
    parent = candle(
        start=0,
        first_id=1,
        open=price,
        high=price + 5,
        low=price - 5,
        close=price,
        trades=200,
        volume=[lots, lots],
        quote=[price * lots - 1, price * lots],
    )
    flat = Reach(np.array([[price]]), np.array([[price]]))
    assert (price * lots - 1) / lots == price
    low, _ = _ranges(parent, flat, parent.volume[:, :, None], parent.quote[:, :, None])
    assert low[0, 0] < price
