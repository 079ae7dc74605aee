"""One triggers another, or a pair: who waits, who goes to market, and who goes with whom."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.events import ListEvent
from trading_system.simulator.list_model import Contingency, ListStatus, PlaceList
from trading_system.simulator.model import Advance, SymbolRules


def test_what_waits_is_open_and_locks_nothing(desk, floor):
    working, pending = desk.oto()
    assert (working.status, pending.status) == ("NEW", "PENDING_NEW")
    assert (pending.is_working, pending.working_time, pending.list_id) == (False, -1, 1)
    assert floor.venue.open_orders("ann") == [working, pending]
    assert floor.balance("BTC") == (10, 0)
    assert floor.balance("USDT") == (9901, 99)
    assert desk.list().contingency is Contingency.OTO
    assert floor.venue.depth("BTCUSDT", floor.now).asks[-1].price < 105


def test_a_new_list_is_told_after_its_orders(desk, floor, told):
    pending = floor.command("SELL", "1", type="STOP_LOSS", stop_price="90")
    command = PlaceList(working=floor.command("BUY", "1", "99"), rest=pending)
    assert told(floor.do(command)) == ["1 NEW NEW", "2 NEW PENDING_NEW", "LIST 1 EXEC_STARTED"]


def test_a_partial_fill_lets_nobody_go_to_market(desk, floor, fates):
    working, pending = desk.oto()
    floor.print("99", "0.5")
    assert fates([working, pending]) == ["PARTIALLY_FILLED", "PENDING_NEW"]


def test_the_waiting_order_goes_to_market_when_the_first_has_filled(desk, floor, told):
    _working, pending = desk.oto()
    events = floor.print("99")
    assert told(events) == ["1 TRADE FILLED", "2 NEW NEW", "LIST 1 EXEC_STARTED"]
    assert (pending.is_working, pending.working_time, pending.updated) == (True, *[floor.now] * 2)
    assert pending.time < floor.now
    assert floor.balance("BTC")[1] == Decimal("0.9")
    assert told(floor.print("105")) == ["2 TRADE FILLED", "LIST 1 ALL_DONE"]


def test_a_waiting_stop_waits_on_for_its_price(desk, floor, told):
    stop = floor.command("SELL", "0.9", type="STOP_LOSS", stop_price="95")
    _working, pending = desk.oto(pending=stop)
    floor.print("99")
    assert (pending.status, pending.is_working) == ("NEW", False)
    assert told(floor.print("95"))[-1] == "LIST 1 ALL_DONE"
    assert pending.status == "FILLED"


def test_a_waiting_market_order_trades_at_once(desk, floor, told):
    _working, _pending = desk.oto(pending=floor.command("SELL", "0.9"))
    assert told(floor.print("99")) == [
        "1 TRADE FILLED",
        "2 NEW NEW",
        "2 TRADE FILLED",
        "LIST 1 ALL_DONE",
    ]


def test_what_follows_meets_the_trades_of_the_same_millisecond_that_come_after(desk, floor):
    _, pending = desk.oto()
    floor.now += 1
    for price in ("99", "105"):
        floor.feed.print("BTCUSDT", price, "10", floor.now)
    floor.do(Advance())
    assert pending.status == "FILLED"


def test_a_working_order_that_fills_at_once_is_told_before_what_follows(desk, floor, told, fates):
    command = PlaceList(
        working=floor.command("BUY", "1", "101"), rest=floor.command("SELL", "0.9", "105")
    )
    events = floor.do(command)
    assert told(events) == [
        "1 NEW NEW",
        "1 TRADE FILLED",
        "2 NEW PENDING_NEW",
        "LIST 1 EXEC_STARTED",
        "2 NEW NEW",
        "LIST 1 EXEC_STARTED",
    ]
    first = next(e for e in events if isinstance(e, ListEvent))
    assert fates(first.orders) == ["FILLED", "PENDING_NEW"]


def test_what_follows_a_fill_of_today_does_not_meet_the_trades_of_before(desk, floor, told):
    working, pending = desk.oto(pending=floor.command("SELL", "0.9", "100.05"))
    floor.print("104")  # met by nobody: only bids rest
    floor.sell("1", "98", account="bob")  # meets the feed's bids before it meets ann's
    floor.sell("8", "98", account="bob")
    assert working.status == "FILLED"
    assert told(floor.cancel_all()) != []
    assert pending.fills == []


@pytest.mark.parametrize("force", ["IOC", "FOK"])
def test_what_waits_expires_with_an_order_that_expires(desk, floor, force, fates):
    working, pending = desk.oto(working=floor.command("BUY", "1", "99", time_in_force=force))
    assert working.status == "EXPIRED"
    assert fates([pending]) == ["EXPIRED OTO_PHASE_ONE_EXPIRED"]
    assert desk.list().status is ListStatus.ALL_DONE


def test_a_list_whose_working_order_expired_at_once_was_told_as_begun(desk, floor, told):
    working = floor.command("BUY", "3", "100.10", time_in_force="IOC")
    events = floor.do(PlaceList(working=working, rest=desk.pair()))
    assert told(events) == [
        "1 NEW NEW",
        "1 TRADE PARTIALLY_FILLED",
        "1 EXPIRED EXPIRED",
        "2 NEW PENDING_NEW",
        "3 NEW PENDING_NEW",
        "LIST 1 EXEC_STARTED",
        "2 EXPIRED EXPIRED",
        "3 EXPIRED EXPIRED",
        "LIST 1 ALL_DONE",
    ]


def test_what_waits_expires_with_an_order_that_met_its_own_account(desk, floor, fates):
    working, pending = desk.oto(working=floor.command("BUY", "1", "100.05"))
    floor.sell("1", "100.05", stp="EXPIRE_MAKER")
    assert fates([working, pending]) == ["EXPIRED_IN_MATCH", "EXPIRED OTO_PHASE_ONE_EXPIRED"]


@pytest.mark.parametrize("which", [0, 1])
def test_cancelling_either_cancels_both(desk, floor, which, told):
    orders = desk.oto()
    assert told(floor.cancel(orders[which])) == [
        "1 CANCELED CANCELED",
        "2 CANCELED CANCELED",
        "LIST 1 ALL_DONE",
    ]
    assert floor.balance("USDT") == (10000, 0)
    assert told(floor.print("99")) == []


def test_in_its_second_phase_only_what_is_open_is_cancelled(desk, floor, told):
    working, _pending = desk.oto()
    floor.print("99")
    assert told(desk.cancel(list_id=1)) == ["2 CANCELED CANCELED", "LIST 1 ALL_DONE"]
    assert working.status == "FILLED"


@pytest.mark.parametrize(
    ("pending", "why"),
    [
        ({"quantity": "50", "price": "105"}, "more than there is"),
        ({"quantity": "0.9", "price": "99", "type": "LIMIT_MAKER"}, "would take"),
        ({"quantity": "0.9", "type": "STOP_LOSS", "stop_price": "99"}, "would trigger"),
    ],
)
def test_what_cannot_go_to_market_expires_as_rejected(desk, floor, pending, why, told, fates):
    _working, pending = desk.oto(pending=floor.command("SELL", **pending))
    assert told(floor.print("98")) == ["1 TRADE FILLED", "2 EXPIRED EXPIRED", "LIST 1 ALL_DONE"]
    assert fates([pending]) == ["EXPIRED REJECTED"], why
    assert (pending.is_working, pending.working_time) == (False, -1)
    assert floor.balance("BTC")[1] == 0


def test_filters_are_asked_again_when_what_waited_goes_to_market(make_floor, fates, make_desk):
    rules = SymbolRules(
        symbol="BTCUSDT", base="BTC", quote="USDT", ask_multiplier_up=Decimal("1.1")
    )
    floor = make_floor(rules)
    working, pending = make_desk(floor).oto(pending=floor.command("SELL", "0.9", "105"))
    floor.print("90")  # 105 is more than a tenth above the average now
    assert fates([working, pending]) == ["FILLED", "EXPIRED REJECTED"]


def test_one_list_sets_off_the_next(desk, floor, told):
    """Bob's waiting market order fills ann's working order, whose waiting order then follows."""
    floor.feed.bids, floor.feed.asks = [], []
    desk.oto(working=floor.command("BUY", "1", "99"), pending=floor.command("SELL", "0.9", "105"))
    bob = {"account": "bob"}
    desk.floor.do(
        PlaceList(
            working=floor.command("BUY", "1", "99.50", **bob),
            rest=floor.command("SELL", "1", **bob),
        )
    )
    assert told(floor.print("99.50")) == [
        "3 TRADE FILLED",
        "4 NEW NEW",
        "4 TRADE FILLED",
        "LIST 2 ALL_DONE",
        "1 TRADE FILLED",
        "2 NEW NEW",
        "LIST 1 EXEC_STARTED",
    ]


def test_a_pair_waits_behind_a_working_order(desk, floor):
    working, stop, maker = desk.otoco()
    assert [o.status for o in (working, stop, maker)] == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    assert [o.type for o in (stop, maker)] == ["STOP_LOSS", "LIMIT_MAKER"]
    assert desk.list().contingency is Contingency.OTO
    assert floor.balance("BTC") == (10, 0)


def test_the_pair_goes_to_market_together_and_locks_once(desk, floor, told):
    _working, stop, maker = desk.otoco()
    assert told(floor.print("99")) == [
        "1 TRADE FILLED",
        "2 NEW NEW",
        "3 NEW NEW",
        "LIST 1 EXEC_STARTED",
    ]
    assert floor.balance("BTC")[1] == Decimal("0.9")
    assert (stop.is_working, maker.is_working) == (False, True)
    assert told(floor.print("110")) == ["2 EXPIRED EXPIRED", "3 TRADE FILLED", "LIST 1 ALL_DONE"]


def test_a_pair_of_which_one_cannot_go_to_market_expires_whole(desk, floor, fates):
    working, stop, maker = desk.otoco(stop="98.50")
    floor.print("98")  # below the stop price
    assert fates([working, stop, maker]) == ["FILLED", "EXPIRED REJECTED", "EXPIRED REJECTED"]
    assert floor.balance("BTC")[1] == 0


def test_a_pair_goes_when_its_working_order_is_cancelled(desk, floor, told):
    desk.otoco()
    assert told(desk.cancel(list_id=1)) == [
        "1 CANCELED CANCELED",
        "2 CANCELED CANCELED",
        "3 CANCELED CANCELED",
        "LIST 1 ALL_DONE",
    ]
