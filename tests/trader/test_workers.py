"""A strategy in a process of its own: it answers as it would here, and can always be got rid of."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.trader import BTC
from trading_system.frames import Frame
from trading_system.strategies.sma_cross import SmaCross
from trading_system.trader import worker
from trading_system.trader.workers import NewBars, StrategyFailed, Workers

MINUTE = 60_000

OWN = """
import os, sys, time
from dataclasses import dataclass
from typing import ClassVar
from trading_system.strategies.base import parameter

@dataclass(frozen=True, slots=True, kw_only=True)
class Moody:
    name: ClassVar[str] = "moody"
    mood: int = parameter(0, low=0, high=9, help="0 works, then 1 to 5.")

    @property
    def warmup(self):
        return 1

    def targets(self, frame):
        if self.mood == 1:
            time.sleep(3600)
        if self.mood == 2:
            sys.exit(3)
        if self.mood == 3:
            print("{}")
        if self.mood == 4:
            raise KeyError("moody")
        if self.mood == 5:
            raise KeyError(sorted(name for name in os.environ if "KEY" in name or "TOKEN" in name))
        return 0 * frame.close + 0.5
"""


@pytest.fixture(autouse=True)
def patient_goodbyes(monkeypatch):
    """A process that is measured writes down what it has seen, which takes a while."""
    monkeypatch.setattr("trading_system.trader.workers._GOODBYE_SECONDS", 60)


@pytest.fixture
def rows():
    walk = np.cumsum(np.random.default_rng(7).normal(size=(200, 6)), axis=0) + 1000
    walk[:, 0] = np.arange(200) * MINUTE
    return walk


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "moody.py").write_text(OWN)
    return tmp_path


@pytest.fixture
def workers(folder):
    return Workers(folder=folder, limit=60)


@pytest.fixture
def impatient(folder):
    return Workers(folder=folder, limit=0.5)


async def test_bar_after_bar_it_decides_what_the_whole_frame_decides(rows):
    brain = await Workers(folder=None, limit=20).open("sma_cross", {"fast": "3", "slow": "8"})
    try:
        assert brain.warmup == 7
        told = await brain.decide({BTC: NewBars(rows=rows[:100], decide=93)})
        for at in range(100, 200):
            answer = await brain.decide({BTC: NewBars(rows=rows[at : at + 1], decide=1)})
            told[BTC].targets.extend(answer[BTC].targets)
            told[BTC].lines.extend(answer[BTC].lines)
        frame, strategy = Frame.from_array(rows), SmaCross(fast=3, slow=8)
        assert told[BTC].targets == strategy.targets(frame)[7:].tolist()
        lines = strategy.lines(frame)
        assert told[BTC].lines[-1] == {name: column[-1] for name, column in lines.items()}
    finally:
        await brain.close()
        await brain.close()


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ("2", "its process ended"),
        ("4", "KeyError: 'moody'"),
    ],
)
async def test_what_dies_or_raises_is_a_failure_and_its_process_is_gone(
    workers, rows, mood, reason
):
    brain = await workers.open("moody", {"mood": mood})
    with pytest.raises(StrategyFailed, match=reason):
        await brain.decide({BTC: NewBars(rows=rows, decide=1)})
    assert brain._process.returncode is not None


async def test_what_hangs_is_a_failure_and_its_process_is_gone(impatient, rows):
    brain = await impatient.open("moody", {"mood": "1"})
    with pytest.raises(StrategyFailed, match=r"took longer than 0\.5 s"):
        await brain.decide({BTC: NewBars(rows=rows, decide=1)})
    assert brain._process.returncode is not None


async def test_whoever_gives_up_waiting_leaves_no_process(workers, rows):
    brain = await workers.open("moody", {"mood": "1"})
    asking = asyncio.create_task(brain.decide({BTC: NewBars(rows=rows, decide=1)}))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert brain._process.returncode is not None


async def test_a_process_that_does_not_end_by_itself_is_killed(workers, rows, monkeypatch):
    monkeypatch.setattr("trading_system.trader.workers._GOODBYE_SECONDS", 0.01)
    brain = await workers.open("moody", {"mood": "1"})
    head = json.dumps({"bars": [["BTC/USDT", len(rows), 1]]}).encode() + b"\n"
    brain._process.stdin.write(head + rows.tobytes())
    await brain.close()
    assert brain._process.returncode == -9


async def test_what_it_prints_is_no_answer(workers, rows):
    brain = await workers.open("moody", {"mood": "3"})
    answer = await brain.decide({BTC: NewBars(rows=rows, decide=2)})
    assert answer[BTC].targets == [0.5, 0.5]
    await brain.close()


async def test_a_strategy_that_cannot_be_built_says_why(workers):
    with pytest.raises(StrategyFailed, match="InvalidRequest: mood=11 is out of range"):
        await workers.open("moody", {"mood": "11"})


@pytest.mark.slow
def test_a_process_whose_parent_is_gone_ends_whatever_it_does(tmp_path):
    """The parent of the parent is us; the strategy's process outlives it for a second at most."""
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', "
        "'import os, threading, time; from trading_system.trader.worker import end_with; "
        "threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start(); "
        "print(os.getpid(), flush=True); time.sleep(60)'], stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), flush=True)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=20
    )
    orphan = int(told.stdout)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{orphan}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{orphan}").exists()


