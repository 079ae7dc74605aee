"""The exchange itself: commands in, events out; no I/O, no await, no clock, nothing random.

`handle` first lets the market run up to `now`, then judges the command and carries it out. The
same commands at the same times on the same market always give the same events, so a venue is
rebuilt by opening the same accounts and handling the same commands again. Refused commands may be
left out of that, except those refused with -2021: half of such a cancelReplace was done.

Users' orders trade with each other and with the feed's book and tape, which they do not change:
the accounts are too small to move the market.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trading_system.simulator import replacing
from trading_system.simulator.accounts import Accounts
from trading_system.simulator.amending import Amending
from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.books import Books
from trading_system.simulator.checks import Checks
from trading_system.simulator.contingencies import Contingencies
from trading_system.simulator.events import Event
from trading_system.simulator.feeds import Feed
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.journal import Journal
from trading_system.simulator.list_model import CancelList, ListCommand, PlaceList
from trading_system.simulator.market import Market
from trading_system.simulator.model import (
    CancelAll,
    CancelOrder,
    CancelReplace,
    Command,
    Deposit,
    Depth,
    Fill,
    Order,
    PlaceOrder,
    Refused,
    Status,
    SymbolRules,
)
from trading_system.simulator.orders import OrderLog, cancel_id, draft, missing_id
from trading_system.simulator.settlement import Settlement
from trading_system.simulator.tapes import passing

_RESTRICTIONS = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}
_UNKNOWN_ORDER = "Unknown order sent."


class Venue:
    """All accounts, all orders, all markets of the feed's symbols."""

    def __init__(self, feed: Feed, *, limits: ExchangeLimits | None = None) -> None:
        self._feed = feed
        self._accounts = Accounts()
        self._log = OrderLog()
        self._journal = Journal(self._accounts)
        self._settlement = Settlement(self._accounts, self._log, self._journal)
        self._checks = Checks(feed, limits or ExchangeLimits(), self._accounts, self._log)
        self._rules = self._checks.rules
        self._contingencies = Contingencies(
            self._checks, self._log, self._journal, self._settlement, self._market
        )
        self.lists = self._contingencies.lists
        self._amending = Amending(
            checks=self._checks,
            log=self._log,
            lists=self.lists,
            journal=self._journal,
            settlement=self._settlement,
            market=self._market,
        )
        self._markets: dict[str, Market] = {}
        self.books = Books(feed, self._markets)
        self._busy: dict[str, Market] = {}
        self._now = 0

    @property
    def now(self) -> int:
        """The latest time ever handled: time does not go back here, whatever the caller's clock."""
        return self._now

    def open_account(
        self,
        account: str,
        balances: Mapping[str, Decimal],
        *,
        maker_bips: int = 10,
        taker_bips: int = 10,
    ) -> None:
        """Open an account with these free balances; ValueError when it is open already."""
        self._accounts.open(account, balances, maker_bips=maker_bips, taker_bips=taker_bips)

    def handle(self, command: Command | ListCommand, now: int) -> list[Event]:
        """Run the market up to `now` and carry out the command, or raise Refused.

        A refused command changes nothing (-2021: see `_replace`). Events of the market come first,
        those of the command after them, one BalanceEvent for each account last. What the market
        did before a refusal is told by the next call that succeeds.
        """
        self._now = max(self._now, now)
        self._run_market()
        match command:
            case PlaceOrder():
                self.check(command, self._now)
                self._place(command)
            case CancelOrder():
                _judge_cancel(command)
                self._cancel(command)
            case CancelAll():
                self._cancel_all(command)
            case CancelReplace():
                self._replace(command)
            case AmendOrder():
                self._amending.amend(command, self._now)
            case PlaceList():
                self._contingencies.place(command, self._now)
                self._busy[command.symbol] = self._market(command.symbol)
            case CancelList():
                self._contingencies.cancel(command, self._now)
            case Deposit():
                self._accounts.deposit(command.account, command.asset, command.amount)
                self._journal.tell_deposit(command, self._now)
        # Advance asks for no more than that the market has run.
        return self._journal.take(self._now)

    def check(self, command: PlaceOrder, now: int) -> None:
        """Judge an order as far as it goes without the engine; Refused when it fails."""
        self._checks.judge(command, now)

    def balances(self, account: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Every asset the account ever held: (free, locked)."""
        return self._accounts.balances(account)

    def order(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> Order:
        """One order, the venue's own record: read it, do not change it.

        Refused: -2013 there is none, -2039 the ids are not one order's, -1102 no id was given.
        """
        self._rules(symbol)
        order = self._log.find(account, symbol, order_id=order_id, client_order_id=client_order_id)
        if order is None:
            raise Refused(-2013, "Order does not exist.")
        return order

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """The account's open orders, oldest first."""
        if symbol is not None:
            self._rules(symbol)
        return [order for order in self._log.open(account) if symbol in {None, order.symbol}]

    def all_orders(self, account: str, symbol: str) -> list[Order]:
        """Every order the account ever had in a symbol, oldest first."""
        self._rules(symbol)
        return self._log.of(account, symbol)

    def fills(self, account: str, symbol: str) -> list[Fill]:
        """Every fill of the account in a symbol, oldest first."""
        self._rules(symbol)
        return self._log.fills(account, symbol)

    def depth(self, symbol: str, now: int) -> Depth:
        """The feed's book with the users' resting orders; best bid < best ask."""
        self._rules(symbol)
        return self.books.depth(symbol, now)

    def quote(self, symbol: str, now: int) -> Depth:
        """The best level of either side of that book, alone."""
        self._rules(symbol)
        return self.books.quote(symbol, now)

    def _market(self, symbol: str) -> Market:
        if symbol not in self._markets:
            self._markets[symbol] = Market(self._rules(symbol), self._feed, self._settlement)
        return self._markets[symbol]

    def _run_market(self) -> None:
        """Show the tapes of all symbols with open orders to them, in the order of time."""
        self._busy = {symbol: market for symbol, market in self._busy.items() if market}
        for trade in passing(self._busy, self._now):
            self._contingencies.proceed(trade.time, on_tape=True)

    def _place(self, command: PlaceOrder) -> Order:
        """The engine's part: everything but parameters and filters."""
        self._checks.admit(command)
        rules = self._rules(command.symbol)
        order = draft(command, rules, self._now)
        self._log.refuse_duplicate(order)
        market = self._market(command.symbol)
        market.enter(order, self._now)
        self._contingencies.proceed(self._now)
        self._busy[command.symbol] = market
        return order

    def _cancel(self, command: CancelOrder) -> Order:
        rules = self._rules(command.symbol)
        order = self._log.find(
            command.account,
            command.symbol,
            order_id=command.order_id,
            client_order_id=command.client_order_id,
        )
        if order is None or not order.status.is_open:
            raise Refused(-2011, _UNKNOWN_ORDER)
        allowed = _RESTRICTIONS.get(command.restriction or "", order.status)
        if order.status is not allowed:
            raise Refused(-2011, "Order was not canceled due to cancel restrictions.")
        self._end(order, rules, cancel_id(command, order))
        return order

    def _cancel_all(self, command: CancelAll) -> None:
        orders = self.open_orders(command.account, command.symbol)
        if not orders:
            raise Refused(-2011, _UNKNOWN_ORDER)
        for order in orders:
            if order.status.is_open:  # or it went with another one of its list
                self._end(order, self._rules(command.symbol), cancel_id(None, order))

    def _end(self, order: Order, rules: SymbolRules, id_: str) -> None:
        if self._contingencies.cancel_with(order, id_, self._now):
            return
        self._market(order.symbol).withdraw(order)
        self._settlement.cancel(order, rules, cancel_id=id_, now=self._now)

    def _replace(self, command: CancelReplace) -> None:
        """Cancel one order and place another; the new one's filters are asked before anything.

        Unless both succeed it raises Refused, see `replacing.failure`.
        """
        _judge_cancel(command.cancel, prefix="cancel")
        self.check(command.place, self._now)
        cancelled, placed = replacing.attempt(
            command, lambda: self._cancel(command.cancel), lambda: self._place(command.place)
        )
        if isinstance(cancelled, Order) and isinstance(placed, Order):
            self._journal.tell_replaced(cancelled=cancelled, placed=placed, time=self._now)
            return
        if isinstance(cancelled, Order) and isinstance(placed, Refused):
            rejected = draft(command.place, self._rules(command.place.symbol), self._now)
            self._journal.tell_rejected(rejected, placed.message)
        raise replacing.failure(cancelled, placed)


def _judge_cancel(command: CancelOrder, prefix: str = "") -> None:
    """Raise Refused when it does not say which order, or under which restriction."""
    if command.order_id is None and command.client_order_id is None:
        raise missing_id(prefix)
    if command.restriction is not None and command.restriction not in _RESTRICTIONS:
        raise Refused(
            -1145, "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`."
        )
