"""`trading-system order modify` and `cancel` against a running API made of dictionaries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from tests.api.conftest import FakeOrders, FakeSystem
from tests.cli.test_live import Running
from tests.conftest import ManualClock
from trading_system.domain.errors import OutcomeUnknown
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    NotModified,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
)

ID = UUID(int=7)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RESTING = Order(
    id=ID,
    client_order_id="ts-7",
    request=OrderRequest(
        symbol=Symbol("BTC", "USDT"),
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.01"),
        price=Decimal(93_000),
    ),
    status=OrderStatus.NEW,
    created_at=NOON,
    updated_at=NOON,
)


@pytest.fixture
def served(monkeypatch):
    """What the command line speaks to: a system with one order that rests."""
    clock = ManualClock()
    orders = FakeOrders(clock)
    orders.rows[ID] = RESTING
    parts = dict.fromkeys(("symbols", "registry", "backfills", "prices", "trading"))
    doors = dict.fromkeys(("orders", "desk", "order_manager"), orders)
    running = Running(FakeSystem(clock=clock, **parts, **doors))
    monkeypatch.setenv("API_PORT", str(running.port))
    yield running.system
    running.stop()


def test_a_modified_order_is_printed_as_it_rests_now(cli, served) -> None:
    result = cli("order", "modify", str(ID), "--price", "92000", "--quantity", "0.005")
    assert result.exit_code == 0
    assert "92000" in result.output
    assert served.orders.rows[ID].request.quantity == Decimal("0.005")


def test_nothing_to_modify_is_told(cli, served) -> None:
    result = cli("order", "modify", str(ID))
    assert result.exit_code == 1
    assert "price, quantity or both" in result.stderr


def test_an_order_that_is_gone_is_printed_with_the_one_that_was_refused(cli, served) -> None:
    served.orders.script = NotModified(
        "no order took its place, and the old one is gone",
        old=replace(RESTING, status=OrderStatus.CANCELED),
        new=replace(RESTING, id=UUID(int=8), status=OrderStatus.REJECTED, replaces=ID),
    )
    result = cli("order", "modify", str(ID), "--price", "92000")
    assert result.exit_code == 1
    assert "CANCELED" in result.output
    assert "REJECTED" in result.output
    assert "the old one is gone" in result.stderr


def test_a_cancelled_order_is_printed(cli, served) -> None:
    result = cli("order", "cancel", str(ID))
    assert (result.exit_code, "CANCELED" in result.output) == (0, True)


def test_a_lost_answer_is_exit_code_1_and_says_that_we_keep_asking(cli, served) -> None:
    served.orders.script = OutcomeUnknown("no answer")
    result = cli("order", "cancel", str(ID))
    assert result.exit_code == 1
    assert "keeps asking" in result.output
