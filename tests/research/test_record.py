from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tests.research.questions import STRATEGY, configuration, history, record
from trading_system.backtest import engine, grid
from trading_system.backtest.rules import Rules
from trading_system.domain.errors import InvalidRequest
from trading_system.research.playing import play
from trading_system.research.record import Record, canonical, number
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.strategies.sma_cross import SmaCross


@pytest.fixture(scope="module")
def kept():
    return record()


def test_a_record_survives_json_to_the_last_bit(kept):
    again = Record.from_json(json.loads(canonical(kept.to_json())))
    assert again == kept
    assert again.is_whole


def test_the_same_question_is_the_same_run(kept):
    assert record() == kept


@pytest.mark.parametrize(
    "other",
    [
        {"strategy": SmaCross(fast=6, slow=50)},
        {"fee_taker": 0.002},
        {"short": True},
        {"over": history(digest="e" * 64)},
        {"over": history(count=1000)},
    ],
)
def test_another_question_is_another_run(kept, other):
    assert record(**other).run_id != kept.run_id


def test_a_question_changed_by_hand_is_noticed(kept):
    members = kept.to_json()
    for name in ("code", "configuration", "data"):
        other = Record.from_json(members | {name: members[name] | {"x": 1}})
        assert not other.is_whole
    assert not Record.from_json(members | {"engine": "another"}).is_whole


def test_figures_are_those_of_the_engine(kept):
    candles = history()
    result = play(SmaCross(fast=5, slow=50), candles, Rules())
    assert kept.metrics["sharpe"] == result.metrics.sharpe
    assert (kept.metrics["sharpe_low"], kept.metrics["sharpe_high"]) == result.sharpe_interval
    assert kept.metrics["final_equity"] == result.equity[-1]
    assert kept.trades["pnl"] == result.trades.pnl.tolist()
    assert kept.trades["entry_time"] == result.open_time[result.trades.entry_bar].tolist()
    assert set(kept.trades["side"]) == {"long"}
    assert set(kept.trades["reason"]) <= {"signal", "open"}
    assert kept.data == {"digest": "d" * 64, "bars": len(result.close), "warmup": 49, "missing": 0}


def test_what_does_not_exist_is_null_and_what_has_no_end_is_told():
    flat = record(SmaCross(fast=5, slow=50), history(60), capital=1.0, min_notional=100.0)
    assert flat.metrics["trades"] == 0
    assert flat.metrics["win_rate"] is None
    assert math.isnan(number(None))
    assert number("inf") == math.inf
    assert number("-inf") == -math.inf
    assert number(1) == 1.0
    rising = history(100, warmup=0, prices=np.linspace(100, 200, 100))
    result = play(Broken(np.repeat([1.0, 0.0], 50)), rising, Rules())
    won = Record.of(result, STRATEGY, configuration(over=rising), rising)
    assert won.metrics["profit_factor"] == "inf"


def test_ruin_can_be_kept():
    rising = history(100, warmup=0, prices=np.linspace(100, 400, 100))
    result = play(Broken(np.full(100, -1.0)), rising, Rules(short=True))
    kept = Record.of(result, STRATEGY, configuration(over=rising, short=True), rising)
    assert kept.metrics["total_return"] < -1.0  # the fee of the way out is owed
    assert kept.curve["exposure"][-1] == 0.0
    assert kept.trades["reason"] == ["ruin"]
    assert Record.from_json(json.loads(canonical(kept.to_json()))) == kept


def test_what_is_no_record_is_told(kept):
    with pytest.raises(InvalidRequest, match="no result of a backtest"):
        Record.from_json(kept.to_json() | {"more": 1})


def test_a_grid_is_played_order_by_order():
    strategy = build(Grid, {"quantity": "1", "levels": "5"})
    candles = history(500, warmup=strategy.warmup)
    made = record(strategy, candles, capital=1_000_000.0)
    levels = strategy.prices(candles.frame)
    direct = grid.run(candles.frame, levels, 1.0, Rules(capital=1e6), "1h", warmup=candles.warmup)
    assert made.engine == "grid"
    assert made.metrics["fees"] == direct.metrics.fees
    assert made.trades["exit_price"] == direct.trades.exit_price.tolist()


@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        ({"stop_loss": 0.1}, "stop_loss"),
        ({"short": True}, "short"),
        ({"lot_step": 0.1}, "lot_step"),
    ],
)
def test_a_rule_that_a_grid_would_not_keep_is_refused(rules, left_out):
    strategy = build(Grid, {"low": "50", "high": "150", "quantity": "1"})
    with pytest.raises(InvalidRequest, match=f"leave out {left_out}"):
        record(strategy, history(100), **rules)


def test_a_range_from_the_atr_needs_its_candles():
    strategy = build(Grid, {"quantity": "1"})
    with pytest.raises(InvalidRequest, match="needs 14 candles before the start, and there are 3"):
        record(strategy, history(100, warmup=3))
    still = history(100, warmup=14, prices=np.full(114, 100.0))
    with pytest.raises(InvalidRequest, match="the price did not move"):
        record(strategy, still)


class Broken:
    name = "broken"
    warmup = 0

    def __init__(self, outcome):
        self.outcome = outcome

    def targets(self, frame):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (KeyError("close"), "broken failed on these candles: KeyError: 'close'"),
        (InvalidRequest("too few candles"), "^too few candles"),
        (np.zeros(3), "as many targets"),
        (np.full(149, np.nan), "is nan, not within"),
    ],
)
def test_a_strategy_that_fails_is_told(outcome, reason):
    with pytest.raises(InvalidRequest, match=reason):
        play(Broken(outcome), history(100), Rules())


def test_candles_before_the_start_warm_the_strategy_up():
    """With them the first bar is decided as in the middle of a longer run."""
    candles, asked = history(), SmaCross(fast=5, slow=50)
    targets = asked.targets(candles.frame)
    assert targets[: candles.warmup].tolist() == [0.0] * candles.warmup
    direct = engine.run(candles.frame, targets, Rules(), "1h", warmup=candles.warmup)
    assert record().metrics["total_return"] == direct.metrics.total_return
    assert configuration().start.timestamp() * 1000 == direct.open_time[0]
