from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from trading_system.domain.candles import MINUTE, Candle
from trading_system.frames import Frame

ROWS = [Candle(0, 1.0, 4.0, 0.5, 2.0, 10.0), Candle(MINUTE, 2.0, 3.0, 1.5, 2.5, 0.1)]


def test_a_frame_holds_the_candles_columns():
    frame = Frame.from_candles(ROWS)
    assert len(frame) == 2
    assert frame.open_time.tolist() == [0, MINUTE]
    for name in ("open", "high", "low", "close", "volume"):
        assert getattr(frame, name).tolist() == [getattr(row, name) for row in ROWS]


def test_no_candles_make_an_empty_frame():
    assert len(Frame.from_candles([])) == 0


def test_columns_are_read_only_and_independent_of_their_source():
    source = np.array(ROWS, dtype=np.float64)
    frame = Frame.from_array(source)
    source[:] = 0
    assert frame.close.tolist() == [2.0, 2.5]
    with pytest.raises(ValueError, match="read-only"):
        frame.close[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        frame.open_time[0] = 1


def test_a_source_already_laid_out_by_column_is_copied_too():
    source = np.asfortranarray(np.array(ROWS, dtype=np.float64))
    frame = Frame.from_array(source)
    source[:] = 0
    assert frame.high.tolist() == [4.0, 3.0]


def test_decimals_do_not_slip_in():
    rows = np.array([[Decimal(value) for value in ROWS[0]]], dtype=object)
    with pytest.raises(TypeError, match="float64"):
        Frame.from_array(rows)


@pytest.mark.parametrize("shape", [(6,), (2, 5), (2, 6, 1)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        Frame.from_array(np.zeros(shape))


@pytest.mark.parametrize("times", [(MINUTE, 0), (0, 0)])
def test_open_times_must_ascend(times):
    rows = np.zeros((2, 6))
    rows[:, 0] = times
    with pytest.raises(ValueError, match="ascend"):
        Frame.from_array(rows)
