from __future__ import annotations

import dataclasses
import math

import pytest

from tests.research.questions import history, record
from trading_system.backtest.rules import FillRule
from trading_system.research.wording import Unit, figures, question, text
from trading_system.strategies.grid import Grid
from trading_system.strategies.sma_cross import SmaCross


@pytest.mark.parametrize(
    ("unit", "value", "told"),
    [
        (Unit.SHARE, 0.12345, "12.35%"),
        (Unit.RATIO, 1234.567, "1,234.57"),
        (Unit.COUNT, 1234.0, "1,234"),
        (Unit.BARS, 576, "576 bars"),
        (Unit.MONEY, -6.033, "-6.03"),
        (Unit.MONEY, math.nan, "–"),
        (Unit.RATIO, math.inf, "∞"),
        (Unit.RATIO, -math.inf, "-∞"),
    ],
)
def test_a_figure_is_written_as_people_read_it(unit, value, told):
    assert text(unit, value) == told


def test_holding_stands_beside_what_it_has_too():
    kept = record()
    lines = {line.label: line for line in figures(kept.metrics, kept.holding)}
    assert lines["Total return"].holding == f"{kept.holding['total_return']:.2%}"
    assert lines["Trades"].holding == ""
    low, high = kept.metrics["sharpe_low"], kept.metrics["sharpe_high"]
    assert lines["Sharpe of days, 95 %"].strategy == f"{low:.2f} .. {high:.2f}"


def test_an_interval_that_does_not_exist_is_a_dash():
    idle = record(capital=1.0, min_notional=100.0)
    lines = {line.label: line.strategy for line in figures(idle.metrics, idle.holding)}
    assert lines["Sharpe of days, 95 %"] == "–"


@pytest.mark.parametrize(
    ("wanted", "allowed", "told"),
    [
        (False, False, "long only"),
        (True, False, "long only: the rule short is off"),
        (True, True, "long and short"),
    ],
)
def test_a_wish_to_go_short_that_the_rules_refuse_is_told(wanted, allowed, told):
    strategy = SmaCross(fast=5, slow=50, short=wanted)
    assert dict(question(record(strategy, short=allowed)))["Sides"] == told


def test_every_rule_that_was_set_is_told():
    kept = record(
        slippage_bps=2.0,
        spread_bps=1.5,
        impact=0.1,
        fill=FillRule.CLOSE,
        lot_step=0.001,
        min_notional=10.0,
        stop_loss=0.02,
        trailing_stop=0.05,
        short=True,
    )
    told = dict(question(dataclasses.replace(kept, data=kept.data | {"missing": 3})))
    assert told["Costs"] == "slippage 2 bps, spread 1.5 bps, impact 0.1"
    assert told["Stops"] == "stop loss 2.00%, trailing stop 5.00%"
    assert told["Orders"] == "multiples of 0.001, worth 10 or more"
    assert told["Fills"] == "close, compounding"
    assert told["Sides"] == "long and short"
    assert told["Candles"] == "1,464 and 49 before, 3 missing"


def test_a_grid_has_no_rules_that_it_does_not_keep():
    kept = record(Grid(low=50.0, high=150.0), history(100))
    told = dict(question(kept))
    assert told["Fills"] == "at the grid's own prices"
    assert not {"Stops", "Sides", "Orders"} & set(told)


def test_rules_at_rest_are_short():
    kept = record()
    told = dict(question(kept))
    words = (told["Costs"], told["Stops"], told["Orders"])
    assert words == ("no slippage", "none", "of any size")
