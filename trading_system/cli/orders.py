"""`trading-system order`: trade on the configured venue, change and cancel what rests there."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated, Any

import typer
from rich.table import Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import FAILED, console, explained, run, settings

app = typer.Typer(help="Buy, sell, modify or cancel on the configured venue.", no_args_is_help=True)

Symbol = Annotated[str, typer.Argument(help="What to trade, e.g. BTC/USDT.")]
Quantity = Annotated[
    str | None, typer.Argument(help="How much of the base asset, e.g. 0.01; or use --quote.")
]
Quote = Annotated[
    str | None, typer.Option("--quote", help="How much of the quote asset instead, e.g. 100.")
]
Price = Annotated[
    str | None, typer.Option("--price", help="Limit price; without it a market order is sent.")
]
Type = Annotated[
    str | None,
    typer.Option("--type", help="LIMIT_MAKER, TAKE_PROFIT ...; else what the other options need."),
]
StopPrice = Annotated[
    str | None, typer.Option("--stop-price", help="Wait until the market gets there.")
]
Trailing = Annotated[
    int | None,
    typer.Option("--trailing-delta", help="Follow the market by so many basis points."),
]
Iceberg = Annotated[
    str | None, typer.Option("--iceberg", help="How much of it is shown at a time.")
]
Conform = Annotated[
    bool, typer.Option("--conform", help="Adjust it to the venue's steps and bounds.")
]
InForce = Annotated[
    str | None, typer.Option("--time-in-force", help="GTC (default), IOC or FOK; limit orders.")
]
OrderId = Annotated[str, typer.Argument(help="The order's id, as placing it printed it.")]


@app.command()
@explained
def buy(
    symbol: Symbol,
    quantity: Quantity = None,
    quote: Quote = None,
    price: Price = None,
    kind: Type = None,
    stop_price: StopPrice = None,
    trailing_delta: Trailing = None,
    iceberg: Iceberg = None,
    time_in_force: InForce = None,
    conform: Conform = False,
) -> None:
    """Buy, at the market or at a limit: `order buy BTC/USDT --quote 100`."""
    wish = _wish(
        symbol=symbol,
        side="BUY",
        type=kind or _type(price, stop_price, trailing_delta),
        quantity=quantity,
        quote_quantity=quote,
        price=price,
        stop_price=stop_price,
        trailing_delta=trailing_delta,
        iceberg_quantity=iceberg,
        time_in_force=time_in_force,
        conform=conform,
    )
    run(_trade(wish))


@app.command()
@explained
def sell(
    symbol: Symbol,
    quantity: Quantity = None,
    quote: Quote = None,
    price: Price = None,
    kind: Type = None,
    stop_price: StopPrice = None,
    trailing_delta: Trailing = None,
    iceberg: Iceberg = None,
    time_in_force: InForce = None,
    conform: Conform = False,
) -> None:
    """Sell, at the market, a limit or a stop: `order sell BTC/USDT 0.01 --stop-price 90000`."""
    wish = _wish(
        symbol=symbol,
        side="SELL",
        type=kind or _type(price, stop_price, trailing_delta),
        quantity=quantity,
        quote_quantity=quote,
        price=price,
        stop_price=stop_price,
        trailing_delta=trailing_delta,
        iceberg_quantity=iceberg,
        time_in_force=time_in_force,
        conform=conform,
    )
    run(_trade(wish))


@app.command()
@explained
def modify(
    order_id: OrderId,
    price: Annotated[str | None, typer.Option("--price", help="The new limit price.")] = None,
    quantity: Annotated[
        str | None, typer.Option("--quantity", help="What is to be open afterwards.")
    ] = None,
) -> None:
    """Change price, quantity or both: `order modify ID --price 91000 --quantity 0.005`."""
    changes = {"price": price, "quantity": quantity}
    wanted = {name: value for name, value in changes.items() if value is not None}
    run(_change("PATCH", order_id, wanted))


@app.command()
@explained
def cancel(order_id: OrderId) -> None:
    """Cancel what of an order is still open."""
    run(_change("DELETE", order_id, None))


def _type(price: str | None, stop_price: str | None, trailing_delta: int | None) -> str:
    """The simplest type that takes these."""
    if stop_price is not None or trailing_delta is not None:
        return "stop_loss" if price is None else "stop_loss_limit"
    return "market" if price is None else "limit"


def _wish(**members: str | int | bool | None) -> dict[str, str | int | bool]:
    """The order as the API takes it: what was not asked for is left out."""
    return {name: value for name, value in members.items() if value is not None}


async def _trade(wish: dict[str, str | int | bool]) -> None:
    async with connected(settings()) as client:
        response = await answer(await client.post("/orders", json=wish))
        order = response.json()
        trades = await answer(await client.get("/trades", params={"symbol": wish["symbol"]}))
    fills = [trade for trade in trades.json() if trade["order_id"] == order["id"]]
    console.print(_order_table(order))
    for each in order.get("conformed", ()):
        console.print(f"{each['field']}: {each['asked']} was asked for, {each['sent']} was sent")
    if fills:
        console.print(_fills_table(fills))
    if order["status"] == "UNKNOWN":
        console.print("The venue has not answered: the running system keeps asking.")
        raise typer.Exit(FAILED)


async def _change(method: str, order_id: str, body: dict[str, str] | None) -> None:
    async with connected(settings()) as client:
        response = await client.request(method, f"/orders/{order_id}", json=body)
        if response.status_code == HTTPStatus.CONFLICT:
            for order in filter(None, (response.json().get(name) for name in ("old", "new"))):
                console.print(_order_table(order))
        order = (await answer(response)).json()
    console.print(_order_table(order))
    if response.status_code == HTTPStatus.ACCEPTED:
        console.print("The venue has not answered: the running system keeps asking.")
        raise typer.Exit(FAILED)


def _order_table(order: dict[str, Any]) -> Table:
    table = Table(title=f"{order['side']} {order['symbol']}", show_header=False)
    for name in (
        "id",
        "status",
        "type",
        "quantity",
        "quote_quantity",
        "price",
        "stop_price",
        "trailing_delta",
        "iceberg_quantity",
        "executed_quantity",
        "executed_quote",
        "average_price",
        "slippage_percent",
        "latency_ms",
        "reject_reason",
        "replaces",
    ):
        if order.get(name) is not None:
            table.add_row(name.replace("_", " "), _plain(order[name]))
    return table


def _plain(value: object) -> str:
    """A decimal without the zeros at its end; anything else as it is."""
    text = str(value)
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", text) else text


def _fills_table(fills: list[dict[str, Any]]) -> Table:
    table = Table("price", "quantity", "quote", "fee", "fee asset", "trade", title="Fills")
    for fill in fills:
        names = ("price", "quantity", "quote_quantity", "fee", "fee_asset", "trade_id")
        table.add_row(*(_plain(fill[name]) for name in names))
    return table
