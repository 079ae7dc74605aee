"""The loop as written, as compiled, and the way without a compiler: the same bits."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as draw
from hypothesis.extra.numpy import arrays

from trading_system.strategies import kernels
from trading_system.strategies.detect import example_frame
from trading_system.strategies.kernels import Kernel
from trading_system.strategies.registry import BUILT_IN

prices = arrays(np.float64, draw.integers(0, 80), elements=draw.floats(0, 1e6, width=32))
periods = draw.integers(1, 20)


def same(kernel, arguments, out):
    """Each way fills a place of its own with the same, and answers the same."""
    results = []
    for way in (kernel.loop, kernel.plain, kernel.fastest):
        place = np.full_like(out, 7)
        answer = way(*arguments, place)
        results.append((answer, place.tobytes()))
    assert results[0] == results[1] == results[2]
    return np.frombuffer(results[0][1], out.dtype)


def totals_of(values, scale=100.0):
    totals = np.empty(len(values) + 1, np.int64)
    kernels.count.plain(values, scale, totals)
    return totals


@settings(deadline=None)
@given(values=prices)
def test_counting(values):
    totals = same(kernels.count, (values, 100.0), np.empty(len(values) + 1, np.int64))
    assert totals[-1] == sum(round(value * 100.0) for value in values.tolist())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**62, -(2.0**62)])
def test_what_cannot_be_counted_is_told_by_all(bad):
    values = np.array([1.0, bad, 1.0])
    for way in (kernels.count.loop, kernels.count.plain, kernels.count.fastest):
        assert way(values, 1.0, np.empty(4, np.int64)) == np.inf
    for way in (kernels.cross.loop, kernels.cross.plain, kernels.cross.fastest):
        assert way(values, 1.0, 1, 2, 0, np.empty(9, np.int64), np.empty(3, np.int8)) == np.inf


@settings(deadline=None)
@given(values=prices, fast=periods, more=periods, below=draw.sampled_from([0, -1]))
def test_ordering(values, fast, more, below):
    out = np.empty(len(values), np.int8)
    signs = same(kernels.order, (totals_of(values), fast, fast + more, below), out)
    scratch = np.empty(fast + more + 17, np.int64)  # 16 values at once
    crossed = same(kernels.cross, (values, 100.0, fast, fast + more, below, scratch), out)
    assert crossed.tobytes() == signs.tobytes()


@settings(deadline=None)
@given(values=prices, seed=draw.floats(0, 1e6), period=draw.integers(1, 500))
def test_smoothing(values, seed, period):
    same(kernels.smooth, (values, seed, 2.0 / (period + 1)), np.empty(len(values)))


@settings(deadline=None)
@given(values=prices, period=periods)
def test_squaring(values, period):
    windows = max(len(values) - period + 1, 0)
    means = np.array([values[i : i + period].mean() for i in range(windows)])
    same(kernels.square, (values, means, period), np.empty(windows))


@settings(deadline=None)
@given(bars=draw.integers(0, 50), data=draw.data())
def test_holding(bars, data):
    masks = arrays(bool, bars)
    enter, leave = data.draw(masks), data.draw(masks)
    out = same(kernels.hold, (enter, leave), np.empty(bars))
    assert out[enter].all()
    assert not out[leave & ~enter].any()


@settings(deadline=None)
@given(path=arrays(np.float64, draw.integers(0, 50), elements=draw.integers(5, 25)))
def test_filling(path):
    prices = np.array([10.0, 12.0, 15.0, 20.0])
    out = same(kernels.fill, (prices, path), np.empty(len(path), np.int64))
    assert np.all(out[path <= 10] == 3)
    assert np.all(out[path >= 20] == 0)


def test_nothing_is_compiled_without_the_compiler(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)  # an import that fails
    kernel = Kernel(lambda: "loop", lambda: "plain")
    assert kernel() == "plain"


def test_the_compiled_loop_is_used_where_it_can_be():
    assert type(kernels.smooth.fastest).__name__ == "CPUDispatcher"


WITHOUT = """
import sys
sys.modules["numba"] = None
import hashlib
from trading_system.strategies.detect import example_frame
from trading_system.strategies.registry import BUILT_IN
frame = example_frame(bars=3000, seed=4)
for kind in BUILT_IN:
    print(hashlib.sha256(kind().targets(frame).tobytes()).hexdigest())
"""


def test_every_strategy_gives_the_same_bits_without_numba():
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    frame = example_frame(bars=3_000, seed=4)
    ours = [hashlib.sha256(kind().targets(frame).tobytes()).hexdigest() for kind in BUILT_IN]
    assert answer.stdout.split() == ours


def test_numba_is_not_loaded_before_it_is_needed():
    code = "import sys, trading_system.strategies.registry; print('numba' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
