from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.list_model import Pair, PlaceList
from trading_system.simulator.model import (
    CancelOrder,
    CancelReplace,
    Deposit,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention
from trading_system.simulator.ws_api import user_events

NOON = 1_767_614_400_250
TOLD = NOON + 7
FUNDS = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "ETH": Decimal(0)}
RECORDED = Path(__file__).parents[4] / "shared/data/ws"


class Floor:
    """An exchange, and what ann and bob are told of it."""

    def __init__(self, feed) -> None:
        self.feed = feed
        self.exchange = Exchange(feed, {"ann": FUNDS, "bob": FUNDS})
        self.seen = []
        self.exchange.observers.append(self.seen.extend)

    def do(self, command, now=NOON):
        """What ann is told of a command."""
        self.seen.clear()
        self.exchange.handle(command, now)
        return self.told("ann")

    def told(self, account):
        return list(user_events.told(self.seen, account, TOLD))

    def price(self, factor="1"):
        """The last price times a factor, in whole units."""
        last = self.feed.last_trade("BTCUSDT", now=NOON).price
        return (last * Decimal(factor)).quantize(Decimal(1))


@pytest.fixture
def floor(feed):
    return Floor(feed)


def order(side="BUY", quantity="0.01", price=None, **more):
    more.setdefault("type", OrderType.MARKET if price is None else OrderType.LIMIT)
    if price is not None:
        more.setdefault("time_in_force", TimeInForce.GTC)
    return PlaceOrder(
        account=more.pop("account", "ann"),
        symbol="BTCUSDT",
        side=Side(side),
        quantity=None if quantity is None else Decimal(quantity),
        price=price,
        **more,
    )


def some(event, *names):
    return tuple(event[name] for name in names)


def test_a_new_order_is_told_with_every_field_in_its_order(floor):
    price = floor.price("0.5")
    new, position = floor.do(order(price=price, client_order_id="mine"))
    assert new == {
        "e": "executionReport",
        "E": TOLD,
        "s": "BTCUSDT",
        "c": "mine",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.01000000",
        "p": f"{price}.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 1,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": NOON,
        "t": -1,
        "I": 1,
        "w": True,
        "m": False,
        "M": False,
        "O": NOON,
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "W": NOON,
        "V": "EXPIRE_MAKER",
    }
    assert "".join(new) == "eEscSofqpPFgCxXrilzLnNTtIwmMOZYQWV"
    locked = price * Decimal("0.01")
    assert position == {
        "e": "outboundAccountPosition",
        "E": TOLD,
        "u": NOON,
        "B": [
            {"a": "BTC", "f": "10.00000000", "l": "0.00000000"},
            {"a": "USDT", "f": f"{1_000_000 - locked:.8f}", "l": f"{locked:.8f}"},
        ],
    }


def test_a_market_order_is_told_as_new_fill_by_fill_and_then_the_balances_once(floor):
    best = floor.exchange.venue.depth("BTCUSDT", NOON).asks
    events = floor.do(order(quantity=str(best[0].quantity + best[1].quantity)))
    assert [some(e, "x", "X", "w", "M", "m") for e in events[:-1]] == [
        ("NEW", "NEW", True, False, False),
        ("TRADE", "PARTIALLY_FILLED", False, True, False),
        ("TRADE", "FILLED", False, True, False),
    ]
    assert [e["I"] for e in events[:-1]] == [1, 2, 3]
    assert events[-1]["e"] == "outboundAccountPosition"
    first, last = events[1:-1]
    assert some(first, "L", "l", "t", "N") == (
        f"{best[0].price:.8f}",
        f"{best[0].quantity:.8f}",
        1,
        "BTC",
    )
    assert Decimal(first["n"]) == (best[0].quantity / 1000).quantize(Decimal("1e-8"))
    assert Decimal(last["z"]) == best[0].quantity + best[1].quantity
    assert Decimal(last["Z"]) == Decimal(first["Y"]) + Decimal(last["Y"])


