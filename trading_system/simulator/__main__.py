"""The exchange as a child process: options come as one JSON line on stdin, whose end is its end.

It answers with one JSON line, {"url": ...}, on stdout. Keys come and go no other way.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.server import SimulatorOptions, serve


def main() -> None:
    """Serve until stdin ends or SIGTERM comes; a wrong option is one line and exit code 2."""
    # Ctrl-C in a terminal reaches the whole group; this process ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _run(_options(json.loads(sys.stdin.readline())))
    except (ValueError, OSError, CommandLogError) as wrong:
        sys.exit(f"exchange: {wrong}")


def _options(given: dict[str, Any]) -> SimulatorOptions:
    if given.get("journal"):
        given["journal"] = Path(given["journal"])
    if "limits" in given:
        given["limits"] = LimitSettings(**given["limits"])
    return SimulatorOptions(**given)


def _run(options: SimulatorOptions) -> None:
    try:
        import uvloop  # noqa: PLC0415 -- absent on some platforms
    except ImportError:
        asyncio.run(_serve(options))
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options))


async def _serve(options: SimulatorOptions) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    async with serve(options) as running:
        print(json.dumps({"url": running.url}), flush=True)  # noqa: T201 -- its one answer
        loop.add_reader(sys.stdin.fileno(), _read, ended)
        await ended.wait()


def _read(ended: asyncio.Event) -> None:
    if not sys.stdin.buffer.read1(1):
        ended.set()


if __name__ == "__main__":
    main()
