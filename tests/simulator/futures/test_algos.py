"""Orders that wait for a trigger: what sets them off, what they place, how they end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.futures.model import AlgoStatus, CancelAllAlgos
from trading_system.simulator.model import Status


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "quiet", "fires"),
    [
        ("BUY", "STOP_MARKET", "101", "100.99", "101"),
        ("SELL", "STOP_MARKET", "99", "99.01", "99"),
        ("BUY", "TAKE_PROFIT_MARKET", "99", "99.01", "99"),
        ("SELL", "TAKE_PROFIT_MARKET", "101", "100.99", "101.50"),
    ],
)
def test_stops_wait_for_the_worse_price_and_take_profits_for_the_better(
    pit, side, kind, trigger, quiet, fires
):
    algo = pit.wait(side, kind, quantity="1", trigger_price=trigger)
    pit.print(quiet)
    assert algo.state is AlgoStatus.NEW
    pit.print(fires)
    assert algo.state is AlgoStatus.FINISHED
    assert pit.position()[0] == ("1" if side == "BUY" else "-1")


@pytest.mark.parametrize(
    ("side", "kind", "more"),
    [
        ("BUY", "STOP_MARKET", {"trigger_price": "100"}),
        ("SELL", "TAKE_PROFIT_MARKET", {"trigger_price": "99"}),
        ("BUY", "TRAILING_STOP_MARKET", {"activation": "100", "callback_rate": "1"}),
        ("SELL", "TRAILING_STOP_MARKET", {"activation": "99", "callback_rate": "1"}),
    ],
)
def test_one_whose_moment_has_come_already_is_refused(pit, side, kind, more):
    assert pit.code(pit.wait, side, kind, quantity="1", **more) == -2021


def test_the_life_of_one_that_sells_at_the_market_is_told_as_recorded(pit, story):
    """Recorded: NEW, TRIGGERING, the order's NEW and trades, TRIGGERED, FINISHED."""
    pit.buy("2")
    algo = pit.wait("SELL", "STOP_MARKET", quantity="2", trigger_price="99")
    assert story(pit.told) == ["ALGO 1 NEW"]
    assert story(pit.print("99")) == [
        "ALGO 1 TRIGGERING",
        "NEW 2",
        "ACCOUNT ann 1",
        "TRADE 2 1@99.90",
        "ACCOUNT ann 0",
        "TRADE 2 1@99.80",
        "ALGO 1 TRIGGERED",
        "ALGO 1 FINISHED",
    ]
    order = pit.venue.order("ann", "BTCUSDT", order_id=2)
    assert order.client_order_id == algo.client_order_id
    assert (algo.actual_id, algo.actual_price, algo.actual_quantity) == (2, Decimal("99.85"), 2)
    assert algo.triggered == order.time == pit.now


def test_what_one_with_a_limit_places_may_rest_and_ends_it_when_it_ends(pit, story):
    algo = pit.wait(
        "BUY", "STOP", quantity="1", trigger_price="101", price="99.95", time_in_force="GTC"
    )
    assert story(pit.print("101")) == ["ALGO 1 TRIGGERING", "NEW 1", "ALGO 1 TRIGGERED"]
    assert pit.code(pit.give_up, algo) == -2011
    assert story(pit.print("99.95")) == ["ACCOUNT ann 1", "TRADE 1 1@99.95", "ALGO 1 FINISHED"]
    assert pit.venue.open_algos("ann") == []


def test_one_whose_order_is_cancelled_is_finished(pit, story):
    pit.wait("BUY", "TAKE_PROFIT", quantity="1", trigger_price="99", price="99.50")
    pit.print("99")
    (order,) = pit.venue.open_orders("ann")
    assert story(pit.cancel(order)) == ["CANCELED 1", "ALGO 1 FINISHED"]


def test_a_cancelled_one_is_never_set_off(pit, story):
    algo = pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101")
    assert story(pit.give_up(algo)) == ["ALGO 1 CANCELED"]
    assert pit.print("102") == []
    assert pit.code(pit.give_up, algo) == -2011


