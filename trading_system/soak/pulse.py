"""Feels the pulse of the running process: memory of it and of the exchange, stalls of the loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path

_PAUSE = 0.01
_MEGABYTE = 1 << 20
_KILOBYTES_IN_A_MEGABYTE = 1 << 10
_RESIDENT = 1  # the second number of /proc/PID/statm


def memory_mb(process: int) -> float:
    """Resident memory of a process; NaN when it is gone."""
    statm = Path(f"/proc/{process}/statm")
    if statm.exists():
        pages = int(statm.read_text().split()[_RESIDENT])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE
    told = subprocess.run(  # noqa: S603 -- a number of ours
        ["ps", "-o", "rss=", "-p", str(process)],  # noqa: S607 -- where there is no /proc
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return int(told) / _KILOBYTES_IN_A_MEGABYTE if told else float("nan")


class Stalls:
    """How long the event loop keeps a task waiting beyond what it asked for."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def run(self) -> None:
        """Measure until cancelled, in real time whatever the clocks say."""
        while True:
            started = time.perf_counter()
            await asyncio.sleep(_PAUSE)
            self._late.append(time.perf_counter() - started - _PAUSE)

    def take_ms(self, *, share: float = 0.99) -> float:
        """The delay that this share of the pauses since the last call stayed below."""
        late, self._late = sorted(self._late), []
        return round(late[int(len(late) * share)] * 1000, 2) if late else 0.0
