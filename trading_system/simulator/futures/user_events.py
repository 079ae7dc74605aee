"""What happens to a futures account as Binance tells it: events of the core in, JSON out; pure.

Numbers are texts without needless zeros, times are ms UTC, `now` is when the event is told. Fields
and their order are those of recorded events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from trading_system.simulator.futures.events import (
    AccountEvent,
    AlgoEvent,
    Event,
    LeverageEvent,
    OrderEvent,
)
from trading_system.simulator.futures.model import MARGIN_ASSET, AlgoOrder
from trading_system.simulator.futures.wire import (
    NO_MATCH,
    ONE_WAY,
    WORKING_TYPE,
    Json,
    plain,
    time_in_force,
)

_ZERO = Decimal(0)
_ALGO_STRATEGY: Json = {"ss": -1, "st": "ALGO_CONDITION"}


def told(events: Sequence[Event], account: str, now: int) -> Iterator[Json]:
    """What these events mean to one account, in their order."""
    for event in events:
        match event:
            case OrderEvent() if event.order.account == account:
                yield order_trade_update(event, now)
            case AlgoEvent() if event.order.account == account:
                yield algo_update(event, now)
            case AccountEvent() if event.account == account:
                yield account_update(event, now)
            case LeverageEvent() if event.account == account:
                yield account_config_update(event, now)
            case _:
                pass


def order_trade_update(event: OrderEvent, now: int) -> Json:
    """A step in an order's life."""
    order, fill = event.order, event.fill
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": event.time,
        "E": now,
        "o": {
            "s": order.symbol,
            "c": order.client_order_id,
            "S": order.side,
            "o": order.type,
            "f": time_in_force(order),
            "q": plain(order.quantity),
            "p": plain(order.price),
            "ap": plain(order.average_price),
            "sp": "0",
            "x": event.execution,
            "X": order.status,
            "i": order.order_id,
            "l": plain(fill.quantity if fill else _ZERO),
            "z": plain(order.executed),
            "L": plain(fill.price if fill else _ZERO),
            "n": plain(fill.commission if fill else _ZERO),
            "N": MARGIN_ASSET,
            "T": event.time,
            "t": fill.trade_id if fill else 0,
            "b": plain(event.bids),
            "a": plain(event.asks),
            "m": fill.maker if fill else False,
            "R": order.reduce_only,
            "wt": WORKING_TYPE,
            "ot": order.type,
            "ps": ONE_WAY,
            "cp": order.close_position,
            "rp": plain(fill.realised if fill else _ZERO),
            "pP": False,
            "si": order.algo_id,
            **(_ALGO_STRATEGY if order.algo_id else {"ss": 0}),
            "V": order.stp,
            "pm": NO_MATCH,
            "gtd": 0,
            "er": order.expiry_reason or "0",
        },
    }


def account_update(event: AccountEvent, now: int) -> Json:
    """The wallet and the position that a fill has changed; fills count as no balance change."""
    position = event.position
    return {
        "e": "ACCOUNT_UPDATE",
        "T": event.time,
        "E": now,
        "a": {
            "B": [
                {
                    "a": MARGIN_ASSET,
                    "wb": plain(event.balance),
                    "cw": plain(event.balance),
                    "bc": "0",
                }
            ],
            "P": [
                {
                    "s": event.symbol,
                    "pa": plain(position.amount),
                    "ep": plain(position.entry_price),
                    "cr": plain(position.realised),
                    "up": plain(position.profit_at(event.mark)),
                    "mt": "cross",
                    "iw": "0",
                    "ps": ONE_WAY,
                    "ma": MARGIN_ASSET,
                    "bep": plain(position.break_even_price),
                }
            ],
            "m": "ORDER",
        },
    }


def algo_update(event: AlgoEvent, now: int) -> Json:
    """A step in an algo order's life."""
    order = event.order
    return {
        "e": "ALGO_UPDATE",
        "T": event.time,
        "E": now,
        "o": {
            "caid": order.client_order_id,
            "aid": order.order_id,
            "at": "CONDITIONAL",
            "o": order.kind,
            "s": order.symbol,
            "S": order.side,
            "ps": ONE_WAY,
            "f": time_in_force(order),
            "q": plain(order.quantity),
            "X": order.state,
            "ai": "" if order.actual_id is None else str(order.actual_id),
            **_actual(order),
            "tp": plain(order.stop_price or _ZERO),
            "p": plain(order.price),
            "V": order.stp,
            "wt": WORKING_TYPE,
            "pm": NO_MATCH,
            "cp": order.close_position,
            "pP": False,
            "R": order.reduce_only,
            "tt": order.triggered,
            "gtd": 0,
            **({"rm": order.failure} if order.failure else {}),
        },
    }


def account_config_update(event: LeverageEvent, now: int) -> Json:
    """Another leverage of a symbol."""
    return {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": now,
        "T": event.time,
        "ac": {"s": event.symbol, "l": event.leverage},
    }


def listen_key_expired(key: str, now: int) -> Json:
    """The key's hour is over: nothing follows until there is another one."""
    return {"e": "listenKeyExpired", "E": now, "listenKey": key}


def _actual(order: AlgoOrder) -> Json:
    """What is told of the order it has placed."""
    if order.actual_id is None:
        return {}
    return {
        "ap": plain(order.actual_price),
        "aq": plain(order.actual_quantity),
        "act": "LIMIT" if order.kind.has_price else "MARKET",
    }
