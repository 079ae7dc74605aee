"""What a futures account is told, by tables and by recorded lives of orders."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.domain.events import BalancesChanged, VenuePositionsChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Balance, Report
from trading_system.exchange.futures.user_frames import futures_events
from trading_system.exchange.streams.market_frames import UNREADABLE

RECORDED = Path(__file__).parents[4] / "shared/data/ws"
BTC = Symbol("BTC", "USDT")
MS = 1_767_225_600_000


def known(venue_id):
    return BTC if venue_id == "BTCUSDT" else None


@pytest.fixture
def events():
    return futures_events(known)


def order(**fields):
    data = {"s": "BTCUSDT", "c": "ts-1", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "10"}
    data |= {"p": "70", "ap": "0", "x": "NEW", "X": "NEW", "i": 5, "l": "0", "z": "0", "L": "0"}
    data |= {"n": "0", "N": "USDT", "T": MS, "t": 0, "m": False, "er": "0"}
    return {"e": "ORDER_TRADE_UPDATE", "E": MS + 1, "T": MS, "o": data | fields}


def trade(number, last, price, total, **fields):
    filled = {"x": "TRADE", "X": "PARTIALLY_FILLED", "t": number, "l": last, "L": price}
    return order(**(filled | {"z": total, "ap": price, "n": "0.1"} | fields))


def algo(status, **fields):
    data = {"caid": "ts-1", "aid": 9, "X": status, "ai": "", "s": "BTCUSDT"}
    return {"e": "ALGO_UPDATE", "E": MS + 1, "T": MS, "o": data | fields}


def account(*positions):
    held = [{"a": "USDT", "wb": "86.9", "cw": "80.9", "bc": "0"}]
    told = {"B": held, "P": list(positions), "m": "ORDER"}
    return {"e": "ACCOUNT_UPDATE", "E": MS + 1, "T": MS, "a": told}


def test_a_new_order_is_reported(events):
    [report] = events.read(order())
    assert (report.client_order_id, report.venue_order_id) == ("ts-1", "5")
    assert (report.status, report.source, report.fills) == ("NEW", "stream", ())
    assert (report.quantity, report.executed_quantity, report.reject_reason) == (10, 0, None)


def test_a_fill_is_told_with_its_fee(events):
    [report] = events.read(trade(77, "4", "70.5", "4", m=True))
    [fill] = report.fills
    assert (fill.trade_id, fill.price, fill.quantity) == ("77", Decimal("70.5"), 4)
    assert (fill.quote_quantity, fill.fee, fill.fee_asset) == (282, Decimal("0.1"), "USDT")
    assert fill.maker is True
    assert report.executed_quote == 282


def test_a_fill_without_a_fee_has_none(events):
    event = trade(77, "4", "70.5", "4")
    del event["o"]["n"], event["o"]["N"]
    [report] = events.read(event)
    assert (report.fills[0].fee, report.fills[0].fee_asset) == (0, "")


def test_a_liquidation_is_a_fill_too(events):
    [report] = events.read(trade(78, "10", "70", "10", x="CALCULATED", X="FILLED"))
    assert (report.status, len(report.fills)) == ("FILLED", 1)


def test_why_an_order_expired_is_kept(events):
    [report] = events.read(order(x="EXPIRED", X="EXPIRED", er="8"))
    assert (report.status, report.reject_reason) == ("EXPIRED", "expired for the venue's reason 8")


def test_what_was_paid_is_told_to_the_digit_although_averages_are_rounded(events):
    """3 at 1 and 4 at 2 average 1.571428..., of which 1.57 is pushed."""
    events.read(trade(1, "3", "1", "3"))
    [report] = events.read(trade(2, "4", "2", "7", ap="1.57"))
    assert report.executed_quote == 11


def test_where_fills_went_unheard_less_is_told_and_never_more(events):
    """What is booked only grows, so that one wrong digit too many would stay for good."""
    [report] = events.read(trade(2, "4", "2", "7", ap="1.58"))
    assert Decimal("10.9") < report.executed_quote < 11
    [report] = events.read(trade(3, "1", "2", "8", ap="1.63"))
    assert Decimal("12.9") < report.executed_quote < 13


def test_an_event_that_comes_late_takes_nothing_back(events):
    events.read(trade(1, "3", "1", "3"))
    events.read(trade(2, "4", "2", "7", ap="1.57"))
    [late] = events.read(trade(1, "3", "1", "3"))
    assert late.executed_quote == 11
    [next_one] = events.read(trade(3, "3", "1", "10", ap="1.4", X="FILLED"))
    assert next_one.executed_quote == 14


@given(
    fills=st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10_000)), min_size=1, max_size=8),
    heard=st.data(),
)
def test_the_pushed_sum_is_exact_when_all_was_heard_and_a_floor_otherwise(fills, heard):
    events = futures_events(known)
    paid = total = Decimal(0)
    all_heard = True
    for number, (quantity, cents) in enumerate(fills):
        price = Decimal(cents).scaleb(-2)
        paid, total = paid + price * quantity, total + quantity
        if not heard.draw(st.booleans(), label="heard"):
            all_heard = False
            continue
        average = (paid / total).quantize(Decimal("0.001"))
        [report] = events.read(
            trade(number, str(quantity), str(price), str(total), ap=str(average))
        )
        assert report.executed_quote <= paid
        assert report.executed_quote == paid or not all_heard


@pytest.mark.parametrize(
    ("theirs", "ours"), [("NEW", "NEW"), ("CANCELED", "CANCELED"), ("EXPIRED", "EXPIRED")]
)
def test_what_waits_for_a_trigger_is_reported_under_our_id(events, theirs, ours):
    [report] = events.read(algo(theirs))
    assert (report.client_order_id, report.venue_order_id) == ("ts-1", "9")
    assert (report.status, report.executed_quantity) == (ours, 0)


def test_what_was_refused_when_its_time_came_has_expired_and_says_why(events):
    [report] = events.read(algo("REJECTED", rm="margin not enough"))
    assert (report.status, report.reject_reason) == ("EXPIRED", "margin not enough")


@pytest.mark.parametrize("status", ["TRIGGERING", "TRIGGERED", "FINISHED"])
def test_once_triggered_its_order_tells_for_itself(events, status):
    assert events.read(algo(status, ai="5")) == []


def test_an_account_tells_wallets_and_positions(events):
    row = {"s": "BTCUSDT", "pa": "-0.5", "ep": "70", "up": "1.5", "ps": "BOTH"}
    balances, positions = events.read(account(row, row | {"s": "BTCUSDT_260925"}))
    assert balances == BalancesChanged(
        balances=(Balance(asset="USDT", free=Decimal("86.9"), locked=Decimal(0)),),
        time=balances.time,
    )
    assert isinstance(positions, VenuePositionsChanged)
    [held] = positions.positions
    assert (held.symbol, held.quantity, held.entry_price) == (BTC, Decimal("-0.5"), 70)
    assert (held.unrealised, held.mark_price, held.leverage) == (Decimal("1.5"), None, None)


def test_the_same_event_twice_is_one_and_another_is_another(events):
    assert events.identity(order()) == events.identity(order())
    assert events.identity(order()) != events.identity(order(T=MS + 1))


@pytest.mark.parametrize(
    "event",
    [
        {"e": "ORDER_TRADE_UPDATE"},
        order(X="MAGIC"),
        order(z="much"),
        {"e": "ALGO_UPDATE", "o": {}},
        {"e": "ACCOUNT_UPDATE", "T": MS, "a": {}},
    ],
)
def test_an_event_of_another_shape_is_unreadable(events, event):
    with pytest.raises(UNREADABLE):
        events.read(event)


def lives():
    file = RECORDED / "um_user_data_sequences.json"
    if not file.exists():
        return []
    return [
        pytest.param(life["messages"], id=f"{number}-{life['name']}")
        for number, life in enumerate(json.loads(file.read_text()))
    ]


@pytest.mark.recorded
@pytest.mark.parametrize("messages", lives())
def test_recorded_lives_of_orders_add_up(events, messages):
    booked: dict[str, Decimal] = {}
    for message in messages:
        if message["e"] not in events.told:
            continue
        for report in events.read(message):
            assert isinstance(report, Report)
            order_id = report.client_order_id
            booked[order_id] = booked.get(order_id, Decimal(0))
            booked[order_id] += sum((fill.quantity for fill in report.fills), Decimal(0))
            assert report.executed_quantity == booked[order_id]
            if message["e"] == "ORDER_TRADE_UPDATE":
                average = Decimal(message["o"]["ap"])
                assert report.executed_quote == average * report.executed_quantity


@pytest.mark.recorded
def test_recorded_accounts_are_read(events):
    file = RECORDED / "user_data_single_messages.json"
    if not file.exists():
        pytest.skip("no recorded frames beside the project")
    for each in json.loads(file.read_text()):
        if each["message"].get("e") in {"ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"}:
            assert events.read(each["message"])
