"""One cancels the other: a pair shares its money, and only one of it ever trades."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.list_model import Contingency, ListStatus, Pair, PlaceList
from trading_system.simulator.model import SymbolRules


def test_a_pair_is_listed_with_its_stop_loss_first(desk):
    stop, maker = desk.oco()
    assert (stop.order_id, stop.type, stop.is_working) == (1, "STOP_LOSS", False)
    assert (maker.order_id, maker.type, maker.is_working) == (2, "LIMIT_MAKER", True)
    assert stop.list_id == maker.list_id == 1
    listed = desk.list()
    assert (listed.contingency, listed.status) == (Contingency.OCO, ListStatus.EXEC_STARTED)
    assert (listed.account, listed.symbol, listed.orders) == ("ann", "BTCUSDT", (stop, maker))
    assert len(listed.client_order_id) == 22


def test_a_new_pair_is_told_after_its_orders_and_before_the_balances(desk, floor, told):
    events = floor.do(PlaceList(rest=desk.pair(), client_order_id="mine"))
    assert told(events) == ["1 NEW NEW", "2 NEW NEW", "LIST 1 EXEC_STARTED"]
    assert [type(e).__name__ for e in events][-2:] == ["ListEvent", "BalanceEvent"]
    assert (events[2].client_order_id, events[2].cancel_client_order_id) == ("mine", None)


@pytest.mark.parametrize(
    ("side", "limit", "stop", "asset", "locked"),
    [
        ("SELL", "110", "90", "BTC", "1"),
        ("BUY", "90", "110", "USDT", "110"),
        ("BUY", "99", "100.50", "USDT", "100.50"),
    ],
)
def test_a_pair_locks_once_what_its_dearer_order_needs(
    desk, floor, side, limit, stop, asset, locked
):
    free = floor.balance(asset)[0]
    stop, maker = desk.oco(side, limit=limit, stop=stop)
    assert floor.balance(asset) == (free - Decimal(locked), Decimal(locked))
    floor.cancel(maker)
    assert floor.balance(asset) == (free, 0)


def test_money_is_enough_for_one_of_a_pair_and_not_for_two(desk, floor):
    desk.oco("SELL", "6")
    assert floor.balance("BTC") == (4, 6)
    assert floor.refusal(desk.oco, "SELL", "6") == (
        -2010,
        "Account has insufficient balance for requested action.",
    )
    assert len(floor.venue.open_orders("ann")) == 2
    assert floor.venue.lists.next_id == 2


def test_a_pair_whose_dearer_order_cannot_be_paid_is_refused_whole(desk, floor):
    assert floor.refusal(desk.oco, "BUY", "99", limit="90", stop="110")[0] == -2010
    assert floor.venue.open_orders("ann") == []
    assert desk.oco("BUY", "90", limit="90", stop="110")


def test_a_pair_whose_second_order_is_the_dearer_is_refused_whole_too(desk, floor):
    maker = desk.pair("BUY", "115").below
    cheap = floor.command("BUY", "115", "80", type="STOP_LOSS_LIMIT", stop_price="110")
    assert floor.refusal(desk.place, PlaceList(rest=Pair(above=cheap, below=maker)))[0] == -2010
    assert floor.venue.open_orders("ann") == []


def test_the_limit_order_fills_and_the_stop_expires_first(desk, floor, told, fates):
    stop, maker = desk.oco()
    assert told(floor.print("110")) == ["1 EXPIRED EXPIRED", "2 TRADE FILLED", "LIST 1 ALL_DONE"]
    assert fates([stop, maker]) == ["EXPIRED OCO_TRIGGER", "FILLED"]
    assert floor.venue.open_orders("ann") == []
    assert floor.balance("BTC") == (9, 0)


def test_a_partial_fill_is_enough_to_end_the_stop(desk, floor, told):
    _stop, _maker = desk.oco()
    assert told(floor.print("110", "0.4")) == ["1 EXPIRED EXPIRED", "2 TRADE PARTIALLY_FILLED"]
    assert floor.balance("BTC")[1] == Decimal("0.6")
    assert desk.list().status is ListStatus.EXEC_STARTED
    assert told(floor.print("80")) == []  # nothing stops it any more
    assert told(floor.print("110")) == ["2 TRADE FILLED", "LIST 1 ALL_DONE"]


def test_the_stop_triggers_and_the_limit_order_expires_first(desk, floor, told, fates):
    stop, maker = desk.oco()
    assert told(floor.print("90")) == [
        "2 EXPIRED EXPIRED",
        "1 NEW NEW",
        "1 TRADE FILLED",
        "LIST 1 ALL_DONE",
    ]
    assert fates([stop, maker]) == ["FILLED", "EXPIRED OCO_TRIGGER"]
    assert floor.venue.depth("BTCUSDT", floor.now).asks[-1].price < 110


def test_a_stop_limit_that_triggered_and_rests_keeps_its_list_open(desk, floor, told):
    pair = desk.pair()
    below = floor.command("SELL", "1", "105", type="STOP_LOSS_LIMIT", stop_price="90")
    stop, _maker = desk.place(PlaceList(rest=Pair(above=pair.above, below=below)))
    assert told(floor.print("90")) == ["2 EXPIRED EXPIRED", "1 NEW NEW"]
    assert (desk.list().status, stop.is_working) == (ListStatus.EXEC_STARTED, True)
    assert told(floor.cancel(stop)) == ["1 CANCELED CANCELED", "LIST 1 ALL_DONE"]


def test_money_that_only_the_partner_needed_is_free_once_it_expires(desk, floor):
    _stop, _maker = desk.oco("BUY", limit="90", stop="110")
    assert floor.balance("USDT")[1] == 110
    floor.print("90", "0.5")
    assert floor.balance("USDT") == (10000 - 90, 45)


def test_two_contingent_orders_make_a_pair(desk, floor, told):
    above = floor.command("SELL", "1", type="TAKE_PROFIT", stop_price="110")
    below = floor.command("SELL", "1", type="STOP_LOSS", stop_price="90")
    stop, profit = desk.place(PlaceList(rest=Pair(above=above, below=below)))
    assert (stop.type, profit.type) == ("STOP_LOSS", "TAKE_PROFIT")
    assert told(floor.print("111")) == [
        "1 EXPIRED EXPIRED",
        "2 NEW NEW",
        "2 TRADE FILLED",
        "LIST 1 ALL_DONE",
    ]


def test_two_that_fire_at_the_same_trade_do_not_both_trade(desk, floor, told, fates):
    """The trailing take profit turns by a trade that reaches the stop loss as well."""
    above = floor.command("SELL", "1", type="TAKE_PROFIT", stop_price="110", trailing_delta=100)
    below = floor.command("SELL", "1", type="STOP_LOSS", stop_price="90")
    stop, profit = desk.place(PlaceList(rest=Pair(above=above, below=below)))
    floor.print("112")
    events = floor.print("80")
    assert fates([stop, profit]) == ["FILLED", "EXPIRED OCO_TRIGGER"]
    assert told(events)[-1] == "LIST 1 ALL_DONE"
    assert floor.balance("BTC") == (9, 0)


def test_cancelling_one_of_a_pair_cancels_both(desk, floor, told):
    stop, maker = desk.oco()
    events = floor.cancel(stop, cancel_client_order_id="bye")
    assert told(events) == ["1 CANCELED CANCELED", "2 CANCELED CANCELED", "LIST 1 ALL_DONE"]
    assert [e.cancel_client_order_id for e in events[:3]] == ["bye"] * 3
    assert floor.balance("BTC") == (10, 0)
    assert floor.refusal(floor.cancel, maker) == (-2011, "Unknown order sent.")


def test_a_restriction_speaks_of_the_order_that_is_named(desk, floor):
    _stop, maker = desk.oco()
    floor.print("110", "0.4")
    assert floor.refusal(floor.cancel, maker, restriction="ONLY_NEW")[0] == -2011
    floor.cancel(maker, restriction="ONLY_PARTIALLY_FILLED")
    assert desk.list().status is ListStatus.ALL_DONE


@pytest.mark.parametrize(
    "by", [{"list_id": 1}, {"client_order_id": "mine"}, {"list_id": 1, "client_order_id": "mine"}]
)
def test_a_list_is_cancelled_by_either_of_its_ids(desk, floor, by, told):
    desk.oco(client_order_id="mine")
    events = desk.cancel(**by, cancel_client_order_id="bye")
    assert told(events) == ["1 CANCELED CANCELED", "2 CANCELED CANCELED", "LIST 1 ALL_DONE"]
    assert {e.cancel_client_order_id for e in events[:3]} == {"bye"}


def test_a_cancel_without_an_id_is_given_one(desk):
    desk.oco()
    events = desk.cancel(list_id=1)
    (made_up,) = {e.cancel_client_order_id for e in events[:3]}
    assert len(made_up) == 22


def test_a_list_that_is_not_there_cannot_be_cancelled(desk, floor):
    unknown = (-2011, "Unknown order list sent.")
    assert floor.refusal(desk.cancel, list_id=1) == unknown
    desk.oco(client_order_id="mine")
    assert floor.refusal(desk.cancel, list_id=1, client_order_id="yours") == unknown
    assert floor.refusal(desk.cancel, list_id=1, account="bob") == unknown
    assert floor.refusal(desk.cancel, list_id=1, symbol="ETHUSDT")[0] == -1121
    assert floor.refusal(desk.cancel)[0] == -1102
    desk.cancel(list_id=1)
    assert floor.refusal(desk.cancel, list_id=1) == unknown


def test_a_list_of_another_symbol_is_not_cancelled(make_floor, make_desk):
    rules = [SymbolRules(symbol=f"{b}USDT", base=b, quote="USDT") for b in ("BTC", "ETH")]
    floor = make_floor(*rules)
    desk = make_desk(floor)
    desk.oco()
    refusal = floor.refusal(desk.cancel, list_id=1, symbol="ETHUSDT")
    assert refusal == (-2011, "Unknown order list sent.")


def test_all_orders_are_cancelled_with_their_lists_and_once(desk, floor, told):
    single = floor.sell("1", "120")
    desk.oco()
    assert told(floor.cancel_all()) == [
        f"{single.order_id} CANCELED CANCELED",
        "2 CANCELED CANCELED",
        "3 CANCELED CANCELED",
        "LIST 1 ALL_DONE",
    ]


def test_replacing_one_of_a_pair_ends_the_pair(desk, floor, told):
    _stop, maker = desk.oco()
    events = floor.replace(maker, floor.command("SELL", "1", "111"))
    assert told(events) == [
        "1 CANCELED CANCELED",
        "2 CANCELED CANCELED",
        "LIST 1 ALL_DONE",
        "3 NEW NEW",
    ]


def test_a_pair_that_met_its_own_account_expires_together(desk, floor, fates):
    stop, maker = desk.oco(limit="100.05", stop="90")
    floor.buy("1", "100.05", stp="EXPIRE_MAKER")
    assert fates([stop, maker]) == ["EXPIRED OCO_TRIGGER", "EXPIRED_IN_MATCH"]
    assert desk.list().status is ListStatus.ALL_DONE


def test_what_self_trade_prevention_takes_off_ends_the_partner_too(desk, floor, fates):
    stop, maker = desk.oco(limit="100.05", stop="90")
    floor.buy("0.4", "100.05", stp="DECREMENT")
    assert fates([stop, maker]) == ["EXPIRED OCO_TRIGGER", "NEW"]
    assert floor.balance("BTC") == (Decimal("9.4"), Decimal("0.6"))