def test_the_rest_of_an_ioc_expires_after_its_fills_and_says_why(floor):
    ask = floor.exchange.venue.depth("BTCUSDT", NOON).asks[0]
    quantity = str(ask.quantity + 1)
    events = floor.do(order(quantity=quantity, price=ask.price, time_in_force=TimeInForce.IOC))
    assert [some(e, "x", "X") for e in events[:-1]] == [
        ("NEW", "NEW"),
        ("TRADE", "PARTIALLY_FILLED"),
        ("EXPIRED", "EXPIRED"),
    ]
    assert [e.get("eR") for e in events[:-1]] == [None, None, "UNFILLED_IOC_QUANTITY_EXPIRED"]
    assert some(events[2], "t", "l", "L", "n", "N", "w") == (
        -1,
        "0.00000000",
        "0.00000000",
        "0",
        None,
        False,
    )


def test_a_cancel_carries_its_own_id_and_that_of_the_order(floor):
    floor.do(order(price=floor.price("0.5"), client_order_id="mine"))
    cancel = CancelOrder(account="ann", symbol="BTCUSDT", order_id=1, cancel_client_order_id="stop")
    gone, position = floor.do(cancel, NOON + 3)
    assert some(gone, "c", "C", "x", "X", "w") == ("stop", "mine", "CANCELED", "CANCELED", False)
    assert some(gone, "O", "T", "W") == (NOON, NOON + 3, NOON)
    assert position["B"][1]["l"] == "0.00000000"


def test_both_halves_of_a_replacement_are_told_and_nothing_between_them(floor):
    floor.do(order(price=floor.price("0.5"), client_order_id="old"))
    cancel = CancelOrder(account="ann", symbol="BTCUSDT", order_id=1)
    place = order(price=floor.price("0.6"), client_order_id="new")
    events = floor.do(CancelReplace(cancel=cancel, place=place, allow_failure=False))
    assert [e.get("x") for e in events] == ["CANCELED", "NEW", None]
    assert (events[0]["C"], events[1]["c"]) == ("old", "new")


def test_an_order_that_takes_and_then_rests_is_on_the_book(floor):
    ask = floor.exchange.venue.depth("BTCUSDT", NOON).asks[0]
    _, partial, _ = floor.do(order(quantity=str(ask.quantity + 1), price=ask.price))
    assert some(partial, "X", "w", "m") == ("PARTIALLY_FILLED", True, False)


def test_maker_and_taker_are_told_of_one_trade_by_one_id(floor):
    ask = floor.exchange.venue.depth("BTCUSDT", NOON).asks[0].price
    price = ask - Decimal("0.01")
    floor.do(order("SELL", "0.02", price=price))
    trade, _ = floor.do(order(quantity="0.02", price=price, account="bob"))
    _, other, _ = floor.told("bob")
    assert some(trade, "x", "X", "m", "w", "S") == ("TRADE", "FILLED", True, False, "SELL")
    assert some(other, "x", "X", "m", "S") == ("TRADE", "FILLED", False, "BUY")
    assert trade["t"] == other["t"]
    assert trade["N"] == "USDT"
    assert other["N"] == "BTC"


def test_a_stop_order_waits_off_the_book(floor):
    command = order(
        "SELL",
        price=floor.price("0.7"),
        stop_price=floor.price("0.8"),
        type=OrderType.STOP_LOSS_LIMIT,
    )
    new, _ = floor.do(command)
    assert some(new, "o", "P", "w") == (
        "STOP_LOSS_LIMIT",
        f"{floor.price('0.8')}.00000000",
        False,
    )
    assert "W" not in new


@pytest.mark.parametrize("stop", [None, "1.05"])
def test_a_trailing_stop_tells_its_delta_and_since_when_it_tracks(floor, stop):
    command = order(
        "SELL",
        trailing_delta=500,
        stop_price=None if stop is None else floor.price(stop),
        type=OrderType.TAKE_PROFIT,
    )
    new, _ = floor.do(command)
    assert some(new, "d", "D") == (500, -1)
    last = floor.feed.last_trade("BTCUSDT", now=NOON)
    first, *_ = floor.feed.trades_from("BTCUSDT", first_id=last.id + 1, limit=1, now=NOON + 60_000)
    gone, _ = floor.do(CancelOrder(account="ann", symbol="BTCUSDT", order_id=1), NOON + 60_000)
    assert some(gone, "x", "d", "D") == ("CANCELED", 500, -1 if stop else first.time)


