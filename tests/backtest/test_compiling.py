"""What is compiled is kept for the next process, until any source of it changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.backtest.made_up import random_frame
from trading_system.backtest import engine
from trading_system.backtest.kernels import compiling
from trading_system.backtest.rules import Rules

ROOT = Path(__file__).parents[2]
INNER = """
from loops.compiling import compiled

@compiled
def inner(x):
    return x + {constant}
"""
OUTER = """
from loops.compiling import apart
from loops.inner import inner

@apart
def outer(x):
    return inner(x) * 2
"""
PLAY = """
from loops.outer import outer
print(outer(1), sum(outer.stats.cache_misses.values()), outer.stats.cache_path)
"""
OURS = """
import numpy as np
from tests.backtest.made_up import random_frame
from trading_system.backtest import engine, kernels
from trading_system.backtest.rules import Rules
frame = random_frame(np.random.default_rng(1), 40, 0.01)
engine.run(frame, np.ones(40), Rules(), "1h").sharpe_interval
used = (kernels.simulate, kernels.measure, kernels.conclude, kernels.resample)
print(*(sum(loop.stats.cache_misses.values()) for loop in used))
"""


def say(code, **environment):
    """The words that a new process prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | environment,
    ).stdout.split()


@pytest.fixture
def folder(tmp_path):
    """Two loops in two files, one of which calls the other, that are compiled as ours are."""
    loops = tmp_path / "loops"
    loops.mkdir()
    shutil.copy(compiling.__file__, loops)
    (loops / "outer.py").write_text(OUTER)
    (loops / "inner.py").write_text(INNER.format(constant=1))
    return loops


def played(folder, **environment):
    """(result, how many loops had to be compiled, where they are kept) in a new process."""
    path = os.pathsep.join([str(folder.parent), str(ROOT)])
    told = say(PLAY, PYTHONPATH=path, **{"NUMBA_CACHE_DIR": ""} | environment)
    return int(told[0]), int(told[1]), *told[2:]


def test_a_second_process_compiles_nothing_until_a_file_beside_changes(folder):
    kept = str(folder / "__pycache__")
    assert played(folder) == (4, 1, kept)
    assert played(folder) == (4, 0, kept)
    (folder / "inner.py").write_text(INNER.format(constant=10))
    assert played(folder) == (22, 1, kept)


@pytest.mark.slow
def test_it_is_kept_where_somebody_says(folder, tmp_path):
    _, _, kept = played(folder, NUMBA_CACHE_DIR=str(tmp_path / "chosen"))
    assert Path(kept).parent == tmp_path / "chosen"
    assert list(Path(kept).glob("outer*.nbc"))


def test_where_nothing_can_be_kept_it_is_compiled_each_time(folder, tmp_path):
    (folder / "__pycache__").touch()  # files where folders would have to be
    (tmp_path / "home").touch()
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "home"), "HOME": str(tmp_path / "home")}
    assert played(folder, **nowhere)[0] == 4


def test_a_second_backtest_compiles_nothing():
    frame = random_frame(np.random.default_rng(1), 40, 0.01)
    assert engine.run(frame, np.ones(40), Rules(), "1h").sharpe_interval  # the first one
    assert say(OURS) == ["0"] * 4
