"""The exchange as a child process: options come as one JSON line on stdin, whose end is its end.

It answers with one JSON line, {"url": ...}, on stdout. Keys come in no other way and never go out.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading_system.simulator.options import SimulatorOptions

_CHUNK = 4_096


def main() -> None:
    """Serve until stdin ends or SIGTERM comes; what cannot be served ends with a line and 1."""
    # Ctrl-C in a terminal reaches parent and child alike; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from trading_system.simulator.command_log import CommandLogError  # noqa: PLC0415 -- slow
    from trading_system.simulator.model import Refused  # noqa: PLC0415 -- slow

    line = sys.stdin.readline()
    if not line:
        return
    try:
        _run(_options(line))
    except (ValueError, OSError, CommandLogError, Refused) as wrong:
        sys.exit(f"simulator: {wrong}")


def _options(line: str) -> SimulatorOptions:
    """The options in a line of JSON; raises ValueError for anything else."""
    from trading_system.simulator.limits import LimitSettings  # noqa: PLC0415 -- slow
    from trading_system.simulator.options import (  # noqa: PLC0415 -- slow
        Mirrored,
        SimulatorOptions,
        running_at,
    )

    given: dict[str, Any] = json.loads(line)
    given["clock"] = running_at(given.get("speed", 1), origin=given.pop("origin", None))
    if given.get("journal"):
        given["journal"] = Path(given["journal"])
    try:
        given["limits"] = LimitSettings(**given.get("limits", {}))
        if given.get("mirrored"):
            given["mirrored"] = Mirrored(**given["mirrored"])
        if given.get("funds"):
            given["funds"] = {asset: Decimal(text) for asset, text in given["funds"].items()}
        return SimulatorOptions(**given)
    except (TypeError, ArithmeticError) as wrong:
        raise ValueError(f"no such option: {wrong}") from wrong


def _run(options: SimulatorOptions) -> None:
    try:
        import uvloop  # noqa: PLC0415 -- absent on Windows
    except ImportError:
        asyncio.run(_serve(options))
    else:
        uvloop.run(_serve(options))


async def _serve(options: SimulatorOptions) -> None:
    from trading_system.simulator.server import serve  # noqa: PLC0415 -- slow

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, ended.set)
    async with serve(options) as running:
        print(json.dumps({"url": running.url}), flush=True)  # noqa: T201 -- its one answer
        threading.Thread(target=_await_end, args=(loop, ended), daemon=True).start()
        await ended.wait()


def _await_end(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Return when stdin ends: the parent is gone, or wants us gone."""
    # Not sys.stdin: a thread inside its lock would hang the interpreter's own end.
    while os.read(0, _CHUNK):
        pass
    loop.call_soon_threadsafe(ended.set)


if __name__ == "__main__":
    main()
