"""`trading-system order oco`, `oto`, `otoco`, every type of order, and `instrument`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.api.conftest import FakeOrders, FakeSystem
from tests.api.test_order_lists import BTC
from tests.cli.test_live import Running
from tests.conftest import ManualClock
from trading_system.domain.errors import OutcomeUnknown
from trading_system.domain.order_lists import Leg
from trading_system.domain.orders import OrderStatus


@pytest.fixture
def served(monkeypatch):
    """What the command line speaks to."""
    clock = ManualClock()
    orders = FakeOrders(clock)
    parts = dict.fromkeys(("symbols", "registry", "backfills", "prices", "trading"))
    doors = dict.fromkeys(("orders", "desk", "order_manager"), orders)
    running = Running(FakeSystem(clock=clock, order_lists=orders.lists, **parts, **doors))
    monkeypatch.setenv("API_PORT", str(running.port))
    yield running.system
    running.stop()


def legs(system) -> dict:
    """What was asked for: side, type, price and stop price by leg."""
    (request,) = system.order_lists.requests
    return {
        str(leg): (str(wish.side), str(wish.type), wish.price, wish.stop_price)
        for leg, wish in request.legs.items()
    }


PAIR = ("--above", "110", "--below", "90")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            ("oco", *PAIR),
            {"above": ("SELL", "LIMIT_MAKER", 110, None), "below": ("SELL", "STOP_LOSS", None, 90)},
        ),
        (
            ("oco", *PAIR, "--limit", "89"),
            {
                "above": ("SELL", "LIMIT_MAKER", 110, None),
                "below": ("SELL", "STOP_LOSS_LIMIT", 89, 90),
            },
        ),
        (
            ("oco", *PAIR, "--side", "buy"),
            {"above": ("BUY", "STOP_LOSS", None, 110), "below": ("BUY", "LIMIT_MAKER", 90, None)},
        ),
        (
            ("oto", "--price", "100", "--then", "110"),
            {"working": ("BUY", "LIMIT", 100, None), "pending": ("SELL", "LIMIT", 110, None)},
        ),
        (
            ("otoco", "--price", "100", *PAIR),
            {
                "working": ("BUY", "LIMIT", 100, None),
                "above": ("SELL", "LIMIT_MAKER", 110, None),
                "below": ("SELL", "STOP_LOSS", None, 90),
            },
        ),
        (
            ("otoco", "--price", "100", *PAIR, "--side", "sell"),
            {
                "working": ("SELL", "LIMIT", 100, None),
                "above": ("BUY", "STOP_LOSS", None, 110),
                "below": ("BUY", "LIMIT_MAKER", 90, None),
            },
        ),
    ],
)
def test_each_kind_of_list_is_asked_for_in_a_few_words(cli, served, words, wanted) -> None:
    kind, *options = words
    result = cli("order", kind, "BTC/USDT", "0.01", *options)
    assert result.exit_code == 0, result.output
    assert legs(served) == wanted
    assert "EXECUTING" in result.output
    assert all(leg in result.output for leg in wanted)


def test_a_list_is_shown_and_cancelled_by_its_id(cli, served) -> None:
    cli("order", "oco", "BTC/USDT", "0.01", *PAIR)
    (list_id,) = served.order_lists.rows
    assert "EXECUTING" in cli("order", "list", str(list_id)).output
    assert "ALL_DONE" in cli("order", "cancel-list", str(list_id)).output
    assert served.order_lists.rows[list_id].legs[Leg.ABOVE].status is OrderStatus.CANCELED


def test_a_lost_answer_is_exit_code_1_and_says_that_we_keep_asking(cli, served) -> None:
    cli("order", "oco", "BTC/USDT", "0.01", *PAIR)
    served.order_lists.script = OutcomeUnknown("lost")
    (list_id,) = served.order_lists.rows
    result = cli("order", "cancel-list", str(list_id))
    assert (result.exit_code, "keeps asking" in result.output) == (1, True)


def test_a_list_that_cannot_be_is_refused_with_what_to_change(cli, served) -> None:
    result = cli("order", "oco", "BTC/USDT", "0.01", "--above", "80", "--below", "90")
    assert result.exit_code == 1
    assert "must lie above" in result.stderr


TYPES = {
    (): "MARKET",
    ("--price", "9"): "LIMIT",
    ("--stop-price", "8"): "STOP_LOSS",
    ("--trailing-delta", "50"): "STOP_LOSS",
    ("--stop-price", "8", "--price", "7"): "STOP_LOSS_LIMIT",
    ("--type", "take_profit", "--stop-price", "8"): "TAKE_PROFIT",
    ("--type", "take_profit_limit", "--stop-price", "8", "--price", "9"): "TAKE_PROFIT_LIMIT",
    ("--type", "limit_maker", "--price", "9", "--iceberg", "0.001"): "LIMIT_MAKER",
}


def test_every_type_of_order_can_be_asked_for(cli, served) -> None:
    for side in ("buy", "sell"):
        for options, kind in TYPES.items():
            result = cli("order", side, "BTC/USDT", "0.01", *options)
            assert result.exit_code == 0, result.stderr
            request = served.orders.requests[-1]
            assert (str(request.side), str(request.type)) == (side.upper(), kind)
            given = dict(zip(options[::2], options[1::2], strict=True))
            assert str(request.trailing_delta or "") == given.get("--trailing-delta", "")
            assert str(request.iceberg_quantity or "") == given.get("--iceberg", "")


def test_what_conform_adjusted_is_said(cli, served) -> None:
    result = cli("order", "buy", "BTC/USDT", "0.0019", "--conform")
    assert "quantity: 0.0019 was asked for, 0.001 was sent" in result.output


def test_the_rules_of_a_pair_are_a_table(cli, served) -> None:
    served.listing.rows[BTC.symbol] = replace(BTC, min_notional=Decimal(5))
    result = cli("instrument", "BTC/USDT")
    assert result.exit_code == 0
    assert "LIMIT, MARKET" in result.output
    assert "max notional" not in result.output
    assert cli("instrument", "NO/PE").exit_code == 1
