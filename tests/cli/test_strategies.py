from __future__ import annotations

from pathlib import Path

import pytest

CHEAT = """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trading_system.strategies.base import parameter


@dataclass(frozen=True)
class Cheat:
    name: ClassVar[str] = "cheat"
    warmup: ClassVar[int] = 0
    bars: int = parameter(1, low=0, high=9, help="How far it sees; 0 is honest.")

    def targets(self, frame):
        close = frame.close
        return np.append(close[self.bars :] > close[: len(close) - self.bars], [0.0] * self.bars)


@dataclass(frozen=True)
class Still:
    name: ClassVar[str] = "still"
    warmup: ClassVar[int] = 0

    def targets(self, frame):
        return np.zeros(len(frame))
"""


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "mine" / "cheat.py"
    path.parent.mkdir()
    path.write_text(CHEAT)
    return path


def test_strategies_are_listed_with_what_their_parameters_may_be(cli):
    answer = cli("strategies")
    assert answer.exit_code == 0
    lines = [line.split() for line in answer.output.splitlines()]
    assert ["sma_cross"] in lines
    assert lines[lines.index(["grid"]) + 4][:4] == [
        "spacing=arithmetic",
        "arithmetic",
        "|",
        "geometric",
    ]
    assert ["fast=20", "1..10000", "Bars"] in [line[:3] for line in lines]


def test_ones_own_strategies_are_listed_from_a_file_a_folder_or_the_environment(
    cli, own_file, monkeypatch
):
    for words in (("--file", str(own_file)), ("--folder", str(own_file.parent))):
        assert "cheat\n  bars=1" in cli("strategies", *words).output
    monkeypatch.setenv("STRATEGIES_DIR", str(own_file.parent))
    assert cli("strategies").output.endswith("still\n")


def test_a_strategy_that_looks_ahead_is_told(cli, own_file):
    answer = cli("check", "cheat", "--file", str(own_file))
    assert answer.exit_code == 1
    assert "cheat: bar " in answer.output
    assert "looks ahead" in answer.output


def test_an_honest_strategy_is_told(cli, own_file):
    for words in (
        ("cheat", "--param", "bars=0", "--file", str(own_file)),
        ("sma_cross", "--param", "fast=5", "--param", "slow=600"),
    ):
        answer = cli("check", *words)
        assert (answer.exit_code, answer.output) == (
            0,
            f"{words[0]}: nothing ahead was looked at.\n",
        )


def test_a_file_of_ones_own_is_named_as_for_a_backtest(cli, own_file):
    path = own_file.with_name("alone.py")
    path.write_text(CHEAT.split("@dataclass(frozen=True)\nclass Still", maxsplit=1)[0])
    answer = cli("check", str(path), "--param", "bars=0")
    assert (answer.exit_code, answer.output) == (0, "cheat: nothing ahead was looked at.\n")
    several = cli("check", str(own_file))
    assert "holds cheat, still: say which one, with --file" in several.output


def test_the_folder_may_also_be_named_in_the_file_of_settings(cli, own_file):
    Path(".env").write_text(f"STRATEGIES_DIR={own_file.parent}\n")
    assert cli("strategies").output.endswith("still\n")
    assert cli("check", "still").exit_code == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nothing",), "there is no strategy 'nothing': sma_cross"),
        (("macd", "--param", "fats=5"), "macd has no parameter 'fats'"),
        (("macd", "--param", "fast"), "'fast' is no parameter: write it like fast=20"),
        (("macd", "--param", "fast=40"), "fast=40 must be less than slow=26"),
        (("macd", "--file", "nowhere.py"), "nowhere.py: cannot be read"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_exit_code_1(cli, words, reason):
    answer = cli("check", *words)
    assert answer.exit_code == 1
    assert reason in answer.output
    assert answer.output.count("\n") == 1
