"""Lists of orders on the floor of the conftest above, and their events in short lines."""

from __future__ import annotations

import pytest

from trading_system.simulator.events import ListEvent, OrderEvent
from trading_system.simulator.list_model import CancelList, Pair, PlaceList


class Desk:
    """Lists on a floor, in short sentences; orders are found again by their ids."""

    def __init__(self, floor) -> None:
        self.floor = floor

    def pair(self, side="SELL", quantity="1", *, limit=None, stop=None, **more):
        """A limit maker away from the market and a stop loss on its other side."""
        limit, stop = (
            limit or {"SELL": "110", "BUY": "90"}[side],
            stop
            or {
                "SELL": "90",
                "BUY": "110",
            }[side],
        )
        maker = self.floor.command(side, quantity, limit, type="LIMIT_MAKER", **more)
        loss = self.floor.command(side, quantity, type="STOP_LOSS", stop_price=stop, **more)
        return Pair(above=maker, below=loss) if side == "SELL" else Pair(above=loss, below=maker)

    def oco(self, *args, client_order_id=None, **more):
        return self.place(PlaceList(rest=self.pair(*args, **more), client_order_id=client_order_id))

    def oto(self, working=None, pending=None):
        """A buy below the market, and a sell of what it brings."""
        working = working or self.floor.command("BUY", "1", "99")
        pending = pending or self.floor.command("SELL", "0.9", "105")
        return self.place(PlaceList(working=working, rest=pending))

    def otoco(self, working=None, **more):
        working = working or self.floor.command("BUY", "1", "99")
        return self.place(PlaceList(working=working, rest=self.pair(quantity="0.9", **more)))

    def place(self, command):
        """The orders of a list in the order of their ids, working one first."""
        events = self.floor.do(command)
        placed = max((e for e in events if isinstance(e, ListEvent)), key=lambda e: e.list_id)
        return [self.order(order.order_id) for order in placed.orders]

    def order(self, order_id, account="ann"):
        return self.floor.venue.order(account, self.floor.symbol, order_id=order_id)

    def list(self, list_id=1):
        return self.floor.venue.lists.find("ann", list_id=list_id, client_order_id=None)

    def cancel(self, **more):
        more = {"account": "ann", "symbol": self.floor.symbol} | more
        return self.floor.do(CancelList(**more))


@pytest.fixture
def desk(floor):
    return Desk(floor)


@pytest.fixture(scope="session")
def make_desk():
    """The same on another floor."""
    return Desk


@pytest.fixture(scope="session")
def told():
    """Events as short texts: 1 TRADE FILLED, LIST 1 ALL_DONE; balances are left out."""
    return _told


@pytest.fixture(scope="session")
def fates():
    """How each of these orders stands, and why if it expired."""
    return _fates


def _told(events):
    lines = []
    for event in events:
        if isinstance(event, OrderEvent):
            lines.append(f"{event.order.order_id} {event.execution} {event.order.status}")
        elif isinstance(event, ListEvent):
            lines.append(f"LIST {event.list_id} {event.status}")
    return lines


def _fates(orders):
    return [
        f"{order.status} {order.expiry_reason}" if order.expiry_reason else str(order.status)
        for order in orders
    ]
