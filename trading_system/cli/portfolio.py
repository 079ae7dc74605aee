"""`trading-system positions`, `portfolio` and `stops`: what is held, its worth, its guard."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import console, explained, run, settings

app = typer.Typer(
    help="Guard positions by stop losses; without a command, list them.",
    invoke_without_command=True,
)

Symbol = Annotated[str, typer.Argument(help="A pair with a position, e.g. BTC/USDT.")]
Id = Annotated[str, typer.Argument(help="The stop's id.")]
At = Annotated[str | None, typer.Option("--at", help="At this price.")]
Trail = Annotated[
    str | None, typer.Option("--trail", help="So many percent behind the best price, e.g. 1.5.")
]
Until = Annotated[str | None, typer.Option("--until", help="At this moment (ISO 8601).")]
Quantity = Annotated[str | None, typer.Option(help="Guard so much of it only.")]


_PLACES = 8  # as fine as any venue's step; divisions have more


@explained
def positions() -> None:
    """Show what our fills have made of each pair, and what that is worth."""
    run(_positions())


@explained
def portfolio() -> None:
    """Show what the account is worth, part by part."""
    run(_portfolio())


@app.callback()
@explained
def stops(context: typer.Context) -> None:
    """List stop losses when no command is named."""
    if context.invoked_subcommand is None:
        run(_stops())


@app.command()
@explained
def guard(
    symbol: Symbol,
    at: At = None,
    trail: Trail = None,
    until: Until = None,
    quantity: Quantity = None,
) -> None:
    """Guard a position: `stops guard BTC/USDT --trail 1.5`."""
    kinds = {"fixed": at, "trailing": trail, "time": until}
    given = [kind for kind, value in kinds.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter("name one of --at, --trail and --until")
    wish = {
        "symbol": symbol,
        "kind": given[0],
        "trigger_price": at,
        "distance_percent": trail,
        "deadline": until,
        "quantity": quantity,
    }
    run(_guard({name: value for name, value in wish.items() if value is not None}))


@app.command()
@explained
def cancel(stop: Id) -> None:
    """Guard no longer."""
    run(_cancel(stop))


async def _positions() -> None:
    async with connected(settings()) as client:
        rows = (await answer(await client.get("/positions"))).json()
    if not rows:
        console.print("Nothing was traded yet: trading-system order buy BTC/USDT --quote 100")
        return
    names = ("symbol", "quantity", "average_price", "price", "unrealised", "realised", "fees")
    table = Table(*(name.replace("_", " ") for name in names), "price age")
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in names), _age(row["price_age_ms"]))
    console.print(table)


async def _portfolio() -> None:
    async with connected(settings()) as client:
        told = (await answer(await client.get("/portfolio"))).json()
    equity = told["equity"]
    facts = Table(title=f"Portfolio in {equity['quote']}", show_header=False)
    facts.add_row("equity", _shown(equity["total"]))
    facts.add_row("at the day's start", _shown(equity["day_start"]))
    facts.add_row("at its peak", f"{_shown(equity['peak'])}, {equity['drawdown_percent']} % above")
    for name in ("realised", "realised_today", "unrealised", "fees"):
        total, parts = told[name]["total"], told[name]["by_asset"]
        facts.add_row(name.replace("_", " "), f"{_shown(total)} ({_shown(parts)})")
    console.print(facts)
    names = ("asset", "free", "locked", "price", "value")
    table = Table(*names, "price age")
    for row in told["assets"]:
        table.add_row(*(_shown(row[name]) for name in names), _age(row["price_age_ms"]))
    console.print(table)
    if equity["unvalued"]:
        console.print(f"No price is known of {', '.join(equity['unvalued'])}: not counted.")


async def _stops() -> None:
    async with connected(settings()) as client:
        rows = (await answer(await client.get("/stops"))).json()
    console.print(_stop_table(rows) if rows else "No stop loss was ever set.")


async def _guard(wish: dict[str, str]) -> None:
    async with connected(settings()) as client:
        stop = (await answer(await client.post("/stops", json=wish))).json()
    console.print(_stop_table([stop]))


async def _cancel(stop: str) -> None:
    async with connected(settings()) as client:
        console.print(_stop_table([(await answer(await client.delete(f"/stops/{stop}"))).json()]))


def _stop_table(rows: list[dict[str, Any]]) -> Table:
    names = ("id", "symbol", "kind", "level", "distance_percent", "deadline", "kept_by", "status")
    whole = Column("id", no_wrap=True, min_width=36)  # to be copied, however narrow the terminal
    table = Table(whole, *(name.replace("_", " ") for name in names[1:]), "reason")
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in names), row["reason"] or "")
    return table


def _shown(value: object) -> str:
    match value:
        case None:
            return "–"
        case dict():
            return ", ".join(f"{_shown(amount)} {asset}" for asset, amount in value.items())
        case str() if value.replace(".", "", 1).lstrip("-").isdigit() and "." in value:
            return f"{round(Decimal(value), _PLACES) + 0:f}".rstrip("0").rstrip(".")
        case _:
            return str(value)


def _age(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds / 1000:.1f} s"
