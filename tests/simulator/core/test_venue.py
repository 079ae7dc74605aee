"""The exchange as its users meet it: commands in, events and refusals out."""

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.simulator.model import (
    Advance,
    CancelAll,
    CancelOrder,
    OrderType,
    Refused,
    Status,
    SymbolRules,
)

RULES = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT")
UNKNOWN = (-2011, "Unknown order sent.")


def test_a_market_order_is_told_as_new_its_trades_and_one_balance(floor, story):
    events = floor.do(floor.command("BUY", "2.5"))
    assert story(events) == [
        "NEW 1",
        "TRADE 1 1@100.10",
        "TRADE 1 1.5@100.20",
        "BALANCE ann BTC USDT",
    ]
    statuses = [event.order.status for event in events[:3]]
    assert statuses == [Status.NEW, Status.PARTIALLY_FILLED, Status.FILLED]
    assert [len(event.order.fills) for event in events[:3]] == [0, 1, 2]
    assert {event.time for event in events} == {floor.now}
    assert events[-1].balances == {
        "BTC": (Decimal("12.4975"), 0),
        "USDT": (Decimal("9749.60"), 0),
    }


def test_an_expired_rest_is_told_after_the_trades(floor, story):
    told = story(floor.do(floor.command("SELL", "2", "99.90", time_in_force="IOC")))
    assert told == ["NEW 1", "TRADE 1 1@99.90", "EXPIRED 1", "BALANCE ann BTC USDT"]


def test_events_are_copies_of_the_moment(floor):
    events = floor.do(floor.command("BUY", "1", "90"))
    floor.cancel(events[0].order)
    assert events[0].order.status is Status.NEW


def test_an_order_starts_as_the_exchange_records_it(floor):
    order = floor.buy(
        "1", "90", client_order_id="mine", stp="DECREMENT", strategy_id=7, strategy_type=1_000_000
    )
    assert (order.order_id, order.client_order_id, order.status) == (1, "mine", Status.NEW)
    assert (order.time, order.updated, order.working_time) == (floor.now,) * 3
    assert (order.stp, order.strategy_id, order.strategy_type) == ("DECREMENT", 7, 1_000_000)
    assert floor.buy("0.1").stp is RULES.default_stp
    assert floor.buy("0.1").time_in_force == "GTC"


# Refusals


def test_an_unknown_symbol_is_invalid_everywhere(floor):
    told = (-1121, "Invalid symbol.")
    venue, command = floor.venue, floor.command("BUY", "1", symbol="NOPE")
    assert floor.refusal(floor.do, command) == told
    assert floor.refusal(venue.check, command, floor.now) == told
    assert floor.refusal(venue.depth, "NOPE", floor.now) == told
    assert floor.refusal(venue.open_orders, "ann", "NOPE") == told
    assert floor.refusal(venue.all_orders, "ann", "NOPE") == told
    assert floor.refusal(venue.fills, "ann", "NOPE") == told
    assert floor.refusal(floor.do, CancelAll(account="ann", symbol="NOPE")) == told
    cancel = CancelOrder(account="ann", symbol="NOPE", order_id=1)
    assert floor.refusal(floor.do, cancel) == told


def test_a_symbol_that_does_not_trade_takes_no_orders(make_floor):
    floor = make_floor(replace(RULES, status="HALT"))
    command = floor.command("BUY", "1")
    floor.venue.check(command, floor.now)
    assert floor.refusal(floor.do, command) == (-2010, "Market is closed.")


@pytest.mark.parametrize(
    ("type_", "more", "words"),
    [
        ("MARKET", {}, "Market"),
        ("STOP_LOSS_LIMIT", {"price": "100", "stop_price": "90"}, "Stop loss limit"),
        ("TAKE_PROFIT", {"stop_price": "110"}, "Take profit"),
    ],
)
def test_a_type_the_symbol_does_not_know_is_refused_by_name(make_floor, type_, more, words):
    floor = make_floor(replace(RULES, order_types=(OrderType.LIMIT,)))
    told = floor.refusal(floor.do, floor.command("SELL", "1", type=type_, **more))
    assert told == (-2010, f"{words} orders are not supported for this symbol.")


def test_an_iceberg_is_no_larger_than_its_order(floor):
    command = floor.command("BUY", "1", "90", iceberg_quantity="1.1")
    assert floor.refusal(floor.do, command) == (-2010, "IcebergQty exceeds QTY.")
    assert floor.buy("1", "90", iceberg_quantity="1").status is Status.NEW


def test_testing_an_order_does_nothing(floor):
    floor.venue.check(floor.command("BUY", "1"), floor.now)
    assert floor.venue.all_orders("ann", "BTCUSDT") == []
    assert floor.balance("USDT") == (10000, 0)


# Cancelling


def test_a_cancelled_order_frees_its_money_and_carries_the_cancels_id(floor, story):
    order = floor.buy("1", "90")
    assert floor.balance("USDT") == (9910, 90)
    floor.now += 5
    events = floor.cancel(order, cancel_client_order_id="bye")
    assert story(events) == ["CANCELED 1", "BALANCE ann BTC USDT"]
    assert events[0].cancel_client_order_id == "bye"
    assert (order.status, order.updated) == (Status.CANCELED, floor.now)
    assert floor.balance("USDT") == (10000, 0)


