from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from trading_system.strategies.detect import (
    Finding,
    examine,
    example_frame,
    look_ahead,
    misshapen,
)


@dataclass(frozen=True)
class Rule:
    """A strategy that does what the test says."""

    name: ClassVar[str] = "rule"
    warmup: ClassVar[int] = 0

    decide: object

    def targets(self, frame):
        return self.decide(frame)


def above(column, level):
    return (column > level).astype(float)


def tomorrow(frame):
    """The classic: tonight's position from tomorrow's close."""
    return np.append(above(frame.close[1:], frame.close[:-1]), 0.0)[: len(frame)]


def centred(frame):
    """An average that is centred instead of trailing."""
    return above(np.convolve(frame.close, np.ones(21) / 21, "same"), frame.close)


def normalised(frame):
    """Scaled by the largest price of all."""
    return frame.close / frame.close.max()


def ranked(frame):
    """Only the order of all prices, which scaling the future changes as well."""
    return np.argsort(np.argsort(frame.close)) / len(frame)


def lately_known(frame):
    """It looks at the end of the frame only when there is enough of it."""
    targets = np.zeros(len(frame))
    if len(frame) > 1_900:
        targets[0] = np.sign(frame.close[-1] - 100.0) / 2
    return targets


@pytest.mark.parametrize("decide", [tomorrow, centred, normalised, ranked, lately_known])
def test_what_looks_ahead_is_found(decide):
    finding = look_ahead(Rule(decide), example_frame())
    assert "looks ahead: target" in finding.problem
    assert finding.bar is not None
    assert examine(Rule(decide), example_frame()) == finding


def test_a_future_that_only_counts_once_it_is_extreme_is_found():
    """Cutting it off tells nothing: the frame's own future never gets there."""
    most = example_frame().close.max() * 2

    def afraid(frame):
        return np.full(len(frame), float(frame.close.max() < most))

    finding = look_ahead(Rule(afraid), example_frame())
    assert finding.problem.endswith("times 10")


def test_the_finding_names_the_first_bar_and_what_was_done():
    def last(frame):
        return above(frame.close, frame.close[-1])

    finding = look_ahead(Rule(last), example_frame(bars=2, seed=3))
    assert finding.bar == 0
    assert str(finding).startswith("bar 0: looks ahead: target")
    assert "with the bars after 0 " in finding.problem


@pytest.mark.parametrize(
    "decide",
    [
        lambda frame: np.zeros(len(frame)),
        lambda frame: above(frame.close, frame.open),
        lambda frame: above(np.maximum.accumulate(frame.high), frame.close) / 2,
    ],
)
def test_what_looks_back_only_is_not_accused(decide):
    assert examine(Rule(decide), example_frame()) is None


@pytest.mark.parametrize("bars", [0, 1])
def test_without_a_future_there_is_nothing_to_look_at(bars):
    assert look_ahead(Rule(lambda frame: np.zeros(len(frame))), example_frame(bars=bars)) is None


def seven_more(frame):
    return np.zeros(len(frame) + 7)


def far(frame):
    targets = np.zeros(len(frame))
    targets[3] = -1.5
    return targets


def unknown(frame):
    targets = np.zeros(len(frame))
    targets[4] = np.nan
    return targets


@pytest.mark.parametrize(
    ("decide", "finding"),
    [
        (seven_more, "targets have the shape (17,), not (10,)"),
        (lambda frame: [0.0] * len(frame), "targets are an array of float64, not list"),
        (
            lambda frame: np.zeros(len(frame), bool),
            "targets are an array of float64, not ndarray of bool",
        ),
        (far, "bar 3: target -1.5 is not in [-1, 1]"),
        (unknown, "bar 4: target nan is not in [-1, 1]"),
    ],
)
def test_what_is_no_exposure_is_found(decide, finding):
    assert str(misshapen(Rule(decide), example_frame(bars=10))) == finding


def test_whole_targets_may_be_of_int8_and_are_looked_at_alike():
    frame = example_frame(bars=30)
    last = Rule(lambda frame: np.sign(frame.close - frame.close[-1]).astype(np.int8))
    assert misshapen(last, frame) is None
    assert look_ahead(last, frame) is not None
    finding = misshapen(Rule(lambda frame: np.full(len(frame), -128, np.int8)), frame)
    assert str(finding) == "bar 0: target -128 is not in [-1, 1]"


def test_what_is_of_another_type_for_the_past_is_found():
    def moody(frame):
        return np.zeros(len(frame), np.int8 if len(frame) == 30 else np.float64)

    assert "1 bars of float64" in str(look_ahead(Rule(moody), example_frame(bars=30)))


def test_what_is_not_the_same_twice_is_found():
    calls = iter(np.arange(10) / 10)

    def moody(frame):
        return np.full(len(frame), next(calls))

    finding = examine(Rule(moody), example_frame(bars=10))
    assert str(finding) == "bar 0: the same candles gave 0.0 and then 0.1"


def test_another_number_of_bars_for_the_past_is_found():
    def short(frame):
        return np.zeros(len(frame) if len(frame) == 30 else 1)

    assert "became 1 bars" in str(look_ahead(Rule(short), example_frame(bars=30)))


def test_what_raises_is_found():
    finding = examine(Rule(lambda frame: 1 / 0), example_frame(bars=10))
    assert finding == Finding(problem="raises ZeroDivisionError: division by zero")


def test_the_example_is_a_market():
    frame = example_frame(bars=2_000, seed=1)
    assert np.all(frame.low <= np.minimum(frame.open, frame.close))
    assert np.all(frame.high >= np.maximum(frame.open, frame.close))
    assert np.all(frame.low > 0)
    assert np.any((frame.low[1:] > frame.close[:-1]) | (frame.high[1:] < frame.close[:-1]))
    changes = np.abs(np.diff(np.log(frame.close)))
    assert np.any(changes > 0.02)
    assert np.mean(changes == 0) > 0.1
    assert frame.close.tobytes() == example_frame(bars=2_000, seed=1).close.tobytes()
    assert frame.close.tobytes() != example_frame(bars=2_000, seed=2).close.tobytes()
