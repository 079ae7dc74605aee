"""`trading-system order oco`, `oto` and `otoco`: orders that hang together, whole lists at a time.

What these words cannot say (take profits that trail, icebergs in a list) the API can.
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

import typer
from rich.table import Table

from trading_system.cli.connection import answer, connected
from trading_system.cli.running import FAILED, console, explained, run, settings

_COLUMNS = ("id", "side", "type", "quantity", "price", "stop_price", "status", "executed_quantity")


class Side(StrEnum):
    """As it is typed."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> Side:
        """What undoes it."""
        return Side.SELL if self is Side.BUY else Side.BUY


Symbol = Annotated[str, typer.Argument(help="What to trade, e.g. BTC/USDT.")]
Quantity = Annotated[str, typer.Argument(help="How much of the base asset, e.g. 0.01.")]
Above = Annotated[str, typer.Option("--above", help="The price above the market.")]
Below = Annotated[str, typer.Option("--below", help="The price below the market.")]
StopLimit = Annotated[
    str | None,
    typer.Option("--limit", help="The stop's limit price; without it the stop is at the market."),
]
Price = Annotated[str, typer.Option("--price", help="Limit price of the order that works first.")]
ListId = Annotated[str, typer.Argument(help="The list's id, as placing it printed it.")]


@explained
def oco(
    symbol: Symbol,
    quantity: Quantity,
    above: Above,
    below: Below,
    limit: StopLimit = None,
    side: Annotated[Side, typer.Option(help="What both orders do.")] = Side.SELL,
) -> None:
    """Two orders of which one ever trades: `order oco BTC/USDT 0.01 --above 110000 --below 90000`.

    Selling, the one above takes the profit and the one below stops the loss; buying, reversed.
    """
    run(_place("oco", symbol, side, quantity, _pair(side, above, below, limit)))


@explained
def oto(
    symbol: Symbol,
    quantity: Quantity,
    price: Price,
    then: Annotated[
        str,
        typer.Option("--then", help="Limit price of the order that follows, on the other side."),
    ],
    side: Annotated[Side, typer.Option(help="What the first order does.")] = Side.BUY,
) -> None:
    """One order after another: `order oto BTC/USDT 0.01 --price 90000 --then 95000`."""
    legs = {
        "working": {"type": "limit", "price": price},
        "pending": {"type": "limit", "price": then, "side": side.other},
    }
    run(_place("oto", symbol, side, quantity, legs))


@explained
def otoco(
    symbol: Symbol,
    quantity: Quantity,
    price: Price,
    above: Above,
    below: Below,
    limit: StopLimit = None,
    side: Annotated[Side, typer.Option(help="What the first order does.")] = Side.BUY,
) -> None:
    """A pair after an order: `order otoco BTC/USDT 0.01 --price 90000 --above 99000 --below 85000`.

    The first order opens a position, one of the pair closes it.
    """
    legs = {
        "working": {"type": "limit", "price": price},
        **_pair(side.other, above, below, limit),
    }
    run(_place("otoco", symbol, side, quantity, legs))


@explained
def show_list(list_id: ListId) -> None:
    """Show an order list with its orders as they stand now."""
    run(_tell("GET", f"/order-lists/{list_id}"))


@explained
def cancel_list(list_id: ListId) -> None:
    """Cancel what of an order list is still open."""
    run(_tell("DELETE", f"/order-lists/{list_id}"))


def _pair(side: Side, above: str, below: str, limit: str | None) -> dict[str, dict[str, str]]:
    profit, loss = (above, below) if side is Side.SELL else (below, above)
    stop = {"type": "stop_loss", "stop_price": loss, "side": side}
    if limit is not None:
        stop |= {"type": "stop_loss_limit", "price": limit, "time_in_force": "GTC"}
    taking = {"type": "limit_maker", "price": profit, "side": side}
    return (
        {"above": taking, "below": stop} if side is Side.SELL else {"above": stop, "below": taking}
    )


async def _place(
    kind: str, symbol: str, side: Side, quantity: str, legs: dict[str, dict[str, str]]
) -> None:
    body = {"kind": kind, "symbol": symbol, "side": side, "quantity": quantity, **legs}
    await _tell("POST", "/order-lists", body)


async def _tell(method: str, path: str, body: dict[str, Any] | None = None) -> None:
    async with connected(settings()) as client:
        response = await answer(await client.request(method, path, json=body))
    order_list = response.json()
    table = Table(title=f"{order_list['kind']} {order_list['id']}: {order_list['status']}")
    for name in ("leg", *_COLUMNS):
        table.add_column(name.replace("_", " "))
    for leg, order in order_list["legs"].items():
        table.add_row(leg, *(str(order[name] or "–") for name in _COLUMNS))
    console.print(table)
    if response.status_code == HTTPStatus.ACCEPTED:
        console.print("The venue has not answered: the running system keeps asking.")
        raise typer.Exit(FAILED)
