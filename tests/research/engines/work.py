"""Work for clusters that tells who did it, and dies once when it is asked to."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from uuid import uuid4

from tests.research import sweeps
from trading_system.research import journal, sweep
from trading_system.research.trial import ROW


def who(shared):
    """What a worker does: it says its process, and waits a little so that both have some."""

    def work(batch):
        time.sleep(0.02)
        return os.getpid(), shared["base"] + batch

    return work


def where(shared):
    """What a worker holds: its process, a name of what it was handed, and whether it is a copy."""
    name = uuid4().hex

    def work(_batch):
        time.sleep(0.02)
        return os.getpid(), name, bool(shared.flags.owndata), float(shared.sum())

    return work


def mortal(shared):
    """The same, but whoever gets batch 5 first is killed while it works on it."""

    def work(batch):
        grave = Path(shared["grave"])
        if batch == 5 and not grave.exists():
            grave.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid(), shared["base"] + batch

    return work


def failing(_shared):
    def work(batch):
        if batch == 3:
            raise ValueError("three")
        return batch

    return work


def murderous(_shared):
    def work(_batch):
        os.kill(os.getpid(), signal.SIGKILL)

    return work


def swept(path, engine):
    """The bytes of a sweep's rows."""
    asked = sweeps.question()
    found = sweeps.job().survey
    with journal.opened(path, ROW) as rows:
        candidates = range(asked.space.size)
        sweep.run(
            asked, candidates, found.accepted, engine=engine, journal=rows, done=sweeps.ignore
        )
    return path.read_bytes()
