"""`trading-system strategy`: give a strategy capital and let it trade, look at it, stop it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from trading_system.cli.connection import answer, connected, is_running
from trading_system.cli.running import console, explained, run, settings
from trading_system.domain.errors import TradingError

app = typer.Typer(help="Let strategies trade, and stop them.", no_args_is_help=True)

_SHORT = 8  # digits of an id tell strategies apart
_PLACES = 8

Id = Annotated[str, typer.Argument(help="The strategy's id, as `strategy list` shows it.")]
Flatten = Annotated[
    bool, typer.Option("--flatten", help="Also close what it holds; else that is kept.")
]


@app.command("run")
@explained
def run_strategy(
    name: Annotated[str, typer.Argument(help="Which; see `trading-system strategies`.")],
    symbol: Annotated[
        list[str], typer.Option("--symbol", help="What it trades, like BTC/USDT; may be repeated.")
    ],
    capital: Annotated[
        str, typer.Option("--capital", help="All that it may spend, in the quote asset.")
    ],
    timeframe: Annotated[
        str, typer.Option("--timeframe", help="The bars it decides by: 1m, 15m, 4h, 1d ...")
    ] = "1m",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="A parameter, like fast=20; may be repeated."),
    ] = None,
    percent: Annotated[
        str | None,
        typer.Option("--percent", help="How much of its equity it invests at most; else all."),
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--stop", help="A stop so many percent below what it paid.")
    ] = None,
    trail: Annotated[
        str | None, typer.Option("--trail", help="A stop so many percent behind the best price.")
    ] = None,
) -> None:
    """Make and start one: `strategy run sma_cross --symbol BTC/USDT --capital 1000`."""
    if stop is not None and trail is not None:
        raise typer.BadParameter("name --stop or --trail, not both")
    from trading_system.strategies.base import assignments

    distance, kind = (stop, "fixed") if trail is None else (trail, "trailing")
    wish: dict[str, Any] = {
        "name": name,
        "symbols": symbol,
        "timeframe": timeframe,
        "capital": capital,
        "parameters": assignments(param or ()),
        "sizing": None if percent is None else {"kind": "equity", "amount": percent},
        "stop": None if distance is None else {"kind": kind, "distance_percent": distance},
    }
    run(_begun(wish))


@app.command("list")
@explained
def list_strategies() -> None:
    """Every strategy with its capital, profit and what it waits for."""
    run(_listed())


@app.command()
@explained
def start(strategy: Id) -> None:
    """Go on."""
    run(_again(strategy))


@app.command("stop")
@explained
def stop_strategy(strategy: Id, flatten: Flatten = False) -> None:
    """Decide nothing more and cancel its open orders."""
    run(_told("POST", f"/strategies/{strategy}/stop", flatten=flatten))


@app.command()
@explained
def delete(strategy: Id, flatten: Flatten = False) -> None:
    """Stop it for good; its capital is free again."""
    run(_told("DELETE", f"/strategies/{strategy}", flatten=flatten))


@app.command()
@explained
def signals(
    strategy: Annotated[str | None, typer.Argument(help="Only of this one.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.")] = 20,
) -> None:
    """What was decided lately, newest first, and what came of it.

    Outcomes: ordered; fitted, what is held is what is wanted; unchanged, so it was before; refused,
    by our rules or the venue's; missed, a newer bar had closed; pending, still to be acted on;
    kept, by a grid, whose orders follow prices; warmup, only looked back at.
    """
    run(_signals(strategy, limit))


async def _begun(wish: dict[str, Any]) -> None:
    async with connected(settings()) as client:
        made = (await answer(await client.post("/strategies", json=wish))).json()
        try:
            started = await answer(await client.post(f"/strategies/{made['id']}/start"))
        except TradingError:
            _show([made])  # it has its capital, and can be started or deleted
            raise
    await _show_started(started.json())


async def _again(strategy: str) -> None:
    async with connected(settings()) as client:
        started = await answer(await client.post(f"/strategies/{strategy}/start"))
    await _show_started(started.json())


async def _show_started(row: dict[str, Any]) -> None:
    _show([row])
    if not await is_running(settings()):
        console.print("Nothing runs now: it trades as soon as trading-system does.")


async def _listed() -> None:
    async with connected(settings()) as client:
        rows = (await answer(await client.get("/strategies"))).json()
    if rows:
        _show(rows)
    else:
        console.print("None yet: trading-system strategy run sma_cross --symbol ... --capital ...")


async def _told(verb: str, path: str, **params: bool) -> None:
    async with connected(settings()) as client:
        told = await answer(await client.request(verb, path, params=params))
    _show([told.json()])


async def _signals(strategy: str | None, limit: int) -> None:
    asked: dict[str, str | int] = {"limit": limit}
    if strategy is not None:
        asked["strategy_id"] = strategy
    async with connected(settings()) as client:
        told = (await answer(await client.get("/signals", params=asked))).json()
    if not told["signals"]:
        console.print("Nothing was decided yet.")
        return
    table = Table("bar", "strategy", "symbol", "price", "target", "indicators", "outcome", "reason")
    for row in told["signals"]:
        lines = ", ".join(f"{name} {value}" for name, value in row["lines"].items())
        who = row["strategy_id"][:_SHORT]
        facts = (row["bar"], who, row["symbol"], str(row["price"]), f"{row['target']:g}", lines)
        table.add_row(*facts, row["outcome"], row["reason"] or "")
    console.print(table)


def _money(amount: str | None) -> str:
    """To eight places at most, as fine as any venue's step."""
    if amount is None:
        return "–"
    places = len(amount.partition(".")[2])
    return f"{Decimal(amount):.{min(places, _PLACES)}f}"


def _show(rows: list[dict[str, Any]]) -> None:
    """A line each, and below why one has stopped or waits: a sentence needs more than a column."""
    whole = Column("id", no_wrap=True, min_width=36)  # to be copied, however narrow the terminal
    names = ("strategy", "symbols", "bars", "capital", "profit", "state")
    table = Table(whole, *(Column(name, overflow="fold") for name in names))
    for row in rows:
        symbols = "\n".join(row["symbols"])
        facts = (row["id"], row["name"], symbols, row["timeframe"], row["capital"])
        table.add_row(*facts, _money(row["profit"]), row["state"])
    console.print(table)
    for row in rows:
        waits = [f"{symbol}: {why}" for symbol, why in row["waiting"].items()]
        for why in [row["reason"]] if row["reason"] else waits:
            told = f"{row['id'][:_SHORT]} {row['name']}, {row['state']}: {why}"
            console.print(told, markup=False, highlight=False, soft_wrap=True)