def test_strategy_iceberg_and_quote_quantity_are_told_where_they_were_sent(floor):
    new, _ = floor.do(
        order(
            quantity="0.1",
            price=floor.price("0.5"),
            iceberg_quantity=Decimal("0.05"),
            strategy_id=5,
            strategy_type=1_000_001,
        )
    )
    assert some(new, "F", "j", "J") == ("0.05000000", 5, 1_000_001)
    by_quote = floor.do(order(quantity=None, quote_quantity=Decimal(500)))[0]
    assert by_quote["Q"] == "500.00000000"


def test_a_prevented_match_is_told_to_its_order(floor):
    ask = floor.exchange.venue.depth("BTCUSDT", NOON).asks[0].price
    price = ask - Decimal("0.01")
    floor.do(order("SELL", "0.02", price=price))
    taker = order("BUY", "0.02", price=price, stp=SelfTradePrevention.EXPIRE_TAKER)
    _, event, _ = floor.do(taker)
    assert some(event, "x", "X", "v", "A", "B", "u", "U", "Cs") == (
        "TRADE_PREVENTION",
        "EXPIRED_IN_MATCH",
        1,
        "0.02000000",
        "0.02000000",
        -1,
        1,
        "BTCUSDT",
    )


def test_a_prevented_match_tells_the_trade_that_was_not_made(floor):
    """What l, L and Y would have been: they are zero themselves."""
    price = floor.exchange.venue.depth("BTCUSDT", NOON).asks[0].price - Decimal("0.01")
    floor.do(order("SELL", "0.02", price=price))
    taker = order("BUY", "0.05", price=price, stp=SelfTradePrevention.EXPIRE_BOTH)
    _, maker, taker, _ = floor.do(taker)
    worth = f"{price * Decimal('0.02'):.8f}"
    for event, lost, counter in ((maker, "0.02000000", 2), (taker, "0.05000000", 1)):
        assert some(event, "l", "L", "Y") == ("0.00000000",) * 3
        assert some(event, "pl", "pL", "pY") == ("0.02000000", f"{price:.8f}", worth)
        assert some(event, "A", "B", "U") == (lost, lost, counter)


def test_an_amended_order_is_told_as_replaced(floor):
    floor.do(order("SELL", "0.05", price=floor.price("1.5"), client_order_id="mine"))
    wish = AmendOrder(account="ann", symbol="BTCUSDT", quantity=Decimal("0.02"), order_id=1)
    event, position = floor.do(replace(wish, new_client_order_id="less"))
    assert some(event, "x", "X", "c", "C", "q", "z", "w", "I") == (
        *("REPLACED", "NEW", "less", "mine", "0.02000000", "0.00000000"),
        *(True, 2),
    )
    assert position["B"][0] == {"a": "BTC", "f": "9.98000000", "l": "0.02000000"}
    event, _ = floor.do(replace(wish, quantity=Decimal("0.01"), new_client_order_id="less"))
    assert some(event, "c", "C") == ("less", "less")


def test_a_list_is_told_as_updated_when_an_order_of_it_has_a_new_name(floor):
    pending = order("SELL", "0.01", price=floor.price("1.5"))
    floor.do(PlaceList(working=order(price=floor.price("0.5")), rest=pending))
    wish = AmendOrder(account="ann", symbol="BTCUSDT", quantity=Decimal("0.005"), order_id=2)
    event, listed, _ = floor.do(replace(wish, new_client_order_id="less"))
    assert some(event, "x", "X", "g", "c") == ("REPLACED", "PENDING_NEW", 1, "less")
    assert some(listed, "e", "g", "l", "L") == ("listStatus", 1, "UPDATED", "EXECUTING")
    assert [each["c"] for each in listed["O"]][1] == "less"


def test_a_deposit_is_a_balance_update(floor):
    update, position = floor.do(Deposit(account="ann", asset="BTC", amount=Decimal(100)))
    assert update == {
        "e": "balanceUpdate",
        "E": TOLD,
        "a": "BTC",
        "d": "100.00000000",
        "T": NOON,
    }
    assert position["B"] == [{"a": "BTC", "f": "110.00000000", "l": "0.00000000"}]


def test_others_hear_nothing(floor):
    floor.do(order(price=floor.price("0.5")))
    floor.exchange.handle(Deposit(account="ann", asset="BTC", amount=Decimal(1)), NOON)
    assert floor.told("bob") == []


def test_notices_are_dated():
    assert user_events.stream_terminated(TOLD) == {"e": "eventStreamTerminated", "E": TOLD}
    assert user_events.server_shutdown(TOLD) == {"e": "serverShutdown", "E": TOLD}