def test_a_parent_that_is_gone_is_noticed(monkeypatch):
    def ends(code):
        raise SystemExit(code)

    monkeypatch.setattr(worker.os, "_exit", ends)
    with pytest.raises(SystemExit):
        worker.end_with(parent=-1)


def served(*requests):
    """The answers of `worker.serve`, in this process."""
    answers = io.BytesIO()
    sent = b"".join(json.dumps(head).encode() + b"\n" + raw for head, raw in requests)
    worker.serve(io.BytesIO(sent), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


SMA = {"strategy": "sma_cross", "parameters": {"fast": "1", "slow": "2"}, "folder": None}


def test_frames_of_symbols_grow_apart(rows):
    both = {"bars": [["BTC/USDT", 100, 1], ["ETH/USDT", 3, 2]]}
    more = {"bars": [["BTC/USDT", 100, 100]]}
    raw = rows[:100].tobytes() + rows[:3].tobytes()
    opened, first, second = served((SMA, b""), (both, raw), (more, rows[100:].tobytes()))
    assert opened == {"warmup": 1}
    expected = SmaCross(fast=1, slow=2).targets(Frame.from_array(rows)).tolist()
    assert first["BTC/USDT"]["targets"] == expected[99:100]
    assert first["ETH/USDT"]["targets"] == expected[1:3]
    assert second["BTC/USDT"]["targets"] == expected[100:]


def test_a_frame_that_is_handed_over_is_not_decided(rows):
    silent = {"bars": [["BTC/USDT", 100, 0]]}
    _, answer = served((SMA, b""), (silent, rows[:100].tobytes()))
    assert answer["BTC/USDT"] == {"targets": [], "lines": {}}


def test_an_indicator_that_is_no_number_yet_is_none(rows):
    asked = {"bars": [["BTC/USDT", 2, 2]]}
    _, answer = served((SMA, b""), (asked, rows[:2].tobytes()))
    assert answer["BTC/USDT"]["lines"]["slow"][0] is None


def test_a_strategy_there_is_not_is_told():
    (answer,) = served((SMA | {"strategy": "magic"}, b""))
    assert "there is no strategy 'magic'" in answer["error"]


def test_bars_that_come_twice_are_an_error(rows):
    asked = {"bars": [["BTC/USDT", 2, 1]]}
    *_, answer = served((SMA, b""), (asked, rows[:2].tobytes()), (asked, rows[:2].tobytes()))
    assert "ascend" in answer["error"]


async def test_its_process_knows_no_keys(workers, rows, monkeypatch):
    for name in ("BINANCE_API_KEY", "BINANCE_SECRET_KEY", "API_TOKEN", "HARMLESS_KEY"):
        monkeypatch.setenv(name, "secret")
    brain = await workers.open("moody", {"mood": "5"})
    with pytest.raises(StrategyFailed, match=r"KeyError: \[.HARMLESS_KEY.\]"):
        await brain.decide({BTC: NewBars(rows=rows, decide=1)})