def test_what_is_not_open_or_not_yours_cannot_be_cancelled(floor):
    filled, resting = floor.buy("1"), floor.buy("1", "90")
    cancelled = floor.buy("1", "90")
    floor.cancel(cancelled)
    for order in (filled, cancelled):
        assert floor.refusal(floor.cancel, order) == UNKNOWN
    assert floor.refusal(floor.cancel, resting, order_id=99) == UNKNOWN
    theirs = CancelOrder(account="bob", symbol="BTCUSDT", order_id=resting.order_id)
    assert floor.refusal(floor.do, theirs) == UNKNOWN


def test_a_restricted_cancel_looks_at_the_status(floor):
    order = floor.buy("2", "99.95")
    told = (-2011, "Order was not canceled due to cancel restrictions.")
    assert floor.refusal(floor.cancel, order, restriction="ONLY_PARTIALLY_FILLED") == told
    floor.print("99.95", "1")
    assert floor.refusal(floor.cancel, order, restriction="ONLY_NEW") == told
    floor.cancel(order, restriction="ONLY_PARTIALLY_FILLED")
    assert order.status is Status.CANCELED


def test_a_cancel_says_which_order_and_a_restriction_that_exists(floor):
    order = floor.buy("1", "90")
    code, message = floor.refusal(floor.cancel, order, order_id=None)
    assert (code, message[:30]) == (-1102, "Param 'origClientOrderId' or '")
    assert floor.refusal(floor.cancel, order, restriction="ONLY_OLD")[0] == -1145
    floor.cancel(order, order_id=None, client_order_id=order.client_order_id)
    assert order.status is Status.CANCELED


def test_cancelling_all_leaves_other_symbols_and_accounts_alone(make_floor, story):
    floor = make_floor(RULES, replace(RULES, symbol="ETHUSDT", base="ETH"))
    floor.buy("1", "90")
    floor.buy("1", type="STOP_LOSS", stop_price="110")
    others = [floor.buy("1", "90", symbol="ETHUSDT"), floor.buy("1", "90", account="bob")]
    assert story(floor.cancel_all()) == ["CANCELED 1", "CANCELED 2", "BALANCE ann BTC USDT"]
    assert all(order.status.is_open for order in others)
    assert floor.refusal(floor.cancel_all) == UNKNOWN


# Time


def test_the_market_runs_before_a_command_is_judged(floor, story):
    order = floor.buy("1", "99.95")
    floor.now += 10
    floor.feed.print("BTCUSDT", "99.95", "1", floor.now - 5)
    floor.now += 10
    told = story(floor.do(floor.command("SELL", "0.5")))
    assert told == ["TRADE 1 1@99.95", "NEW 2", "TRADE 2 0.5@99.90", "BALANCE ann BTC USDT"]
    assert order.fills[0].time == floor.now - 15


def test_what_the_market_did_before_a_refusal_is_told_later(floor, story):
    order = floor.buy("1", "99.95")
    floor.now += 10
    floor.feed.print("BTCUSDT", "99.95", "1", floor.now)
    with pytest.raises(Refused, match="Unknown order"):
        floor.cancel(order)
    assert order.status is Status.FILLED
    assert story(floor.do(Advance())) == ["TRADE 1 1@99.95", "BALANCE ann BTC USDT"]


def test_the_market_of_all_symbols_runs_in_the_order_of_time(make_floor, story):
    floor = make_floor(
        RULES, replace(RULES, symbol="ETHUSDT", base="ETH"), balances={"BTC": "9", "ETH": "9"}
    )
    floor.sell("3", "101", symbol="ETHUSDT")
    floor.sell("3", "101")
    for symbol, quantity, after in [
        ("BTCUSDT", "1", 2),
        ("ETHUSDT", "1", 1),
        ("ETHUSDT", "2", 2),
        ("BTCUSDT", "2", 3),
    ]:
        floor.feed.print(symbol, "101", quantity, floor.now + after)
    floor.now += 100
    assert story(floor.do(Advance())) == [
        "TRADE 1 1@101",
        "TRADE 2 1@101",
        "TRADE 1 2@101",
        "TRADE 2 2@101",
        "BALANCE ann ETH USDT BTC",
    ]


def test_a_clock_set_back_does_not_turn_back_the_market(floor):
    floor.now += 1000
    floor.buy("1", "99.95")
    floor.feed.print("BTCUSDT", "99", "1", floor.now + 1)
    floor.now -= 500
    assert floor.do(Advance()) == []
    assert floor.buy("1", "90").time == floor.venue.now == floor.now + 500


def test_without_open_orders_an_advance_asks_the_feed_nothing(floor):
    order = floor.buy("1", "90")
    floor.cancel(order)
    floor.do(Advance())
    floor.feed.questions = 0
    floor.now += 10**9
    floor.do(Advance())
    assert floor.feed.questions == 0
