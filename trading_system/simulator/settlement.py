"""What an execution does to an order, its money and the journal, all three in one place.

It never asks whether something should happen, only makes it so.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

from trading_system.simulator.accounts import Accounts
from trading_system.simulator.amendments import Amendment
from trading_system.simulator.events import Execution
from trading_system.simulator.journal import Journal
from trading_system.simulator.matching import to_cents
from trading_system.simulator.model import Fill, Order, Side, Status, SymbolRules
from trading_system.simulator.orders import OrderLog
from trading_system.simulator.self_trades import PreventedMatch


class Settlement:
    """Accepts, fills, shrinks and ends orders."""

    def __init__(self, accounts: Accounts, log: OrderLog, journal: Journal) -> None:
        self.accounts = accounts
        self._log = log
        self._journal = journal
        self._trade_id = 0
        self._prevented_id = 0
        self.engaged: Callable[[Order, int], None] = _unheard
        """Told (order, now) before an order's trigger fires or its quantity begins to go."""
        self.ended: Callable[[Order, int], None] = _unheard
        """Told after an order has ended, however it did."""

    def accept(
        self, order: Order, rules: SymbolRules, *, locks: Decimal, beside: Order | None = None
    ) -> None:
        """Register the order and lock its money, or raise Refused and change nothing.

        Of two orders of which only one will ever trade, the second is accepted `beside` the first:
        they share their money, whose owner has been asked for it before.
        """
        asset = _pays(order, rules)
        if beside is None:
            self.accounts.require(order.account, asset, locks)
        if order.status is Status.PENDING_NEW:
            order.status = Status.NEW
        else:
            self._log.accept(order)
        if beside is None:
            self.accounts.hold(order.order_id, order.account, asset, locks)
        else:
            self.accounts.share(order.order_id, beside.order_id, locks)
        self._journal.tell(Execution.NEW, order, rules)

    def promise(self, order: Order, rules: SymbolRules) -> None:
        """Register an order that waits for another one to fill; it locks no money."""
        order.status = Status.PENDING_NEW
        self._log.accept(order)
        self.accounts.hold(order.order_id, order.account, _pays(order, rules), Decimal(0))
        self._journal.tell(Execution.NEW, order, rules)

    def awaken(self, order: Order, rules: SymbolRules, now: int) -> None:
        """A stop order's moment has come: from now on it works."""
        self.engaged(order, now)
        order.is_working = True
        order.working_time = order.updated = now
        self._journal.tell(Execution.NEW, order, rules)

    def next_trade_id(self) -> int:
        """Users' trades have their own ids: they are not printed to the public tape."""
        self._trade_id += 1
        return self._trade_id

    def next_prevented_id(self) -> int:
        """Both sides of a prevented match know it by the same id."""
        self._prevented_id += 1
        return self._prevented_id

    def trade(
        self,
        order: Order,
        rules: SymbolRules,
        *,
        price: Decimal,
        quantity: Decimal,
        trade_id: int,
        maker: bool,
        now: int,
        open_ended: bool = False,
    ) -> None:
        """One fill. An `open_ended` order (bought by quote, the book ran dry) is never FILLED."""
        self.engaged(order, now)
        quote = to_cents(price * quantity, cent(rules.quote_precision))
        order.executed += quantity
        order.executed_quote += quote
        filled = not order.remaining and not open_ended
        order.status = Status.FILLED if filled else Status.PARTIALLY_FILLED
        order.updated = now
        fill = self._exchange(
            order, rules, price=price, quantity=quantity, quote=quote, maker=maker, id_=trade_id
        )
        order.fills.append(fill)
        self._journal.tell(Execution.TRADE, order, rules, fill=fill)
        if filled:
            self._close(order)
        else:
            self._keep_what_it_needs(order, rules)

    def decrement(
        self,
        order: Order,
        rules: SymbolRules,
        match: PreventedMatch,
        *,
        open_ended: bool = False,
    ) -> None:
        """Self-trade prevention takes a quantity off the order, which ends when none is left."""
        self.engaged(order, match.time)
        ends = order.remaining == match.quantity and not open_ended
        if ends:
            order.status = Status.EXPIRED_IN_MATCH
        self._prevent(order, rules, match)
        if ends:
            self._close(order)
        else:
            self._keep_what_it_needs(order, rules)

    def expire_in_match(self, order: Order, rules: SymbolRules, match: PreventedMatch) -> None:
        """Self-trade prevention ends the order, all that was left of it."""
        order.status = Status.EXPIRED_IN_MATCH
        self._prevent(order, rules, match)
        self._close(order)

    def _prevent(self, order: Order, rules: SymbolRules, match: PreventedMatch) -> None:
        order.prevented += match.off(order.order_id)
        order.updated = match.time
        self._journal.tell(Execution.TRADE_PREVENTION, order, rules, prevented=match)

    def expire(self, order: Order, rules: SymbolRules, *, reason: str, now: int) -> None:
        order.status = Status.EXPIRED
        order.expiry_reason = reason
        order.updated = now
        self._journal.tell(Execution.EXPIRED, order, rules)
        self._close(order)

    def cancel(self, order: Order, rules: SymbolRules, *, cancel_id: str, now: int) -> None:
        order.status = Status.CANCELED
        order.updated = now
        self._journal.tell(Execution.CANCELED, order, rules, cancel_client_order_id=cancel_id)
        self._close(order)

    def amend(
        self, order: Order, rules: SymbolRules, *, quantity: Decimal, client_order_id: str, now: int
    ) -> None:
        """Make an open order smaller, which may change its name, and free what it needs no more."""
        old_id, old_quantity, old_remaining = order.client_order_id, order.quantity, order.remaining
        self._log.rename(order, client_order_id)
        order.quantity, order.updated = quantity, now
        execution_id = self._journal.tell(
            Execution.REPLACED, order, rules, old_client_order_id=old_id
        )
        order.amendments.append(
            Amendment(
                execution_id=execution_id,
                old_client_order_id=old_id,
                new_client_order_id=client_order_id,
                old_quantity=old_quantity,
                new_quantity=quantity,
                time=now,
            )
        )
        if order.side is Side.SELL or order.price:
            self._keep_what_it_needs(order, rules)
        else:  # a stop order that will buy at any price: what it locked for each unit
            needs = self.accounts.held(order.order_id) * order.remaining / old_remaining
            self.accounts.keep(
                order.order_id, needs.quantize(cent(rules.quote_precision), rounding=ROUND_UP)
            )

    def _exchange(
        self,
        order: Order,
        rules: SymbolRules,
        *,
        price: Decimal,
        quantity: Decimal,
        quote: Decimal,
        maker: bool,
        id_: int,
    ) -> Fill:
        """Move the money of a fill; the commission comes off the received asset."""
        if order.side is Side.BUY:
            pays, receives, asset, digits = quote, quantity, rules.base, rules.base_precision
        else:
            pays, receives, asset, digits = quantity, quote, rules.quote, rules.quote_precision
        rate = self.accounts.rate(order.account, maker=maker)
        # Recorded: 0.003038 BTC x 0.1 % was charged 0.00000304, so not cut but rounded.
        fee = (receives * rate).quantize(cent(digits), rounding=ROUND_HALF_UP)
        self.accounts.exchange(order.order_id, pays=pays, receives=receives, asset=asset, fee=fee)
        return Fill(
            trade_id=id_,
            order_id=order.order_id,
            list_id=order.list_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            commission=fee,
            commission_asset=asset,
            maker=maker,
            time=order.updated,
        )

    def _keep_what_it_needs(self, order: Order, rules: SymbolRules) -> None:
        """Free the price improvement; a market buy keeps its budget until it ends."""
        if order.side is Side.SELL:
            self.accounts.keep(order.order_id, order.remaining)
        elif order.price:
            self.accounts.keep(order.order_id, cost_of(order.price, order.remaining, rules))

    def _close(self, order: Order) -> None:
        self._log.close(order)
        self.accounts.release(order.order_id)
        self.ended(order, order.updated)


def _pays(order: Order, rules: SymbolRules) -> str:
    """The asset that an order gives away."""
    return rules.quote if order.side is Side.BUY else rules.base


def _unheard(_order: Order, _now: int) -> None:
    """Nobody wants to know."""


def cost_of(price: Decimal, quantity: Decimal, rules: SymbolRules) -> Decimal:
    """Quote that surely pays for this much at this price: rounded up."""
    return (price * quantity).quantize(cent(rules.quote_precision), rounding=ROUND_UP)


def cent(digits: int) -> Decimal:
    """The smallest unit of an asset with so many decimals."""
    return Decimal(1).scaleb(-digits)
