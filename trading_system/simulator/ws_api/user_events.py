"""What happens to an account as Binance tells it: events of the venue in, JSON objects out; pure.

Amounts are texts with eight decimals, times are ms UTC, `now` is when the event is told. Fields
and their order are those of recorded events; source: Binance's user-data-stream.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from trading_system.simulator.events import (
    BalanceEvent,
    DepositEvent,
    Event,
    Execution,
    ListEvent,
    OrderEvent,
)
from trading_system.simulator.matching import to_cents
from trading_system.simulator.model import Order, Status, TimeInForce
from trading_system.simulator.wire import Json, amount
from trading_system.simulator.wire_lists import order_status

_ZERO = Decimal(0)
_CENT = Decimal(1).scaleb(-8)
_NO_TRADE = -1
_NO_GROUP = -1
_REASONS = {
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
    "Order would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
}
_TIMES = frozenset("EDOTW")
_ENDED_BY_ITSELF = {Status.EXPIRED, Status.EXPIRED_IN_MATCH}


def told(events: Sequence[Event], account: str, now: int) -> Iterator[Json]:
    """What these events mean to one account, in their order."""
    for event in events:
        match event:
            case OrderEvent() if event.order.account == account:
                yield execution_report(event, now)
            case ListEvent() if event.account == account:
                yield list_status(event, now)
            case BalanceEvent() if event.account == account:
                yield account_position(event, now)
            case DepositEvent() if event.account == account:
                yield balance_update(event, now)
            case _:
                pass


def execution_report(event: OrderEvent, now: int) -> Json:
    """A step in an order's life; on a cancel `c` is the cancel's own id and `C` the order's.

    REPLACED, an amended order, is documented by its name alone: that `c` is then its new id and `C`
    the one before is inferred from the answer, where they are clientOrderId and origClientOrderId.
    """
    order, fill = event.order, event.fill
    is_cancel = event.execution is Execution.CANCELED
    report: Json = {
        "e": "executionReport",
        "E": now,
        "s": order.symbol,
        "c": event.cancel_client_order_id if is_cancel else order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": amount(order.quantity),
        "p": amount(order.price),
        "P": amount(order.stop_price or _ZERO),
        "F": amount(order.iceberg_quantity or _ZERO),
        "g": order.list_id,
        "C": order.client_order_id if is_cancel else event.old_client_order_id or "",
        "x": event.execution,
        "X": order.status,
        "r": _REASONS.get(event.refusal or "", "NONE"),
        "i": order.order_id,
        "l": amount(fill.quantity if fill else _ZERO),
        "z": amount(order.executed),
        "L": amount(fill.price if fill else _ZERO),
        "n": amount(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": event.time,
        "t": fill.trade_id if fill else _NO_TRADE,
        "I": event.id,
        "w": _is_on_the_book(event),
        "m": fill.maker if fill else False,
        "M": fill is not None,
        "O": order.time,
        "Z": amount(order.executed_quote),
        "Y": amount(to_cents(fill.price * fill.quantity, _CENT) if fill else _ZERO),
        "Q": amount(order.quote_quantity),
    }
    return report | _conditional(order) | _prevented(event)


def account_position(event: BalanceEvent, now: int) -> Json:
    """The assets that may have changed, and no others."""
    return {
        "e": "outboundAccountPosition",
        "E": now,
        "u": event.time,
        "B": [
            {"a": asset, "f": amount(free), "l": amount(locked)}
            for asset, (free, locked) in event.balances.items()
        ],
    }


def balance_update(event: DepositEvent, now: int) -> Json:
    """Money that came or went other than by trading."""
    return {
        "e": "balanceUpdate",
        "E": now,
        "a": event.asset,
        "d": amount(event.amount),
        "T": event.time,
    }


def list_status(event: ListEvent, now: int) -> Json:
    """How a list of orders stands, told after what happened to its orders."""
    return {
        "e": "listStatus",
        "E": now,
        "s": event.symbol,
        "g": event.list_id,
        "c": event.contingency,
        "l": event.status,
        "L": order_status(event.status),
        "r": "NONE",
        "C": event.client_order_id,
        "T": event.time,
        "O": [
            {"s": order.symbol, "i": order.order_id, "c": order.client_order_id}
            for order in event.orders
        ],
    }


def stream_terminated(now: int) -> Json:
    """The last event of a subscription that was ended on request."""
    return {"e": "eventStreamTerminated", "E": now}


def server_shutdown(now: int) -> Json:
    """The server goes away; told to every connection, whatever it listens to."""
    return {"e": "serverShutdown", "E": now}


def in_microseconds(event: Json) -> Json:
    """The same event with its times in us, as the connection's URL may ask for."""
    # Of an account's position `u` is a time, of an order it is a group.
    times = {*_TIMES, "u"} if event["e"] == "outboundAccountPosition" else _TIMES
    return {
        name: value * 1000 if name in times and isinstance(value, int) and value > 0 else value
        for name, value in event.items()
    }


def _is_on_the_book(event: OrderEvent) -> bool:
    """Told true of every new order that works, even of a market order, which never rests."""
    order = event.order
    if event.execution is Execution.NEW:
        return order.is_working
    rests = bool(order.price) and order.time_in_force is TimeInForce.GTC
    return rests and order.status.is_open and order.is_working


def _conditional(order: Order) -> Json:
    """What appears only under conditions, "Conditional Fields in Execution Report"."""
    fields: Json = {}
    if order.working_time != -1:
        fields["W"] = order.working_time
    fields["V"] = order.stp
    if order.trailing_delta is not None:
        fields["d"] = order.trailing_delta
        fields["D"] = order.trailing_time
    if order.strategy_id is not None:
        fields["j"] = order.strategy_id
    if order.strategy_type is not None:
        fields["J"] = order.strategy_type
    if order.status in _ENDED_BY_ITSELF and order.expiry_reason is not None:
        fields["eR"] = order.expiry_reason
    return fields


def _prevented(event: OrderEvent) -> Json:
    """A match with the account's own order that did not take place."""
    order, match = event.order, event.prevented
    if match is None:
        return {}
    return {
        "v": match.id,
        "A": amount(order.prevented),
        "B": amount(match.off(order.order_id)),
        "u": _NO_GROUP,
        "U": match.counter_order_id(order.order_id),
        "Cs": match.symbol,
        "pl": amount(match.quantity),
        "pL": amount(match.price),
        "pY": amount(to_cents(match.price * match.quantity, _CENT)),
    }
