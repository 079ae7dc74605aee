"""What every command shares: read the settings, run a coroutine, end with a line, not a trace."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer
from rich.console import Console

from trading_system.domain.errors import ConfigurationError, TradingError

if TYPE_CHECKING:  # importing it takes half a second, which --help should not
    from trading_system.config import Settings
    from trading_system.system import System

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

console = Console(emoji=False)  # fast=5:100:5 is a range and no face
errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

FAILED = 1
WRONG_SETTINGS = 2
INTERRUPTED = 130


def explained(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """A command whose expected failures are one line on stderr and an exit code."""

    @wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ConfigurationError as wrong:
            errors.print(str(wrong), style="red", markup=False)
            raise typer.Exit(WRONG_SETTINGS) from None
        except TradingError as error:
            errors.print(str(error), style="red", markup=False)
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None

    return run


def settings() -> Settings:
    """The settings; a wrong one raises ConfigurationError with one line each."""
    from trading_system.config import read_settings

    return read_settings()


def run(main: Coroutine[object, object, Result]) -> Result:
    """Run to the end on the fastest loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@asynccontextmanager
async def opened_system(wanted: Settings) -> AsyncIterator[System]:
    """The system of these settings, with the embedded exchange beside it where they ask for it."""
    from trading_system.cli.embedded import beside

    with beside(wanted) as exchange:
        # Imported while the exchange comes up in its own process.
        from trading_system import logs
        from trading_system.clock import SystemClock
        from trading_system.system import opened

        logs.configure(level="WARNING", json=False, folder=None)  # the command prints its result
        if exchange is not None:
            wanted = await exchange.settings(wanted)
        async with opened(wanted, SystemClock()) as system:
            yield system


def say(text: str) -> None:
    """A line on stderr that is no result."""
    print(text, file=sys.stderr)  # noqa: T201 -- plain, also into a pipe
