"""The program under proof as a process: started, asked whether it is well, killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from proofs.crash.steps import By, Death

_STARTUP_SECONDS = 60.0
_POLL_SECONDS = 0.02


class Program:
    """One life of it; leaving the block ends it with SIGKILL if nothing has before."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.http = httpx.AsyncClient(base_url=url, timeout=30.0)

    async def __aenter__(self) -> Self:
        """Wait until it answers, or has met its step on the way there and is dead."""
        async with asyncio.timeout(_STARTUP_SECONDS):
            while True:
                if not self.is_alive:
                    await self.ended()
                    return self
                try:
                    await self.http.get("/health")
                except httpx.TransportError:
                    await asyncio.sleep(_POLL_SECONDS)
                else:
                    return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        await self._process.wait()
        await self.http.aclose()

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    def kill(self) -> None:
        """As a crash would: nothing of it runs any more when this returns."""
        if self.is_alive:
            os.kill(self._process.pid, signal.SIGKILL)

    async def ended(self) -> None:
        """Until it is gone."""
        code = await self._process.wait()
        if code != -signal.SIGKILL:
            raise RuntimeError(f"it ended by itself with {code}: see its log")


@asynccontextmanager
async def started(
    environment: Mapping[str, str], death: Death | None, log: Path
) -> AsyncIterator[Program]:
    """The program, as soon as it answers; where the program itself notices its death, so made."""
    command = ["-m", "trading_system"]
    if death is not None and death.step.by is By.PROGRAM:
        command = ["-m", "proofs.crash.victim", death.step.name, str(death.passed)]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
        url = f"http://127.0.0.1:{environment['API_PORT']}"
        async with Program(process, url) as program:
            yield program
