"""What the orders of a list do to each other: they enter, wait, follow, expire and go together.

It acts when the settlement tells it that an order engages or has ended. The partner of a pair goes
at once, before anything is done to the other, so that at most one of them ever trades. Orders that
waited for another one go to market only when the matching has finished what it is doing: a plan
must be carried out as it was made.

Source: Binance's rest-api.md, "Order lists", and user-data-stream.md, "Order Expiry Reason". Where
those are silent: a list is done when none of its orders is open, it is told again when its waiting
orders go to market, and an order that cannot go there expires as REJECTED with its whole pair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from trading_system.simulator import list_rules
from trading_system.simulator.checks import Checks
from trading_system.simulator.journal import Journal
from trading_system.simulator.list_log import ListLog
from trading_system.simulator.list_model import (
    CancelList,
    Contingency,
    ListStatus,
    OrderList,
    PlaceList,
)
from trading_system.simulator.market import Market
from trading_system.simulator.model import Order, Refused, Side, Status
from trading_system.simulator.orders import CONTINGENT, OrderLog, cancel_id, draft, made_up_id
from trading_system.simulator.settlement import Settlement


class _Enter(Protocol):
    """Either way in which an order comes to market."""

    def __call__(self, order: Order, now: int, *, beside: Order | None = None) -> None: ...


class Contingencies:
    """Places, cancels and keeps the lists; `market` gives the market of a listed symbol."""

    def __init__(
        self,
        checks: Checks,
        log: OrderLog,
        journal: Journal,
        settlement: Settlement,
        market: Callable[[str], Market],
    ) -> None:
        self.lists = ListLog()
        self._checks = checks
        self._log = log
        self._journal = journal
        self._settlement = settlement
        self._market = market
        self._ties: dict[int, OrderList] = {}  # by order id: what happens to it concerns a list
        self._due: deque[OrderList] = deque()
        settlement.engaged = self._engaged
        settlement.ended = self._ended

    def place(self, command: PlaceList, now: int) -> None:
        """Take in a whole list, or raise Refused and nothing of it."""
        self._judge(command, now)
        self.lists.refuse_duplicate(command.account, command.client_order_id)
        rules = self._checks.rules(command.symbol)
        list_id = self.lists.next_id
        orders = [draft(each, rules, now) for each in command.orders]
        for order in orders:
            order.list_id = list_id
        others = tuple(orders[-len(command.others) :])
        working = None if command.working is None else orders[0]
        market = self._market(command.symbol)
        if working is None:
            self._enter_pair(others, market.enter, now)
        else:
            market.enter(working, now)
            for order in others:
                order.is_working, order.working_time = False, -1
                self._settlement.promise(order, rules)
        self._begin(
            OrderList(
                list_id=list_id,
                client_order_id=command.client_order_id or made_up_id("list", list_id),
                account=command.account,
                symbol=command.symbol,
                contingency=Contingency.OCO if working is None else Contingency.OTO,
                working=working,
                others=others,
                asked=command.others,
                time=now,
            )
        )
        self.proceed(now)

    def cancel(self, command: CancelList, now: int) -> None:
        """Cancel a whole list, or raise Refused."""
        self._checks.rules(command.symbol)
        if command.list_id is None and command.client_order_id is None:
            raise Refused(
                -1102,
                "Param 'orderListId' or 'listClientOrderId' must be sent, but both were "
                "empty/null!",
            )
        found = self.lists.find(
            command.account, list_id=command.list_id, client_order_id=command.client_order_id
        )
        if found is None or found.symbol != command.symbol or found.status is ListStatus.ALL_DONE:
            raise Refused(-2011, "Unknown order list sent.")
        id_ = command.cancel_client_order_id or cancel_id(None, found.orders[0])
        self._cancel_all(found, id_, now)

    def cancel_with(self, order: Order, id_: str, now: int) -> bool:
        """Cancel the whole list of an order; False when it is in none."""
        order_list = self._ties.get(order.order_id)
        if order_list is not None:
            self._cancel_all(order_list, id_, now)
        return order_list is not None

    def proceed(self, now: int, *, on_tape: bool = False) -> None:
        """Let those whose working order has filled go to market, and who follows from that.

        `on_tape`: what filled it was the trade that the market met last.
        """
        while self._due:
            order_list = self._due.popleft()
            market = self._market(order_list.symbol)
            self._launch(order_list, market.follow if on_tape else market.enter, now)

    def _judge(self, command: PlaceList, now: int) -> None:
        list_rules.judge(command)
        rules = self._checks.rules(command.symbol)
        beside: list[Order] = []
        for prefix, asked in command.prefixed:
            self._checks.judge(asked, now, beside=beside, prefix=prefix)
            beside.append(draft(asked, rules, now))
        open_lists = self.lists.open(command.account)
        list_rules.judge_number(open_lists, rules, self._checks.limits)
        for asked in command.orders:
            self._checks.admit(asked)
        for order in beside:
            self._log.refuse_duplicate(order)
        ids = [order.client_order_id for order in beside if order.client_order_id]
        if len(set(ids)) < len(ids):
            raise Refused(-2010, "Duplicate order sent.")

    def _begin(self, order_list: OrderList) -> None:
        """Keep and tell a new list; what it began with may have ended already."""
        self.lists.add(order_list)
        self._ties.update({order.order_id: order_list for order in order_list.orders})
        self._tell(order_list, order_list.time)
        working = order_list.working
        if working is not None and not working.status.is_open:
            self._ended(working, order_list.time)

    def _enter_pair(self, pair: Sequence[Order], enter: _Enter, now: int) -> None:
        """Both or, with Refused, neither; they share what the dearer one locks."""
        first, second = pair
        market, accounts = self._market(first.symbol), self._settlement.accounts
        list_rules.judge_prices(pair, market.last_price(now))
        rules = market.rules
        asset = rules.quote if first.side is Side.BUY else rules.base
        accounts.require(first.account, asset, max(market.needs(order, now) for order in pair))
        enter(first, now)
        enter(second, now, beside=first)

    def _launch(self, order_list: OrderList, enter: _Enter, now: int) -> None:
        """The working order has filled: the others go to market, or the list ends."""
        others = order_list.others
        for order in others:
            order.updated = now
            if order.type not in CONTINGENT:
                order.is_working, order.working_time = True, now
        try:
            self._filter_again(order_list, now)
            if len(others) == 1:
                enter(others[0], now)
            else:
                self._enter_pair(others, enter, now)
        except Refused:
            for order in others:
                order.is_working, order.working_time = False, -1
                self._expire(order, "REJECTED", now)
            self._finish(order_list, now)
            return
        if order_list.status is not ListStatus.ALL_DONE:
            self._tell(order_list, now)

    def _filter_again(self, order_list: OrderList, now: int) -> None:
        """The market and the account are others than when the orders were asked for."""
        everything = self._log.open(order_list.account)
        rest = [order for order in everything if order.list_id != order_list.list_id]
        for order, asked in zip(order_list.others, order_list.asked, strict=True):
            self._checks.filter(replace(asked, quantity=order.quantity), now, rest)

    def _engaged(self, order: Order, now: int) -> None:
        """An order begins to trade or to work: its partner never will."""
        order_list = self._ties.get(order.order_id)
        partner = None if order_list is None else order_list.partner(order)
        if partner is not None:
            self._expire(partner, "OCO_TRIGGER", now)

    def _ended(self, order: Order, now: int) -> None:
        order_list = self._ties.pop(order.order_id, None)
        if order_list is None:
            return
        if order is order_list.working and order.status is Status.FILLED:
            self._due.append(order_list)
            return
        phase_one = order is order_list.working
        for other in order_list.orders:
            self._expire(other, "OTO_PHASE_ONE_EXPIRED" if phase_one else "OCO_TRIGGER", now)
        self._finish(order_list, now)

    def _expire(self, order: Order, reason: str, now: int) -> None:
        """End an order that still belongs to its list."""
        if self._ties.pop(order.order_id, None) is not None:
            self._market(order.symbol).withdraw(order)
            rules = self._checks.rules(order.symbol)
            self._settlement.expire(order, rules, reason=reason, now=now)

    def _cancel_all(self, order_list: OrderList, id_: str, now: int) -> None:
        for order in order_list.orders:
            if self._ties.pop(order.order_id, None) is not None:
                self._market(order.symbol).withdraw(order)
                rules = self._checks.rules(order.symbol)
                self._settlement.cancel(order, rules, cancel_id=id_, now=now)
        self._finish(order_list, now, cancelled_by=id_)

    def _finish(self, order_list: OrderList, now: int, *, cancelled_by: str | None = None) -> None:
        order_list.status = ListStatus.ALL_DONE
        self.lists.close(order_list)
        self._tell(order_list, now, cancelled_by=cancelled_by)

    def _tell(self, order_list: OrderList, now: int, *, cancelled_by: str | None = None) -> None:
        order_list.time = now
        self._journal.tell_list(order_list, cancel_client_order_id=cancelled_by)
