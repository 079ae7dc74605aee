from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import trading_system
from trading_system.research import code_version as module
from trading_system.research.code_version import code_version, content_hash, own_file
from trading_system.strategies.registry import load
from trading_system.strategies.sma_cross import SmaCross

PACKAGE = Path(trading_system.__file__).parent
OWN = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np

@dataclass(frozen=True)
class Mine:
    name: ClassVar[str] = "mine"
    warmup: ClassVar[int] = 0

    def targets(self, frame):
        return np.ones(len(frame))
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


def test_line_ends_do_not_count_and_every_other_byte_does(tmp_path):
    file = tmp_path / "a.py"
    seen = []
    for content in (b"x = 1\n", b"x = 1\r\n", b"x = 2\n", b"x = 1\n\n"):
        file.write_bytes(content)
        seen.append(content_hash([file], tmp_path))
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


def test_where_one_file_ends_and_the_next_begins_counts(tmp_path):
    def over(**files):
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        return content_hash([tmp_path / name for name in files], tmp_path)

    assert len({over(a="12", b="3"), over(a="1", b="23"), over(a="12", c="3")}) == 3


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ("backtest/rules.py", "engine"),
        ("backtest/metrics.py", "engine"),
        ("strategies/sma_cross.py", "sources"),
        ("strategies/sums.py", "sources"),
        ("frames.py", "sources"),
        ("research/record.py", "sources"),
        ("research/holding.py", "sources"),
        ("research/report.py", None),
        ("clock.py", None),
    ],
)
def test_what_decides_the_numbers_counts_and_nothing_else(tmp_path, monkeypatch, changed, part):
    before = code_version(SmaCross)
    copy = tmp_path / "trading_system"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "simulator"))
    (copy / changed).write_text((copy / changed).read_text() + "\n# another line\n")
    monkeypatch.setattr(module, "_PACKAGE", copy)
    module._hash_of.cache_clear()
    after = code_version(SmaCross)
    module._hash_of.cache_clear()
    members = before.to_json()
    assert {name for name in members if members[name] != after.to_json()[name]} == {part} - {None}


NO_NUMBERS = {"domain/errors.py", "domain/instruments.py", "research/code_version.py"}
"""What a record is made with and what decides none of its figures."""


def test_all_that_a_record_is_made_with_counts():
    counted = {
        path for pattern in (*module._ENGINE, *module._NUMBERS) for path in PACKAGE.glob(pattern)
    }
    made_with = imported(PACKAGE / "research/record.py") | imported(PACKAGE / "research/playing.py")
    forgotten = {path.relative_to(PACKAGE).as_posix() for path in made_with - counted}
    assert forgotten == NO_NUMBERS


def imported(path: Path, seen: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """A module of ours and every one that it imports, directly or not."""
    seen |= {path}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trading_system"):
            module_path = PACKAGE.parent / node.module.replace(".", "/")
            names = (module_path / each.name for each in node.names)
            for found in map(file_of, (module_path, *names)):
                if found is not None and found not in seen:
                    seen = imported(found, seen)
    return seen


def file_of(module_path: Path) -> Path | None:
    """Where a module is, if it is one with anything in it."""
    for file in (module_path.with_suffix(".py"), module_path / "__init__.py"):
        if file.is_file() and file.stat().st_size > 200:
            return file
    return None


def test_somebodys_own_strategy_counts_by_its_file(own):
    (mine,) = load(own)
    assert own_file(mine) == own
    assert own_file(SmaCross) is None
    before = code_version(mine)
    own.write_text(OWN.replace("ones", "zeros"))
    (again,) = load(own)
    assert before.own_file != code_version(again).own_file
    assert before.sources == code_version(again).sources == code_version(SmaCross).sources
