"""The futures core: commands in, events out; no I/O, no await, no clock, nothing random.

`handle` first lets the market run up to `now`, then judges the command and carries it out. The
same commands at the same times always give the same events, so accounts are rebuilt by handling
the accepted commands again. Refused commands may be left out of that: they change nothing.

Users' orders trade with each other and with the feed's book and tape, which they do not change.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.books import Books
from trading_system.simulator.feeds import Feed
from trading_system.simulator.futures import drafts
from trading_system.simulator.futures.clearing import Clearing
from trading_system.simulator.futures.events import Event
from trading_system.simulator.futures.market import ContractMarket
from trading_system.simulator.futures.model import (
    AlgoOrder,
    CancelAlgo,
    CancelAll,
    CancelAllAlgos,
    CancelOrder,
    Command,
    FuturesFill,
    FuturesOrder,
    ModifyOrder,
    PlaceAlgo,
    PlaceOrder,
    SetLeverage,
)
from trading_system.simulator.futures.register import Kind, Register
from trading_system.simulator.futures.rules import (
    MOST_ALGOS,
    MOST_ORDERS,
    ContractRules,
    contract,
    judge_algo,
    judge_modification,
    judge_order,
)
from trading_system.simulator.model import Refused
from trading_system.simulator.tapes import passing

_MOST_MODIFICATIONS = 10_000


class FuturesVenue:
    """All accounts, all orders, all contracts on the feed's pairs."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._clearing = Clearing(feed)
        self._markets: dict[str, ContractMarket] = {}
        self.books = Books(feed, self._markets)
        self._busy: dict[str, ContractMarket] = {}
        self._now = 0

    @property
    def now(self) -> int:
        """The latest time ever handled: time does not go back here, whatever the caller's clock."""
        return self._now

    @property
    def accounts(self) -> Clearing:
        """Positions, margins and wallets: read them, do not change them."""
        return self._clearing

    def open_account(self, account: str, balance: Decimal) -> None:
        """Open an account with this much of the margin asset."""
        self._clearing.open_account(account, balance)

    def handle(self, command: Command, now: int) -> list[Event]:
        """Run the market up to `now` and carry out the command, or raise Refused.

        Events of the market come first. What the market did before a refusal is told by the next
        call that succeeds.
        """
        self._now = max(self._now, now)
        self._run_market()
        match command:
            case PlaceOrder():
                self._place(command)
            case ModifyOrder():
                self._modify(command)
            case CancelOrder():
                order = self._open_order(command.account, command.symbol, command)
                self._market(order.symbol).withdraw(order, self._now)
            case CancelAll():
                self._cancel_all(command)
            case PlaceAlgo():
                self._place_algo(command)
            case CancelAlgo():
                self._cancel_algo(command)
            case CancelAllAlgos():
                self._cancel_all_algos(command)
            case SetLeverage():
                self.rules(command.symbol)
                self._clearing.set_leverage(
                    command.account, command.symbol, command.leverage, self._now
                )
        # Advance asks for no more than that the market has run.
        return self._clearing.take()

    def check(self, command: PlaceOrder, now: int) -> None:
        """Judge an order as far as it goes without the engine; Refused when it fails."""
        rules = self._tradable(command.symbol)
        judge_order(command, rules, mark=self._clearing.mark(command.symbol, now))

    def rules(self, symbol: str) -> ContractRules:
        """Those of a listed contract, or Refused."""
        return contract(self._feed, symbol)

    def order(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> FuturesOrder:
        """One order, the core's own record. Refused: -2013 there is none, -1102 no id was given."""
        self.rules(symbol)
        return _found(
            self._clearing.orders,
            account,
            symbol,
            order_id=order_id,
            client_order_id=client_order_id,
        )

    def algo_order(
        self, account: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> AlgoOrder:
        """One algo order; refused as `order` is."""
        return _found(
            self._clearing.algos,
            account,
            None,
            order_id=order_id,
            client_order_id=client_order_id,
        )

    def open_orders(self, account: str, symbol: str | None = None) -> list[FuturesOrder]:
        """The account's open orders, oldest first."""
        return self._clearing.orders.open(account, symbol)

    def all_orders(self, account: str, symbol: str) -> list[FuturesOrder]:
        """Every order the account ever had in a symbol, oldest first."""
        return self._clearing.orders.of(account, symbol)

    def open_algos(self, account: str, symbol: str | None = None) -> list[AlgoOrder]:
        """The account's open algo orders, oldest first."""
        return self._clearing.algos.open(account, symbol)

    def all_algos(self, account: str, symbol: str) -> list[AlgoOrder]:
        """Every algo order the account ever had in a symbol, oldest first."""
        return self._clearing.algos.of(account, symbol)

    def fills(self, account: str, symbol: str) -> list[FuturesFill]:
        """Every fill of the account in a symbol, oldest first."""
        orders = self._clearing.orders.of(account, symbol)
        fills = [fill for order in orders for fill in order.executions]
        return sorted(fills, key=lambda fill: fill.trade_id)

    def _market(self, symbol: str) -> ContractMarket:
        if symbol not in self._markets:
            self._markets[symbol] = ContractMarket(self.rules(symbol), self._feed, self._clearing)
        return self._markets[symbol]

    def _run_market(self) -> None:
        """Show the tapes of all symbols with open orders to them, in the order of time."""
        self._busy = {symbol: market for symbol, market in self._busy.items() if market}
        for _ in passing(self._busy, self._now):
            pass

    def _place(self, command: PlaceOrder) -> None:
        self.check(command, self._now)
        if len(self._clearing.orders.open(command.account, command.symbol)) >= MOST_ORDERS:
            raise Refused(-2025, "Reach max open order limit.")
        self._enter(command.symbol).enter(drafts.order(command, self._now), self._now)

    def _place_algo(self, command: PlaceAlgo) -> None:
        rules = self._tradable(command.symbol)
        judge_algo(command, rules)
        if len(self._clearing.algos.open(command.account)) >= MOST_ALGOS:
            raise Refused(-4045, "Reach max stop order limit.")
        self._enter(command.symbol).wait(drafts.algo(command, self._now), self._now)

    def _enter(self, symbol: str) -> ContractMarket:
        """The market of a symbol, which from now on is shown its tape."""
        market = self._market(symbol)
        self._busy[symbol] = market
        return market

    def _modify(self, command: ModifyOrder) -> None:
        """Whatever is open is a LIMIT order: market orders are over at once."""
        rules = self._tradable(command.symbol)
        mark = self._clearing.mark(command.symbol, self._now)
        order = self._open_order(command.account, command.symbol, command)
        if order.side is not command.side:
            raise Refused(-1117, "Invalid side.")
        judge_modification(command, rules, mark=mark)
        if (order.price, order.quantity) == (command.price, command.quantity):
            raise Refused(-5027, "No need to modify the order.")
        if order.modifications >= _MOST_MODIFICATIONS:
            raise Refused(-5026, "Exceed maximum modify order limit.")
        self._market(order.symbol).amend(
            order, price=command.price, quantity=command.quantity, now=self._now
        )

    def _cancel_all(self, command: CancelAll) -> None:
        """Nothing open is no error here."""
        self.rules(command.symbol)
        for order in self._clearing.orders.open(command.account, command.symbol):
            self._market(order.symbol).withdraw(order, self._now)

    def _cancel_algo(self, command: CancelAlgo) -> None:
        algo = self._clearing.algos.find(
            command.account,
            None,
            order_id=command.order_id,
            client_order_id=command.client_order_id,
        )
        if algo is None or not self._waits(algo):
            raise _unknown_order()
        self._market(algo.symbol).give_up(algo, self._now)

    def _cancel_all_algos(self, command: CancelAllAlgos) -> None:
        self.rules(command.symbol)
        for algo in self._clearing.algos.open(command.account, command.symbol):
            if self._waits(algo):
                self._market(algo.symbol).give_up(algo, self._now)

    def _waits(self, algo: AlgoOrder) -> bool:
        """Not triggered yet: afterwards its order is cancelled and not it."""
        return self._clearing.algos.is_open(algo) and not algo.triggered

    def _open_order(
        self, account: str, symbol: str, command: CancelOrder | ModifyOrder
    ) -> FuturesOrder:
        self.rules(symbol)
        order = self._clearing.orders.find(
            account, symbol, order_id=command.order_id, client_order_id=command.client_order_id
        )
        if order is None or not order.status.is_open:
            raise _unknown_order()
        return order

    def _tradable(self, symbol: str) -> ContractRules:
        rules = self.rules(symbol)
        if rules.spot.status != "TRADING":
            raise Refused(-4141, "Symbol is closed.")
        return rules


def _unknown_order() -> Refused:
    return Refused(-2011, "Unknown order sent.")


def _found(
    register: Register[Kind],
    account: str,
    symbol: str | None,
    *,
    order_id: int | None,
    client_order_id: str | None,
) -> Kind:
    found = register.find(account, symbol, order_id=order_id, client_order_id=client_order_id)
    if found is None:
        raise Refused(-2013, "Order does not exist.")
    return found
