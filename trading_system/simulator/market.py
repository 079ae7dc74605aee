"""One symbol's market: its users' book and stop orders between the feed's book and its tape.

A taker meets the feed's levels and the users' orders, best price first. What rests fills from the
tape: a public trade at or through an order's price fills it at the order's own price, and all
orders together get no more than the trade's quantity, so large orders fill bit by bit.
"""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator import filters
from trading_system.simulator.book import Book
from trading_system.simulator.feeds import Feed
from trading_system.simulator.liquidity import Liquidity
from trading_system.simulator.matching import End, Plan, Step, plan
from trading_system.simulator.model import (
    Depth,
    MarketTrade,
    Order,
    OrderType,
    Refused,
    Side,
    SymbolRules,
    TimeInForce,
)
from trading_system.simulator.orders import CONTINGENT
from trading_system.simulator.self_trades import PreventedMatch, SelfTradePrevention
from trading_system.simulator.settlement import Settlement, cent, cost_of
from trading_system.simulator.tapes import next_trade
from trading_system.simulator.triggers import Triggers, is_reached

_REASONS = {
    End.LIQUIDITY: "INSUFFICIENT_LIQUIDITY",
    End.MONEY: "REJECTED",
}


class Market:
    """Orders come in by `enter`, leave by `withdraw`, and live through the tape by `meet`."""

    def __init__(self, rules: SymbolRules, feed: Feed, settlement: Settlement) -> None:
        self.rules = rules
        self._feed = feed
        self._settlement = settlement
        self._book = Book()
        self._triggers = Triggers(rules.tick_size)
        self._liquidity = Liquidity(rules.symbol, feed, self._book)
        self._last_met = -1

    def __bool__(self) -> bool:
        """Somebody's order waits here."""
        return bool(self._book) or bool(self._triggers)

    def depth(self, now: int) -> Depth:
        return self._liquidity.depth(now)

    def quote(self, now: int) -> Depth:
        return self._liquidity.quote(now)

    def enter(self, order: Order, now: int, *, beside: Order | None = None) -> None:
        """Take a new order in and let it trade, rest or wait; Refused leaves no trace.

        `beside` is the order it shares its money with, see Settlement.accept.
        """
        self.follow(order, now, beside=beside)
        if order.status.is_open:
            # The tape up to here is older than the order, and the others have met it already.
            self._last_met = max(self._last_met, self._last_trade(now).id)

    def follow(self, order: Order, now: int, *, beside: Order | None = None) -> None:
        """The same for an order whose moment came with the trade that was met last."""
        if order.type in CONTINGENT:
            self._let_wait(order, now, beside)
        else:
            self._let_work(order, now, beside)

    def last_price(self, now: int) -> Decimal:
        """Of the tape's last trade."""
        return self._last_trade(now).price

    def needs(self, order: Order, now: int) -> Decimal:
        """What `enter` would lock for a stop order or a LIMIT_MAKER; Refused as there."""
        if order.type in CONTINGENT:
            return self._needs_waiting(order, now)
        steps = self._plan(order, now, money=None)
        self._refuse_impossible(order, steps)
        return self._locks(order, steps)

    def _let_work(self, order: Order, now: int, beside: Order | None) -> None:
        steps = self._plan(order, now, money=order.quote_quantity or None)
        self._refuse_impossible(order, steps)
        if order.quote_quantity:
            order.quantity = steps.meets
        locks = self._locks(order, steps)
        self._settlement.accept(order, self.rules, locks=locks, beside=beside)
        self._work(order, steps, now)

    def withdraw(self, order: Order) -> None:
        """Take a cancelled order out of the book or out of waiting."""
        if order.is_working:
            self._book.remove(order)
        else:
            self._triggers.remove(order)

    def shrink(self, order: Order) -> None:
        """Note that an open order was made smaller; one that waits is not in the book."""
        if order.is_working:
            self._book.shrink(order)

    def next_trade(self, now: int) -> MarketTrade | None:
        """The next trade of the tape up to now that concerns any order here."""
        return next_trade(
            self._feed,
            self.rules.symbol,
            self._book,
            self._triggers,
            after=self._last_met,
            now=now,
        )

    def meet(self, trade: MarketTrade) -> None:
        """A trade of the tape: resting orders fill from it, then it sets off stop orders."""
        self._last_met = trade.id
        for maker, quantity in self._shares(trade):
            self._fill_maker(maker, quantity, self._settlement.next_trade_id(), trade.time)
        for order in self._triggers.fired(trade.price, trade.time):
            if order.status.is_open:  # of a pair only one may, even if both fire at once
                self._awaken(order, trade.time)

    def _last_trade(self, now: int) -> MarketTrade:
        return self._feed.last_trade(self.rules.symbol, now=now)

    def _plan(self, order: Order, now: int, *, money: Decimal | None) -> Plan:
        return plan(
            order,
            self._liquidity.offers(order.side, limit=order.price or None, now=now),
            quantity=None if order.quote_quantity else order.remaining,
            money=money,
            lot=self.rules.step_size,
            cent=cent(self.rules.quote_precision),
        )

    def _refuse_impossible(self, order: Order, steps: Plan) -> None:
        """What only the engine can see: nothing to trade with, or too much for LIMIT_MAKER."""
        if order.type is OrderType.LIMIT_MAKER and steps.steps:
            raise Refused(-2010, "Order would immediately match and take.")
        if order.type is not OrderType.MARKET:
            return
        if not steps.steps and steps.end is End.LIQUIDITY:
            raise Refused(-1112, "No orders on book for symbol.")
        if steps.end is End.SELF_TRADE:
            return
        if order.quote_quantity and not filters.is_a_lot(steps.meets, self.rules):
            if steps.end is End.MONEY:
                raise filters.failure("LOT_SIZE")
            raise Refused(
                -2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity."
            )

    def _locks(self, order: Order, steps: Plan) -> Decimal:
        if order.side is Side.SELL:
            return order.quantity
        if order.quote_quantity:
            return order.quote_quantity
        if order.price:
            return cost_of(order.price, order.quantity, self.rules)
        return steps.quote

    def _let_wait(self, order: Order, now: int, beside: Order | None) -> None:
        locks = self._needs_waiting(order, now)
        self._settlement.accept(order, self.rules, locks=locks, beside=beside)
        self._triggers.add(order)

    def _needs_waiting(self, order: Order, now: int) -> Decimal:
        last = self._last_trade(now)
        if order.stop_price is not None and is_reached(order, last.price):
            raise Refused(-2010, "Order would trigger immediately.")
        if order.side is Side.SELL:
            return order.quantity
        price = order.price or order.stop_price or last.price
        return cost_of(price, order.quantity, self.rules)

    def _awaken(self, order: Order, now: int) -> None:
        """A stop order's moment: it becomes a taker.

        A market buy locked its stop price; where the market has run away it draws on the free
        balance too, and what neither can pay for expires.
        """
        self._settlement.awaken(order, self.rules, now)
        money = None
        if order.side is Side.BUY and not order.price:
            accounts = self._settlement.accounts
            held = accounts.held(order.order_id)
            money = held + accounts.free(order.account, self.rules.quote)
        steps = self._plan(order, now, money=money)
        if money is not None and steps.quote > held:
            accounts.hold(order.order_id, order.account, self.rules.quote, steps.quote - held)
        self._work(order, steps, now)

    def _work(self, order: Order, steps: Plan, now: int) -> None:
        """Carry out a taker's plan and decide about the rest of it."""
        if order.time_in_force is TimeInForce.FOK and steps.end is not End.SATISFIED:
            self._settlement.expire(order, self.rules, reason="UNFILLED_FOK_ORDER_EXPIRED", now=now)
            return
        open_ended = bool(order.quote_quantity) and steps.end is not End.MONEY
        for step in steps.steps:
            self._carry_out(order, step, now, open_ended=open_ended)
        if not order.status.is_open:
            return
        if order.time_in_force is TimeInForce.IOC:
            self._settlement.expire(
                order, self.rules, reason="UNFILLED_IOC_QUANTITY_EXPIRED", now=now
            )
        elif order.price:
            self._book.add(order)
        else:
            self._settlement.expire(order, self.rules, reason=_REASONS[steps.end], now=now)

    def _carry_out(self, taker: Order, step: Step, now: int, *, open_ended: bool) -> None:
        offer, quantity = step.offer, step.quantity
        if offer.maker is not None and step.prevention is not SelfTradePrevention.NONE:
            self._prevent(taker, step, offer.maker, now, open_ended=open_ended)
            return
        trade_id = self._settlement.next_trade_id()
        self._settlement.trade(
            taker,
            self.rules,
            price=offer.price,
            quantity=quantity,
            trade_id=trade_id,
            maker=False,
            now=now,
            open_ended=open_ended,
        )
        if offer.maker is None:
            self._liquidity.take(taker.side, offer.price, quantity, now=now)
        else:
            self._fill_maker(offer.maker, quantity, trade_id, now)

    def _prevent(
        self, taker: Order, step: Step, maker: Order, now: int, *, open_ended: bool
    ) -> None:
        """One account would trade with itself: the mode in effect says who gives way."""
        mode, both = step.prevention, step.quantity if step.prevention.decrements else Decimal(0)
        match = PreventedMatch(
            id=self._settlement.next_prevented_id(),
            symbol=self.rules.symbol,
            mode=mode,
            taker_order_id=taker.order_id,
            maker_order_id=maker.order_id,
            price=step.offer.price,
            quantity=step.quantity,
            off_taker=taker.remaining if mode.expires_taker else both,
            off_maker=maker.remaining if mode.expires_maker else both,
            time=now,
        )
        taker.prevented_matches.append(match)
        maker.prevented_matches.append(match)
        if mode.decrements:
            self._settlement.decrement(taker, self.rules, match, open_ended=open_ended)
            self._settlement.decrement(maker, self.rules, match)
            self._book.reduce(maker, step.quantity)
        if mode.expires_maker:
            self._book.remove(maker)
            self._settlement.expire_in_match(maker, self.rules, match)
        if mode.expires_taker:
            self._settlement.expire_in_match(taker, self.rules, match)

    def _shares(self, trade: MarketTrade) -> list[tuple[Order, Decimal]]:
        """Who gets how much of a public trade, in price-time priority."""
        shares, left = [], trade.quantity
        for side in Side:
            for order, part in self._book.queue(side):
                if not left or not _reaches(trade.price, order):
                    break
                shares.append((order, min(left, part)))
                left -= min(left, part)
        return shares

    def _fill_maker(self, maker: Order, quantity: Decimal, trade_id: int, now: int) -> None:
        self._settlement.trade(
            maker,
            self.rules,
            price=maker.price,
            quantity=quantity,
            trade_id=trade_id,
            maker=True,
            now=now,
        )
        self._book.reduce(maker, quantity)


def _reaches(price: Decimal, order: Order) -> bool:
    """A public trade at this price is at or through the order's."""
    return price <= order.price if order.side is Side.BUY else price >= order.price
