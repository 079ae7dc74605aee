"""An open order is made smaller and keeps its place: judged whole, then done.

The two orders of a pair, of which only one will ever trade, have one quantity: they shrink
together. Source: Binance's faqs/order_amend_keep_priority.md, and errors.md for the words of a
refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from trading_system.simulator import filters, parameters
from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.checks import Checks
from trading_system.simulator.journal import Journal
from trading_system.simulator.list_log import ListLog
from trading_system.simulator.list_model import ListStatus, OrderList
from trading_system.simulator.market import Market
from trading_system.simulator.model import Order, PlaceOrder, Refused, SymbolRules
from trading_system.simulator.orders import OrderLog, amend_id, missing_id
from trading_system.simulator.settlement import Settlement


class Amending:
    """`market` gives the market of a listed symbol."""

    def __init__(
        self,
        *,
        checks: Checks,
        log: OrderLog,
        lists: ListLog,
        journal: Journal,
        settlement: Settlement,
        market: Callable[[str], Market],
    ) -> None:
        self._checks = checks
        self._log = log
        self._lists = lists
        self._journal = journal
        self._settlement = settlement
        self._market = market

    def amend(self, command: AmendOrder, now: int) -> None:
        """Make the order smaller, or raise Refused and change nothing.

        Refused is -2038 for what the engine says, -1013 for a filter of quantities that the order
        would not pass any longer.
        """
        rules = self._checks.rules(command.symbol)
        parameters.judge_amendment(command, rules)
        order = self._find(command)
        _judge(command, order, rules)
        name = amend_id(command, order)
        carrier = self._log.carrier(order.account, order.symbol, name)
        if carrier is not None and carrier is not order:
            raise _refused("Duplicate order sent.")
        listed = self._lists.find(order.account, list_id=order.list_id, client_order_id=None)
        partners = _partners(order, listed)
        for each in (order, *partners):
            self._checks.filter(_as_wished(each, command), now, (), filters.OF_QUANTITY)
        renamed = name != order.client_order_id
        self._shrink(order, command.quantity, name, now)
        for partner in partners:
            self._shrink(partner, command.quantity, partner.client_order_id, now)
        if listed is not None and renamed:
            listed.time = now
            self._journal.tell_list(listed, status=ListStatus.UPDATED)

    def _shrink(self, order: Order, quantity: Decimal, name: str, now: int) -> None:
        market = self._market(order.symbol)
        self._settlement.amend(
            order, market.rules, quantity=quantity, client_order_id=name, now=now
        )
        market.shrink(order)

    def _find(self, command: AmendOrder) -> Order:
        if command.order_id is None and command.client_order_id is None:
            raise missing_id()
        order = self._log.find(
            command.account,
            command.symbol,
            order_id=command.order_id,
            client_order_id=command.client_order_id,
        )
        if order is None or not order.status.is_open:
            raise _refused("Unknown order sent.")
        return order


def _partners(order: Order, listed: OrderList | None) -> list[Order]:
    partner = None if listed is None else listed.partner(order)
    return [] if partner is None or not partner.status.is_open else [partner]


def _judge(command: AmendOrder, order: Order, rules: SymbolRules) -> None:
    if rules.status != "TRADING":
        raise _refused("Market is closed.")
    if not rules.amend_allowed:
        raise _refused("Order amend is not supported for this symbol.")
    if command.quantity == order.quantity:
        raise _refused("The requested action would change no state; rejecting.")
    if command.quantity > order.quantity:
        raise _refused("Order amend (quantity increase) is not supported.")
    if command.quantity <= order.quantity - order.remaining:
        # Undocumented, and the words are ours: a remark on weights (changelog of 2026-04-02) hints
        # that some amendments end their order, maybe these.
        raise _refused("Order amend (quantity not above executed) is not supported.")
    most = rules.max_num_order_amends
    if most and len(order.amendments) >= most:
        raise _refused("Filter failure: MAX_NUM_ORDER_AMENDS")


def _as_wished(order: Order, command: AmendOrder) -> PlaceOrder:
    return PlaceOrder(
        account=order.account,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        quantity=command.quantity,
        price=order.price or None,
        stop_price=order.stop_price,
    )


def _refused(message: str) -> Refused:
    return Refused(-2038, message)
