"""What holds for every strategy that comes with the program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw

from trading_system.frames import Frame
from trading_system.strategies.base import first, lines_of, parameters
from trading_system.strategies.detect import example_frame
from trading_system.strategies.grid import Grid, Spacing
from trading_system.strategies.registry import BUILT_IN

COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
DEFAULTS = [kind() for kind in BUILT_IN]
SHORT = [kind(short=True) for kind in BUILT_IN if "short" in {p.name for p in parameters(kind)}]
GRIDS = [
    Grid(low=80.0, high=125.0, spacing=Spacing.GEOMETRIC),
    Grid(atr_period=30, atr_width=60.0, levels=60),
]
ALL = pytest.mark.parametrize("strategy", [*DEFAULTS, *SHORT, *GRIDS], ids=str)

frames = draw.builds(example_frame, bars=draw.integers(0, 400), seed=draw.integers(0, 2**32))


@ALL
@settings(max_examples=25, deadline=None)
@given(frame=frames, data=draw.data())
def test_targets_of_the_first_bars_are_the_first_targets(strategy, frame, data):
    bars = data.draw(draw.integers(0, len(frame)))
    whole, part = strategy.targets(frame), strategy.targets(first(frame, bars))
    assert whole[:bars].tobytes() == part.tobytes()


@ALL
@settings(max_examples=25, deadline=None)
@given(frame=frames)
def test_targets_are_exposures_one_a_bar(strategy, frame):
    targets = strategy.targets(frame)
    assert targets.shape == (len(frame),)
    assert targets.dtype in {np.dtype(np.float64), np.dtype(np.int8)}
    assert np.all(np.abs(targets) <= 1.0)


@ALL
@settings(max_examples=10, deadline=None)
@given(frame=frames, data=draw.data())
def test_the_lines_it_decides_by_do_not_look_ahead_either(strategy, frame, data):
    bars = data.draw(draw.integers(0, len(frame)))
    whole, part = lines_of(strategy, frame), lines_of(strategy, first(frame, bars))
    assert whole.keys() == part.keys()
    assert bool(whole) == (not isinstance(strategy, Grid))
    for name, line in whole.items():
        assert line.shape == (len(frame),)
        assert line[:bars].tobytes() == part[name].tobytes()


@ALL
def test_targets_of_recorded_candles_do_not_look_ahead(strategy, recorded):
    if strategy in GRIDS:
        strategy = replace(strategy, low=0.0, high=0.0)
    whole = strategy.targets(recorded)
    for bars in np.random.default_rng(1).integers(1, len(recorded), 5):
        assert whole[:bars].tobytes() == strategy.targets(first(recorded, int(bars))).tobytes()


@ALL
def test_every_strategy_trades(strategy):
    """Otherwise all the laws above would hold for nothing."""
    targets = strategy.targets(example_frame(bars=2_000, seed=5))
    assert len(np.flatnonzero(np.diff(targets))) > 10
    assert (targets.min() < 0) == (strategy in SHORT)
    assert targets.max() > 0


@ALL
def test_nothing_is_wanted_before_the_warmup_is_over(strategy):
    """Averages that are still settling may say something a little earlier, but never at once."""
    if strategy.warmup:
        assert not strategy.targets(example_frame(bars=strategy.warmup, seed=5))[:1].any()


@pytest.mark.parametrize("strategy", [s for s in [*DEFAULTS, *SHORT] if s != Grid()], ids=str)
def test_the_warmup_is_enough(strategy):
    """From another start on, the targets soon are the same; a grid begins where it begins."""
    frame = example_frame(bars=3_000, seed=8)
    late = Frame(**{name: getattr(frame, name)[500:] for name in COLUMNS})
    long, short = strategy.targets(frame)[500:], strategy.targets(late)
    settled = strategy.warmup + 1_000  # positions held across the other start have ended by then
    assert long[settled:].tolist() == short[settled:].tolist()
