"""What holds for lists whatever happens to them, shown by a machine that plays at random."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.events import Execution, ListEvent, OrderEvent
from trading_system.simulator.list_model import CancelList, ListStatus, Pair, PlaceList
from trading_system.simulator.model import (
    Advance,
    CancelOrder,
    Level,
    OrderType,
    PlaceOrder,
    Refused,
    SelfTradePrevention,
    Side,
    Status,
    SymbolRules,
    TimeInForce,
)

RULES = SymbolRules(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.05"),
    step_size=Decimal("0.1"),
    min_quantity=Decimal("0.1"),
    min_notional=Decimal(0),
    max_num_orders=12,
    max_num_algo_orders=0,
    max_num_order_lists=4,
)
START = {"BTC": "9", "USDT": "1200"}
ACCOUNTS = ("ann", "bob")

near = st.integers(1994, 2006).map(lambda ticks: ticks * Decimal("0.05"))
above = st.integers(2000, 2010).map(lambda ticks: ticks * Decimal("0.05"))
below = st.integers(1990, 2000).map(lambda ticks: ticks * Decimal("0.05"))
quantities = st.integers(1, 40).map(lambda lots: lots * Decimal("0.1"))
accounts, sides = st.sampled_from(ACCOUNTS), st.sampled_from(Side)
modes = st.sampled_from(SelfTradePrevention)


@st.composite
def leg(draw, account, side, quantity, kinds, prices):
    """An order of a pair."""
    kind = draw(st.sampled_from(kinds))
    stopped = kind is not OrderType.LIMIT_MAKER
    trails = stopped and draw(st.integers(0, 3)) == 0
    priced = kind not in {OrderType.STOP_LOSS, OrderType.TAKE_PROFIT}
    forced = kind in {OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
    return PlaceOrder(
        account=account,
        symbol=RULES.symbol,
        side=side,
        type=kind,
        time_in_force=draw(st.sampled_from(TimeInForce)) if forced else None,
        quantity=quantity,
        price=draw(prices) if priced else None,
        stop_price=draw(prices) if stopped and (not trails or draw(st.booleans())) else None,
        trailing_delta=draw(st.integers(10, 60)) if trails else None,
        stp=draw(modes),
    )


LOSSES = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
PROFITS = (OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)


@st.composite
def pairs(draw, account):
    side, quantity = draw(sides), draw(quantities)
    higher, lower = (PROFITS, LOSSES) if side is Side.SELL else (LOSSES, PROFITS)
    return Pair(
        above=draw(leg(account, side, quantity, higher, above)),
        below=draw(leg(account, side, quantity, lower, below)),
    )


@st.composite
def singles(draw, account, kinds=(OrderType.LIMIT, OrderType.MARKET)):
    kind = draw(st.sampled_from(kinds))
    limited = kind is OrderType.LIMIT
    return PlaceOrder(
        account=account,
        symbol=RULES.symbol,
        side=draw(sides),
        type=kind,
        time_in_force=draw(st.sampled_from([TimeInForce.GTC] * 3 + list(TimeInForce)))
        if limited
        else None,
        quantity=draw(quantities),
        price=draw(near) if limited else None,
        stp=draw(modes),
    )


@st.composite
def lists(draw):
    account = draw(accounts)
    working = draw(st.none() | singles(account, (OrderType.LIMIT,)))
    rest = pairs(account) if working is None else pairs(account) | singles(account)
    return PlaceList(
        working=working,
        rest=draw(rest),
        client_order_id=draw(st.none() | st.sampled_from(["a", "b"])),
    )


class Lists(RuleBasedStateMachine):
    """Two accounts that place lists and orders, cancel them, and a tape that goes on."""

    make_floor: type

    def __init__(self) -> None:
        super().__init__()
        self.floor = self.opened()
        self.kept: list[tuple[object, int]] = []  # what is needed to do it all again
        self.tape: list[tuple[str, str, int]] = []
        self.told: list[object] = []
        self.filled_first: dict[int, int] = {}

    def opened(self):
        floor = self.make_floor(RULES, balances=START)
        floor.feed.bids = [Level(Decimal("99.80"), Decimal(1)), Level(Decimal("99.60"), Decimal(2))]
        floor.feed.asks = [
            Level(Decimal("100.20"), Decimal(1)),
            Level(Decimal("100.40"), Decimal(2)),
        ]
        return floor

    def do(self, command) -> None:
        self.floor.now += 300
        try:
            events = self.floor.do(command)
        except Refused:
            return
        self.kept.append((command, self.floor.now))
        self.told += events

    @rule(command=lists())
    def place_list(self, command):
        self.do(command)

    @rule(command=accounts.flatmap(singles))
    def place_order(self, command):
        self.do(command)

    @rule(account=accounts, number=st.integers(1, 6))
    def cancel_list(self, account, number):
        self.do(CancelList(account=account, symbol=RULES.symbol, list_id=number))

    @rule(account=accounts, number=st.integers(1, 12))
    def cancel_order(self, account, number):
        self.do(CancelOrder(account=account, symbol=RULES.symbol, order_id=number))

    @rule(account=accounts, number=st.integers(1, 12), quantity=quantities)
    def amend_order(self, account, number, quantity):
        self.do(
            AmendOrder(account=account, symbol=RULES.symbol, order_id=number, quantity=quantity / 2)
        )

    @rule(price=near | above | below, quantity=quantities)
    def print(self, price, quantity):
        self.floor.now += 400
        self.floor.feed.print(RULES.symbol, str(price), str(quantity), self.floor.now)
        self.tape.append((str(price), str(quantity), self.floor.now))
        self.do(Advance())

    @property
    def lists(self):
        return [each for account in ACCOUNTS for each in self.floor.venue.lists.of(account)]

    @invariant()
    def no_balance_is_negative_and_locked_is_what_open_orders_need(self):
        holds = self.floor.venue._accounts
        for account in ACCOUNTS:
            locked = defaultdict(Decimal)
            counted = set()
            for order in self.floor.venue.open_orders(account):
                if order.order_id in counted:
                    continue
                asset = "BTC" if order.side is Side.SELL else "USDT"
                held = holds.held(order.order_id)
                locked[asset] += held
                partner = self.partner(order)
                if partner is not None and Status.PENDING_NEW is not order.status:
                    counted.add(partner.order_id)
                    needs = [need(order), need(partner)]
                    # A trailing buy without any price locked the last one there was.
                    assert held >= max(needs) if not all(needs) else held == max(needs)
                elif order.status is Status.PENDING_NEW:
                    assert held == 0
                elif order.side is Side.SELL:
                    assert held == order.remaining
            for asset, (free, kept) in self.floor.venue.balances(account).items():
                assert free >= 0
                assert kept == locked[asset]

    def partner(self, order):
        """The other order of a pair while neither has begun to trade."""
        if order.list_id == -1:
            return None
        owner = self.floor.venue.lists.find(
            order.account, list_id=order.list_id, client_order_id=None
        )
        other = owner.partner(order)
        return other if other is not None and other.status.is_open else None

    @invariant()
    def of_a_pair_only_one_ever_trades(self):
        for each in self.lists:
            if len(each.others) == 2:
                one, other = each.others
                assert not (one.executed and other.executed)
                assert not (one.prevented and other.executed)

    @invariant()
    def a_pair_that_is_open_has_one_quantity(self):
        for each in self.lists:
            if len(each.others) == 2 and all(order.status.is_open for order in each.others):
                one, other = each.others
                assert one.quantity == other.quantity

    @invariant()
    def nobody_goes_to_market_before_the_working_order_has_filled(self):
        for each in self.lists:
            if each.working is not None and each.working.status is not Status.FILLED:
                assert all(
                    order.status in {Status.PENDING_NEW, Status.CANCELED, Status.EXPIRED}
                    for order in each.others
                )
                assert not any(order.fills for order in each.others)
            elif each.working is not None:
                assert all(order.status is not Status.PENDING_NEW for order in each.others)

    @invariant()
    def a_list_is_done_when_none_of_its_orders_is_open(self):
        for account in ACCOUNTS:
            open_lists = list(self.floor.venue.lists.open(account))
            for each in self.floor.venue.lists.of(account):
                is_open = any(order.status.is_open for order in each.orders)
                assert (each in open_lists) == is_open
                assert (each.status is ListStatus.EXEC_STARTED) == is_open

    @invariant()
    def a_list_is_told_as_done_once_and_after_its_orders(self):
        done = [e.list_id for e in self.told if isinstance(e, ListEvent) and e.status == "ALL_DONE"]
        assert len(done) == len(set(done))
        over = set()
        for event in self.told:
            if isinstance(event, ListEvent) and event.status is ListStatus.ALL_DONE:
                over.add(event.list_id)
            elif isinstance(event, OrderEvent) and event.execution is not Execution.REJECTED:
                assert event.order.list_id not in over

    def teardown(self):
        """The commands that were accepted, done again at their times, make the same venue."""
        again = self.opened()
        for price, quantity, time in self.tape:
            again.feed.print(RULES.symbol, price, quantity, time)
        told = [event for command, now in self.kept for event in again.venue.handle(command, now)]
        self.do(Advance())
        told += again.venue.handle(Advance(), self.floor.now)
        assert told == self.told
        for account in ACCOUNTS:
            assert again.venue.balances(account) == self.floor.venue.balances(account)
            orders = [
                [asdict(order) for order in venue.all_orders(account, RULES.symbol)]
                for venue in (again.venue, self.floor.venue)
            ]
            assert orders[0] == orders[1]


def need(order) -> Decimal:
    """What one order of a pair locks; 0 where that cannot be told afterwards."""
    if order.side is Side.SELL:
        return order.quantity
    return (order.price or order.stop_price or Decimal(0)) * order.quantity


def machine(make_floor):
    return type("ListsHere", (Lists,), {"make_floor": staticmethod(make_floor)})


def test_lists_keep_their_laws(make_floor):
    profile = settings(max_examples=60, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(machine(make_floor), settings=profile)


@pytest.mark.slow
def test_lists_keep_their_laws_for_long(make_floor):
    profile = settings(max_examples=1_500, stateful_step_count=60, deadline=None)
    run_state_machine_as_test(machine(make_floor), settings=profile)
