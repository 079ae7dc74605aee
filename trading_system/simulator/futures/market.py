"""One contract's market: its users' book and algo orders between the feed's book and its tape.

A taker meets the feed's levels and the users' orders, best price first. What rests fills from the
tape as in the spot core: a public trade at or through an order's price fills it at the order's own
price, and all orders together get no more than the trade's quantity.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_system.simulator.book import Book
from trading_system.simulator.feeds import Feed
from trading_system.simulator.futures.clearing import Clearing
from trading_system.simulator.futures.drafts import triggered
from trading_system.simulator.futures.model import AlgoOrder, AlgoStatus, Expiry, FuturesOrder
from trading_system.simulator.futures.rules import ContractRules
from trading_system.simulator.liquidity import Liquidity
from trading_system.simulator.matching import Plan, Step, plan
from trading_system.simulator.model import (
    Depth,
    MarketTrade,
    Order,
    OrderType,
    Refused,
    Side,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention
from trading_system.simulator.tapes import next_trade
from trading_system.simulator.triggers import Triggers, is_reached

_CENT = Decimal(1).scaleb(-8)
_NOT_FILLED = (
    "Due to the order could not be filled immediately, the FOK order has been rejected. The order "
    "will not be recorded in the order history"
)
_NOT_MAKER = (
    "Due to the order could not be executed as maker, the Post Only order will be rejected. The "
    "order will not be recorded in the order history"
)
_NO_MARGIN = -2019
_ZERO = Decimal(0)


class ContractMarket:
    """Orders come in by `enter` and `wait`, leave by `withdraw` and `give_up`, live by `meet`."""

    def __init__(self, rules: ContractRules, feed: Feed, clearing: Clearing) -> None:
        self._rules = rules
        self._feed = feed
        self._clearing = clearing
        self._book = Book()
        self._triggers = Triggers(rules.spot.tick_size)
        self._liquidity = Liquidity(rules.symbol, feed, self._book)
        self._last_met = -1

    def __bool__(self) -> bool:
        """Somebody's order waits here."""
        return bool(self._book) or bool(self._triggers)

    def depth(self, now: int) -> Depth:
        return self._liquidity.depth(now)

    def quote(self, now: int) -> Depth:
        return self._liquidity.quote(now)

    def enter(self, order: FuturesOrder, now: int) -> None:
        """Take a new order in and let it trade or rest; Refused leaves no trace."""
        self._admit(order, now)
        self._ignore_the_past(now)

    def wait(self, algo: AlgoOrder, now: int) -> None:
        """Take a new algo order in; Refused when its moment has come already."""
        self._clearing.algos.refuse_duplicate(algo)
        if algo.stop_price is not None and is_reached(algo, self._last_trade(now).price):
            raise Refused(-2021, "Order would immediately trigger.")
        self._clearing.algos.accept(algo)
        self._clearing.tell_algo(algo, AlgoStatus.NEW, now)
        self._triggers.add(algo)
        self._ignore_the_past(now)

    def amend(self, order: FuturesOrder, *, price: Decimal, quantity: Decimal, now: int) -> None:
        """Change an order that rests, which loses its place; Refused leaves it as it was.

        One that would have nothing left, or would take although it must not, is cancelled.
        """
        changed = replace(order, price=price, quantity=quantity)
        steps = self._plan(changed, now)
        if changed.remaining <= 0 or (order.post_only and steps.steps):
            self.withdraw(order, now)
            return
        self._clearing.require_margin(changed, price, now)
        self._book.remove(order)
        self._clearing.amend(order, price=price, quantity=quantity, now=now)
        self._work(order, steps, now)

    def withdraw(self, order: FuturesOrder, now: int) -> None:
        """Cancel an order that rests."""
        self._book.remove(order)
        self._clearing.cancel(order, now)

    def give_up(self, algo: AlgoOrder, now: int) -> None:
        """Cancel an algo order that waits."""
        self._triggers.remove(algo)
        self._clearing.tell_algo(algo, AlgoStatus.CANCELED, now)

    def next_trade(self, now: int) -> MarketTrade | None:
        """The next trade of the tape up to now that concerns any order here."""
        return next_trade(
            self._feed,
            self._rules.symbol,
            self._book,
            self._triggers,
            after=self._last_met,
            now=now,
        )

    def meet(self, trade: MarketTrade) -> None:
        """A trade of the tape: resting orders fill from it, then it sets off algo orders."""
        self._last_met = trade.id
        for maker, quantity in self._shares(trade):
            self._fill_maker(maker, quantity, self._clearing.next_trade_id(), trade.time)
        for fired in self._triggers.fired(trade.price, trade.time):
            self._awaken(self._clearing.algos[fired.order_id], trade.time)

    def _last_trade(self, now: int) -> MarketTrade:
        return self._feed.last_trade(self._rules.symbol, now=now)

    def _ignore_the_past(self, now: int) -> None:
        """The tape up to here is older than the newest order; the others have met it already."""
        self._last_met = max(self._last_met, self._last_trade(now).id)

    def _admit(self, order: FuturesOrder, now: int) -> None:
        self._clearing.orders.refuse_duplicate(order)
        steps = self._plan(order, now)
        self._refuse_impossible(order, steps)
        self._clearing.require_margin(order, order.price or steps.quote / steps.base, now)
        self._clearing.accept(order)
        self._work(order, steps, now)

    def _plan(self, order: FuturesOrder, now: int) -> Plan:
        return plan(
            order,
            self._liquidity.offers(order.side, limit=order.price or None, now=now),
            quantity=self._clearing.allowance(order, order.remaining),
            money=None,
            lot=self._rules.spot.step_size,
            cent=_CENT,
        )

    def _refuse_impossible(self, order: FuturesOrder, steps: Plan) -> None:
        """What only the engine can see: nothing to trade with, or too much for a post-only one."""
        if not self._clearing.allowance(order, order.remaining):
            raise Refused(-2022, "ReduceOnly Order is rejected.")
        if order.post_only and steps.steps:
            raise Refused(-5022, _NOT_MAKER)
        if order.time_in_force is TimeInForce.FOK and steps.base < order.remaining:
            raise Refused(-5021, _NOT_FILLED)
        if order.type is OrderType.MARKET and not steps.base:
            raise Refused(
                -4131,
                "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
            )

    def _awaken(self, algo: AlgoOrder, now: int) -> None:
        """An algo order's moment: it places its order, or is told why it cannot."""
        algo.triggered = now
        self._clearing.tell_algo(algo, AlgoStatus.TRIGGERING, now)
        quantity = algo.quantity
        if algo.close_position:
            quantity = self._clearing.position(algo.account, algo.symbol).facing(algo.side)
            if not quantity:
                self._clearing.tell_algo(algo, AlgoStatus.EXPIRED, now)
                return
        order = triggered(algo, quantity, now)
        try:
            self._admit(order, now)
        except Refused as refusal:
            algo.failure = "margin not enough" if refusal.code == _NO_MARGIN else refusal.message
            self._clearing.tell_algo(algo, AlgoStatus.REJECTED, now)
            return
        algo.actual_id = order.order_id
        self._clearing.tell_algo(algo, AlgoStatus.TRIGGERED, now)
        if not order.status.is_open:
            self._clearing.finish_algo(algo, order)

    def _work(self, order: FuturesOrder, steps: Plan, now: int) -> None:
        """Carry out a taker's plan and decide about the rest of it."""
        for step in steps.steps:
            self._carry_out(order, step, now)
        if not order.status.is_open:
            return
        reason = self._why_over(order)
        if reason is None:
            self._book.add(order)
        else:
            self._clearing.expire(order, reason, now)

    def _why_over(self, order: FuturesOrder) -> Expiry | None:
        """Why the rest of a taker may not rest; None when it may."""
        if not self._clearing.allowance(order, order.remaining):
            return Expiry.REDUCE_ONLY
        if order.type is OrderType.MARKET:
            return Expiry.MARKET
        return Expiry.IOC if order.time_in_force is TimeInForce.IOC else None

    def _carry_out(self, taker: FuturesOrder, step: Step, now: int) -> None:
        offer, quantity = step.offer, step.quantity
        if offer.maker is None:
            self._fill(taker, offer.price, quantity, self._clearing.next_trade_id(), now)
            self._liquidity.take(taker.side, offer.price, quantity, now=now)
            self._knock_out(taker.account, now, besides=taker)
            return
        maker = self._clearing.orders[offer.maker.order_id]
        if step.prevention is not SelfTradePrevention.NONE:
            self._prevent(taker, maker, step, now)
            return
        quantity = self._clearing.allowance(maker, quantity) if maker.status.is_open else _ZERO
        if quantity:
            trade_id = self._clearing.next_trade_id()
            self._fill(taker, offer.price, quantity, trade_id, now)
            self._fill_maker(maker, quantity, trade_id, now)
            self._knock_out(taker.account, now, besides=taker)

    def _prevent(self, taker: FuturesOrder, maker: FuturesOrder, step: Step, now: int) -> None:
        """One account would trade with itself: the taker's mode says who gives way."""
        if step.prevention.expires_maker:
            self._book.remove(maker)
            self._clearing.expire(maker, Expiry.SELF_TRADE, now)
        if step.prevention.expires_taker:
            self._clearing.expire(taker, Expiry.SELF_TRADE, now)

    def _shares(self, trade: MarketTrade) -> list[tuple[FuturesOrder, Decimal]]:
        """Who gets how much of a public trade, in price-time priority."""
        shares, left = [], trade.quantity
        for side in Side:
            for order, part in self._book.queue(side):
                if not left or not _reaches(trade.price, order):
                    break
                shares.append((self._clearing.orders[order.order_id], min(left, part)))
                left -= min(left, part)
        return shares

    def _fill_maker(self, maker: FuturesOrder, quantity: Decimal, trade_id: int, now: int) -> None:
        """Of an order that only reduces no more than there is; one knocked out gets nothing."""
        if not maker.status.is_open:
            return
        quantity = self._clearing.allowance(maker, quantity)
        self._fill(maker, maker.price, quantity, trade_id, now, maker=True)
        self._book.reduce(maker, quantity)
        self._knock_out(maker.account, now)

    def _fill(
        self,
        order: FuturesOrder,
        price: Decimal,
        quantity: Decimal,
        trade_id: int,
        now: int,
        *,
        maker: bool = False,
    ) -> None:
        self._clearing.trade(
            order, price=price, quantity=quantity, trade_id=trade_id, maker=maker, now=now
        )

    def _knock_out(self, account: str, now: int, besides: FuturesOrder | None = None) -> None:
        """Expire resting orders that only reduce and have nothing left to reduce."""
        for order in self._clearing.orders.open(account, self._rules.symbol):
            if order is not besides and not self._clearing.allowance(order, order.remaining):
                self._book.remove(order)
                self._clearing.expire(order, Expiry.REDUCE_ONLY, now)


def _reaches(price: Decimal, order: Order) -> bool:
    """A public trade at this price is at or through the order's."""
    return price <= order.price if order.side is Side.BUY else price >= order.price
