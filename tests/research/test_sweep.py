from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.research.sweeps import Serial, ignore, question
from trading_system.research import journal, sweep
from trading_system.research.engines.local import opened as threads
from trading_system.research.space import survey
from trading_system.research.trial import ROW
from trading_system.strategies.sma_cross import SmaCross

YEAR = """
import resource
from pathlib import Path
from tempfile import TemporaryDirectory
from tests.research.questions import history
from tests.research.sweeps import ignore, question
from trading_system.research import journal, sweep
from trading_system.research.engines.local import opened
from trading_system.research.trial import ROW

year = history(525_600, warmup=249, minutes=1)
asked = question(axes=["fast=5:245:5", "slow=10:250:5"], over=year)
with TemporaryDirectory() as folder, opened() as engine:
    with journal.opened(Path(folder, "rows"), ROW) as rows:
        sweep.run(asked, range(asked.space.size), 1_225, engine=engine, journal=rows, done=ignore)
        print(len(rows), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""

ASKED = question()
WHOLE = range(ASKED.space.size)
EXPECTED = survey(SmaCross, ASKED.space, WHOLE).accepted


def run(path, engine, done=ignore, asked=ASKED, candidates=WHOLE, expected=EXPECTED):
    with journal.opened(path, ROW) as rows:
        sweep.run(asked, candidates, expected, engine=engine, journal=rows, done=done)


@cache
def whole():
    """The file of a sweep that nobody disturbed."""
    with TemporaryDirectory() as folder:
        run(Path(folder, "rows"), Serial())
        return Path(folder, "rows").read_bytes()


def test_every_combination_that_is_not_refused_is_judged_once_in_their_order(tmp_path):
    engine, told = Serial(), []
    run(tmp_path / "rows", engine, told.append)
    fitting = [n for n in WHOLE if ASKED.space.strategy(SmaCross, n) is not None]
    assert engine.judged == fitting
    assert len(fitting) == EXPECTED < len(WHOLE)
    with journal.opened(tmp_path / "rows", ROW) as rows:
        assert rows.rows()["combination"].tolist() == fitting
    assert told[0] == 0
    assert told[-1] == EXPECTED
    assert told == sorted(told)


@given(st.integers(1, 40), st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=25, deadline=None)
def test_however_it_is_split_and_wherever_it_is_killed_the_table_is_the_same(workers, deaths):
    with TemporaryDirectory() as folder:
        path, judged = Path(folder, "rows"), 0
        for death in (*deaths, None):
            engine = Serial(workers, death)
            try:
                run(path, engine)
            except KeyboardInterrupt:
                assert death is not None
            judged += len(engine.judged)
        assert path.read_bytes() == whole()
        assert judged == EXPECTED


def test_threads_give_the_same_table(tmp_path):
    with threads(3) as engine:
        run(tmp_path / "rows", engine)
    assert (tmp_path / "rows").read_bytes() == whole()


def test_a_sweep_that_is_whole_is_not_begun_again(tmp_path):
    run(tmp_path / "rows", Serial())
    again, told = Serial(), []
    run(tmp_path / "rows", again, told.append)
    assert (again.judged, told) == ([], [EXPECTED])


@pytest.mark.parametrize("damaged", [0, 17, EXPECTED - 1])
def test_rows_behind_one_that_is_not_of_this_sweep_are_judged_again(tmp_path, damaged):
    path = tmp_path / "rows"
    content = bytearray(whole())
    content[damaged * ROW.itemsize : damaged * ROW.itemsize + 8] = b"\xff" * 8
    path.write_bytes(content)
    engine = Serial()
    run(path, engine)
    assert path.read_bytes() == whole()
    assert len(engine.judged) == EXPECTED - damaged


def test_rows_beyond_the_end_are_forgotten(tmp_path):
    (tmp_path / "rows").write_bytes(whole() + whole())
    run(tmp_path / "rows", Serial())
    assert (tmp_path / "rows").read_bytes() == whole()


@pytest.mark.parametrize(
    ("count", "workers", "size"),
    [(0, 2, 1), (5, 2, 1), (1225, 2, 64), (1225, 16, 9), (10**9, 1, 64)],
)
def test_batches_are_small_enough_for_all_workers_to_have_some(count, workers, size):
    assert sweep.batch_size(count, workers) == size


@given(st.lists(st.integers(), max_size=50), st.integers(1, 60))
def test_batches_hold_every_item_once_in_order(items, size):
    batches = list(sweep.batches(items, size))
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])


@pytest.mark.slow
def test_a_year_of_minutes_and_1225_combinations_take_less_than_500_mb():
    root = Path(__file__).parents[2]
    told = subprocess.run(
        [sys.executable, "-c", YEAR], cwd=root, capture_output=True, text=True, check=True
    )
    rows, megabytes = map(int, told.stdout.split())
    assert rows == 1_225
    assert megabytes < 500
