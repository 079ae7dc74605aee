"""The venue's memory of order lists: ids, whose they are, which are open, how to find one again.

Client ids of lists must be unique only among an account's open lists; looking one up finds the
newest list that carries it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from trading_system.simulator.list_model import ListStatus, OrderList
from trading_system.simulator.model import Refused


class ListLog:
    """Every list ever accepted."""

    def __init__(self) -> None:
        self._lists: dict[int, OrderList] = {}
        self._by_client_id: dict[tuple[str, str], OrderList] = {}
        self._by_account: defaultdict[str, list[OrderList]] = defaultdict(list)
        self._open: defaultdict[str, dict[int, OrderList]] = defaultdict(dict)

    @property
    def next_id(self) -> int:
        """That of the next list; ids begin with 1."""
        return len(self._lists) + 1

    def refuse_duplicate(self, account: str, client_order_id: str | None) -> None:
        """Raise Refused when an open list carries the same client id."""
        earlier = self._by_client_id.get((account, client_order_id or ""))
        if earlier is not None and earlier.status is not ListStatus.ALL_DONE:
            raise Refused(-2010, "Duplicate order sent.")

    def add(self, order_list: OrderList) -> None:
        """Keep a list that was accepted."""
        account = order_list.account
        self._lists[order_list.list_id] = order_list
        self._by_client_id[account, order_list.client_order_id] = order_list
        self._by_account[account].append(order_list)
        self._open[account][order_list.list_id] = order_list

    def close(self, order_list: OrderList) -> None:
        """The list is over; it stays findable."""
        del self._open[order_list.account][order_list.list_id]

    def find(
        self, account: str, *, list_id: int | None, client_order_id: str | None
    ) -> OrderList | None:
        """The account's list with this id; with both ids both must be the same list's."""
        if list_id is None:
            return self._by_client_id.get((account, client_order_id or ""))
        found = self._lists.get(list_id)
        if found is None or found.account != account:
            return None
        return found if client_order_id in {None, found.client_order_id} else None

    def open(self, account: str) -> Collection[OrderList]:
        """The account's open lists of all symbols, oldest first."""
        return self._open[account].values()

    def of(self, account: str) -> list[OrderList]:
        """All the account's lists, oldest first."""
        return list(self._by_account[account])
