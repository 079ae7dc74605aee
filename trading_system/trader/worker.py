"""The process that runs one strategy's code: it keeps the frames, and can be killed.

Started as `python -m trading_system.trader.worker`. It reads requests from its stdin, a line of
JSON and then raw float64 rows, and answers each with a line of JSON; when its stdin ends, it ends.
What the strategy prints goes to stderr. It knows no clock, no exchange and no database.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from trading_system.frames import Frame
from trading_system.strategies.base import Strategy, build, lines_of
from trading_system.strategies.registry import named

COLUMNS = 6
"""Of a bar, as those of Candle."""

Bars = NDArray[np.float64]
"""Shape (n, 6)."""


class Growing:
    """The bars of one symbol; appending copies only when the room has doubled."""

    def __init__(self) -> None:
        self._rows: Bars = np.empty((64, COLUMNS))
        self._count = 0

    def append(self, rows: Bars) -> Frame:
        """All bars so far, these included."""
        wanted = self._count + len(rows)
        if wanted > len(self._rows):
            grown = np.empty((2 * wanted, COLUMNS))
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : wanted] = rows
        self._count = wanted
        return Frame.from_array(self._rows[:wanted])


def decided(strategy: Strategy, frame: Frame, last: int) -> dict[str, Any]:
    """Targets and lines of the last bars of a frame; ValueError for what are no targets.

    Of none of them nothing is computed: a restart hands over the whole frame.
    """
    if not last:
        return {"targets": [], "lines": {}}
    targets = np.asarray(strategy.targets(frame))
    if targets.shape != (len(frame),):
        raise ValueError(f"targets() of {len(frame)} bars has the shape {targets.shape}")
    new = targets[len(frame) - last :].astype(np.float64)
    if not np.all(np.abs(new) <= 1.0):
        wrong = new[~(np.abs(new) <= 1.0)][0]
        raise ValueError(f"a target is {wrong}, not within [-1, 1]")
    lines = {
        name: [value if math.isfinite(value) else None for value in column[-last:].tolist()]
        for name, column in lines_of(strategy, frame).items()
    }
    return {"targets": new.tolist(), "lines": lines}


def opened(asked: Mapping[str, Any]) -> Strategy:
    """The strategy that is asked for; raises InvalidRequest."""
    folder = None if asked["folder"] is None else Path(asked["folder"])
    return build(named(asked["strategy"], folder=folder), asked["parameters"])


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests; the first is which strategy."""
    frames: dict[str, Growing] = {}
    strategy: Strategy | None = None
    while line := requests.readline():
        asked = json.loads(line)
        try:
            if strategy is None:
                strategy = opened(asked)
                answer: Any = {"warmup": int(strategy.warmup)}
            else:
                answer = {}
                for symbol, count, new in asked["bars"]:
                    raw = requests.read(count * COLUMNS * 8)
                    rows = np.frombuffer(raw, np.float64).reshape(-1, COLUMNS)
                    frame = frames.setdefault(symbol, Growing()).append(rows)
                    answer[symbol] = decided(strategy, frame, new)
        except Exception as error:  # noqa: BLE001 -- whatever a strategy raises is its failure
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def end_with(parent: int) -> None:
    """End as soon as the parent is gone: a strategy that never returns reads no end of stdin."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def main() -> None:
    """Keep the pipe for answers alone: fd 1 is for whatever the strategy prints."""
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
