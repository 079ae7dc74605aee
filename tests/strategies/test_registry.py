from __future__ import annotations

import pickle
import sys
import textwrap
from pathlib import Path

import pytest

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.base import build, parameters
from trading_system.strategies.detect import examine, example_frame
from trading_system.strategies.registry import BUILT_IN, find, load, named, strategies
from trading_system.strategies.sma_cross import SmaCross

MOMENTUM = '''
"""Long after a rise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trading_system.frames import Column, Frame
from trading_system.strategies.base import parameter, validate
from trading_system.strategies.sma_cross import SmaCross


@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum:
    """Long while the close is above the one `bars` ago."""

    name: ClassVar[str] = "momentum"

    bars: int = parameter(10, low=1, high=500, help="Bars to look back.")

    def __post_init__(self) -> None:
        validate(self)

    @property
    def warmup(self) -> int:
        return self.bars

    def targets(self, frame: Frame) -> Column:
        targets = np.zeros(len(frame))
        targets[self.bars :] = frame.close[self.bars :] > frame.close[: -self.bars]
        return targets
'''


@pytest.fixture
def write(tmp_path):
    def written(text, name="own.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return written


def test_what_comes_with_the_program_has_names_of_its_own():
    assert list(strategies()) == [
        "sma_cross",
        "ema_cross",
        "rsi_reversion",
        "donchian_breakout",
        "macd",
        "bollinger_reversion",
        "grid",
    ]
    assert tuple(strategies().values()) == BUILT_IN


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.name)
def test_each_tells_its_reasoning_and_its_source(kind):
    assert len(kind.__doc__.splitlines()) > 2
    assert "(19" in kind.__doc__ or "(20" in kind.__doc__


def test_a_name_that_is_not_there_is_told_with_those_that_are():
    assert find(strategies(), "grid").name == "grid"
    with pytest.raises(InvalidRequest, match=r"there is no strategy 'gird': sma_cross, .*, grid"):
        find(strategies(), "gird")


def test_a_file_of_ones_own_adds_its_strategy_and_not_what_it_imports(write):
    found = strategies([write(MOMENTUM)])
    assert list(found)[len(BUILT_IN) :] == ["momentum"]
    momentum = build(found["momentum"], {"bars": "3"})
    assert parameters(found["momentum"])[0].help == "Bars to look back."
    assert examine(momentum, example_frame()) is None


def test_the_strategy_that_the_readme_shows_works_and_does_not_look_ahead(write):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.split("```python\n")[1].split("```")[0]
    (kind,) = load(write(shown))
    strategy = build(kind, {"bars": "3"})
    assert examine(strategy, example_frame()) is None
    assert strategy.targets(example_frame()).any()


def test_a_folder_adds_its_files_in_their_order_but_not_private_ones(write, tmp_path):
    write(MOMENTUM.replace('"momentum"', '"second"'), "b.py")
    write(MOMENTUM.replace('"momentum"', '"first"'), "a.py")
    write("raise RuntimeError", "_draft.py")
    write("not Python", "notes.txt")
    assert list(strategies(folder=tmp_path))[len(BUILT_IN) :] == ["first", "second"]


def test_a_file_that_is_named_and_dropped_is_loaded_once(write, tmp_path):
    assert "momentum" in strategies([write(MOMENTUM)], tmp_path)


def test_a_strategy_of_a_file_can_be_sent_to_a_process_that_loaded_it(write):
    (kind,) = load(write(MOMENTUM))
    assert pickle.loads(pickle.dumps(kind(bars=7))) == kind(bars=7)  # noqa: S301 -- our own bytes


def test_a_broken_file_in_the_folder_keeps_no_other_strategy_from_being_found(write, tmp_path):
    good = write(MOMENTUM.replace('"momentum"', '"mine"'), "good.py")
    write("def", "broken.py")
    assert named("sma_cross", folder=tmp_path) is SmaCross
    assert named("mine", folder=tmp_path).name == "mine"
    assert named("mine", [good], tmp_path).name == "mine"
    with pytest.raises(InvalidRequest, match=r"broken\.py, line 1"):
        named("absent", folder=tmp_path)
    with pytest.raises(InvalidRequest, match=r"broken\.py, line 1"):
        named("mine", [tmp_path / "broken.py"], tmp_path)


