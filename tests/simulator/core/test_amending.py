"""An open order is made smaller: what it keeps, what it gives back, and when it may not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from trading_system.simulator.events import BalanceEvent, OrderEvent
from trading_system.simulator.model import Refused, Status, SymbolRules

RULES = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT")
UNKNOWN = (-2038, "Unknown order sent.")
DUPLICATE = (-2038, "Duplicate order sent.")
SAME = (-2038, "The requested action would change no state; rejecting.")
LARGER = (-2038, "Order amend (quantity increase) is not supported.")
TOO_SMALL = (-2038, "Order amend (quantity not above executed) is not supported.")


def test_the_place_in_the_queue_is_kept(floor, story):
    """The example of Binance's FAQ: the second of three stays the second."""
    floor.buy("1", "99.95", account="bob")
    second = floor.buy("5.5", "99.95")
    floor.buy("4", "99.95", account="bob")
    floor.amend(second, "5")
    assert story(floor.print("99.95", "6.5"))[:3] == [
        "TRADE 1 1@99.95",
        "TRADE 2 5@99.95",
        "TRADE 3 0.5@99.95",
    ]
    assert (second.status, second.quantity) == (Status.FILLED, 5)


def test_cancelling_and_placing_anew_loses_it(floor, story):
    """Of what the place in the queue is worth: the same story without an amendment."""
    second = floor.buy("5.5", "99.95")
    floor.buy("4", "99.95", account="bob")
    floor.replace(second, floor.command("BUY", "5", "99.95"))
    assert story(floor.print("99.95", "6.5"))[:2] == ["TRADE 2 4@99.95", "TRADE 3 2.5@99.95"]


def test_others_see_a_smaller_level_in_a_newer_book(floor):
    order = floor.sell("5", "100.05")
    before = floor.venue.depth("BTCUSDT", floor.now)
    floor.amend(order, "3")
    after = floor.venue.depth("BTCUSDT", floor.now)
    assert (before.asks[0].quantity, after.asks[0].quantity) == (5, 3)
    assert after.last_update_id > before.last_update_id


@pytest.mark.parametrize(
    ("side", "more", "asset", "before", "after"),
    [
        ("SELL", {"price": "101"}, "BTC", "2", "0.5"),
        ("BUY", {"price": "99"}, "USDT", "198", "49.5"),
        ("SELL", {"type": "STOP_LOSS", "stop_price": "95"}, "BTC", "2", "0.5"),
        ("BUY", {"type": "STOP_LOSS", "stop_price": "105"}, "USDT", "210", "52.5"),
        ("BUY", {"type": "TAKE_PROFIT", "trailing_delta": 100}, "USDT", "200", "50"),
        (
            "BUY",
            {"type": "STOP_LOSS_LIMIT", "stop_price": "105", "price": "106"},
            "USDT",
            "212",
            "53",
        ),
    ],
)
def test_money_that_is_needed_no_more_is_free_again(floor, side, more, asset, before, after):
    order = floor.place(floor.command(side, "2", **more))
    free, locked = floor.balance(asset)
    assert locked == Decimal(before)
    told = floor.amend(order, "0.5")
    assert floor.balance(asset) == (free + Decimal(before) - Decimal(after), Decimal(after))
    assert isinstance(told[-1], BalanceEvent)
    assert told[-1].balances[asset] == floor.balance(asset)
    floor.cancel(order)
    assert floor.balance(asset) == (free + locked, 0)


def test_what_stays_locked_is_in_whole_cents_and_enough(make_floor):
    """Of 0.3 at 100.00000001 were locked 30.00000001, a third of which is no amount."""
    floor = make_floor(replace(RULES, tick_size=Decimal("0.00000001")))
    order = floor.buy("0.3", type="STOP_LOSS", stop_price="100.00000001")
    assert floor.balance("USDT")[1] == Decimal("30.00000001")
    floor.amend(order, "0.1")
    assert floor.balance("USDT")[1] == Decimal("10.00000001")


def test_a_partial_fill_stays_and_only_the_rest_shrinks(floor):
    order = floor.buy("3", "99")
    floor.print("99", "1.2")
    assert floor.refusal(floor.amend, order, "1.2") == TOO_SMALL
    assert floor.refusal(floor.amend, order, "1") == TOO_SMALL
    floor.amend(order, "2")
    assert (order.status, order.remaining) == (Status.PARTIALLY_FILLED, Decimal("0.8"))
    assert floor.balance("USDT")[1] == Decimal("79.2")
    floor.print("99", "5")
    assert order.status is Status.FILLED
    assert [fill.quantity for fill in order.fills] == [Decimal("1.2"), Decimal("0.8")]
    assert floor.balance("USDT") == (10_000 - 198, 0)


