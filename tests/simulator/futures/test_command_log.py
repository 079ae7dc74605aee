"""What the log keeps makes the same account again, and what it cannot read it says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.futures.command_log import FuturesLog
from trading_system.simulator.futures.model import CancelAll, SetLeverage

MARKET = {"seed": 7}


def told(desk):
    """Everything a client can see of its account."""
    return [
        desk.ask("GET", "v3/account"),
        desk.ask("GET", "v3/positionRisk"),
        desk.ask("GET", "v1/allOrders", symbol="BTCUSDT"),
        desk.ask("GET", "v1/allAlgoOrders", symbol="BTCUSDT"),
        desk.ask("GET", "v1/userTrades", symbol="BTCUSDT"),
        desk.ask("GET", "v1/symbolConfig"),
    ]


def test_an_account_survives_a_restart(make_desk, tmp_path):
    log = FuturesLog(tmp_path / "kept.jsonl", MARKET, now=0)
    desk = make_desk(log=log)
    desk.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=7)
    desk.buy(price=None)
    order = desk.buy(timeInForce="GTX")
    ids = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    desk.ask("PUT", "v1/order", **ids, side="BUY", price="71000", quantity="0.02")
    desk.wait(clientAlgoId="mine")
    desk.wait()
    desk.ask("DELETE", "v1/algoOrder", clientAlgoId="mine")
    desk.refusal("POST", "v1/leverage", symbol="BTCUSDT", leverage=126)
    desk.now += 60_000
    before = told(desk)
    desk.exchange.close()
    again = make_desk(log=FuturesLog(tmp_path / "kept.jsonl", MARKET, now=5))
    again.now = desk.now
    assert told(again) == before
    again.buy()
    again.exchange.close()
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 9


def test_commands_are_read_as_they_were_kept(tmp_path):
    kept = [
        (SetLeverage(account="ann", symbol="BTCUSDT", leverage=3), 1),
        (CancelAll(account="ann", symbol="BTCUSDT"), 2),
    ]
    log = FuturesLog(tmp_path / "kept.jsonl", MARKET, now=9)
    for command, now in kept:
        log.append(command, now)
    log.close()
    log.close()
    again = FuturesLog(tmp_path / "kept.jsonl", MARKET, now=10)
    assert (again.opened, list(again.replay())) == (9, kept)


@pytest.mark.parametrize("line", ['{"command": "Nonsense", "now": 1}', '{"now": 1}', "[1]", "{"])
def test_a_damaged_line_is_named(tmp_path, line):
    log = FuturesLog(tmp_path / "kept.jsonl", MARKET, now=0)
    log.append(CancelAll(account="ann", symbol="BTCUSDT"), 1)
    log.close()
    with (tmp_path / "kept.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(CommandLogError, match="damaged in line 3"):
        list(FuturesLog(tmp_path / "kept.jsonl", MARKET, now=0).replay())


def test_a_kept_command_that_is_refused_today_ends_the_start(make_desk, tmp_path):
    log = FuturesLog(tmp_path / "kept.jsonl", MARKET, now=0)
    desk = make_desk(log=log)
    desk.buy("1", None)
    desk.exchange.close()
    with pytest.raises(CommandLogError, match="Margin is insufficient"):
        make_desk(log=FuturesLog(tmp_path / "kept.jsonl", MARKET, now=0), wallet="10")


def test_without_a_log_nothing_is_kept(desk):
    desk.buy()
    desk.exchange.close()
    assert desk.exchange.has_open_orders
    assert Decimal(desk.ask("GET", "v3/balance")[0]["balance"]) == 10_000
