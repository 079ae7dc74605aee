"""Everything that is asked about an order before the matching sees it.

Listed symbols, parameters and filters, and what the engine refuses without looking at a market.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from trading_system.simulator import filters, parameters
from trading_system.simulator.accounts import Accounts
from trading_system.simulator.feeds import Feed
from trading_system.simulator.filters import ExchangeLimits, Subject
from trading_system.simulator.model import Order, PlaceOrder, Refused, SymbolRules
from trading_system.simulator.orders import OrderLog


class Checks:
    """Judges orders against the feed's rules, the exchange's limits and what an account has."""

    def __init__(
        self, feed: Feed, limits: ExchangeLimits, accounts: Accounts, log: OrderLog
    ) -> None:
        self.limits = limits
        self._feed = feed
        self._accounts = accounts
        self._log = log

    def rules(self, symbol: str) -> SymbolRules:
        """The rules of a listed symbol, or Refused."""
        rules = self._feed.symbols.get(symbol)
        if rules is None:
            raise Refused(-1121, "Invalid symbol.")
        return rules

    def judge(
        self, command: PlaceOrder, now: int, *, beside: Collection[Order] = (), prefix: str = ""
    ) -> None:
        """Raise Refused for a parameter or a filter that fails.

        `beside` are orders of its list that count as open already; `prefix` see parameters.judge.
        """
        parameters.judge(command, self.rules(command.symbol), prefix=prefix)
        self.filter(command, now, [*self._log.open(command.account), *beside])

    def filter(
        self,
        command: PlaceOrder,
        now: int,
        open_orders: Collection[Order],
        names: Iterable[str] | None = None,
    ) -> None:
        """Raise Refused for a filter, of these or of all, that fails with these orders open."""
        rules = self.rules(command.symbol)
        filters.judge(
            Subject(
                command=command,
                rules=rules,
                limits=self.limits,
                average=lambda: self._feed.average_price(
                    rules.symbol, minutes=rules.avg_price_mins, now=now
                ),
                position=self._accounts.total(command.account, rules.base),
                open_orders=open_orders,
            ),
            names,
        )

    def admit(self, command: PlaceOrder) -> None:
        """Raise Refused for what the engine does not take, whatever its market looks like."""
        rules = self.rules(command.symbol)
        if rules.status != "TRADING":
            raise Refused(-2010, "Market is closed.")
        if command.type not in rules.order_types:
            kind = command.type.replace("_", " ").capitalize()
            raise Refused(-2010, f"{kind} orders are not supported for this symbol.")
        if (command.iceberg_quantity or 0) > (command.quantity or 0):
            raise Refused(-2010, "IcebergQty exceeds QTY.")