def test_what_self_trade_prevention_took_cannot_be_amended_away(floor):
    order = floor.buy("3", "100.05")
    floor.sell("1", "100.05", stp="DECREMENT")
    assert (order.status, order.prevented) == (Status.NEW, 1)
    assert floor.refusal(floor.amend, order, "1") == TOO_SMALL
    floor.amend(order, "1.5")
    assert order.remaining == Decimal("0.5")


def test_a_stop_order_fires_with_what_it_was_amended_to(floor, story):
    order = floor.buy("2", type="STOP_LOSS", stop_price="105")
    floor.amend(order, "0.5")
    assert not order.is_working
    assert story(floor.print("105"))[:2] == ["NEW 1", "TRADE 1 0.5@100.10"]
    assert order.status is Status.FILLED


def test_an_amendment_is_told_and_kept(floor):
    order = floor.sell("3", "101", client_order_id="mine")
    floor.now += 5
    (first, _) = floor.amend(order, "2", new_client_order_id="smaller")
    (second, _) = floor.amend(order, "1", new_client_order_id="smaller")
    assert isinstance(first, OrderEvent)
    assert (first.execution, first.old_client_order_id) == ("REPLACED", "mine")
    assert (first.order.quantity, first.order.client_order_id) == (2, "smaller")
    assert second.old_client_order_id == "smaller"
    assert order.updated == floor.now
    rows = [
        (a.execution_id, a.old_client_order_id, a.new_client_order_id, a.old_quantity, a.time)
        for a in order.amendments
    ]
    assert rows == [
        (first.id, "mine", "smaller", 3, floor.now),
        (second.id, "smaller", "smaller", 2, floor.now),
    ]
    assert [a.new_quantity for a in order.amendments] == [2, 1]
    assert first.order.amendments == []


def test_an_amended_order_is_found_under_its_new_name_alone(floor):
    order = floor.sell("3", "101", client_order_id="mine")
    floor.amend(order, "2", client_order_id="mine", new_client_order_id="yours")
    find = floor.venue.order
    assert find("ann", "BTCUSDT", client_order_id="yours") is order
    with pytest.raises(Refused, match="does not exist"):
        find("ann", "BTCUSDT", client_order_id="mine")
    assert floor.refusal(floor.amend, order, "1", client_order_id="mine") == UNKNOWN
    other = floor.sell("1", "102", client_order_id="mine")
    assert find("ann", "BTCUSDT", client_order_id="mine") is other


def test_the_old_name_finds_whoever_carried_it_before(floor):
    first = floor.sell("1", "101", client_order_id="mine")
    floor.cancel(first)
    middle = floor.sell("1", "101", client_order_id="mine")
    floor.cancel(middle)
    last = floor.sell("3", "101", client_order_id="mine")
    floor.amend(last, "2")
    assert floor.venue.order("ann", "BTCUSDT", client_order_id="mine") is middle


def test_without_a_name_one_is_made_up_the_same_in_every_replay(floor, make_floor):
    names = []
    for each in (floor, make_floor()):
        order = each.sell("3", "101", client_order_id="mine")
        each.amend(order, "2")
        names.append(order.client_order_id)
        each.amend(order, "1")
        names.append(order.client_order_id)
    assert names[:2] == names[2:]
    assert len({"mine", *names}) == 3
    assert all(len(name) == 22 for name in names)


def test_a_name_that_an_open_order_carries_is_refused(floor):
    order = floor.sell("3", "101", client_order_id="mine")
    other = floor.sell("1", "102", client_order_id="other")
    assert floor.refusal(floor.amend, order, "2", new_client_order_id="other") == DUPLICATE
    assert (order.quantity, order.client_order_id, order.amendments) == (3, "mine", [])
    floor.cancel(other)
    floor.amend(order, "2", new_client_order_id="other")
    assert order.client_order_id == "other"


@pytest.mark.parametrize(
    ("quantity", "more", "refusal"),
    [
        ("3", {}, SAME),
        ("3.00", {}, SAME),
        ("4", {}, LARGER),
        ("0", {}, (-1013, "Invalid newQty.")),
        ("1.000000001", {}, (-1111, "Parameter 'newQty' has too much precision.")),
        ("0.000001", {}, (-1013, "Filter failure: LOT_SIZE")),
        ("0.04", {}, (-1013, "Filter failure: NOTIONAL")),
        ("2", {"order_id": 9}, UNKNOWN),
        ("2", {"client_order_id": "no"}, UNKNOWN),
        ("2", {"symbol": "NOPE", "order_id": 1}, (-1121, "Invalid symbol.")),
        (
            "2",
            {"order_id": 1, "client_order_id": "no"},
            (-2039, "Client order ID is not correct for this order ID."),
        ),
        (
            "2",
            {"order_id": None},
            (
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            ),
        ),
    ],
)
def test_what_is_refused_changes_nothing(floor, quantity, more, refusal):
    order = floor.sell("3", "101")
    before = replace(order)
    assert floor.refusal(floor.amend, order, quantity, **more) == refusal
    assert order == before
    assert order.amendments == []


