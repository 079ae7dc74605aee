"""A process that answers one backtest and ends: `python -m trading_system.research.worker`.

Whoever starts it speaks JSON lines with it: a job comes in, the length of the warm-up goes out, the
place of the candles comes in, the place of the result goes out; or {"error": …} instead. It ends
with its stdin, whichever way its parent ends. Somebody's own strategies run here and nowhere else.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TextIO

from trading_system.domain.errors import TradingError
from trading_system.research.backtest import kept
from trading_system.research.configuration import Configuration
from trading_system.research.history import History
from trading_system.strategies import registry

_NICENESS = 5
_ORPHANED = 1


def main() -> None:
    """Answer the job that stands on stdin."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends us
    if hasattr(os, "nice"):  # pragma: no branch -- everywhere but on Windows
        os.nice(_NICENESS)  # what trades goes first
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what a strategy prints is no answer of ours
        inbox: SimpleQueue[str] = SimpleQueue()
        Thread(target=_listen, args=(inbox,), daemon=True).start()
        serve(lambda: json.loads(inbox.get()), answers)


def serve(hear: Callable[[], Any], answers: TextIO) -> None:
    """The conversation; see the module."""

    def say(**answer: object) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        job = hear()
        asked = Configuration.from_json(job["configuration"])
        folder = None if job["strategies"] is None else Path(job["strategies"])
        kind = registry.named(asked.strategy, folder=folder)
        strategy = asked.strategy_among({kind.name: kind})
        say(warmup=strategy.warmup)
        done = kept(
            strategy,
            asked.completed(strategy),
            _history(hear()),
            folder=Path(job["folder"]),
            now=datetime.fromisoformat(job["asked_at"]),
            name=job["name"],
        )
        say(path=str(done.path))
    except TradingError as error:
        say(error=str(error))


def _history(answer: Mapping[str, str]) -> History:
    """The candles that the parent put into a file."""
    with Path(answer["candles"]).open("rb") as file:
        history: History = pickle.load(file)  # noqa: S301 -- our parent's own, in a private folder
    return history


def _listen(inbox: SimpleQueue[str]) -> None:
    """Hand on each line; without a parent there is nobody to work for."""
    for line in sys.stdin:
        inbox.put(line)
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main()
