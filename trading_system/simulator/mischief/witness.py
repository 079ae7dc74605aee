"""What became of orders, seen as it happens: when they were accepted, filled and told.

An order goes by its symbol and either of its ids, as the calls that ask for it do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl

import orjson

from trading_system.simulator.events import Event, Execution, OrderEvent
from trading_system.simulator.model import Order
from trading_system.simulator.rest import Answer, Call

Name = tuple[str, str]
"""Symbol, and an order id or a client order id; order ids with a mark, as both may be digits."""

_MOST = 10_000


def names_in(call: Call, *ids: str) -> set[Name]:
    """The orders that a call names in these parameters."""
    sent = dict(parse_qsl(call.query) + parse_qsl(call.body))
    symbol = sent.get("symbol", "")
    return {
        (symbol, f"#{sent[name]}" if name == "orderId" else sent[name])
        for name in ids
        if name in sent
    }


def name_in(answer: Answer) -> Name | None:
    """The order that an answer is about."""
    try:
        told = orjson.loads(answer.body)
        return told["symbol"], f"#{told['orderId']}"
    except (ValueError, KeyError, TypeError):
        return None


class Told:
    """Fills that were pushed to a user while somebody listened."""

    def __init__(self) -> None:
        self._fills: set[Name] = set()
        self._wanted: Name | None = None
        self._happened = asyncio.Event()

    def fill_of(self, order: Name) -> asyncio.Event:
        """Set once a fill of that order has been pushed."""
        self._wanted = order
        if order in self._fills:
            self._happened.set()
        return self._happened

    def note(self, order: Name) -> None:
        self._fills.add(order)
        if order == self._wanted:
            self._happened.set()


class Witness:
    """Told by the exchange (`observe`) and by the user streams (`push`)."""

    def __init__(self) -> None:
        self._accepted: dict[Name, int] = {}
        self._ended: dict[Name, asyncio.Event] = {}
        self._listening: list[Told] = []

    def observe(self, events: Sequence[Event]) -> None:
        """Something happened to orders."""
        for event in events:
            if not isinstance(event, OrderEvent):
                continue
            for name in _names_of(event.order):
                if event.execution is Execution.NEW:
                    self._accept(name, event.time)
                if name in self._ended and not event.order.status.is_open:
                    self._ended[name].set()

    def push(self, event: Mapping[str, object]) -> None:
        """An event goes out to a user."""
        if event.get("x") == "TRADE":
            for told in self._listening:
                told.note((str(event["s"]), f"#{event['i']}"))

    def accepted_at(self, names: set[Name]) -> int | None:
        """When the exchange took the order, ms UTC."""
        return next((self._accepted[name] for name in names if name in self._accepted), None)

    @contextmanager
    def ending(self, names: set[Name]) -> Iterator[asyncio.Event]:
        """An event that is set when one of these orders ends while the block lasts."""
        ended = asyncio.Event()
        self._ended |= dict.fromkeys(names, ended)
        try:
            yield ended
        finally:
            for name in names:
                self._ended.pop(name, None)

    @contextmanager
    def listening(self) -> Iterator[Told]:
        """The fills that are pushed while the block lasts."""
        told = Told()
        self._listening.append(told)
        try:
            yield told
        finally:
            self._listening.remove(told)

    def _accept(self, name: Name, time: int) -> None:
        if len(self._accepted) >= _MOST:
            del self._accepted[next(iter(self._accepted))]
        self._accepted[name] = time


def _names_of(order: Order) -> tuple[Name, Name]:
    return (order.symbol, f"#{order.order_id}"), (order.symbol, order.client_order_id)
