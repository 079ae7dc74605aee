from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

import numpy as np
import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies import base
from trading_system.strategies.base import assignments, build, parameter, parameters
from trading_system.strategies.detect import example_frame
from trading_system.strategies.ema_cross import EmaCross
from trading_system.strategies.registry import BUILT_IN
from trading_system.strategies.sma_cross import SmaCross
from trading_system.strategies.sums import WindowSums


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Careless:
    """It checks nothing itself."""

    name: ClassVar[str] = "careless"

    bars: int = parameter(5, low=1, high=9, help="Bars.")
    share: float = parameter(0.5, low=0, help="A share.")
    size: Decimal = parameter(Decimal("0.1"), high=2, help="A size.")  # noqa: RUF009 -- a field
    colour: Colour = parameter(Colour.RED, help="A colour.")  # noqa: RUF009 -- a field
    loud: bool = parameter(default=False, help="Loud or not.")

    @property
    def warmup(self):
        return 0

    def targets(self, frame):
        return np.zeros(len(frame))


def test_parameters_tell_name_default_range_and_help():
    told = [(p.name, p.written, p.range, p.help) for p in parameters(Careless)]
    assert told == [
        ("bars", "5", "1..9", "Bars."),
        ("share", "0.5", "0..", "A share."),
        ("size", "0.1", "..2", "A size."),
        ("colour", "red", "red | blue", "A colour."),
        ("loud", "no", "yes | no", "Loud or not."),
    ]


def test_what_is_written_as_the_default_reads_back_as_it():
    for kind in (*BUILT_IN, Careless):
        for each in parameters(kind):
            assert each.parse(each.written) == each.default
            each.check(each.default)


def test_texts_become_values_of_the_parameters_type():
    values = assignments(["bars=7", "share = 1", "size=0.30", "colour=blue", "loud=Yes"])
    built = build(Careless, values)
    assert built == Careless(bars=7, share=1.0, size=Decimal("0.30"), colour=Colour.BLUE, loud=True)
    assert str(built.size) == "0.30"
    assert type(built.share) is float


def test_values_may_be_given_as_what_they_are():
    assert build(Careless, {"bars": 7, "share": 1, "loud": True}).bars == 7
    assert build(Careless, {}) == Careless()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"bar": "7"}, "careless has no parameter 'bar'; it has bars, share, size, colour, loud"),
        ({"bars": "0"}, "bars=0 is out of range: 1..9"),
        ({"bars": "10"}, "bars=10 is out of range: 1..9"),
        ({"bars": "7.5"}, "bars is a whole number, not '7.5'"),
        ({"bars": 7.0}, "bars is a whole number, not '7.0'"),
        ({"bars": True}, "bars is a whole number, not 'True'"),
        ({"share": "much"}, "share is a number, not 'much'"),
        ({"share": "nan"}, "share=nan is out of range: 0.."),
        ({"share": "inf"}, "share=inf is out of range: 0.."),
        ({"share": None}, "share is a number, not 'None'"),
        ({"size": "x"}, "size is a number, not 'x'"),
        ({"size": 0.1}, "size is a number, not '0.1'"),
        ({"size": "2.01"}, r"size=2.01 is out of range: ..2"),
        ({"size": "NaN"}, "size=NaN is out of range: ..2"),
        ({"size": "sNaN"}, "size=sNaN is out of range: ..2"),
        ({"colour": "green"}, "colour is one of red | blue, not 'green'"),
        ({"loud": "maybe"}, "loud is yes or no, not 'maybe'"),
        ({"loud": 1}, "loud is yes or no, not '1'"),
    ],
)
def test_bad_values_are_refused_with_what_would_be_good(values, reason):
    with pytest.raises(InvalidRequest) as refusal:
        build(Careless, values)
    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    "values", [{"bars": 1}, {"bars": 9}, {"share": 0.0}, {"size": Decimal(2)}], ids=str
)
def test_both_ends_of_a_range_belong_to_it(values):
    ((name, value),) = values.items()
    assert getattr(build(Careless, values), name) == value


def test_a_strategy_without_parameters_says_so():
    @dataclass(frozen=True)
    class Still:
        name: ClassVar[str] = "still"

    with pytest.raises(InvalidRequest, match="still has no parameter 'fast'; it has no parameters"):
        build(Still, {"fast": "1"})


@pytest.mark.parametrize("text", ["fast", "fast=", "=20", "", "="])
def test_a_parameter_is_a_name_and_a_value(text):
    with pytest.raises(InvalidRequest, match="is no parameter: write it like fast=20"):
        assignments([text])


def test_a_parameter_is_given_once():
    with pytest.raises(InvalidRequest, match="fast is given twice: 20 and 30"):
        assignments(["fast=20", "fast=30"])


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_every_strategy_checks_itself_however_it_was_built(kind):
    first = parameters(kind)[0]
    with pytest.raises(InvalidRequest, match=f"{first.name}=-1.* is out of range"):
        kind(**{first.name: type(first.default)(-1)})


def test_the_first_bars_are_a_view():
    frame = example_frame(bars=10)
    some = base.first(frame, 3)
    assert len(some) == 3
    for name in ("open_time", "open", "high", "low", "close", "volume"):
        assert getattr(some, name).tolist() == getattr(frame, name)[:3].tolist()
        assert np.shares_memory(getattr(some, name), getattr(frame, name))


@pytest.mark.parametrize("kind", [SmaCross, EmaCross])
def test_a_sweep_gets_the_same_targets_as_a_run(kind):
    frame = example_frame(bars=500, seed=3)
    targets = base.targets_on(kind, frame)
    for fast, slow in ((1, 2), (5, 30), (20, 499), (3, 700)):
        strategy = kind(fast=fast, slow=slow, short=True)
        assert targets(strategy).tobytes() == strategy.targets(frame).tobytes()


def test_a_sweep_prepares_a_frame_once():
    prepared = []

    class Counting(SmaCross):
        @staticmethod
        def prepared(frame) -> WindowSums:
            prepared.append(frame)
            return SmaCross.prepared(frame)

    targets = base.targets_on(Counting, frame := example_frame(bars=50))
    for fast in range(1, 10):
        targets(SmaCross(fast=fast, slow=10))
    assert prepared == [frame]
