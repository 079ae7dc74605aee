"""How a contract trades: takers, makers, the tape, orders that only reduce, self-trades."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.futures.model import Expiry
from trading_system.simulator.model import Status


def outcome(order):
    return order.status, f"{order.executed.normalize():f}", order.expiry_reason


def best(pit):
    bids, asks = pit.venue.books.depth("BTCUSDT", pit.now)[1:]
    return str(bids[0].price), str(asks[0].price)


# Takers


@pytest.mark.parametrize(
    ("force", "price", "expected"),
    [
        ("GTC", "100.20", (Status.PARTIALLY_FILLED, "3", None)),
        ("IOC", "100.20", (Status.EXPIRED, "3", Expiry.IOC)),
        ("GTC", "100.30", (Status.FILLED, "4", None)),
        ("IOC", "100.30", (Status.FILLED, "4", None)),
        ("FOK", "100.30", (Status.FILLED, "4", None)),
        ("GTC", "100.00", (Status.NEW, "0", None)),
        ("GTX", "100.00", (Status.NEW, "0", None)),
        ("IOC", "100.00", (Status.EXPIRED, "0", Expiry.IOC)),
    ],
)
def test_time_in_force_decides_about_what_cannot_fill_at_once(pit, force, price, expected):
    assert outcome(pit.buy("4", price, time_in_force=force)) == expected


def test_what_cannot_fill_wholly_or_rest_is_refused_and_not_recorded(pit):
    assert pit.code(pit.buy, "4", "100.20", time_in_force="FOK") == -5021
    assert pit.code(pit.buy, "1", "100.10", time_in_force="GTX") == -5022
    assert pit.all_orders("ann", "BTCUSDT") == []


def test_a_fill_is_told_after_the_account_it_changed(pit, story):
    pit.buy("2")
    assert story(pit.told) == [
        "NEW 1",
        "ACCOUNT ann 1",
        "TRADE 1 1@100.10",
        "ACCOUNT ann 2",
        "TRADE 1 1@100.20",
    ]


def test_a_market_order_beyond_the_book_expires_with_what_it_got(make_pit):
    pit = make_pit(wallet="100000")
    assert outcome(pit.sell("9")) == (Status.EXPIRED, "8", Expiry.MARKET)
    assert pit.position() == ("-8", "99.75")


def test_a_market_order_on_an_empty_book_is_refused(pit):
    pit.feed.asks.clear()
    assert pit.code(pit.buy, "1") == -4131


def test_what_was_taken_is_gone_until_the_book_changes(pit):
    pit.buy("1")
    assert outcome(pit.buy("1", "100.10", time_in_force="IOC")) == (
        Status.EXPIRED,
        "0",
        Expiry.IOC,
    )
    pit.now += 1_000
    assert pit.buy("1", "100.10", time_in_force="IOC").status is Status.FILLED


# Makers


def test_an_order_that_rests_is_in_the_book_and_fills_from_the_tape_at_its_own_price(pit, story):
    order = pit.buy("2", "99.95")
    assert best(pit) == ("99.95", "100.10")
    assert story(pit.print("99.90", "0.5")) == ["ACCOUNT ann 0.5", "TRADE 1 0.5@99.95"]
    pit.print("100.05")
    pit.print("99.95")
    assert outcome(order) == (Status.FILLED, "2", None)
    assert pit.position() == ("2", "99.95")
    assert [fill.maker for fill in order.executions] == [True, True]


def test_the_tape_before_an_order_does_not_fill_it(pit):
    pit.now += 10
    pit.feed.print("BTCUSDT", "99.00", "100", pit.now)
    assert pit.buy("1", "99.50").status is Status.NEW
    pit.now += 1
    pit.cancel_all()


def test_a_public_trade_is_shared_in_order_of_price_and_time(pit):
    cheap = pit.buy("1", "99.50")
    first, second = pit.buy("1", "99.95"), pit.buy("1", "99.95", account="bob")
    pit.print("99.40", "1.5")
    assert [f"{o.executed:f}" for o in (first, second, cheap)] == ["1", "0.5", "0"]


def test_a_trade_on_the_other_side_of_the_book_sells_too(pit):
    order = pit.sell("1", "100.05")
    pit.print("100.04")
    assert order.status is Status.NEW
    pit.print("100.05")
    assert order.status is Status.FILLED
    assert pit.position() == ("-1", "100.05")


def test_two_accounts_meet_at_the_makers_price_under_one_trade_id(pit):
    pit.sell("1", "100.05", account="bob")
    pit.buy("1", "100.05")
    (bought,), (sold,) = (pit.venue.fills(name, "BTCUSDT") for name in ("ann", "bob"))
    assert (bought.trade_id, bought.price, bought.maker) == (
        sold.trade_id,
        Decimal("100.05"),
        False,
    )
    assert sold.maker
    assert (pit.position("ann"), pit.position("bob")) == (("1", "100.05"), ("-1", "100.05"))


# Self-trades


@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [
        ("EXPIRE_MAKER", Status.FILLED, Status.EXPIRED_IN_MATCH),
        (None, Status.FILLED, Status.EXPIRED_IN_MATCH),
        ("EXPIRE_TAKER", Status.EXPIRED_IN_MATCH, Status.NEW),
        ("EXPIRE_BOTH", Status.EXPIRED_IN_MATCH, Status.EXPIRED_IN_MATCH),
        ("NONE", Status.FILLED, Status.FILLED),
    ],
)
def test_one_account_does_not_trade_with_itself(pit, mode, taker, maker):
    resting = pit.sell("1", "100.05")
    coming = pit.buy("1", "100.20", stp=mode)
    assert (coming.status, resting.status) == (taker, maker)
    for order in (coming, resting):
        expired = order.status is Status.EXPIRED_IN_MATCH
        assert order.expiry_reason == (Expiry.SELF_TRADE if expired else None)


# Orders that only reduce


def test_an_order_that_only_reduces_needs_something_to_reduce(pit):
    assert pit.code(pit.sell, "1", reduce_only=True) == -2022
    pit.buy("1")
    assert pit.code(pit.buy, "1", reduce_only=True) == -2022
    assert pit.sell("1", reduce_only=True).status is Status.FILLED
    assert pit.position() == ("0", "0")


def test_an_order_that_only_reduces_never_turns_a_position_round(pit):
    pit.buy("1")
    assert outcome(pit.sell("3", reduce_only=True)) == (Status.EXPIRED, "1", Expiry.REDUCE_ONLY)
    assert pit.position() == ("0", "0")


def test_one_that_rests_fills_no_more_than_there_is(pit):
    pit.buy("1")
    order = pit.sell("3", "101", reduce_only=True)
    assert order.status is Status.NEW
    pit.print("101")
    assert outcome(order) == (Status.EXPIRED, "1", Expiry.REDUCE_ONLY)
    assert pit.position() == ("0", "0")


def test_those_that_rest_are_knocked_out_once_the_position_is_closed(pit, story):
    pit.buy("1")
    pit.sell("1", "101", reduce_only=True)
    pit.sell("1", "102", reduce_only=True)
    pit.sell("1", "103")
    pit.sell("1")
    assert story(pit.told) == [
        "NEW 5",
        "ACCOUNT ann 0",
        "TRADE 5 1@99.90",
        "EXPIRED 2",
        "EXPIRED 3",
    ]
    assert [order.order_id for order in pit.venue.open_orders("ann")] == [4]


def test_of_two_that_a_public_trade_reaches_the_second_gets_nothing(pit):
    pit.buy("1")
    first = pit.sell("1", "101", reduce_only=True)
    second = pit.sell("1", "101", reduce_only=True)
    pit.print("101")
    assert (outcome(first), outcome(second)) == (
        (Status.FILLED, "1", None),
        (Status.EXPIRED, "0", Expiry.REDUCE_ONLY),
    )


def test_a_taker_does_not_fill_from_makers_that_have_nothing_left_to_reduce(pit):
    pit.buy("1", account="bob")
    pit.sell("1", "100.05", reduce_only=True, account="bob")
    pit.sell("1", "100.05", reduce_only=True, account="bob")
    order = pit.buy("2", "100.05")
    assert outcome(order) == (Status.PARTIALLY_FILLED, "1", None)
    assert (pit.position("bob"), pit.position("ann")) == (("0", "0"), ("1", "100.05"))


def test_a_taker_whose_position_is_closed_by_a_maker_of_its_own_stops(pit):
    """A reducing taker gives way to no one; what it may trade shrinks with the position."""
    pit.buy("2")
    order = pit.sell("5", "99.80", reduce_only=True)
    assert outcome(order) == (Status.EXPIRED, "2", Expiry.REDUCE_ONLY)


# Changing an order


def test_a_changed_order_loses_its_place_and_may_trade_at_once(pit, story):
    order = pit.buy("1", "99.95")
    rival = pit.buy("1", "99.95", account="bob")
    assert story(pit.modify(order, "99.95", "2")) == ["AMENDMENT 1"]
    pit.print("99.95", "1")
    assert (f"{order.executed:f}", rival.status) == ("0", Status.FILLED)
    assert story(pit.modify(order, "100.10", "2")) == [
        "AMENDMENT 1",
        "ACCOUNT ann 1",
        "TRADE 1 1@100.10",
    ]
    assert best(pit)[0] == "100.10"


def test_a_change_to_no_more_than_was_filled_cancels(pit, story):
    order = pit.buy("2", "99.95")
    pit.print("99.95", "1")
    assert story(pit.modify(order, "99.95", "1")) == ["CANCELED 1"]
    assert best(pit)[0] == "99.90"


def test_a_post_only_order_that_a_change_would_make_a_taker_is_cancelled(pit, story):
    order = pit.buy("1", "99.95", time_in_force="GTX")
    assert story(pit.modify(order, "99.96", "1")) == ["AMENDMENT 1"]
    assert story(pit.modify(order, "100.10", "1")) == ["CANCELED 1"]


def test_a_change_that_cannot_be_afforded_leaves_the_order_alone(pit):
    pit.leverage(1)
    order = pit.buy("5", "99.95")
    assert pit.code(pit.modify, order, "99.95", "11") == -2019
    pit.print("99.95", "5")
    assert order.status is Status.FILLED


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_change_costs_no_more_than_it_adds(pit, side):
    """Of 1,000 USDT some 500 are bound already; together they pay for 9 but not for 11."""
    pit.leverage(1)
    price = {"buy": "99.95", "sell": "100.05"}[side]
    order = getattr(pit, side)("5", price)
    assert pit.code(pit.modify, order, price, "11") == -2019
    pit.modify(order, price, "9")
    assert order.quantity == 9
