"""What executions do to orders, positions, wallets and the events told of them; and margin.

It never asks whether something should happen, only makes it so; what an account cannot afford it
refuses before anything has changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from trading_system.simulator.feeds import Feed
from trading_system.simulator.futures.events import (
    AccountEvent,
    AlgoEvent,
    Event,
    Execution,
    LeverageEvent,
    OrderEvent,
)
from trading_system.simulator.futures.model import (
    MARGIN_ASSET,
    AlgoOrder,
    AlgoStatus,
    Expiry,
    FuturesFill,
    FuturesOrder,
)
from trading_system.simulator.futures.positions import (
    MOST_LEVERAGE,
    Margins,
    Position,
    commission,
    largest_notional,
)
from trading_system.simulator.futures.register import Register
from trading_system.simulator.model import Refused, Side, Status

DEFAULT_LEVERAGE = 20
_FIRST_ORDER = 1
_FIRST_ALGO = 2_000_000_000_000_001
_ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Account:
    """A wallet of the margin asset and the positions that hang on it."""

    balance: Decimal
    updated: int = 0
    positions: dict[str, Position] = field(default_factory=dict)
    leverages: dict[str, int] = field(default_factory=dict)


class Clearing:
    """Accounts, orders and what is untold about them. Unknown accounts raise KeyError."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._accounts: dict[str, Account] = {}
        self._events: list[Event] = []
        self._trade_id = 0
        self.orders = Register[FuturesOrder](_FIRST_ORDER, ("origClientOrderId", "orderId"))
        self.algos = Register[AlgoOrder](_FIRST_ALGO, ("clientAlgoId", "algoId"))

    def open_account(self, name: str, balance: Decimal) -> None:
        """ValueError when it is open already."""
        if name in self._accounts:
            raise ValueError(f"account {name!r} is open already")
        self._accounts[name] = Account(balance=balance)

    def account(self, name: str) -> Account:
        """The core's own record: read it, do not change it."""
        return self._accounts[name]

    def take(self) -> list[Event]:
        """Everything untold, in order."""
        events, self._events = self._events, []
        return events

    def mark(self, symbol: str, now: int) -> Decimal:
        """The mark price: the last one traded."""
        return self._feed.last_trade(symbol, now=now).price

    def position(self, account: str, symbol: str) -> Position:
        return self._accounts[account].positions.get(symbol, Position())

    def leverage(self, account: str, symbol: str) -> int:
        return self._accounts[account].leverages.get(symbol, DEFAULT_LEVERAGE)

    def margins(self, account: str, symbol: str, now: int) -> Margins:
        """What the account's position and open orders of a symbol bind."""
        bids, asks = self._worth(account, symbol)
        return Margins(
            position=self.position(account, symbol),
            mark=self.mark(symbol, now),
            leverage=self.leverage(account, symbol),
            bids=bids,
            asks=asks,
        )

    def all_margins(self, account: str, now: int) -> dict[str, Margins]:
        """The same of every symbol with a position or an open order."""
        held = {s for s, p in self._accounts[account].positions.items() if p.amount}
        asked = {order.symbol for order in self.orders.open(account)}
        return {symbol: self.margins(account, symbol, now) for symbol in sorted(held | asked)}

    def available(self, account: str, now: int) -> Decimal:
        """What may back new positions: negative when losses have eaten more than is free."""
        margins = self.all_margins(account, now).values()
        free = self._accounts[account].balance
        return free + sum((each.unrealised - each.initial for each in margins), _ZERO)

    def allowance(self, order: FuturesOrder, quantity: Decimal) -> Decimal:
        """How much of this the order may trade now: if it only reduces, what there is."""
        if not order.reduce_only:
            return quantity
        return min(quantity, self.position(order.account, order.symbol).facing(order.side))

    def require_margin(self, order: FuturesOrder, price: Decimal, now: int) -> None:
        """Raise Refused unless the account can afford what the order adds at this price.

        It costs the initial margin it adds and what it would lose at once against the mark price.
        Where an open order carries its id, it takes that one's place.
        """
        if order.reduce_only:
            return
        today = before = self.margins(order.account, order.symbol, now)
        if self.orders.is_open(order):
            replaced = self.orders[order.order_id]
            before = _with(today, order.side, -replaced.remaining * replaced.price)
        after = _with(before, order.side, order.remaining * price)
        if after.initial <= before.initial:
            return
        if after.worst_notional > largest_notional(before.leverage):
            raise Refused(-2027, "Exceeded the maximum allowable position at current leverage.")
        dearer = price - before.mark if order.side is Side.BUY else before.mark - price
        loss = max(dearer * order.remaining, _ZERO)
        if after.initial - today.initial + loss > self.available(order.account, now):
            raise Refused(-2019, "Margin is insufficient.")

    def set_leverage(self, account: str, symbol: str, leverage: int, now: int) -> None:
        """Raise Refused for a leverage that does not exist or that the account cannot bear."""
        if not 1 <= leverage <= MOST_LEVERAGE:
            raise Refused(-4028, f"Leverage {leverage} is not valid")
        before = self.margins(account, symbol, now)
        after = replace(before, leverage=leverage)
        if abs(after.notional) > largest_notional(leverage):
            raise Refused(-2027, "Exceeded the maximum allowable position at current leverage.")
        if after.initial - before.initial > max(self.available(account, now), _ZERO):
            raise Refused(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
        self._accounts[account].leverages[symbol] = leverage
        self._events.append(
            LeverageEvent(account=account, symbol=symbol, leverage=leverage, time=now)
        )

    def next_trade_id(self) -> int:
        """Users' trades have their own ids: they are not printed to the public tape."""
        self._trade_id += 1
        return self._trade_id

    def accept(self, order: FuturesOrder) -> None:
        self.orders.accept(order)
        self._tell(Execution.NEW, order)

    def trade(
        self,
        order: FuturesOrder,
        *,
        price: Decimal,
        quantity: Decimal,
        trade_id: int,
        maker: bool,
        now: int,
    ) -> None:
        """One fill: the account is told of before the order, as the venue does."""
        before = self.position(order.account, order.symbol)
        after = before.after(order.side, price, quantity, now)
        fee = commission(price, quantity, maker=maker)
        fill = FuturesFill(
            trade_id=trade_id,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            price=price,
            quantity=quantity,
            commission=fee,
            commission_asset=MARGIN_ASSET,
            maker=maker,
            time=now,
            realised=after.realised - before.realised,
        )
        order.executed += quantity
        order.executed_quote += price * quantity
        order.status = Status.PARTIALLY_FILLED if order.remaining else Status.FILLED
        order.updated = now
        order.executions += (fill,)
        account = self._accounts[order.account]
        account.positions[order.symbol] = after
        account.balance += fill.realised - fee
        account.updated = now
        self._events.append(
            AccountEvent(
                account=order.account,
                balance=account.balance,
                symbol=order.symbol,
                position=after,
                mark=self.mark(order.symbol, now),
                time=now,
            )
        )
        if not order.remaining:
            self.orders.close(order)
        self._tell(Execution.TRADE, order, fill=fill)
        if not order.remaining:
            self._finish_algo_of(order)

    def amend(self, order: FuturesOrder, *, price: Decimal, quantity: Decimal, now: int) -> None:
        order.price, order.quantity = price, quantity
        order.modifications += 1
        order.updated = now
        self._tell(Execution.AMENDMENT, order)

    def cancel(self, order: FuturesOrder, now: int) -> None:
        self._end(order, Status.CANCELED, Execution.CANCELED, now)

    def expire(self, order: FuturesOrder, reason: Expiry, now: int) -> None:
        order.expiry_reason = reason
        matched = reason is Expiry.SELF_TRADE
        status = Status.EXPIRED_IN_MATCH if matched else Status.EXPIRED
        self._end(order, status, Execution.EXPIRED, now)

    def tell_algo(self, algo: AlgoOrder, state: AlgoStatus, now: int) -> None:
        """A step in an algo order's life; from its last one on it is closed."""
        algo.state = state
        algo.updated = now
        if state not in {AlgoStatus.NEW, AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED}:
            self.algos.close(algo)
        self._events.append(AlgoEvent(order=replace(algo), time=now))

    def finish_algo(self, algo: AlgoOrder, order: FuturesOrder) -> None:
        """The order that an algo order has placed is over, and so is the algo order."""
        algo.actual_price, algo.actual_quantity = order.average_price, order.executed
        self.tell_algo(algo, AlgoStatus.FINISHED, order.updated)

    def _finish_algo_of(self, order: FuturesOrder) -> None:
        """An algo order that is being triggered learns of the end from who triggers it."""
        if order.algo_id and self.algos[order.algo_id].state is AlgoStatus.TRIGGERED:
            self.finish_algo(self.algos[order.algo_id], order)

    def _end(self, order: FuturesOrder, status: Status, execution: Execution, now: int) -> None:
        order.status = status
        order.updated = now
        self.orders.close(order)
        self._tell(execution, order)
        self._finish_algo_of(order)

    def _tell(
        self, execution: Execution, order: FuturesOrder, fill: FuturesFill | None = None
    ) -> None:
        bids, asks = self._worth(order.account, order.symbol)
        self._events.append(
            OrderEvent(
                execution=execution,
                order=replace(order),
                fill=fill,
                bids=bids,
                asks=asks,
                time=order.updated,
            )
        )

    def _worth(self, account: str, symbol: str) -> tuple[Decimal, Decimal]:
        """What the open orders are worth that can open positions: (bids, asks)."""
        worth = {Side.BUY: _ZERO, Side.SELL: _ZERO}
        for order in self.orders.open(account, symbol):
            if not order.reduce_only:
                worth[order.side] += order.remaining * order.price
        return worth[Side.BUY], worth[Side.SELL]


def _with(margins: Margins, side: Side, worth: Decimal) -> Margins:
    """The same with orders of this side that are worth so much more."""
    if side is Side.BUY:
        return replace(margins, bids=margins.bids + worth)
    return replace(margins, asks=margins.asks + worth)