def test_margin_is_asked_for_when_it_triggers_and_not_before(pit, story):
    """Recorded: REJECTED with "margin not enough"."""
    algo = pit.wait("BUY", "STOP_MARKET", quantity="500", trigger_price="101")
    pit.feed.asks[-1] = pit.feed.asks[-1]._replace(quantity=Decimal(1_000))
    assert story(pit.print("101")) == ["ALGO 1 TRIGGERING", "ALGO 1 REJECTED"]
    assert (algo.failure, pit.position()[0]) == ("margin not enough", "0")


def test_one_that_only_reduces_is_refused_when_there_is_nothing_to_reduce(pit):
    algo = pit.wait("SELL", "STOP_MARKET", quantity="1", trigger_price="99", reduce_only=True)
    pit.print("99")
    assert (algo.state, algo.failure) == (AlgoStatus.REJECTED, "ReduceOnly Order is rejected.")


def test_a_post_only_one_that_would_take_is_rejected(pit):
    algo = pit.wait(
        "BUY", "STOP", quantity="1", trigger_price="101", price="100.10", time_in_force="GTX"
    )
    pit.print("101")
    assert algo.state is AlgoStatus.REJECTED


def test_one_that_closes_the_position_closes_all_of_it(pit):
    algo = pit.wait("SELL", "STOP_MARKET", trigger_price="99", close_position=True)
    pit.buy("3")
    pit.print("99")
    assert (algo.state, pit.position()) == (AlgoStatus.FINISHED, ("0", "0"))
    order = pit.venue.order("ann", "BTCUSDT", order_id=algo.actual_id)
    assert (order.close_position, order.reduce_only, order.quantity) == (True, True, 3)


def test_one_that_closes_a_position_that_is_gone_expires(pit, story):
    pit.wait("SELL", "STOP_MARKET", trigger_price="99", close_position=True)
    assert story(pit.print("99")) == ["ALGO 1 TRIGGERING", "ALGO 1 EXPIRED"]


@pytest.mark.parametrize(
    ("side", "activation", "path", "fires"),
    [
        ("SELL", "102", ["101", "103", "102.50"], "101.97"),  # 1 % below 103
        ("SELL", None, ["100", "101", "100.10"], "99.99"),
        ("BUY", "98", ["99", "97", "97.50"], "97.97"),  # 1 % above 97
    ],
)
def test_a_trailing_stop_follows_the_best_price_and_fires_on_its_callback(
    pit, side, activation, path, fires
):
    algo = pit.wait(
        side, "TRAILING_STOP_MARKET", quantity="1", callback_rate="1", activation=activation
    )
    for price in path:
        pit.print(price)
        assert algo.state is AlgoStatus.NEW
    pit.print(fires)
    assert algo.state is AlgoStatus.FINISHED


def test_all_of_a_symbol_are_cancelled_but_not_those_already_set_off(pit):
    gone = pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="103")
    fired = pit.wait("BUY", "STOP", quantity="1", trigger_price="101", price="99.50")
    other = pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="103", symbol="ETHUSDT")
    pit.print("101")
    pit.do(CancelAllAlgos(account="ann", symbol="BTCUSDT"))
    assert [algo.state for algo in (gone, fired, other)] == [
        AlgoStatus.CANCELED,
        AlgoStatus.TRIGGERED,
        AlgoStatus.NEW,
    ]


def test_a_triggered_order_does_not_hide_the_rest_of_the_tape_from_others(pit):
    """Trades of the same moment meet those that wait after it, too."""
    pit.wait("SELL", "STOP_MARKET", quantity="1", trigger_price="99")
    resting = pit.buy("1", "98.50")
    pit.now += 1
    for price in ("99.00", "98.00"):
        pit.feed.print("BTCUSDT", price, "1", pit.now)
    pit.print("100")
    assert resting.status is Status.FILLED
