"""`trading-system strategies` and `check`: which there are, and whether one looks ahead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_system.cli.running import FAILED, console, explained, settings
from trading_system.domain.errors import InvalidRequest

if TYPE_CHECKING:
    from trading_system.strategies.base import Strategy
    from trading_system.strategies.registry import Kinds

Name = Annotated[
    str, typer.Argument(help="A strategy's name, see `strategies`; or a Python file with one.")
]
Parameters = Annotated[
    list[str] | None, typer.Option("--param", help="A parameter, like fast=20; may be repeated.")
]
Files = Annotated[
    list[Path] | None,
    typer.Option("--file", help="A Python file with strategies of your own; may be repeated."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="A folder of such files; by default STRATEGIES_DIR."),
]


@explained
def strategies(file: Files = None, folder: Folder = None) -> None:
    """List the strategies, their parameters and what these may be."""
    from trading_system.strategies.base import parameters

    for name, kind in kinds(file, folder).items():
        console.print(name, style="bold", markup=False)
        for each in parameters(kind):
            line = f"  {each.name}={each.written}".ljust(24) + each.range.ljust(24) + each.help
            console.print(line, markup=False, highlight=False, soft_wrap=True)


@explained
def check(
    strategy: Name, param: Parameters = None, file: Files = None, folder: Folder = None
) -> None:
    """Find out whether a strategy looks ahead, on candles that are made up.

    Its targets are compared with those for the same candles with their future cut off, shuffled
    and scaled. Exit code 1 when one changes, is out of [-1, 1] or is not the same twice.
    """
    from trading_system.strategies.base import assignments, build
    from trading_system.strategies.detect import examine, example_frame

    asked = build(chosen(strategy, file, folder), assignments(param or ()))
    finding = examine(asked, example_frame(bars=2_000 + 2 * asked.warmup))
    if finding is not None:
        console.print(f"{asked.name}: {finding}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FAILED)
    console.print(f"{asked.name}: nothing ahead was looked at.", markup=False)


def kinds(files: list[Path] | None, folder: Path | None) -> Kinds:
    """All strategies by name, those of these files and of this folder among them."""
    from trading_system.strategies import registry

    return registry.strategies(files or (), folder or settings().strategies_dir)


def chosen(name: str, files: list[Path] | None, folder: Path | None) -> type[Strategy]:
    """The strategy of that name, or the only one in the Python file of that name."""
    from trading_system.strategies.registry import load, named

    path = Path(name)
    if path.suffix != ".py":
        return named(name, files or (), folder or settings().strategies_dir)
    found = load(path)
    if len(found) > 1:
        names = ", ".join(kind.name for kind in found)
        raise InvalidRequest(f"{path} holds {names}: say which one, with --file {path}")
    return found[0]
