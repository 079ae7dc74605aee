"""What holds for every sequence of commands, whatever they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.model import (
    Advance,
    CancelAll,
    CancelOrder,
    CancelReplace,
    Level,
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    SymbolRules,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention

RULES = tuple(
    SymbolRules(
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick_size=Decimal("0.05"),
        step_size=Decimal("0.1"),
        min_quantity=Decimal("0.1"),
        min_notional=Decimal(0),
        max_num_orders=6,
    )
    for base in ("BTC", "ETH")
)
ACCOUNTS = ("ann", "bob")
START = {"BTC": "9", "ETH": "9", "USDT": "1200"}

symbols = st.sampled_from([rules.symbol for rules in RULES])
prices = st.integers(1990, 2010).map(lambda ticks: ticks * Decimal("0.05"))
quantities = st.integers(1, 40).map(lambda lots: lots * Decimal("0.1"))
maybe = st.none()

WANTS_PRICE = {t for t in OrderType if t not in {"MARKET", "STOP_LOSS", "TAKE_PROFIT"}}
WANTS_STOP = {t for t in OrderType if "STOP" in t or "PROFIT" in t}


@st.composite
def placements(draw):
    kind = draw(st.sampled_from(OrderType))
    by_quote = kind is OrderType.MARKET and draw(st.booleans())
    priced = kind in WANTS_PRICE
    timed = priced and kind is not OrderType.LIMIT_MAKER
    force = draw(st.sampled_from(TimeInForce)) if timed else None
    rests = priced and force in {None, TimeInForce.GTC}
    stopped = kind in WANTS_STOP
    trails = stopped and draw(st.booleans())
    return PlaceOrder(
        account=draw(st.sampled_from(ACCOUNTS)),
        symbol=draw(symbols),
        side=draw(st.sampled_from(Side)),
        type=kind,
        time_in_force=force,
        quantity=None if by_quote else draw(quantities),
        quote_quantity=draw(prices) * 3 if by_quote else None,
        price=draw(prices) if priced else None,
        stop_price=draw(prices) if stopped and (not trails or draw(st.booleans())) else None,
        trailing_delta=draw(st.integers(10, 100)) if trails else None,
        iceberg_quantity=draw(maybe | st.just(Decimal("0.2"))) if rests else None,
        stp=draw(st.sampled_from(SelfTradePrevention)),
        client_order_id=draw(maybe | st.sampled_from(["a", "b"])),
    )


@st.composite
def cancellations(draw):
    return CancelOrder(
        account=draw(st.sampled_from(ACCOUNTS)),
        symbol=draw(symbols),
        order_id=draw(st.integers(1, 8)),
        restriction=draw(st.sampled_from([None, None, "ONLY_NEW"])),
    )


@st.composite
def amendments(draw):
    return AmendOrder(
        account=draw(st.sampled_from(ACCOUNTS)),
        symbol=draw(symbols),
        order_id=draw(st.integers(1, 8)),
        quantity=draw(quantities) / 2,
        new_client_order_id=draw(maybe | st.sampled_from(["a", "b"])),
    )


others = (
    cancellations()
    | amendments()
    | st.builds(CancelAll, account=st.sampled_from(ACCOUNTS), symbol=symbols)
    | st.builds(
        CancelReplace, cancel=cancellations(), place=placements(), allow_failure=st.booleans()
    )
    | st.just(Advance())
)
# Four of five are placements: a book without orders has no laws to break.
commands = st.integers(0, 4).flatmap(lambda die: placements() if die else others)
prints = st.tuples(symbols, prices.map(str), quantities.map(str))
steps = st.tuples(st.just([]) | st.lists(prints, max_size=3), commands)
stories = st.lists(steps, min_size=10, max_size=30)


def play(make_floor, story, *, after_each=lambda floor: None, only=None, chatty=False):
    """Run a story on a fresh floor: each step's trades are printed, then its command handled.

    Returns the floor, the events and the numbers of the commands that changed nothing.
    """
    floor = make_floor(*RULES, balances=START)
    # Thin and wide, so that the users meet each other as often as the market.
    floor.feed.bids = [Level(Decimal("99.80"), Decimal(1)), Level(Decimal("99.60"), Decimal(2))]
    floor.feed.asks = [Level(Decimal("100.20"), Decimal(1)), Level(Decimal("100.40"), Decimal(2))]
    told, refused = [], []
    for number, (trades, command) in enumerate(story):
        for symbol, price, quantity in trades:
            floor.now += 400
            floor.feed.print(symbol, price, quantity, floor.now)
            if chatty:
                told += floor.do(Advance())
        floor.now += 300
        if only is not None and number not in only:
            continue
        try:
            told += floor.do(command)
        except Refused as refusal:
            if refusal.code != -2021:
                refused.append(number)
        after_each(floor)
    told += floor.do(Advance())
    return floor, told, refused


def holdings(floor):
    """Everything that matters afterwards."""
    return (
        floor.money(),
        [asdict(o) for a in ACCOUNTS for r in RULES for o in floor.venue.all_orders(a, r.symbol)],
        [floor.venue.depth(rules.symbol, floor.now) for rules in RULES],
    )


def total(floor) -> dict[str, Decimal]:
    """Every unit of every asset, wherever it is now."""
    accounts = floor.venue._accounts
    sums = defaultdict(Decimal)
    for part in (accounts.fees, accounts.outside):
        for asset, amount in part.items():
            sums[asset] += amount
    for account in ACCOUNTS:
        for asset, (free, locked) in floor.venue.balances(account).items():
            sums[asset] += free + locked
    return dict(sums)


def check_books(floor) -> None:
    for rules in RULES:
        depth = floor.venue.depth(rules.symbol, floor.now)
        bids, asks = [level.price for level in depth.bids], [level.price for level in depth.asks]
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert all(level.quantity > 0 for level in depth.bids + depth.asks)
        assert not bids or not asks or bids[0] < asks[0]


def check_money(floor) -> None:
    start = {asset: 2 * Decimal(amount) for asset, amount in START.items()}
    assert total(floor) == start
    for account in ACCOUNTS:
        locks = defaultdict(Decimal)
        for order in floor.venue.open_orders(account):
            held = floor.venue._accounts.held(order.order_id)
            asset = order.symbol[:3] if order.side is Side.SELL else "USDT"
            locks[asset] += held
            if order.side is Side.SELL:
                assert held == order.remaining
            elif order.price:
                assert held == order.price * order.remaining
        for asset, (free, locked) in floor.venue.balances(account).items():
            assert free >= 0
            assert locked == locks[asset]


def check_orders(floor) -> None:
    for account in ACCOUNTS:
        for rules in RULES:
            orders = floor.venue.all_orders(account, rules.symbol)
            for order in orders:
                assert 0 <= order.executed + order.prevented <= order.quantity
                assert order.executed == sum(fill.quantity for fill in order.fills)
                assert order.remaining or not order.status.is_open
            fills = floor.venue.fills(account, rules.symbol)
            assert [fill.trade_id for fill in fills] == sorted(fill.trade_id for fill in fills)
            # An order never pays more than it said.
            for order in orders:
                for fill in order.fills if order.price else ():
                    better = fill.price <= order.price
                    assert better if order.side is Side.BUY else fill.price >= order.price


@settings(max_examples=80, deadline=None)
@given(story=stories)
def test_money_is_conserved_and_books_are_never_crossed(story, make_floor):
    def check(floor):
        check_books(floor)
        check_money(floor)
        check_orders(floor)

    play(make_floor, story, after_each=check)


@settings(max_examples=25, deadline=None)
@given(story=stories)
def test_the_same_commands_at_the_same_times_give_the_same_events(story, make_floor):
    _, told, _ = play(make_floor, story)
    _, again, _ = play(make_floor, story)
    assert told == again


@settings(max_examples=50, deadline=None)
@given(story=stories)
def test_a_venue_is_rebuilt_from_the_commands_it_accepted(story, make_floor):
    floor, _, refused = play(make_floor, story)
    accepted = set(range(len(story))) - set(refused)
    rebuilt, _, _ = play(make_floor, story, only=accepted)
    assert holdings(rebuilt) == holdings(floor)


@settings(max_examples=50, deadline=None)
@given(story=stories)
def test_many_small_advances_equal_one_long_one(story, make_floor):
    floor, _, _ = play(make_floor, story)
    chatty, _, _ = play(make_floor, story, chatty=True)
    assert holdings(chatty) == holdings(floor)
