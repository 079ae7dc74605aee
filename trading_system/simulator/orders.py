"""The venue's memory of orders: ids, who has what open, and how to find one again.

Client order ids must be unique only among an account's open orders of a symbol; looking one up
finds the newest order that carries it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from hashlib import blake2s
from string import ascii_letters, digits

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.model import (
    CancelOrder,
    Fill,
    Order,
    OrderType,
    PlaceOrder,
    Refused,
    SymbolRules,
    TimeInForce,
)

_ALPHABET = digits + ascii_letters
_ID_LENGTH = 22  # what Binance makes up itself

CONTINGENT = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
)
"""Types that wait for a trigger; the filters call them algo orders."""


class OrderLog:
    """Every order ever accepted, by id, by client id and by account."""

    def __init__(self) -> None:
        self._orders: dict[int, Order] = {}
        self._by_client_id: defaultdict[tuple[str, str, str], list[Order]] = defaultdict(list)
        self._by_account: defaultdict[tuple[str, str], list[Order]] = defaultdict(list)
        self._open: defaultdict[str, dict[int, Order]] = defaultdict(dict)

    def refuse_duplicate(self, order: Order) -> None:
        """Raise Refused when an open order carries the same client id."""
        if self.carrier(order.account, order.symbol, order.client_order_id) is not None:
            raise Refused(-2010, "Duplicate order sent.")

    def carrier(self, account: str, symbol: str, client_order_id: str) -> Order | None:
        """The open order that carries a client id."""
        order = self._newest(account, symbol, client_order_id)
        return order if order is not None and order.status.is_open else None

    def accept(self, order: Order) -> None:
        """Give the order its id, and a client id where the user sent none."""
        order.order_id = len(self._orders) + 1
        order.client_order_id = order.client_order_id or made_up_id("order", order.order_id)
        self._orders[order.order_id] = order
        self._by_client_id[order.account, order.symbol, order.client_order_id].append(order)
        self._by_account[order.account, order.symbol].append(order)
        self._open[order.account][order.order_id] = order

    def rename(self, order: Order, client_order_id: str) -> None:
        """Give an open order another client id, which no other open order carries.

        Its old one finds again whoever carried it before, or nobody.
        """
        of = order.account, order.symbol
        self._by_client_id[*of, order.client_order_id].pop()  # an open order is the newest there
        order.client_order_id = client_order_id
        self._by_client_id[*of, client_order_id].append(order)

    def close(self, order: Order) -> None:
        """The order is over; it stays findable."""
        del self._open[order.account][order.order_id]

    def find(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None,
        client_order_id: str | None,
    ) -> Order | None:
        """The account's order with this id; with both ids the order id is looked up first.

        Raises Refused -1102 without any id, -2039 when the client id is another order's.
        """
        if order_id is None and client_order_id is None:
            raise missing_id()
        if order_id is None:
            return self._newest(account, symbol, client_order_id or "")
        order = self._orders.get(order_id)
        if order is None or (order.account, order.symbol) != (account, symbol):
            return None
        if client_order_id not in {None, order.client_order_id}:
            raise Refused(-2039, "Client order ID is not correct for this order ID.")
        return order

    def _newest(self, account: str, symbol: str, client_order_id: str) -> Order | None:
        """The last order that got this client id."""
        carriers = self._by_client_id.get((account, symbol, client_order_id))
        return carriers[-1] if carriers else None

    def open(self, account: str) -> Collection[Order]:
        """The account's open orders of all symbols, oldest first."""
        return self._open[account].values()

    def of(self, account: str, symbol: str) -> list[Order]:
        """All the account's orders of a symbol, oldest first."""
        return list(self._by_account[account, symbol])

    def fills(self, account: str, symbol: str) -> list[Fill]:
        """All the account's fills of a symbol, oldest first."""
        fills = [fill for order in self._by_account[account, symbol] for fill in order.fills]
        return sorted(fills, key=lambda fill: (fill.trade_id, fill.order_id))


def missing_id(prefix: str = "") -> Refused:
    """Neither id was sent; cancelReplace has its own names for them."""
    names = (
        ("cancelOrigClientOrderId", "cancelOrderId") if prefix else ("origClientOrderId", "orderId")
    )
    return Refused(
        -1102, "Param '{}' or '{}' must be sent, but both were empty/null!".format(*names)
    )


def draft(command: PlaceOrder, rules: SymbolRules, now: int) -> Order:
    """The order as asked for, not yet accepted: it has no order id."""
    waits = command.type in CONTINGENT
    return Order(
        order_id=0,
        client_order_id=command.client_order_id or "",
        account=command.account,
        symbol=command.symbol,
        side=command.side,
        type=command.type,
        time_in_force=command.time_in_force or TimeInForce.GTC,
        price=command.price or Decimal(0),
        quantity=command.quantity or Decimal(0),
        quote_quantity=command.quote_quantity or Decimal(0),
        stop_price=command.stop_price,
        trailing_delta=command.trailing_delta,
        iceberg_quantity=command.iceberg_quantity,
        stp=command.stp or rules.default_stp,
        strategy_id=command.strategy_id,
        strategy_type=command.strategy_type,
        time=now,
        updated=now,
        working_time=-1 if waits else now,
        is_working=not waits,
    )


def cancel_id(command: CancelOrder | None, order: Order) -> str:
    """The client id of a cancel: the user's own, or one made up from the order's id."""
    chosen = command.cancel_client_order_id if command else None
    return chosen or made_up_id("cancel", order.order_id)


def amend_id(command: AmendOrder, order: Order) -> str:
    """The client id of an amended order: the user's own, or one made up for this amendment."""
    number = len(order.amendments) + 1
    return command.new_client_order_id or made_up_id(f"amend {order.order_id}", number)


def made_up_id(kind: str, number: int) -> str:
    """The same 22 characters for the same kind and number, always: a replay must not differ."""
    value = int.from_bytes(blake2s(f"{kind} {number}".encode()).digest())
    characters = []
    for _ in range(_ID_LENGTH):
        value, place = divmod(value, len(_ALPHABET))
        characters.append(_ALPHABET[place])
    return "".join(characters)
