from __future__ import annotations

import numpy as np
import pytest
import talib

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.detect import example_frame
from trading_system.strategies.macd import Macd


@pytest.mark.parametrize(("short", "below"), [(False, 0.0), (True, -1.0)])
def test_it_is_long_while_the_line_is_above_its_signal(short, below):
    frame = example_frame(bars=800, seed=1)
    line, signal, _ = talib.MACD(frame.close, 12, 26, 9)
    expected = np.where(line > signal, 1.0, below)
    settled = Macd().warmup + 200  # TA-Lib begins its fast average later
    assert Macd(short=short).targets(frame)[settled:].tolist() == expected[settled:].tolist()


def test_bars_without_a_signal_line_are_flat(bars):
    targets = Macd(fast=1, slow=2, signal=2, short=True).targets(bars(1, 2, 4, 8))
    assert targets.tolist() == [0, 0, 1, 1]


def test_the_warmup_covers_both_averages():
    assert Macd().warmup == 5 * 26 + 5 * 9


def test_fast_must_be_less_than_slow():
    with pytest.raises(InvalidRequest, match="fast=30 must be less than slow=26"):
        Macd(fast=30)
