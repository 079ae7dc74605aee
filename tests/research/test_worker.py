"""The conversation of a worker, and that it ends with whoever started it."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys

import pytest

from tests.research.questions import configuration, history, record
from trading_system.research import result_files, worker

OWN = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np

@dataclass(frozen=True)
class Mine:
    name: ClassVar[str] = "mine"
    warmup: ClassVar[int] = 3

    def targets(self, frame):
        print("this is no answer")
        return np.ones(len(frame))
"""


@pytest.fixture
def candles(tmp_path):
    path = tmp_path / "candles"
    path.write_bytes(pickle.dumps(history()))
    return path


@pytest.fixture
def job(tmp_path):
    return {
        "name": "20260101T120000000Z",
        "configuration": configuration().to_json(),
        "folder": str(tmp_path / "results"),
        "strategies": None,
        "asked_at": "2026-01-01T12:00:00+00:00",
    }


def spoken(*heard):
    answers, inbox = io.StringIO(), list(heard)
    worker.serve(lambda: inbox.pop(0), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_it_says_what_it_needs_and_then_where_the_answer_is(job, candles):
    warmup, done = spoken(job, {"candles": str(candles)})
    assert warmup == {"warmup": 49}
    assert result_files.read(worker.Path(done["path"]))[0] == record()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"strategy": "luck"}, "there is no strategy 'luck'"),
        ({"symbol": "?"}, "is not a symbol"),
        ({"parameters": {"fast": "many"}}, "fast is a whole number"),
    ],
)
def test_what_cannot_be_answered_is_told(job, changed, reason):
    (answer,) = spoken(job | {"configuration": job["configuration"] | changed})
    assert reason in answer["error"]


def test_somebodys_own_strategy_may_print(started, job, candles, tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    own = job["configuration"] | {"strategy": "mine", "parameters": {}}
    say = started()
    assert say(job | {"configuration": own, "strategies": str(tmp_path)}) == {"warmup": 3}
    kept, circumstances = result_files.read(worker.Path(say({"candles": str(candles)})["path"]))
    assert kept.code["own_file"]
    assert circumstances["strategy_file"] == str(tmp_path / "mine.py")
    assert say.process.wait(30) == 0


def test_it_ends_with_its_stdin(started, job):
    say = started()
    assert say(job) == {"warmup": 49}
    say.process.stdin.close()
    assert say.process.wait(30) == 1


class Talk:
    """A worker as it is started, answering line by line."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trading_system.research.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def started():
    talks = []

    def start():
        talks.append(Talk())
        return talks[-1]

    yield start
    for talk in talks:
        with talk.process as process:
            process.stdin.close()