def test_a_name_that_is_taken_is_told_to_whoever_asks_for_it(write, tmp_path):
    write(MOMENTUM.replace('"momentum"', '"macd"'), "mine.py")
    with pytest.raises(InvalidRequest, match="there is a strategy 'macd' already"):
        named("macd", folder=tmp_path)
    assert named("sma_cross", folder=tmp_path) is SmaCross


def test_one_file_may_hold_several(write):
    text = MOMENTUM + MOMENTUM.split("\n\n\n", 1)[1].replace("omentum", "other")
    text += "\nAlias = Mother\nclass _Draft:\n    def targets(self, frame): ...\n"
    assert {kind.name for kind in load(write(text))} == {"momentum", "mother"}
    assert len(load(write(text))) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\n", ": no strategy in it; write a frozen dataclass with targets()"),
        ("from trading_system.strategies.sma_cross import SmaCross\n", ": no strategy in it"),
        ("x = 1\nif x\n    pass\n", ", line 2: expected ':'"),
        ("x = '\0'\n", "null bytes"),
        ("# coding: klingon\n", ": unknown encoding: klingon"),
        ("import sys\nsys.exit()\n", ", line 2: SystemExit"),
        ("import numpy\nimport nowhere_to_be_found\n", ", line 2: ModuleNotFoundError: No module"),
        ("def f():\n    return 1 / 0\nf()\n", ", line 2: ZeroDivisionError: division by zero"),
        ("raise ExceptionGroup('both', [ValueError()])\n", ", line 1: ExceptionGroup: both"),
        (MOMENTUM.replace("frozen=True, ", ""), ": Momentum must be a dataclass(frozen=True)"),
        ("class Plain:\n    def targets(self): ...\n", ": Plain must be a dataclass(frozen=True)"),
        (MOMENTUM.replace("    name: C", "    title: C"), ": Momentum lacks name: ClassVar[str]"),
        (MOMENTUM.replace("def warmup", "def heat"), ": Momentum lacks the property warmup -> int"),
        (
            MOMENTUM.replace('parameter(10, low=1, high=500, help="Bars to look back.")', "10"),
            ": Momentum.bars must be written as parameter(...)",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_mend(write, text, reason):
    path = write(text)
    with pytest.raises(InvalidRequest) as refusal:
        strategies([path])
    assert str(refusal.value).startswith(str(path))
    assert reason in str(refusal.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidRequest, match=r"own.py: cannot be read: No such file"):
        strategies([tmp_path / "own.py"])
    with pytest.raises(InvalidRequest, match="nowhere: there is no such folder of strategies"):
        strategies(folder=tmp_path / "nowhere")


def test_two_strategies_do_not_share_a_name(write):
    one, other = write(MOMENTUM, "one.py"), write(MOMENTUM, "other.py")
    with pytest.raises(InvalidRequest) as refusal:
        strategies([one, other])
    assert str(refusal.value) == f"{other}: there is a strategy 'momentum' already: {one}"
    mine = write(MOMENTUM.replace('"momentum"', '"macd"'))
    with pytest.raises(InvalidRequest, match=r"strategy 'macd' already: .*/strategies/macd.py"):
        strategies([mine])
    twice = MOMENTUM + MOMENTUM.split("\n\n\n", 1)[1].replace("class Momentum", "class Again")
    with pytest.raises(InvalidRequest, match="strategy 'momentum' already"):
        strategies([write(twice)])


def test_a_file_that_failed_leaves_nothing_behind_and_may_be_mended(write):
    before = set(sys.modules)
    path = write("import dataclasses\nraise RuntimeError('no')\n")
    with pytest.raises(InvalidRequest, match="line 2: RuntimeError: no"):
        load(path)
    assert not {name for name in set(sys.modules) - before if name.startswith("strategy_file_own")}
    (kind,) = load(write(MOMENTUM))
    with pytest.raises(InvalidRequest):
        load(write("raise RuntimeError"))
    assert sys.modules[kind.__module__].Momentum is kind
