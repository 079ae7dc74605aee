from __future__ import annotations

import math

import pytest

from trading_system.backtest.rules import Rules
from trading_system.domain.errors import InvalidRequest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("capital", 0),
        ("capital", math.inf),
        ("capital", math.nan),
        ("fee_taker", -0.1),
        ("fee_maker", 1),
        ("impact", 1),
        ("stop_loss", 1),
        ("stop_loss", math.nan),
        ("trailing_stop", -0.01),
        ("take_profit", -0.01),
        ("lot_step", math.inf),
        ("min_notional", -1),
        ("slippage_bps", -1),
        ("spread_bps", math.nan),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(name, value):
    with pytest.raises(InvalidRequest, match=name):
        Rules(**{name: value})


def test_slippage_that_reaches_the_whole_price_is_refused():
    with pytest.raises(InvalidRequest, match="together"):
        Rules(slippage_bps=6_000, impact=0.4)


def test_half_the_spread_is_paid():
    assert Rules(slippage_bps=3, spread_bps=4).slippage == pytest.approx(0.0005)