def test_a_list_of_orders_is_told_as_documented(floor):
    """The example of Binance's user-data-stream.md; executions come first, balances last."""
    above = order("SELL", price=floor.price("1.5"), client_order_id="a")
    below = order("SELL", type=OrderType.STOP_LOSS, stop_price=floor.price("0.5"))
    above = replace(above, type=OrderType.LIMIT_MAKER, time_in_force=None)
    pair = Pair(above=above, below=replace(below, client_order_id="b"))
    *reports, told, position = floor.do(PlaceList(rest=pair, client_order_id="list"))
    assert [some(report, "e", "x", "X", "g", "w") for report in reports] == [
        ("executionReport", "NEW", "NEW", 1, False),
        ("executionReport", "NEW", "NEW", 1, True),
    ]
    assert position["e"] == "outboundAccountPosition"
    assert told == {
        "e": "listStatus",
        "E": TOLD,
        "s": "BTCUSDT",
        "g": 1,
        "c": "OCO",
        "l": "EXEC_STARTED",
        "L": "EXECUTING",
        "r": "NONE",
        "C": "list",
        "T": NOON,
        "O": [{"s": "BTCUSDT", "i": 1, "c": "b"}, {"s": "BTCUSDT", "i": 2, "c": "a"}],
    }
    assert floor.told("bob") == []


def test_times_may_be_microseconds(floor):
    new, position = floor.do(
        order(
            "SELL", trailing_delta=500, stop_price=floor.price("1.05"), type=OrderType.TAKE_PROFIT
        )
    )
    new, position = map(user_events.in_microseconds, (new, position))
    assert some(new, "E", "T", "O", "D", "i") == (TOLD * 1000, NOON * 1000, NOON * 1000, -1, 1)
    assert some(position, "E", "u") == (TOLD * 1000, NOON * 1000)


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded events beside the project")
class TestRecorded:
    """Names, order and JSON types of what the real exchange has sent."""

    @pytest.fixture
    def ours(self, floor):
        """An event of ours for each kind of execution, the market order's first."""
        best = floor.exchange.venue.depth("BTCUSDT", NOON).asks
        market = order(quantity=str(best[0].quantity + best[1].quantity))
        stop = order(
            "SELL",
            price=floor.price("0.7"),
            stop_price=floor.price("0.8"),
            type=OrderType.STOP_LOSS_LIMIT,
        )
        fok = order(quantity="9", price=floor.price("0.9"), time_in_force=TimeInForce.FOK)
        limit = order(price=floor.price("0.5"))
        cancel = CancelOrder(account="ann", symbol="BTCUSDT", order_id=4)
        return [e for command in (market, stop, fok, limit, cancel) for e in floor.do(command)]

    def test_execution_reports(self, ours):
        sequences = json.loads((RECORDED / "spot_user_data_sequences.json").read_text())
        recorded = [m.get("event", m) for each in sequences for m in each["messages"]]
        assert len(recorded) >= 14
        for theirs in recorded:
            alike = [
                event
                for event in ours
                if event["e"] == theirs["e"]
                and event.get("x") == theirs["x"]
                and ("W" in event) == ("W" in theirs)
                and event.get("w") == theirs["w"]
            ]
            assert alike, theirs
            assert all(shape(event) == shape(theirs) for event in alike)

    def test_single_events(self, ours):
        messages = json.loads((RECORDED / "user_data_single_messages.json").read_text())
        kinds = {"executionReport", "outboundAccountPosition"}
        recorded = [m["message"].get("data", m["message"]) for m in messages if m["name"] in kinds]
        assert len(recorded) == 9
        for theirs in recorded:
            alike = [e for e in ours if e["e"] == theirs["e"] and e.get("x") == theirs.get("x")]
            assert alike
            assert all(shape(theirs).items() <= shape(e).items() for e in alike if newer(e, theirs))


def newer(ours, theirs):
    """Whether ours may be compared: a recorded event of an order on the book has W since 2021."""
    return ("W" in ours) >= ("W" in theirs)


def shape(event):
    """Name -> JSON type; None and text are one, as the commission's asset may be either."""
    return {
        name: str if value is None else type(json.loads(json.dumps(value)))
        for name, value in event.items()
        if name != "eR"  # newer than the recordings
    }
