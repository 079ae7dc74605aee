"""What fills explain of a balance, to the last digit, and what is left to tell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from tests.fakes.account import FakeBalances
from trading_system.domain.errors import StorageError
from trading_system.domain.events import BalancesChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Balance, Fill
from trading_system.execution.balances import differences, no_flows, spot_flows, totals
from trading_system.ports import RecordedFill

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def fill(side="BUY", *, fee="0.001", fee_asset="BTC") -> RecordedFill:
    return RecordedFill(
        order_id=UUID(int=1),
        symbol=Symbol("BTC", "USDT"),
        side=side,
        fill=Fill(
            trade_id="1",
            price=Decimal(100),
            quantity=Decimal(2),
            quote_quantity=Decimal(200),
            fee=Decimal(fee),
            fee_asset=fee_asset,
            maker=True,
            time=NOON,
        ),
    )


@pytest.mark.parametrize(
    ("row", "flows"),
    [
        (fill(), {"BTC": "1.999", "USDT": "-200"}),
        (fill("SELL", fee="0.2", fee_asset="USDT"), {"BTC": "-2", "USDT": "199.8"}),
        (fill(fee_asset="BNB"), {"BTC": "2", "USDT": "-200", "BNB": "-0.001"}),
        (fill(fee="0", fee_asset=""), {"BTC": "2", "USDT": "-200"}),
    ],
)
def test_a_fill_moves_base_quote_and_fee(row, flows):
    assert spot_flows(row) == {asset: Decimal(amount) for asset, amount in flows.items()}


def test_fills_of_a_margin_account_explain_nothing():
    assert no_flows(fill()) == {}


def test_locking_is_no_change_of_what_is_held():
    assert totals([Balance(asset="A", free=Decimal(1), locked=Decimal(2))]) == {"A": Decimal(3)}


@pytest.mark.parametrize(
    ("before", "fills", "actual", "told"),
    [
        ({}, [], {}, []),
        ({"USDT": "1000"}, [fill()], {"USDT": "800", "BTC": "1.999"}, []),
        ({"USDT": "1000"}, [fill()], {"USDT": "800"}, [("BTC", "1.999", "0")]),
        ({"USDT": "9"}, [], {"USDT": "9.00"}, []),
        ({"A": "1"}, [], {"B": "2"}, [("A", "1", "0"), ("B", "0", "2")]),
        ({"A": "1"}, [], {"A": "1.00000001"}, [("A", "1", "1.00000001")]),
    ],
)
def test_a_difference_is_told_with_what_was_expected(before, fills, actual, told):
    def amounts(texts):
        return {asset: Decimal(text) for asset, text in texts.items()}

    found = differences(amounts(before), fills, amounts(actual), flows=spot_flows, time=NOON)
    assert [(d.asset, d.expected, d.actual) for d in found] == [
        (asset, Decimal(expected), Decimal(held)) for asset, expected, held in told
    ]
    assert all(d.size == d.actual - d.expected and d.time == NOON for d in found)


def test_what_a_venue_rounds_of_a_fill_is_no_difference():
    """An order's own answer tells price and quantity; the product has more digits than balances."""
    row = fill(fee="0", fee_asset="")
    exact = Decimal("0.000000015")
    rows = [replace(row, fill=replace(row.fill, quote_quantity=exact))] * 3

    def told(held):
        actual = {"USDT": Decimal(held), "BTC": Decimal(6)}
        before = {"USDT": Decimal(1)}
        return differences(before, rows, actual, flows=spot_flows, time=NOON)

    assert told("0.99999997") == told("0.99999994") == ()
    assert [each.asset for each in told("0.99999992")] == ["USDT"]
    assert [each.asset for each in told("0.99999999")] == ["USDT"]


async def test_what_is_pushed_is_kept_and_a_disk_that_fails_for_once_ends_nothing(
    book, bus, kept, clock
):
    real, failures = kept.append, [StorageError("locked")]

    async def append(*args, **more):
        if failures:
            raise failures.pop()
        await real(*args, **more)

    kept.append = append
    task = asyncio.create_task(book.run())
    for amount in (1, 2):
        held = Balance(asset="BTC", free=Decimal(amount), locked=Decimal(0))
        bus.publish(BalancesChanged(balances=(held,), time=clock.now()))
    await clock.advance(0)
    assert kept.kept == [("stream", held)]
    task.cancel()


async def test_a_fill_booked_while_balances_are_read_leaves_them_unjudged(book, records, kept):
    """Whether it is behind them nobody can say."""
    numbers = iter((5, 6))

    async def booked():
        return next(numbers)

    kept.fills_booked = booked
    findings = await book.compare(records, await book.look(records))
    assert not findings.quiet


async def test_a_fill_that_is_heard_late_counts_from_when_it_was_booked(book, records, orders):
    """Its time lies before the last check, but that check did not know of it."""
    kept = FakeBalances(orders)
    book._balances = kept
    records.held = [Balance(asset="USDT", free=Decimal(1000), locked=Decimal(0))]
    await book.keep(await book.compare(records, await book.look(records)))
    orders.booked["1", UUID(int=1)] = fill()
    findings = await book.compare(records, await book.look(records))
    assert [(d.asset, d.size) for d in findings.differences] == [
        ("BTC", Decimal("-1.999")),
        ("USDT", Decimal(200)),
    ]
