"""`trading-system parity`: what a strategy did beside a backtest over the same candles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import console, explained, run, settings
from trading_system.trader.causes import Cause

_SHOWN = 20
_PARTS = ("latency", "slippage", "fee", "size", "partial")
_PARTS_OF_GRID = (*_PARTS, "alone")

Id = Annotated[str, typer.Argument(help="The strategy's id, as `strategy list` shows it.")]
Fee = Annotated[
    float | None, typer.Option(help="What the backtest takes off a fill, as a share: 0.001.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")]


@explained
def parity(strategy: Id, fee: Fee = None, *, as_json: AsJson = False) -> None:
    """Replay what a strategy has seen and compare: decisions to the last bit, fills part by part.

    Ends with 1 when a decision differs or a fill is without its like; of a grid, when a level
    differs or a fill contradicts the candles, for those do not tell which way a price went.
    """
    reports = run(_reports(strategy, fee))
    if as_json:
        console.print_json(json.dumps(reports))
    else:
        for report in reports:
            _show(report)
        if not reports:
            console.print("It has decided nothing yet.")
    if not all(report["clean"] for report in reports):
        raise typer.Exit(1)


async def _reports(strategy: str, fee: float | None) -> list[dict[str, Any]]:
    query = {} if fee is None else {"fee": fee}
    async with connected(settings()) as client:
        got = await client.get(f"/strategies/{strategy}/parity", params=query, timeout=600)
        reports: list[dict[str, Any]] = (await answer(got)).json()
    return reports


def _show(report: Mapping[str, Any]) -> None:
    differing, fills = report["differing"], report["fills"]
    verdict = "[green]clean[/green]" if report["clean"] else "[red]not clean[/red]"
    equal = report["decisions"] - len(differing)
    console.print(f"[bold]{report['symbol']}[/bold] {verdict}")
    console.print(
        f"{equal} of {report['decisions']} decisions equal, {report['not_acted']} not acted on; "
        f"profit {report['profit']:.4f}, backtest {_number(report['replayed_profit'])}"
    )
    for each in differing[:_SHOWN]:
        console.print(f"  {each['bar']}: decided {each['stored']}, now {each['replayed']}")
    for each in report["levels"][:_SHOWN]:
        console.print(f"  level {each['level']}: laid at {each['stored']}, now {each['replayed']}")
    is_grid = any(pair["cell"] is not None for pair in fills)
    if is_grid or any(pair["cause"] for pair in fills):
        _show_causes(fills)
    if fills:
        console.print(_table_of_grid(fills) if is_grid else _table(fills))


def _show_causes(fills: Sequence[Mapping[str, Any]]) -> None:
    """How often a fill is one side's alone, what that means, and each that contradicts a candle."""
    caused = [(Cause(pair["cause"]), pair) for pair in fills if pair["cause"]]
    counts = Counter(cause for cause, _ in caused)
    told = "".join(f", {count} {cause}" for cause, count in sorted(counts.items()))
    console.print(f"{len(fills) - len(caused)} of {len(fills)} fills as in the backtest{told}")
    for cause in sorted(counts):
        console.print(f"  {cause}: {cause.meaning}")
    for cause, pair in [each for each in caused if each[0].contradicts][:_SHOWN]:
        console.print(f"  {pair['bar']}: {pair['side']} in cell {_place(pair)}: [red]{cause}[/red]")


def _table(fills: Sequence[Mapping[str, Any]]) -> Table:
    why = ["why"] if any(pair["cause"] for pair in fills) else []
    names = ("bar", "side", "price", "backtest", *_PARTS, "delay s", *why)
    table = Table(*(Column(name, overflow="fold") for name in names))  # no figure is cut off
    for pair in fills[-_SHOWN:]:
        table.add_row(
            _minute(pair["bar"]),
            pair["side"] + (" stop" if pair["is_stop"] else ""),
            _number(pair["price"]),
            _number(pair["replayed_price"]),
            *(_number(pair[part]) for part in _PARTS),
            _delay(pair),
            *(pair["cause"] or "" for _ in why),
        )
    table.add_section()
    sums = (_sum(fills, part) for part in _PARTS)
    table.add_row(f"all {len(fills)}", "", "", "", *sums, "")
    return table


def _table_of_grid(fills: Sequence[Mapping[str, Any]]) -> Table:
    """All parts that are not nothing add up to what the backtest earned more."""
    parts = [part for part in _PARTS_OF_GRID if any(pair[part] for pair in fills)]
    names = ("bar", "cell", "side", "price", "backtest", *parts, "delay s", "why")
    table = Table(*(Column(name, overflow="fold") for name in names))
    for pair in fills[-_SHOWN:]:
        table.add_row(
            _minute(pair["bar"]),
            _place(pair),
            pair["side"] + (" taker" if pair["maker"] is False else ""),
            _number(pair["price"]),
            _number(pair["replayed_price"]),
            *(_number(pair[part]) for part in parts),
            _delay(pair),
            pair["cause"] or "",
        )
    table.add_section()
    sums = (_sum(fills, part) for part in parts)
    table.add_row(f"all {len(fills)}", "", "", "", "", *sums, "", "")
    return table


def _place(pair: Mapping[str, Any]) -> str:
    """The cell, and the order's number in it."""
    number = "" if pair["number"] is None else f" #{pair['number']}"
    return "all" if pair["cell"] is None else f"{pair['cell']}{number}"


def _minute(instant: str) -> str:
    """Bars begin with a minute; two words may stand below each other."""
    return instant.removesuffix(":00Z").replace("T", " ")


def _delay(pair: Mapping[str, Any]) -> str:
    return "–" if pair["delay_ms"] is None else f"{pair['delay_ms'] / 1000:.1f}"


def _sum(fills: Sequence[Mapping[str, Any]], part: str) -> str:
    return _number(sum(pair[part] or 0.0 for pair in fills))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:z,.4f}"  # z: never -0.0000
