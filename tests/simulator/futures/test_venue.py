"""Commands that need no market: finding, changing and cancelling orders, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulator.futures.conftest import BTC
from trading_system.simulator.futures.model import CancelOrder
from trading_system.simulator.model import Refused, Status, SymbolRules

EURO = SymbolRules(symbol="BTCEUR", base="BTC", quote="EUR")


def test_only_pairs_quoted_in_the_margin_asset_have_a_perpetual(make_pit):
    pit = make_pit(BTC, EURO)
    assert pit.code(pit.buy, "1", symbol="BTCEUR") == -1121
    assert pit.code(pit.buy, "1", symbol="NONE") == -1121


def test_a_halted_contract_takes_no_orders_and_lets_go_of_those_it_has(pit):
    order = pit.buy("1", "99")
    pit.feed.symbols["BTCUSDT"] = replace(BTC, status="HALT")
    assert pit.code(pit.buy, "1", "99") == -4141
    assert pit.code(pit.modify, order, "98", "1") == -4141
    assert pit.code(pit.wait, "BUY", "STOP_MARKET", quantity="1", trigger_price="101") == -4141
    pit.cancel(order)
    assert order.status is Status.CANCELED


def test_orders_are_found_by_either_id_and_only_by_their_owner(pit):
    order = pit.buy("1", "99", client_order_id="mine")
    assert pit.venue.order("ann", "BTCUSDT", order_id=order.order_id) is order
    assert pit.venue.order("ann", "BTCUSDT", client_order_id="mine") is order
    for account, symbol, ids in (
        ("bob", "BTCUSDT", {"order_id": order.order_id}),
        ("bob", "BTCUSDT", {"client_order_id": "mine"}),
        ("ann", "ETHUSDT", {"order_id": order.order_id}),
        ("ann", "BTCUSDT", {"order_id": 99}),
        ("ann", "BTCUSDT", {"client_order_id": "other"}),
    ):
        with pytest.raises(Refused) as caught:
            pit.venue.order(account, symbol, **ids)
        assert caught.value.code == -2013
    with pytest.raises(Refused) as caught:
        pit.venue.order("ann", "BTCUSDT")
    assert caught.value.code == -1102


def test_a_client_id_is_unique_among_open_orders_and_free_again_afterwards(pit):
    first = pit.buy("1", "99", client_order_id="mine")
    assert pit.code(pit.buy, "1", "98", client_order_id="mine") == -4116
    pit.buy("1", "98", client_order_id="mine", account="bob")
    pit.cancel(first)
    second = pit.buy("1", "98", client_order_id="mine")
    assert pit.venue.order("ann", "BTCUSDT", client_order_id="mine") is second
    pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101", client_order_id="algo")
    assert (
        pit.code(
            pit.wait,
            *("BUY", "STOP_MARKET"),
            quantity="1",
            trigger_price="101",
            client_order_id="algo",
        )
        == -4116
    )


def test_an_order_without_a_client_id_gets_one(pit):
    ids = {pit.buy("0.1", "99").client_order_id for _ in range(3)}
    assert len(ids) == 3
    assert all(len(each) == 22 for each in ids)


def test_what_is_not_open_can_be_neither_cancelled_nor_changed(pit):
    order = pit.buy("1")
    assert pit.code(pit.cancel, order) == -2011
    assert pit.code(pit.modify, order, "99", "2") == -2011
    assert pit.code(pit.cancel, order, order_id=99) == -2011
    assert pit.code(pit.do, CancelOrder(account="ann", symbol="BTCUSDT")) == -1102


def test_a_change_must_be_one_and_name_the_right_side(pit):
    order = pit.buy("1", "99")
    assert pit.code(pit.modify, order, "99.00", "1.0") == -5027
    assert pit.code(pit.modify, order, "98", "1", side="SELL") == -1117
    assert pit.code(pit.modify, order, "106", "1") == -4016
    assert pit.code(pit.modify, order, "98", "0") == -4003


def test_an_order_may_be_changed_ten_thousand_times(pit):
    order = pit.buy("1", "99")
    order.modifications = 9_999
    pit.modify(order, "98", "1")
    assert pit.code(pit.modify, order, "99", "1") == -5026


def test_all_orders_of_a_symbol_are_cancelled_at_once_and_none_is_no_error(pit, story):
    pit.buy("1", "99")
    pit.buy("1", "98")
    other = pit.buy("1", "99", symbol="ETHUSDT")
    assert story(pit.cancel_all()) == ["CANCELED 1", "CANCELED 2"]
    assert story(pit.cancel_all()) == []
    assert pit.venue.open_orders("ann") == [other]
    assert pit.code(pit.cancel_all, "NONE") == -1121


def test_no_more_than_two_hundred_orders_of_a_kind_are_open(make_pit):
    pit = make_pit(wallet="1000000")
    for _ in range(200):
        pit.buy("0.1", "99")
        pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101")
    assert pit.code(pit.buy, "0.1", "99") == -2025
    assert pit.code(pit.wait, "BUY", "STOP_MARKET", quantity="1", trigger_price="101") == -4045
    pit.buy("0.1", "99", symbol="ETHUSDT")


def test_algo_orders_are_found_by_either_id(pit):
    algo = pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101", client_order_id="a")
    assert pit.venue.algo_order("ann", order_id=algo.order_id) is algo
    assert pit.venue.algo_order("ann", client_order_id="a") is algo
    with pytest.raises(Refused) as caught:
        pit.venue.algo_order("bob", client_order_id="a")
    assert caught.value.code == -2013


def test_symbols_trade_in_the_order_of_time(pit, story):
    pit.buy("1", "99")
    pit.buy("1", "99", symbol="ETHUSDT")
    for symbol in ("ETHUSDT", "BTCUSDT", "ETHUSDT"):
        pit.now += 1
        pit.feed.print(symbol, "99", "0.5", pit.now)
    assert [line for line in story(pit.print("100")) if line.startswith("TRADE")] == [
        "TRADE 2 0.5@99",
        "TRADE 1 0.5@99",
        "TRADE 2 0.5@99",
    ]


def test_time_does_not_go_back(pit):
    pit.now += 1_000
    pit.buy("1", "99")
    pit.now -= 500
    assert pit.buy("1", "99").time == pit.now + 500
    assert pit.venue.now == pit.now + 500
