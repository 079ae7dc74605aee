"""The compiled loops against a slow, obvious reference, on frames, targets and rules at random."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backtest.made_up import random_frame, random_targets
from tests.backtest.reference import Reference
from trading_system.backtest import engine, kernels
from trading_system.backtest.records import Reason
from trading_system.backtest.rules import FillRule, Rules, Sizing


def shares(*values):
    return st.sampled_from((0.0, *values))


RULES = st.builds(
    Rules,
    capital=st.sampled_from((100.0, 10_000.0)),
    fee_taker=shares(0.001, 0.05),
    fee_maker=shares(0.0005),
    slippage_bps=shares(5.0),
    spread_bps=shares(8.0),
    impact=shares(0.1),
    fill=st.sampled_from(FillRule),
    sizing=st.sampled_from(Sizing),
    lot_step=shares(0.1, 0.003),
    min_notional=shares(10.0, 60.0),
    stop_loss=shares(0.02, 0.1),
    take_profit=shares(0.03, 0.2),
    trailing_stop=shares(0.02, 0.1),
    short=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(
    rules=RULES,
    seed=st.integers(0, 2**32),
    count=st.sampled_from((1, 2, 40, 512, 700, 1100)),
    swing=st.sampled_from((0.002, 0.02, 0.3)),
    change=st.sampled_from((0.01, 0.2, 1.0)),
)
def test_the_kernel_does_what_the_rules_say_to_the_last_bit(rules, seed, count, swing, change):
    rng = np.random.default_rng(seed)
    frame, targets = random_frame(rng, count, swing), random_targets(rng, count, change)
    result = engine.run(frame, targets, rules, "1h")
    expected = Reference(frame, targets, rules)
    names = [reason.name.lower() for reason in Reason]
    fills = [(f.bar, names[f.reason], f.quantity, f.price, f.fee) for f in result.fills]
    trades = [(*list(t)[:-1], names[t.reason]) for t in result.trades]
    assert fills == expected.fills
    assert trades == expected.trades
    assert result.equity.tolist() == expected.equity


@settings(deadline=None, max_examples=50)
@given(rules=RULES, seed=st.integers(0, 2**32), swing=st.sampled_from((0.002, 0.3)))
def test_a_summary_equals_the_full_run_to_the_last_bit(rules, seed, swing):
    rng = np.random.default_rng(seed)
    frame, targets = random_frame(rng, 1300, swing), random_targets(rng, 1300, 0.1)
    full = engine.run(frame, targets, rules, "1h").metrics
    assert repr(engine.summarize(frame, targets, rules, "1h")) == repr(full)


def test_compiled_loops_do_what_python_does_to_the_last_bit():
    """The compiler may not reorder a sum; without it every line is seen by the coverage, too."""

    def printed(**environment):
        return subprocess.run(
            [sys.executable, "-m", "tests.backtest.uncompiled"],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | environment,
        ).stdout

    compiled = printed()
    assert compiled.count("Metrics") == 14
    assert printed(NUMBA_DISABLE_JIT="1") == compiled


@settings(deadline=None, max_examples=30)
@given(rules=RULES, seed=st.integers(0, 2**32), at_once=st.integers(kernels.ROOM, 2 * kernels.ROOM))
def test_it_does_not_matter_how_many_decisions_are_taken_at_a_time(rules, seed, at_once):
    rng = np.random.default_rng(seed)
    frame, targets = random_frame(rng, 900, 0.02), random_targets(rng, 900, 0.3)
    few, many = (
        engine.play_targets(frame, targets, rules, 0, keep=True, at_once=count)
        for count in (at_once, 4_096)
    )
    assert few.fills.tobytes() == many.fills.tobytes()
    assert repr(few.tally) == repr(many.tally)
    assert repr(few.curve) == repr(many.curve)


@settings(deadline=None, max_examples=30)
@given(rules=RULES, seed=st.integers(0, 2**32), change=st.sampled_from((0.01, 0.3)))
def test_whole_targets_are_played_to_the_same_bits_as_those_in_floats(rules, seed, change):
    rng = np.random.default_rng(seed)
    frame, targets = random_frame(rng, 600, 0.02), np.sign(random_targets(rng, 600, change))
    floats = engine.run(frame, targets, rules, "1h")
    whole = engine.run(frame, targets.astype(np.int8), rules, "1h")
    assert whole.fills.tobytes() == floats.fills.tobytes()
    assert repr(whole.metrics) == repr(floats.metrics)
