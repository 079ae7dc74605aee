from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.research.questions import history
from tests.research.sweeps import FRAGILE

SPAN = ("--symbol", "BTC/USDT", "--start", "2025-06-01", "--end", "2025-08-01")
AXES = ("--param", "fast=2:10:2", "--param", "slow=8:40:8")
SLOW = """
import time
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from trading_system.strategies.base import parameter


@dataclass(frozen=True)
class Slow:
    name: ClassVar[str] = "slow"
    warmup: ClassVar[int] = 0
    turns: int = parameter(1, low=1, high=999, help="How often.")

    def targets(self, frame):
        time.sleep(0.03)
        return (np.arange(len(frame)) // self.turns % 2).astype(float)
"""


@pytest.fixture
def data(tmp_path):
    columns = ("open_time", "open", "high", "low", "close", "volume")
    frame = history().frame
    rows = zip(*(getattr(frame, name).tolist() for name in columns), strict=True)
    path = tmp_path / "candles.csv"
    path.write_text("\n".join([",".join(columns), *(",".join(map(repr, row)) for row in rows)]))
    return path


@pytest.fixture
def sweep(cli, data):
    def call(*words):
        return cli("sweep", *words, *SPAN, "--data", str(data))

    return call


def table_in(folder):
    (path,) = Path(folder).glob("sweep_*/table.parquet")
    return parquet.read_table(path)


def test_the_best_are_printed_and_all_are_kept(sweep, tmp_path):
    answer = sweep("sma_cross", *AXES, "--where", "fast * 2 < slow", "--best", "3")
    assert answer.exit_code == 0, answer.output
    table = table_in(tmp_path / "results")
    best = max(table.to_pylist(), key=lambda row: row["sharpe"])
    assert "sma_cross on BTC/USDT 1h, 2025-06-01 00:00 to 2025-08-01 00:00 UTC: 19" in answer.output
    lines = [line.split() for line in answer.output.splitlines() if line.startswith("│")]
    assert len(lines) == 3
    assert lines[0][1::2][:3] == [str(best["fast"]), str(best["slow"]), f"{best['sharpe']:.2f}"]
    assert answer.output.splitlines()[-2].endswith("/table.parquet")
    assert answer.output.splitlines()[-1].endswith("/page.html")
    assert (tmp_path / answer.output.splitlines()[-1]).exists()


def test_walking_forward_and_permutations_are_told_below(sweep):
    answer = sweep(
        *("sma_cross", *AXES, "--walk-forward", "train=20d,test=10d", "--permutations", "9"),
        *("--objective", "total_return", "--fee", "0"),
    )
    assert answer.exit_code == 0, answer.output
    assert "walking forward: " in answer.output
    assert "2025-06-21 to 2025-06-30" in answer.output
    assert "how probable the best total_return is without a pattern, by 9" in answer.output
    assert "permuted markets" in answer.output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("sma_cross", "--walk-forward", "train=90d,test=10d"), "none are left to test"),
        (("grid", "--walk-forward", "train=20d,test=10d"), "they cannot walk forward"),
    ],
)
def test_what_cannot_walk_forward_is_refused_before_anything_is_judged(
    sweep, tmp_path, words, reason
):
    answer = sweep(*words)
    assert answer.exit_code == 1
    assert reason in answer.output
    assert not (tmp_path / "results").exists()
    assert "combinations" not in answer.output


def test_ones_own_file_is_swept_and_what_stays_flat_is_told(sweep, tmp_path):
    own = tmp_path / "fragile.py"
    own.write_text(FRAGILE)
    answer = sweep(str(own), "--param", "turns=1,2", "--param", "dead=yes",
                   "--walk-forward", "train=20d,test=20d")  # fmt: skip
    assert answer.exit_code == 0, answer.output
    assert "flat" in answer.output
    assert table_in(tmp_path / "results")["dead"].to_pylist() == [True, True]


def test_a_search_by_a_sampler(sweep, tmp_path):
    answer = sweep("sma_cross", *AXES, "--search", "random", "--trials", "5", "--seed", "2")
    assert answer.exit_code == 0, answer.output
    answer = sweep("sma_cross", *AXES, "--search", "tpe", "--trials", "2")
    assert answer.exit_code == 0, answer.output
    assert len([*tmp_path.glob("results/sweep_*/study.db")]) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nothing",), "there is no strategy 'nothing'"),
        (("sma_cross", "--param", "fast=5:100:5:1"), "fast=5:100:5:1 is no range"),
        (("sma_cross", "--where", "fast <"), "'fast <' is no condition"),
        (("sma_cross", "--objective", "luck"), "there is no metric 'luck'"),
        (("sma_cross", "--search", "clever"), "there is no way 'clever' to search"),
        (("sma_cross", "--walk-forward", "30d"), "write it like train=90d,test=30d"),
        (("sma_cross", "--engine", "ray"), "say where the cluster is"),
        (("two.py",), "two.py holds fragile, other: say which one, with --file two.py"),
    ],
)
def test_what_cannot_be_swept_is_one_line(sweep, tmp_path, words, reason):
    (tmp_path / "two.py").write_text(
        FRAGILE + FRAGILE.replace('"fragile"', '"other"').replace("class Fragile", "class Other")
    )
    answer = sweep(*words)
    assert answer.exit_code == 1
    assert reason in answer.output


def test_without_what_its_table_needs_nothing_is_judged(sweep, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = sweep("sma_cross", *AXES)
    assert answer.exit_code == 2
    assert answer.stderr == "tables need pyarrow: pip install 'trading-system[backtest]'\n"
    assert not (tmp_path / "results").exists()


@pytest.fixture
def program(tmp_path, data):
    """Starts a sweep as a program of its own."""
    own = tmp_path / "slow.py"
    own.write_text(SLOW)
    words = ("sweep", str(own), "--param", "turns=1:40", *SPAN, "--data", str(data))
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "trading_system", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def rows_in(folder):
    """How many bytes of rows there are so far."""
    return sum(path.stat().st_size for path in folder.glob("results/sweep_*/rows.bin"))


def some_rows(folder, process):
    limit = time.monotonic() + 60
    while not rows_in(folder):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.slow
def test_killed_or_interrupted_it_goes_on_where_it_was(program, tmp_path):
    process = program()
    some_rows(tmp_path, process)
    process.kill()
    process.communicate()
    killed = rows_in(tmp_path)
    process = program()
    while process.poll() is None and rows_in(tmp_path) <= killed:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "run the same command again to go on from here" in err
    kept = table_in(tmp_path / "results")
    assert 0 < kept.num_rows < 40
    assert f"{kept.num_rows} combinations judged" in out
    process = program()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    table = table_in(tmp_path / "results")
    assert table["turns"].to_pylist() == list(range(1, 41))
    assert table.slice(0, kept.num_rows).equals(kept)
    told = json.loads(next(tmp_path.glob("results/sweep_*/sweep.json")).read_text())
    assert told["axes"][0]["name"] == "turns"


def test_the_example_in_the_help_is_no_face(cli):
    assert "fast=5:90:5" in cli("sweep", "--help").output.replace("\n", "")
