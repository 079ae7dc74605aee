"""The memory of orders: ids, who has what open, and how to find one again.

Client order ids must be unique only among an account's open orders; looking one up finds the
newest order that carries it.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2s
from typing import Generic, TypeVar

from trading_system.simulator.model import Order, Refused

Kind = TypeVar("Kind", bound=Order)

_ID_LENGTH = 22  # what Binance makes up itself


class Register(Generic[Kind]):
    """Every order of one kind that was ever accepted; ids count up from `first_id`.

    `names` are what requests call the client's id and ours.
    """

    def __init__(self, first_id: int, names: tuple[str, str]) -> None:
        self._next_id = first_id
        self._names = names
        self._orders: dict[int, Kind] = {}
        self._by_client_id: defaultdict[tuple[str, str], list[Kind]] = defaultdict(list)
        self._by_account: defaultdict[tuple[str, str], list[Kind]] = defaultdict(list)
        self._open: dict[int, Kind] = {}

    def __getitem__(self, order_id: int) -> Kind:
        return self._orders[order_id]

    def refuse_duplicate(self, order: Kind) -> None:
        """Raise Refused when an open order carries the same client id."""
        same = self._by_client_id.get((order.account, order.client_order_id), ())
        if any(each.order_id in self._open for each in same):
            raise Refused(-4116, "ClientOrderId is duplicated.")

    def accept(self, order: Kind) -> None:
        """Give the order its id, and a client id where the user sent none."""
        order.order_id, self._next_id = self._next_id, self._next_id + 1
        order.client_order_id = order.client_order_id or _made_up_id(order.order_id)
        self._orders[order.order_id] = self._open[order.order_id] = order
        self._by_client_id[order.account, order.client_order_id].append(order)
        self._by_account[order.account, order.symbol].append(order)

    def close(self, order: Kind) -> None:
        """The order is over; it stays findable."""
        del self._open[order.order_id]

    def is_open(self, order: Kind) -> bool:
        return order.order_id in self._open

    def find(
        self,
        account: str,
        symbol: str | None,
        *,
        order_id: int | None,
        client_order_id: str | None,
    ) -> Kind | None:
        """The account's order with this id, of this symbol or of any; the order id goes first.

        Raises Refused -1102 without any id.
        """
        if order_id is not None:
            found = [self._orders[order_id]] if order_id in self._orders else []
        elif client_order_id is not None:
            found = self._by_client_id.get((account, client_order_id), [])
        else:
            raise Refused(
                -1102,
                "Param '{}' or '{}' must be sent, but both were empty/null!".format(*self._names),
            )
        mine = [each for each in found if each.account == account]
        return next((each for each in reversed(mine) if symbol in {None, each.symbol}), None)

    def open(self, account: str, symbol: str | None = None) -> list[Kind]:
        """The account's open orders of a symbol or of all, oldest first."""
        return [
            each
            for each in self._open.values()
            if each.account == account and symbol in {None, each.symbol}
        ]

    def of(self, account: str, symbol: str) -> list[Kind]:
        """All the account's orders of a symbol, oldest first."""
        return list(self._by_account[account, symbol])


def _made_up_id(number: int) -> str:
    """The same text for the same number, always: a replay must not differ."""
    return blake2s(f"futures {number}".encode()).hexdigest()[:_ID_LENGTH]
