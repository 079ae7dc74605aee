"""Reports and balances as the user data stream tells them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trading_system.domain.events import BalancesChanged
from trading_system.domain.orders import OrderStatus
from trading_system.domain.reports import Balance, Fill, Report
from trading_system.exchange.streams import user_frames
from trading_system.exchange.streams.market_frames import UNREADABLE

RECORDED = Path(__file__).parents[4] / "shared/data/ws"
AT = datetime(2026, 3, 2, 13, 49, tzinfo=UTC)
MS = round(AT.timestamp() * 1000)


def event(**fields):
    return {
        "e": "executionReport",
        "E": MS + 1,
        "s": "BTCUSDT",
        "c": "ours",
        "S": "BUY",
        "o": "LIMIT",
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 77,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": MS,
        "t": -1,
        "I": 1000,
        "m": False,
        "Z": "0.00000000",
        "Y": "0.00000000",
    } | fields


def report(**fields):
    known = {
        "client_order_id": "ours",
        "venue_order_id": "77",
        "status": "NEW",
        "source": "stream",
        "time": AT,
    }
    return Report(**(known | fields))


PART = {"x": "TRADE", "X": "PARTIALLY_FILLED", "t": 5, "l": "2", "L": "10", "Y": "20"}
PART |= {"z": "3", "Z": "29", "n": "0.002", "N": "BNB", "m": True}
FILL = Fill(
    trade_id="5",
    price=Decimal(10),
    quantity=Decimal(2),
    quote_quantity=Decimal(20),
    fee=Decimal("0.002"),
    fee_asset="BNB",
    maker=True,
    time=AT,
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, report()),
        (
            PART,
            report(
                status="PARTIALLY_FILLED",
                executed_quantity=Decimal(3),
                executed_quote=Decimal(29),
                fills=(FILL,),
            ),
        ),
        (
            {"x": "CANCELED", "X": "CANCELED", "c": "the-request", "C": "ours"},
            report(status="CANCELED"),
        ),
        ({"x": "CANCELED", "X": "CANCELED", "C": "null"}, report(status="CANCELED")),
        ({"x": "REPLACED", "X": "NEW", "c": "the-request", "C": "ours"}, report()),
        ({"x": "EXPIRED", "X": "EXPIRED", "C": ""}, report(status="EXPIRED")),
        (
            {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"},
            report(status="REJECTED", reject_reason="INSUFFICIENT_BALANCES"),
        ),
        (
            {"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH", "z": "1", "Z": "10"},
            report(
                status="EXPIRED_IN_MATCH", executed_quantity=Decimal(1), executed_quote=Decimal(10)
            ),
        ),
    ],
)
def test_an_execution_report_becomes_a_report(fields, expected):
    assert user_frames.report(event(**fields)) == expected


def test_a_fill_without_a_fee_names_no_asset():
    fill = user_frames.report(event(**PART | {"n": "0", "N": None})).fills[0]
    assert (fill.fee, fill.fee_asset) == (Decimal(0), "")


@pytest.mark.parametrize(
    "fields", [{"X": "MELTED"}, {"z": "much"}, {"C": 5, "x": "CANCELED", "i": None, "T": None}]
)
def test_a_report_that_cannot_be_is_refused(fields):
    with pytest.raises(UNREADABLE):
        user_frames.report(event(**fields))


def test_an_account_position_tells_the_assets_that_changed():
    position = {"e": "outboundAccountPosition", "E": MS + 1, "u": MS}
    position["B"] = [{"a": "BTC", "f": "0.50", "l": "0.10"}]
    assert user_frames.balances(position) == BalancesChanged(
        balances=(Balance(asset="BTC", free=Decimal("0.50"), locked=Decimal("0.10")),), time=AT
    )


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded frames beside the project")
def test_recorded_sequences_add_up():
    """The fills of a recorded order add up to the totals of its last report."""
    sequences = json.loads((RECORDED / "spot_user_data_sequences.json").read_text())
    told = 0
    for sequence in sequences:
        fills, last = Decimal(0), {}
        for message in sequence["messages"]:
            inner = message.get("event", message)
            if inner["e"] == "outboundAccountPosition":
                assert user_frames.balances(inner).balances
            if inner["e"] != "executionReport":
                continue
            found = user_frames.report(inner)
            fills += sum(fill.quantity for fill in found.fills)
            last[found.client_order_id] = found
            assert OrderStatus(found.status)
            told += 1
        assert fills == sum(found.executed_quantity for found in last.values())
    assert told > 4
