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
from trading_system.backtest import engine, kernels, records
from trading_system.backtest.playback import play
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
    assert compiled.count("Metrics") == 13
    assert printed(NUMBA_DISABLE_JIT="1") == compiled


@settings(deadline=None, max_examples=30)
@given(rules=RULES, seed=st.integers(0, 2**32), rows=st.integers(4, 40))
def test_it_does_not_matter_how_many_rows_are_written_at_a_time(rules, seed, rows):
    rng = np.random.default_rng(seed)
    frame, targets = random_frame(rng, 600, 0.02), random_targets(rng, 600, 0.3)
    bars, packed, places = engine.after(frame, 0), records.packed(rules), kernels.no_places()

    def advance(account, fills, trades, tally):
        state = (packed, account, places, fills, trades, tally)
        return kernels.simulate(bars, targets, *state) == kernels.FULL

    few, many = (play(advance, bars[3], rules.capital, rows=r, keep=True) for r in (rows, 4_096))
    assert few.fills.tobytes() == many.fills.tobytes()
    assert few.trades.tobytes() == many.trades.tobytes()
    assert few.tally.tobytes() == many.tally.tobytes()
    assert few.curve.tobytes() == many.curve.tobytes()
