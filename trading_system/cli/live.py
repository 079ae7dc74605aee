"""`trading-system tickers`, `book`, `events` and `venue`: what the streams tell, as it is now."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from trading_system.cli.connection import answer, connected, connected_to_running
from trading_system.cli.running import console, explained, run, settings
from trading_system.domain.errors import TradingError

if TYPE_CHECKING:
    import httpx

Symbol = Annotated[str, typer.Argument(help="A pair such as BTC/USDT.")]
Levels = Annotated[int, typer.Option(min=1, max=5_000, help="So many a side.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")]
Kinds = Annotated[
    str,
    typer.Option(
        help="With commas: order, position, refusal, balances, candle, state, venue, quote, "
        "ticker, trade, book, open_candle."
    ),
]
Symbols = Annotated[str | None, typer.Option(help="Only of these pairs, with commas.")]

_RARE = "order,position,refusal,balances,candle,state,venue"
_LEFT_OUT = frozenset({"open_time_ms", "received_at"})  # `time` and `open_time` say as much
_COLUMNS = {
    "limits": ("kind", "seconds", "limit", "used", "waiting"),
    "breakers": ("group", "state", "failures", "opened", "retry_at"),
    "streams": ("role", "state", "connects", "messages", "dropped", "lag_ms", "detail"),
}


@explained
def tickers(
    symbol: Annotated[str | None, typer.Argument(help="Only this pair, e.g. BTC/USDT.")] = None,
) -> None:
    """Show the newest prices of the running system, and how old they are."""
    run(_tickers(symbol))


@explained
def book(symbol: Symbol, levels: Levels = 10) -> None:
    """Show the best levels of an order book."""
    run(_book(symbol, levels))


@explained
def events(follow: Follow = False, kinds: Kinds = _RARE, symbols: Symbols = None) -> None:
    """Show what has happened lately in the running system; --follow: and what happens."""
    run(_events(follow=follow, kinds=kinds, symbols=symbols))


@explained
def venue() -> None:
    """Show the way to the venue: limits and their use, breakers, streams, clock, ban."""
    run(_venue())


async def _tickers(symbol: str | None) -> None:
    async with connected_to_running(settings()) as client:
        query = {} if symbol is None else {"symbol": symbol}
        rows = (await answer(await client.get("/tickers", params=query))).json()
    if not rows:
        console.print("No price is followed yet: trading-system symbols add BTC/USDT")
        return
    table = Table("symbol", "last", "age", "bid", "ask", "spread", "24 h", "state")
    for row in rows:
        table.add_row(
            row["symbol"],
            _shown(row["last"]),
            _age(row["price_age_ms"]),
            _shown(row["bid"]),
            _shown(row["ask"]),
            _rounded(row["spread_bps"], "bp"),
            _rounded(row["change_percent"], "%"),
            _shown(row["state"]),
        )
    console.print(table)


async def _book(symbol: str, levels: int) -> None:
    async with connected(settings()) as client:
        response = await client.get(f"/book/{symbol.replace('/', '-')}", params={"levels": levels})
        told = (await answer(response)).json()
    table = Table(
        "quantity",
        "bid",
        "ask",
        "quantity",
        title=f"{told['symbol']} · {told['source']}, {_age(told['age_ms'])} old",
    )
    for bid, ask in zip_longest(told["bids"], told["asks"], fillvalue=("", "")):
        table.add_row(*map(_plain, (bid[1], bid[0], ask[0], ask[1])))
    console.print(table)
    console.print(
        f"middle {_plain(told['mid'] or '–')}, spread {_rounded(told['spread_bps'], 'bp')}"
    )


async def _events(*, follow: bool, kinds: str, symbols: str | None) -> None:
    query = {"kinds": kinds, "replay": "all", "follow": str(follow).lower()}
    if symbols is not None:
        query["symbols"] = symbols
    async with connected_to_running(settings()) as client:
        async for kind, data in _told(client, query):
            console.print(f"{kind:<11} {_in_words(data)}", markup=False, soft_wrap=True)


async def _told(
    client: httpx.AsyncClient, query: dict[str, str]
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Each event's kind and data; our server puts an event's data on one line."""
    from httpx import TransportError

    kind = ""
    try:
        async with client.stream("GET", "/events", params=query) as response:
            if not response.is_success:
                await response.aread()
                await answer(response)
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)
    except TransportError:
        raise TradingError("the system has gone; what it tells can be resumed later") from None


def _in_words(data: dict[str, Any]) -> str:
    match data:
        case {"order": order, "source": source}:
            return (
                f"{order['symbol']} {order['side']} {order['type']} {order['status']}, "
                f"executed {order['executed_quantity']} of "
                f"{order['quantity'] or order['quote_quantity'] + ' quote'}; told by {source}"
            )
        case {"position": position, "realised": realised}:
            return (
                f"{position['symbol']} holds {position['quantity']} at "
                f"{position['average_price'] or '–'}; realised {realised}"
            )
        case {"balances": balances}:
            return ", ".join(f"{each['asset']} {each['total']}" for each in balances)
        case _:
            told = {name: value for name, value in data.items() if name not in _LEFT_OUT}
            return " ".join(f"{name}={value}" for name, value in told.items() if value is not None)


async def _venue() -> None:
    async with connected(settings()) as client:
        venues = (await answer(await client.get("/venue"))).json()
    for each in venues:
        console.print(_facts(each))
        for part, names in _COLUMNS.items():
            if each[part]:
                console.print(_table(each[part], names))


def _facts(told: dict[str, Any]) -> Table:
    table = Table(title=told["url"], show_header=False)
    table.add_row("reachable", "yes" if told["reachable"] else f"no: {told['detail']}")
    table.add_row("since", told["since"])
    table.add_row("clock", f"{told['clock_offset_ms']} ms off, corrected for")
    table.add_row("round trip", _rounded(told["round_trip_ms"], "ms"))
    table.add_row("banned until", _shown(told["banned_until"]))
    return table


def _table(rows: list[dict[str, Any]], names: tuple[str, ...]) -> Table:
    table = Table(*(name.replace("_", " ") for name in names))
    for row in rows:
        table.add_row(*(_shown(row[name]) for name in names))
    return table


def _shown(value: object) -> str:
    return "–" if value is None else str(value)


def _rounded(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.2f} {unit}"


def _plain(text: str) -> str:
    """A decimal without the zeros at its end."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _age(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds / 1000:.1f} s"
