from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.command_log import CommandLog, CommandLogError
from trading_system.simulator.model import CancelAll

BTC = {"symbol": "BTCUSDT"}
MARKET = {"seed": 7, "market": "seed"}
HOUR = 3_600_000


@pytest.fixture
def reopen(make_desk, tmp_path):
    """A desk whose log is in this test's folder; call it again for a restart."""
    opened = []

    def open_(now=None):
        for desk in opened:
            desk.exchange.close()
        desk = make_desk(log=CommandLog(tmp_path / "kept.jsonl", MARKET))
        desk.now = now or desk.now
        opened.append(desk)
        return desk

    yield open_
    for desk in opened:
        desk.exchange.close()


def everything(desk):
    told = desk.ask("GET", "account"), desk.ask("GET", "allOrders", **BTC)
    return *told, desk.ask("GET", "myTrades", **BTC), desk.ask("GET", "openOrders")


def test_a_restart_changes_nothing(reopen):
    desk = reopen()
    order = BTC | {"side": "BUY", "type": "MARKET", "quantity": "0.3"}
    desk.ask("POST", "order", **order)
    for price in ("50000", "51000", "52000"):
        desk.now += 1_000
        desk.buy(price=price)
    desk.ask("DELETE", "order", **BTC, orderId=2)
    replacement = {"cancelOrderId": 3, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    replacement |= BTC | {"quantity": "0.01", "price": "49000"}
    desk.ask("POST", "order/cancelReplace", **replacement, cancelReplaceMode="STOP_ON_FAILURE")
    poor = replacement | {"cancelOrderId": 4, "quantity": "50"}
    status, _ = desk.signed(
        "POST", "order/cancelReplace", **poor, cancelReplaceMode="STOP_ON_FAILURE"
    )
    assert status == 409
    desk.signed_refusal("POST", "order", **order | {"quantity": "90"})
    before, now = everything(desk), desk.now
    assert len(before[3]) == 1
    assert everything(reopen(now)) == before


def test_orders_meet_what_happened_while_the_exchange_was_down(reopen, feed):
    desk = reopen()
    last = feed.last_trade("BTCUSDT", now=desk.now)
    price = last.price - Decimal(100)
    desk.buy(quantity="0.0001", price=str(price))
    trade = feed.next_trade(
        "BTCUSDT", after=last.id, now=desk.now + 48 * HOUR, at_or_below=price, at_or_above=None
    )
    desk = reopen(now=trade.time + HOUR)
    (fill,) = desk.ask("GET", "myTrades", **BTC)
    assert fill["time"] == trade.time


def test_refused_and_reading_calls_are_not_kept(reopen, tmp_path):
    desk = reopen()
    desk.signed_refusal("DELETE", "openOrders", **BTC)
    desk.ask("GET", "openOrders")
    assert not (tmp_path / "kept.jsonl").exists()


def test_a_kept_command_that_is_refused_today_ends_the_start(reopen, tmp_path):
    log = CommandLog(tmp_path / "kept.jsonl", MARKET)
    log.append(CancelAll(account="main", symbol="GONE"), 1)
    log.close()
    with pytest.raises(CommandLogError, match="refused today"):
        reopen()


def test_time_that_goes_back_is_kept_as_the_venue_saw_it(reopen):
    desk = reopen()
    desk.buy()
    desk.now -= HOUR
    later = desk.buy()
    assert later["transactTime"] == desk.now + HOUR
    before = everything(desk)
    assert everything(reopen(desk.now)) == before
