import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.seeded.markets import candle, parents
from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.cascade import split
from trading_system.simulator.seeded.levels import MINUTE
from trading_system.simulator.seeded.noise import Noise
from trading_system.simulator.seeded.tape import _exact, _Trades, aggregated, tape


def minutes_of(quarter: Candles, seed: int) -> Candles:
    return split(quarter, 4, Noise(seed, "X"))


@settings(max_examples=80)
@given(quarter=parents(4), seed=st.integers(0, 1 << 62))
def test_the_trades_of_a_minute_add_up_to_its_candle_exactly(quarter, seed):
    minutes = minutes_of(quarter, seed)
    trades = tape(minutes, Noise(seed, "X"))
    again = aggregated(trades, minutes.start, int(minutes.open[0]), int(minutes.first_id[0]))
    assert (again.table == minutes.table).all()
    assert (trades.quantity > 0).all()
    assert (np.diff(trades.time) >= 0).all()
    assert (trades.id == int(minutes.first_id[0]) + np.arange(len(trades.id))).all()


@settings(max_examples=20)
@given(quarter=parents(4), which=st.integers(0, 14))
def test_a_minute_has_the_same_tape_alone_as_among_others(quarter, which):
    noise = Noise(3, "X")
    minutes = minutes_of(quarter, 3)
    alone = tape(minutes.span(which, which + 1), noise)
    start = int(minutes.start[which])
    among = tape(minutes, noise)
    among = among.take((among.time >= start) & (among.time < start + MINUTE))
    assert all((one == other).all() for one, other in zip(alone, among, strict=True))


def test_a_minute_without_a_range_trades_at_its_one_price():
    minute = candle(
        start=MINUTE,
        first_id=1,
        open=50,
        high=50,
        low=50,
        close=50,
        trades=8,
        volume=[32, 32],
        quote=[1600, 1600],
    )
    trades = tape(minute, Noise(1, "X"))
    assert set(trades.price.tolist()) == {50}
    assert len(trades.id) == 8
    assert trades.quantity.sum() == 64


def test_candles_without_trades_are_flat_at_the_last_price():
    minute = candle(
        start=MINUTE,
        first_id=5,
        open=50,
        high=60,
        low=40,
        close=55,
        trades=8,
        volume=[64, 64],
        quote=[3200, 3200],
    )
    trades = tape(minute, Noise(1, "X"))
    early = aggregated(trades.take(slice(0, 0)), np.array([MINUTE, MINUTE + 1]), 50, 5)
    assert early.table[2:6].tolist() == [[50, 50]] * 4
    assert early.trades.tolist() == [0, 0]
    late = aggregated(trades, np.array([MINUTE, 2 * MINUTE]), 50, 5)
    assert late.close.tolist() == [55, 55]
    assert late.volume.tolist() == [[64, 0], [64, 0]]
    assert late.first_id.tolist() == [5, 13]


def test_what_one_tick_for_everybody_cannot_make_up_goes_up_to_the_high():
    """So rare that it is made by hand: all prices a hair above a tick and rounded down to it."""
    columns = (np.array([[[10, 20, 30]]]), np.array([[[50, 50, 54]]]), np.array([[[7, 4, 2]]]))
    for missing in range(7 * 5 + 4 * 5 + 2 * 1 + 1):
        trades = _exact(
            _Trades(*(column.copy() for column in columns)),
            np.array([[[missing]]]),
            np.array([[[55]]]),
        )
        assert trades.quantity.sum() == 13
        assert (trades.quantity > 0).all()
        assert trades.quantity.shape[2] == 4
        assert (trades.price * trades.quantity).sum() == 7 * 50 + 4 * 50 + 2 * 54 + missing
        assert trades.price.max() <= 55