@pytest.mark.parametrize("ending", ["filled", "cancelled", "somebody else's"])
def test_only_an_open_order_of_ones_own_can_be_amended(floor, ending):
    order = floor.sell("3", "101", account="bob" if ending == "somebody else's" else "ann")
    if ending == "filled":
        floor.print("102")
    elif ending == "cancelled":
        floor.cancel(order)
    order = replace(order, account="ann")
    assert floor.refusal(floor.amend, order, "2") == UNKNOWN


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"status": "HALT"}, "Market is closed."),
        ({"amend_allowed": False}, "Order amend is not supported for this symbol."),
    ],
)
def test_a_symbol_may_not_allow_it(make_floor, rules, message):
    floor = make_floor(RULES)
    order = floor.sell("3", "101")
    floor.feed.symbols["BTCUSDT"] = replace(RULES, **rules)
    assert floor.refusal(floor.amend, order, "2") == (-2038, message)


@pytest.mark.parametrize(
    ("rules", "failure"),
    [
        ({}, "NOTIONAL"),
        ({"min_notional": Decimal(0), "least_worth": Decimal(6)}, "MIN_NOTIONAL"),
        ({"min_quantity": Decimal("0.1")}, "LOT_SIZE"),
        ({"step_size": Decimal("0.1")}, "LOT_SIZE"),
    ],
)
def test_what_is_left_must_pass_the_filters_of_quantities(make_floor, rules, failure):
    floor = make_floor(replace(RULES, **rules))
    order = floor.sell("3", "101")
    assert floor.refusal(floor.amend, order, "0.045") == (-1013, f"Filter failure: {failure}")


def test_filters_that_count_orders_or_look_at_prices_are_not_asked(make_floor):
    """It is no new order: neither what may be open nor the price of today matters."""
    most = {"max_num_orders": 1, "max_num_algo_orders": 1, "max_position": Decimal(11)}
    floor = make_floor(replace(RULES, **most))
    order = floor.buy("1", "99", type="STOP_LOSS_LIMIT", stop_price="105")
    floor.feed.symbols["BTCUSDT"] = replace(RULES, **most, bid_multiplier_up=Decimal("0.5"))
    floor.amend(order, "0.5")
    assert order.quantity == Decimal("0.5")


@pytest.mark.parametrize(("most", "made"), [(10, 10), (2, 2), (0, 12)])
def test_an_order_can_be_amended_so_often_and_no_more(make_floor, most, made):
    floor = make_floor(replace(RULES, max_num_order_amends=most))
    order, other = floor.sell("5", "101"), floor.sell("2", "101")
    for number in range(made):
        floor.amend(order, str(4 - number * Decimal("0.1")))
    if most:
        failure = (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")
        assert floor.refusal(floor.amend, order, "1") == failure
    assert len(order.amendments) == made
    floor.amend(other, "1")


@pytest.mark.parametrize(
    ("amended", "queue"),
    [
        # of 5, showing 2, before another one's 3
        ("4", ["1 2", "2 3", "1 2"]),
        ("3.5", ["1 2", "2 3", "1 1.5"]),
        ("2", ["1 2", "2 3"]),
        ("1.5", ["1 1.5", "2 3"]),  # only now the visible part
    ],
)
def test_of_an_iceberg_goes_first_what_is_hidden(floor, story, amended, queue):
    order = floor.sell("5", "100.05", iceberg_quantity="2")
    floor.sell("3", "100.05", account="bob")
    floor.amend(order, amended)
    trades = story(floor.print("100.05"))[: len(queue)]
    assert trades == [f"TRADE {line}@100.05" for line in queue]
    assert order.status is Status.FILLED
    assert order.iceberg_quantity == 2


def test_an_iceberg_half_eaten_keeps_its_visible_part_while_it_can(floor, story):
    order = floor.sell("5", "100.05", iceberg_quantity="2")
    floor.print("100.05", "1.5")  # 0.5 of the first part left
    floor.amend(order, "3")
    assert floor.venue.depth("BTCUSDT", floor.now).asks[0].quantity == Decimal("0.5")
    assert story(floor.print("100.05"))[:2] == ["TRADE 1 0.5@100.05", "TRADE 1 1.0@100.05"]
    assert order.status is Status.FILLED
