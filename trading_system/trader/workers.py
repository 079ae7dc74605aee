"""Starts the process of a strategy, asks it with a time limit, and kills what does not answer."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol

_LINE = 64 * 1024 * 1024  # the longest answer
_SECRETS = frozenset({"BINANCE_API_KEY", "BINANCE_SECRET_KEY", "API_TOKEN"})
_START_SECONDS = 30.0  # Python, numpy and what a file imports
_GOODBYE_SECONDS = 1.0


class StrategyFailed(TradingError):
    """A strategy's own code raised, took too long or gave no targets; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBars:
    """Bars to append, shape (n, 6), of which the last `decide` are to be decided."""

    rows: NDArray[np.float64]
    decide: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What was decided of each asked bar: target, and the lines it went by."""

    targets: Sequence[float]
    lines: Sequence[Mapping[str, float | None]]


class Brain(Protocol):
    """Where one strategy runs; it remembers all bars it was ever given."""

    warmup: int

    async def decide(self, bars: Mapping[Symbol, NewBars]) -> dict[Symbol, Targets]:
        """Raises StrategyFailed, after which nothing more can be asked."""
        ...

    async def close(self) -> None: ...


class Brains(Protocol):
    """Opens them; raises StrategyFailed for code or parameters that cannot be used."""

    async def open(self, strategy: str, parameters: Mapping[str, str]) -> Brain: ...


class Workers:
    """Brains as processes; `folder` has users' strategies, `limit` is seconds for one answer."""

    def __init__(self, *, folder: Path | None, limit: float) -> None:
        self._folder = folder
        self._limit = limit

    async def open(self, strategy: str, parameters: Mapping[str, str]) -> Brain:
        """A process that has loaded the strategy; raises StrategyFailed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "trading_system.trader.worker"),
            stdin=PIPE,
            stdout=PIPE,
            # Whatever a strategy's code may be: keys are none of its business.
            env={name: text for name, text in os.environ.items() if name.upper() not in _SECRETS},
            limit=_LINE,
        )
        worker = Worker(process, limit=self._limit)
        folder = None if self._folder is None else str(self._folder)
        asked = {"strategy": strategy, "parameters": dict(parameters), "folder": folder}
        answer = await worker.ask(asked, b"", within=max(self._limit, _START_SECONDS))
        worker.warmup = answer["warmup"]
        return worker


class Worker:
    """A Brain in a process of its own, killed by whatever it fails at."""

    def __init__(self, process: Process, *, limit: float) -> None:
        self._process = process
        self._limit = limit
        self.warmup = 0

    async def decide(self, bars: Mapping[Symbol, NewBars]) -> dict[Symbol, Targets]:
        """The targets of the bars that are to be decided; raises StrategyFailed."""
        asked = {"bars": [[str(symbol), len(new.rows), new.decide] for symbol, new in bars.items()]}
        rows = b"".join(np.ascontiguousarray(new.rows).tobytes() for new in bars.values())
        answer = await self.ask(asked, rows, within=self._limit)
        return {symbol: _targets(answer[str(symbol)]) for symbol in bars}

    async def close(self) -> None:
        """End it; what does not end by itself is killed: it keeps nothing that is to be saved."""
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self._kill()

    async def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def ask(self, asked: Mapping[str, Any], rows: bytes, *, within: float) -> Any:
        """Its answer within so many seconds of real time; raises StrategyFailed."""
        try:
            async with asyncio.timeout(within):
                line = await self._exchange(json.dumps(asked).encode() + b"\n" + rows)
        except TimeoutError:
            await self._kill()
            raise StrategyFailed(f"took longer than {within:g} s") from None
        except BaseException:
            await self._kill()
            raise
        answer = json.loads(line) if line.endswith(b"\n") else {"error": "its process ended"}
        if "error" in answer:
            await self._kill()
            raise StrategyFailed(answer["error"])
        return answer

    async def _exchange(self, message: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 -- both are pipes
        assert stdout is not None  # noqa: S101
        with suppress(ConnectionError):  # what it wrote before it ended, or nothing, is read below
            stdin.write(message)
            await stdin.drain()
        return await stdout.readline()


def _targets(answer: Mapping[str, Any]) -> Targets:
    targets, lines = answer["targets"], answer["lines"]
    return Targets(
        targets=targets,
        lines=[{name: lines[name][at] for name in lines} for at in range(len(targets))],
    )
