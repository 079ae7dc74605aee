"""The program, made to kill itself at a step of an order's way: `python -m proofs.crash.victim`.

It is what `trading-system` runs, with an observer of its steps. SIGKILL runs no handler and flushes
nothing: for the process it is as if the machine had gone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from trading_system import logs
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import serve
from trading_system.clock import SystemClock
from trading_system.config import Settings, read_settings
from trading_system.system import opened


def killing(step: str, passed: int) -> Callable[[str], None]:
    """An observer that kills this process at the step after it was passed so many times."""
    left = passed

    def observe(name: str) -> None:
        nonlocal left
        if name == step:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    return observe


async def live(settings: Settings, on_step: Callable[[str], None]) -> int:
    """As `trading-system serve` does it without an exchange of its own."""
    options = ApiOptions(host=settings.api_host, port=settings.api_port, token=settings.api_token)
    async with opened(settings, SystemClock(), on_step=on_step) as system:
        return await serve(create_app(system, options), options, run=system.run)


if __name__ == "__main__":
    wanted = read_settings()
    logs.configure(level=wanted.log_level, json=True, folder=wanted.log_dir)
    sys.exit(asyncio.run(live(wanted, killing(sys.argv[1], int(sys.argv[2])))))
