"""What is refused before a list is taken in, and how lists are remembered."""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.events import Execution
from trading_system.simulator.filters import ExchangeLimits
from trading_system.simulator.list_model import Pair, PlaceList
from trading_system.simulator.model import CancelOrder, SymbolRules
from trading_system.simulator.venue import Venue


def test_a_client_id_names_one_open_list_and_one_open_order(desk, floor):
    stop, _maker = desk.oco(client_order_id="mine")
    duplicate = (-2010, "Duplicate order sent.")
    assert floor.refusal(desk.oco, client_order_id="mine") == duplicate
    floor.cancel(stop)
    desk.oco(client_order_id="mine")
    assert desk.list(2).client_order_id == "mine"
    found = floor.venue.lists.find("ann", list_id=None, client_order_id="mine")
    assert found.list_id == 2

    floor.sell("1", "120", client_order_id="taken")
    taken = floor.command("BUY", "1", "99", client_order_id="taken")
    assert floor.refusal(desk.oto, working=taken) == duplicate
    twice = floor.command("BUY", "1", "99", client_order_id="twice")
    again = floor.command("SELL", "1", "120", client_order_id="twice")
    assert floor.refusal(desk.oto, working=twice, pending=again) == duplicate


def test_the_name_of_an_order_that_waits_is_taken(desk, floor):
    desk.oto(pending=floor.command("SELL", "1", "120", client_order_id="taken"))
    command = floor.command("SELL", "1", "120", client_order_id="taken")
    assert floor.refusal(floor.place, command) == (-2010, "Duplicate order sent.")


def test_every_order_of_a_list_is_judged_and_named_by_its_prefix(desk, floor):
    pair = desk.pair()
    unpriced = floor.command("SELL", "1", type="LIMIT_MAKER")
    assert floor.refusal(desk.place, PlaceList(rest=Pair(above=unpriced, below=pair.below))) == (
        -1102,
        "Mandatory parameter 'abovePrice' was not sent, was empty/null, or malformed.",
    )
    working = floor.command("BUY", "1", "99")
    odd = floor.command("SELL", "1", "120.001")
    assert floor.refusal(desk.oto, pending=odd) == (-1013, "Filter failure: PRICE_FILTER")
    assert floor.refusal(
        desk.place, PlaceList(working=working, rest=Pair(above=unpriced, below=pair.below))
    )[1].startswith("Mandatory parameter 'pendingAbovePrice'")


def test_a_list_counts_every_order_before_it_is_accepted(make_floor, make_desk):
    rules = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT", max_num_orders=2)
    floor = make_floor(rules)
    desk = make_desk(floor)
    assert floor.refusal(desk.otoco) == (-1013, "Filter failure: MAX_NUM_ORDERS")
    desk.oto()
    assert floor.refusal(floor.sell, "1", "120") == (-1013, "Filter failure: MAX_NUM_ORDERS")


def test_contingent_orders_of_a_list_count_as_algo_orders(make_floor, make_desk):
    rules = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT", max_num_algo_orders=1)
    floor = make_floor(rules)
    desk = make_desk(floor)
    above = floor.command("SELL", "1", type="TAKE_PROFIT", stop_price="110")
    both = PlaceList(rest=Pair(above=above, below=desk.pair().below))
    assert floor.refusal(desk.place, both) == (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS")
    desk.oco()


def test_so_many_lists_of_a_symbol_and_no_more(make_floor, make_desk):
    rules = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT", max_num_order_lists=1)
    floor = make_floor(rules)
    desk = make_desk(floor)
    desk.oco()
    assert floor.refusal(desk.oto) == (-1013, "Filter failure: MAX_NUM_ORDER_LISTS")
    desk.cancel(list_id=1)
    desk.otoco()


def test_so_many_lists_of_the_exchange_and_no_more(floor, make_desk):
    floor.venue = Venue(floor.feed, limits=ExchangeLimits(max_num_order_lists=1))
    for account in ("ann", "bob"):
        floor.venue.open_account(account, {"BTC": Decimal(10), "USDT": Decimal(10000)})
    desk = make_desk(floor)
    desk.oco()
    assert floor.refusal(desk.oco) == (-1013, "Filter failure: EXCHANGE_MAX_NUM_ORDER_LISTS")


def test_a_closed_market_takes_no_list(make_floor, make_desk):
    floor = make_floor(SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT", status="BREAK"))
    assert floor.refusal(make_desk(floor).oco) == (-2010, "Market is closed.")


def test_a_pair_that_would_take_is_refused(desk, floor):
    floor.buy("1", "100.05")  # above the last trade: only the book can tell
    assert floor.refusal(desk.oco, limit="100.05") == (
        -2010,
        "Order would immediately match and take.",
    )
    assert len(floor.venue.open_orders("ann")) == 1


def test_lists_are_remembered_oldest_first(desk, floor):
    desk.oco()
    desk.oto()
    desk.cancel(list_id=1)
    lists = floor.venue.lists
    assert [each.list_id for each in lists.open("ann")] == [2]
    assert [each.list_id for each in lists.of("ann")] == [1, 2]
    assert lists.of("bob") == []
    assert lists.find("bob", list_id=1, client_order_id=None) is None


def test_an_order_of_a_list_can_be_looked_up_like_any_other(desk, floor):
    _working, pending = desk.oto(pending=floor.command("SELL", "1", "120", client_order_id="b"))
    assert floor.venue.order("ann", "BTCUSDT", client_order_id="b") is pending
    cancel = CancelOrder(account="ann", symbol="BTCUSDT", client_order_id="b")
    assert [e.execution for e in floor.do(cancel)[:2]] == [Execution.CANCELED] * 2
