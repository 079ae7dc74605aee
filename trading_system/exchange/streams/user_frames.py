"""Frames of Binance's user data stream to reports and balances; nothing here remembers anything.

Field names: Binance Spot user data stream documentation. A frame that is not as documented raises
one of market_frames.UNREADABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading_system.domain.events import BalancesChanged, VenuePositionsChanged
from trading_system.domain.orders import OrderStatus
from trading_system.domain.reports import Balance, Fill, Report
from trading_system.exchange.translate import Json, moment

Told = Report | BalancesChanged | VenuePositionsChanged
"""What somebody is to hear of an account's event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvents:
    """The events of one market's user stream, by their type `e`.

    `told` are those that `read` makes something of; after `ended` one has to subscribe again, after
    `expired` to connect anew. Events of the same `identity` are one that came twice.
    """

    told: frozenset[str]
    read: Callable[[Json], Sequence[Told]]
    identity: Callable[[Json], Hashable]
    ended: str = ""
    expired: str = ""


_REPORT = "executionReport"
_RENAMING = frozenset({"CANCELED", "REPLACED"})
"""Executions whose `c` is the id of the request; the order's own id is in `C` then."""


def report(event: Json) -> Report:
    """An executionReport: totals of the order, and the fill that this event tells of."""
    return Report(
        client_order_id=_client_order_id(event),
        venue_order_id=str(event["i"]),
        status=OrderStatus(event["X"]).value,
        source="stream",
        time=moment(event["T"]),
        executed_quantity=Decimal(event["z"]),
        executed_quote=Decimal(event["Z"]),
        fills=(_fill(event),) if event["x"] == "TRADE" else (),
        quantity=Decimal(event["q"]) if "q" in event else None,
        reject_reason=None if event["r"] == "NONE" else event["r"],
    )


def _client_order_id(event: Json) -> str:
    original: str = event["C"]
    if event["x"] in _RENAMING and original not in {"", "null"}:
        return original
    return str(event["c"])


def _fill(event: Json) -> Fill:
    return Fill(
        trade_id=str(event["t"]),
        price=Decimal(event["L"]),
        quantity=Decimal(event["l"]),
        quote_quantity=Decimal(event["Y"]),
        fee=Decimal(event["n"]),
        fee_asset=event["N"] or "",  # null where nothing was charged
        maker=event["m"],
        time=moment(event["T"]),
    )


def balances(event: Json) -> BalancesChanged:
    """An outboundAccountPosition: the assets that may have changed."""
    return BalancesChanged(
        balances=tuple(
            Balance(asset=row["a"], free=Decimal(row["f"]), locked=Decimal(row["l"]))
            for row in event["B"]
        ),
        time=moment(event["u"]),
    )


def _read(event: Json) -> Sequence[Told]:
    return [report(event) if event["e"] == _REPORT else balances(event)]


def _identity(event: Json) -> Hashable:
    """Execution ids of a symbol are unique; an account's position is told by its content."""
    return (event.get("s"), event.get("I")) if event["e"] == _REPORT else repr(event)


SPOT_EVENTS = UserEvents(
    told=frozenset({_REPORT, "outboundAccountPosition"}),
    read=_read,
    identity=_identity,
    ended="eventStreamTerminated",
)
