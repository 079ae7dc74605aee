"""Order lists in Binance's words: placed and cancelled whole, told order by order.

A leg has the parameters of a single order, their names behind a prefix: aboveStopPrice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trading_system.domain.order_lists import Leg, ListKind, OrderList
from trading_system.domain.orders import Order
from trading_system.domain.reports import Report
from trading_system.exchange.gateway import Gateway, always
from trading_system.exchange.listing import Listing
from trading_system.exchange.translate import (
    Json,
    looked_up,
    order_parameters,
    placed,
    understood,
)

_PREFIXES: Mapping[ListKind, Mapping[Leg, str]] = {
    ListKind.OCO: {Leg.ABOVE: "above", Leg.BELOW: "below"},
    ListKind.OTO: {Leg.WORKING: "working", Leg.PENDING: "pending"},
    ListKind.OTOCO: {
        Leg.WORKING: "working",
        Leg.ABOVE: "pendingAbove",
        Leg.BELOW: "pendingBelow",
    },
}
_OF_A_PAIR: Mapping[ListKind, str] = {ListKind.OCO: "", ListKind.OTOCO: "pending"}
"""A pair's side and quantity are told once, behind another prefix than its other parameters."""

_OWN = ("type", "price", "stopPrice", "trailingDelta", "timeInForce", "icebergQty")
_SHARED = ("side", "quantity")


class BinanceOrderLists:
    """OrderLists over the gateway; `listing` tells the venue's names of symbols."""

    def __init__(self, gateway: Gateway, listing: Listing) -> None:
        self._gateway = gateway
        self._listing = listing

    async def place_list(
        self, order_list: OrderList, *, still_wanted: Callable[[], None] = always
    ) -> list[Report]:
        """Send it once. Raises Rejected, or OutcomeUnknown when no answer came or none to read.

        `still_wanted` is as of Gateway.change.
        """
        venue_id = await self._listing.venue_id(order_list.symbol)
        answer = await self._gateway.change(
            f"orderList/{order_list.kind.lower()}",
            method="POST",
            still_wanted=still_wanted,
            **list_parameters(order_list, venue_id),
        )
        with understood(state_changing=True):
            return _reports(answer, order_list, "clientOrderId", placed)

    async def cancel_list(self, order_list: OrderList) -> list[Report]:
        """Cancel what is open of it; raises OrderNotFound when nothing is, or OutcomeUnknown."""
        symbol = order_list.symbol
        answer = await self._gateway.change(
            "orderList",
            method="DELETE",
            symbol=self._listing.known_venue_id(symbol) or f"{symbol.base}{symbol.quote}",
            listClientOrderId=order_list.client_list_id,
        )
        with understood(state_changing=True):
            return _reports(answer, order_list, "origClientOrderId", _cancelled)


def list_parameters(order_list: OrderList, venue_id: str) -> dict[str, str]:
    """POST orderList/oco, oto or otoco, each number exactly as it was asked for."""
    parameters = {
        "symbol": venue_id,
        "listClientOrderId": order_list.client_list_id,
        "newOrderRespType": "FULL",
    }
    for leg, prefix in _PREFIXES[order_list.kind].items():
        told = order_parameters(order_list.legs[leg], venue_id)
        of_pair = leg in {Leg.ABOVE, Leg.BELOW}
        shared = _OF_A_PAIR[order_list.kind] if of_pair else prefix
        parameters[f"{prefix}ClientOrderId"] = told["newClientOrderId"]
        parameters |= {_behind(prefix, name): told[name] for name in _OWN if name in told}
        parameters |= {_behind(shared, name): told[name] for name in _SHARED}
    return parameters


def _behind(prefix: str, name: str) -> str:
    return prefix + name[0].upper() + name[1:] if prefix else name


def _reports(
    answer: Json, order_list: OrderList, named_by: str, read: Callable[[Json, Order], Report]
) -> list[Report]:
    """The orders told of; a leg that is left out ended before, or will be looked up."""
    orders = {order.client_order_id: order for order in order_list.orders}
    told = [(row, orders.get(row[named_by])) for row in answer["orderReports"]]
    return [read(row, order) for row, order in told if order is not None]


def _cancelled(row: Json, order: Order) -> Report:
    return looked_up(row, order, [], source="answer")
