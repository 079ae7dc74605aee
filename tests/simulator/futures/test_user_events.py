"""What an account is told: fields, values and order of its events."""

from __future__ import annotations

import pytest

from trading_system.simulator.futures import user_events
from trading_system.simulator.futures.events import AlgoEvent


def told(pit, events, account="ann"):
    return list(user_events.told(events, account, pit.now + 3))


def test_a_fill_is_told_with_its_profit_its_fee_and_what_rests(pit):
    pit.buy("1")
    pit.buy("2", "99")
    pit.now += 1_000
    pit.sell("1")
    new, account, trade = told(pit, pit.told)
    assert (new["e"], account["e"], trade["e"]) == (
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
        "ORDER_TRADE_UPDATE",
    )
    assert (trade["T"], trade["E"]) == (pit.now, pit.now + 3)
    order = trade["o"]
    assert {name: order[name] for name in ("x", "X", "l", "z", "L", "n", "N", "rp", "m", "t")} == {
        "x": "TRADE",
        "X": "FILLED",
        "l": "1",
        "z": "1",
        "L": "99.9",
        "n": "0.04995",
        "N": "USDT",
        "rp": "-0.2",
        "m": False,
        "t": 2,
    }
    assert (order["b"], order["a"], order["ap"], order["er"]) == ("198", "0", "99.9", "0")
    assert (new["o"]["x"], new["o"]["t"], new["o"]["l"], new["o"]["rp"]) == ("NEW", 0, "0", "0")


def test_an_account_is_told_its_wallet_and_the_position_that_changed(pit):
    pit.sell("1")
    (_, account, _) = told(pit, pit.told)
    assert account["a"] == {
        "B": [{"a": "USDT", "wb": "999.95005", "cw": "999.95005", "bc": "0"}],
        "P": [
            {
                "s": "BTCUSDT",
                "pa": "-1",
                "ep": "99.9",
                "cr": "0",
                "up": "-0.1",
                "mt": "cross",
                "iw": "0",
                "ps": "BOTH",
                "ma": "USDT",
                "bep": "99.85005",
            }
        ],
        "m": "ORDER",
    }


def test_an_unfilled_order_changes_no_account(pit):
    order = pit.buy("1", "99", time_in_force="GTX", reduce_only=False)
    assert [event["e"] for event in told(pit, pit.told)] == ["ORDER_TRADE_UPDATE"]
    (cancelled,) = told(pit, pit.cancel(order))
    assert (cancelled["o"]["x"], cancelled["o"]["f"], cancelled["o"]["b"]) == (
        "CANCELED",
        "GTX",
        "0",
    )


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (lambda pit: pit.buy("4", "100.20", time_in_force="IOC"), "2"),
        (lambda pit: pit.sell("9", "99.90", reduce_only=True), "4"),
        (lambda pit: pit.sell("9"), "9"),
    ],
)
def test_an_expired_order_says_why(make_pit, place, reason):
    pit = make_pit(wallet="100000")
    if reason == "4":
        pit.buy("1")
    place(pit)
    last = told(pit, pit.told)[-1]["o"]
    assert (last["x"], last["X"], last["er"]) == ("EXPIRED", "EXPIRED", reason)


def test_a_self_trade_says_so(pit):
    pit.sell("1", "100.05")
    pit.buy("1", "100.05", stp="EXPIRE_TAKER")
    last = told(pit, pit.told)[-1]["o"]
    assert (last["x"], last["X"], last["er"], last["V"]) == (
        "EXPIRED",
        "EXPIRED_IN_MATCH",
        "1",
        "EXPIRE_TAKER",
    )


def test_an_algo_order_tells_what_it_placed_once_it_has(pit):
    pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101", client_order_id="mine")
    (new,) = told(pit, pit.told)
    assert (new["o"]["X"], new["o"]["ai"], new["o"]["tt"]) == ("NEW", "", 0)
    assert new["o"].keys().isdisjoint({"ap", "aq", "act", "rm"})
    triggering, placed, _, traded, triggered, finished = told(pit, pit.print("101"))
    assert (triggering["o"]["X"], triggering["o"]["tt"]) == ("TRIGGERING", pit.now)
    for event in (placed, traded):
        order = event["o"]
        assert (order["si"], order["ss"], order["st"]) == (
            new["o"]["aid"],
            -1,
            "ALGO_CONDITION",
        )
        assert (order["c"], order["o"], order["ot"]) == ("mine", "MARKET", "MARKET")
    assert [triggered["o"][name] for name in ("X", "ai", "ap", "aq", "act")] == [
        "TRIGGERED",
        "1",
        "0",
        "0",
        "MARKET",
    ]
    assert [finished["o"][name] for name in ("X", "ap", "aq")] == ["FINISHED", "100.1", "1"]


def test_a_rejected_algo_order_says_why(pit):
    pit.wait("SELL", "STOP", quantity="1", trigger_price="99", price="99", reduce_only=True)
    rejected = told(pit, pit.print("99"))[-1]["o"]
    assert (rejected["X"], rejected["rm"], rejected["R"]) == (
        "REJECTED",
        "ReduceOnly Order is rejected.",
        True,
    )


def test_another_leverage_is_told(pit):
    (config,) = told(pit, pit.leverage(3))
    assert config == {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": pit.now + 3,
        "T": pit.now,
        "ac": {"s": "BTCUSDT", "l": 3},
    }


def test_nobody_is_told_of_anybody_else(pit):
    events = [*pit.leverage(3)]
    pit.buy("1")
    events += pit.told
    pit.wait("BUY", "STOP_MARKET", quantity="1", trigger_price="101")
    events += pit.told
    assert any(isinstance(event, AlgoEvent) for event in events)
    assert told(pit, events, account="bob") == []


def test_an_expired_key_is_named():
    assert user_events.listen_key_expired("key", 5) == {
        "e": "listenKeyExpired",
        "E": 5,
        "listenKey": "key",
    }
