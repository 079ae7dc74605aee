"""Does a strategy keep what it promises; above all, does it look at candles still to come.

It is asked about the same candles with another future: none, a shuffled one, a scaled one. What it
said about the past must not change. A strategy that is not caught is not proven, only tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import MINUTE
from trading_system.frames import Column, Frame
from trading_system.strategies.base import Strategy, Targets, first

_CUTS = 24
_KINDS = (np.float64, np.int8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong; `bar` is the first one it can be seen at, None where it is about none."""

    problem: str
    bar: int | None = None

    def __str__(self) -> str:
        return self.problem if self.bar is None else f"bar {self.bar}: {self.problem}"


def examine(strategy: Strategy, frame: Frame, *, seed: int = 0) -> Finding | None:
    """The first promise that is broken, to answer at all being one; None when all are kept."""
    try:
        return misshapen(strategy, frame) or look_ahead(strategy, frame, seed=seed)
    except Exception as error:  # noqa: BLE001 -- somebody else's code: whatever it raises is found
        return Finding(problem=f"raises {type(error).__name__}: {error}")


def misshapen(strategy: Strategy, frame: Frame) -> Finding | None:
    """Targets of another shape or type, out of [-1, 1], or not the same twice; None if well."""
    targets = strategy.targets(frame)
    if not isinstance(targets, np.ndarray) or targets.dtype not in _KINDS:
        return Finding(problem=f"targets are an array of float64, not {_described(targets)}")
    if targets.shape != (len(frame),):
        return Finding(problem=f"targets have the shape {targets.shape}, not ({len(frame)},)")
    outside = np.flatnonzero(~((targets >= -1.0) & (targets <= 1.0)))  # NaN is outside too
    if len(outside):
        bar = int(outside[0])
        return Finding(problem=f"target {targets[bar]} is not in [-1, 1]", bar=bar)
    return _changed(targets, strategy.targets(frame), "the same candles gave {} and then {}")


def look_ahead(strategy: Strategy, frame: Frame, *, seed: int = 0) -> Finding | None:
    """The first bar whose target depends on bars after it; None when no such bar was found.

    The future is cut off, shuffled and scaled, at places that `seed` chooses and at both ends.
    """
    targets = strategy.targets(frame)
    randomness = np.random.default_rng(seed)
    for known in _cuts(len(frame), randomness):
        for future, altered in _futures(frame, known, randomness):
            again = strategy.targets(altered)[:known]
            problem = f"looks ahead: target {{}} became {{}} with the bars after {known - 1} "
            if finding := _changed(targets[:known], again, problem + future):
                return finding
    return None


def example_frame(bars: int = 2_000, seed: int = 0) -> Frame:
    """Made-up minute candles to try a strategy on: calm and wild, with jumps, gaps, standstills."""
    randomness = np.random.default_rng(seed)
    calm = np.repeat(randomness.choice([0.0, 0.0005, 0.003], -(-bars // 50)), 50)[:bars]
    moves = randomness.normal(0.0, 1.0, bars) * calm
    moves += (randomness.random(bars) < 0.01) * randomness.normal(0.0, 0.03, bars)  # noqa: PLR2004 -- one bar in a hundred
    close = np.round(100.0 * np.exp(np.cumsum(moves)), 2)
    gaps = (randomness.random(bars) < 0.05) * randomness.normal(0.0, 0.01, bars)  # noqa: PLR2004 -- one bar in twenty
    opened = np.round(np.concatenate(([100.0], close[:-1]))[:bars] * np.exp(gaps), 2)
    reach = np.round(np.abs(randomness.normal(0.0, 100.0, bars)) * calm, 2)
    high, low = np.maximum(opened, close) + reach, np.minimum(opened, close) - reach
    volume = np.round(randomness.exponential(10.0, bars), 5)
    times = np.arange(bars) * float(MINUTE)
    return Frame.from_array(np.column_stack([times, opened, high, low, close, volume]))


def _cuts(bars: int, randomness: np.random.Generator) -> list[int]:
    """How many bars are known, each time; at least one, and at least one is not."""
    if bars < 2:  # noqa: PLR2004 -- a past and a future
        return []
    chosen = randomness.integers(1, bars, _CUTS)
    return sorted({1, bars - 1, *chosen.tolist()})


def _futures(
    frame: Frame, known: int, randomness: np.random.Generator
) -> Iterator[tuple[str, Frame]]:
    yield "cut off", first(frame, known)
    order = np.arange(len(frame))
    randomness.shuffle(order[known:])
    rows = np.column_stack(
        [frame.open_time, frame.open, frame.high, frame.low, frame.close, frame.volume]
    )
    yield "shuffled", _with_times(frame.open_time, rows[order])
    for factor in (0.1, 10.0):
        scaled = rows.copy()
        scaled[known:, 1:] *= factor
        yield f"times {factor:g}", _with_times(frame.open_time, scaled)


def _with_times(open_time: NDArray[np.int64], rows: Column) -> Frame:
    rows[:, 0] = open_time
    return Frame.from_array(rows)


def _changed(before: Targets, after: Targets, problem: str) -> Finding | None:
    """The first place where targets are not the same bits."""
    if len(before) != len(after) or before.dtype != after.dtype:
        described = (f"{len(each)} bars of {each.dtype}" for each in (before, after))
        return Finding(problem=problem.format(*described))
    bits = np.dtype(f"i{before.itemsize}")
    places = np.flatnonzero(before.view(bits) != after.view(bits))
    if not len(places):
        return None
    bar = int(places[0])
    return Finding(problem=problem.format(before[bar], after[bar]), bar=bar)


def _described(targets: object) -> str:
    kind = type(targets).__name__
    return f"{kind} of {targets.dtype}" if isinstance(targets, np.ndarray) else kind
