"""Events of a USD-M account to reports, balances and positions.

Field names: Binance USD-M futures user data streams documentation, and recordings of them. A frame
that is not as documented raises one of market_frames.UNREADABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from trading_system.domain.events import BalancesChanged, VenuePositionsChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderStatus
from trading_system.domain.reports import Balance, Fill, Report, VenuePosition
from trading_system.exchange.futures.translate import algo_status, status
from trading_system.exchange.streams.user_frames import Told, UserEvents
from trading_system.exchange.translate import Json, moment

_ORDER, _ALGO, _ACCOUNT = "ORDER_TRADE_UPDATE", "ALGO_UPDATE", "ACCOUNT_UPDATE"
_EXECUTIONS = frozenset({"TRADE", "CALCULATED"})  # the second is a liquidation
_TOLD_BY_ITS_ORDER = frozenset({"TRIGGERING", "TRIGGERED", "FINISHED"})
_NO_REASON = frozenset({None, "", "0"})
_NOTHING = Decimal(0)


def futures_events(symbol: Callable[[str], Symbol | None]) -> UserEvents:
    """What a USD-M user stream tells; `symbol` knows symbols by the venue's names."""
    turnover = _Turnover()

    def read(event: Json) -> Sequence[Told]:
        match event["e"]:
            case "ORDER_TRADE_UPDATE":
                return [report(event, turnover.of(event["o"]))]
            case "ALGO_UPDATE":
                return algo_report(event)
            case _:
                return [balances(event), positions(event, symbol)]

    return UserEvents(
        told=frozenset({_ORDER, _ALGO, _ACCOUNT}),
        read=read,
        identity=repr,  # there is no number of an event
        expired="listenKeyExpired",
    )


def report(event: Json, executed_quote: Decimal) -> Report:
    """An ORDER_TRADE_UPDATE: totals of the order, and the fill that this event tells of."""
    order = event["o"]
    reason = order.get("er")
    return Report(
        client_order_id=order["c"],
        venue_order_id=str(order["i"]),
        status=status(order["X"]).value,
        source="stream",
        time=moment(order["T"]),
        executed_quantity=Decimal(order["z"]),
        executed_quote=executed_quote,
        quantity=Decimal(order["q"]) or None,
        fills=(_fill(order),) if order["x"] in _EXECUTIONS else (),
        reject_reason=None if reason in _NO_REASON else f"expired for the venue's reason {reason}",
    )


def _fill(order: Json) -> Fill:
    price, quantity = Decimal(order["L"]), Decimal(order["l"])
    return Fill(
        trade_id=str(order["t"]),
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        fee=Decimal(order.get("n", "0")),
        fee_asset=order.get("N") or "",  # neither is sent where nothing was charged
        maker=order["m"],
        time=moment(order["T"]),
    )


def algo_report(event: Json) -> list[Report]:
    """An ALGO_UPDATE; from the trigger on the order that it becomes tells for itself."""
    order = event["o"]
    if order["X"] in _TOLD_BY_ITS_ORDER:
        return []
    return [
        Report(
            client_order_id=order["caid"],
            venue_order_id=str(order["aid"]),
            status=algo_status(order["X"]).value,
            source="stream",
            time=moment(event["T"]),
            reject_reason=order.get("rm") or None,
        )
    ]


def balances(event: Json) -> BalancesChanged:
    """An ACCOUNT_UPDATE's wallets, whole: what of them serves as margin only REST tells."""
    return BalancesChanged(
        balances=tuple(
            Balance(asset=row["a"], free=Decimal(row["wb"]), locked=_NOTHING)
            for row in event["a"]["B"]
        ),
        time=moment(event["T"]),
    )


def positions(event: Json, symbol: Callable[[str], Symbol | None]) -> VenuePositionsChanged:
    """The positions in it; those of contracts that are not listed (deliveries) are left out."""
    return VenuePositionsChanged(
        positions=tuple(
            VenuePosition(
                symbol=found,
                quantity=Decimal(row["pa"]),
                entry_price=Decimal(row["ep"]),
                unrealised=Decimal(row["up"]),
            )
            for row in event["a"]["P"]
            if (found := symbol(row["s"])) is not None
        ),
        time=moment(event["T"]),
    )


class _Turnover:
    """What orders filled for, to the digit; the venue pushes no more than a rounded average."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Decimal, Decimal]] = {}

    def of(self, order: Json) -> Decimal:
        """The sum over the order's fills; a bit less where some of them went unheard.

        Never more: what is booked only grows, and REST tells the exact sum.
        """
        executed, last = Decimal(order["z"]), Decimal(order["l"])
        before, quote = self._open.get(order["i"], (_NOTHING, _NOTHING))
        if executed > before:
            heard_all = executed - last == before
            quote = quote + last * Decimal(order["L"]) if heard_all else max(quote, _floor(order))
        if OrderStatus(status(order["X"])).is_final:
            self._open.pop(order["i"], None)
        elif executed:
            self._open[order["i"]] = max(executed, before), quote
        return quote


def _floor(order: Json) -> Decimal:
    average = Decimal(order["ap"])
    exponent = average.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101 -- an average of executions is finite
    return (average - Decimal(1).scaleb(exponent)) * Decimal(order["z"])
