"""What happened since somebody last asked, in order, told as events; it decides nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from trading_system.simulator.accounts import Accounts
from trading_system.simulator.events import (
    BalanceEvent,
    DepositEvent,
    Event,
    Execution,
    ListEvent,
    OrderEvent,
    ReplaceEvent,
)
from trading_system.simulator.list_model import ListStatus, OrderList
from trading_system.simulator.model import Deposit, Fill, Order, Status, SymbolRules
from trading_system.simulator.self_trades import PreventedMatch

_NOTHING = (Decimal(0), Decimal(0))


class Journal:
    """Collects order events and remembers whose balances may have changed."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._events: list[Event] = []
        self._executions = 0
        self._touched: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def tell(
        self,
        execution: Execution,
        order: Order,
        rules: SymbolRules,
        *,
        fill: Fill | None = None,
        prevented: PreventedMatch | None = None,
        cancel_client_order_id: str | None = None,
        old_client_order_id: str | None = None,
    ) -> int:
        """Note a step of an order, as the order stands now, at `order.updated`; its number."""
        self._executions += 1
        self._events.append(
            OrderEvent(
                id=self._executions,
                execution=execution,
                order=_copy(order),
                fill=fill,
                prevented=prevented,
                cancel_client_order_id=cancel_client_order_id,
                old_client_order_id=old_client_order_id,
                time=order.updated,
            )
        )
        self._touched[order.account].update({rules.base: None, rules.quote: None})
        return self._executions

    def tell_replaced(self, *, cancelled: Order, placed: Order, time: int) -> None:
        """Note that both halves of a cancelReplace succeeded."""
        self._events.append(ReplaceEvent(cancelled=cancelled, placed=placed, time=time))

    def tell_rejected(self, order: Order, message: str) -> None:
        """Note that the new half of a cancelReplace was refused after the old one was cancelled.

        No other refusal is told as an event; the order has no id and changes no balance.
        """
        rejected = replace(
            order, order_id=-1, status=Status.REJECTED, working_time=-1, is_working=False
        )
        self._executions += 1
        self._events.append(
            OrderEvent(
                id=self._executions,
                execution=Execution.REJECTED,
                order=rejected,
                refusal=message,
                time=order.updated,
            )
        )

    def tell_list(
        self,
        order_list: OrderList,
        *,
        status: ListStatus | None = None,
        cancel_client_order_id: str | None = None,
    ) -> None:
        """Note how a list stands now, or what else is to be said of it; at `order_list.time`."""
        self._events.append(
            ListEvent(
                list_id=order_list.list_id,
                client_order_id=order_list.client_order_id,
                account=order_list.account,
                symbol=order_list.symbol,
                contingency=order_list.contingency,
                status=status or order_list.status,
                orders=tuple(_copy(order) for order in order_list.orders),
                cancel_client_order_id=cancel_client_order_id,
                time=order_list.time,
            )
        )

    def tell_deposit(self, deposit: Deposit, time: int) -> None:
        """Note money that came in from elsewhere."""
        account, asset, amount = deposit.account, deposit.asset, deposit.amount
        self._events.append(DepositEvent(account=account, asset=asset, amount=amount, time=time))
        self._touched[account][asset] = None

    def take(self, time: int) -> list[Event]:
        """Everything untold, closed by one BalanceEvent for each account touched."""
        events, self._events = self._events, []
        touched, self._touched = self._touched, defaultdict(dict)
        for account, assets in touched.items():
            balances = self._accounts.balances(account)
            events.append(
                BalanceEvent(
                    account=account,
                    balances={asset: balances.get(asset, _NOTHING) for asset in assets},
                    time=time,
                )
            )
        return events


def _copy(order: Order) -> Order:
    return replace(
        order,
        fills=list(order.fills),
        prevented_matches=list(order.prevented_matches),
        amendments=list(order.amendments),
    )
