"""The last reconciliations, as they were told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from trading_system.domain.reconciliations import BalanceDifference, Reconciliation
from trading_system.storage import reconciliations
from trading_system.storage.database import Database
from trading_system.storage.reconciliations import Reconciliations

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DONE = Reconciliation(
    started=NOON,
    ended=NOON + timedelta(seconds=2),
    asked=1,
    booked=2,
    adopted=3,
    unknown_left=4,
    fills=5,
    balances_compared=True,
    differences=(
        BalanceDifference(asset="BTC", expected=Decimal("1.10"), actual=Decimal(3), time=NOON),
    ),
)


async def test_the_newest_come_first_and_as_they_were_told(tmp_path):
    async with Database.opened(tmp_path / "r.db") as database:
        record = Reconciliations(database)
        assert await record.latest() == []
        await record.add(DONE)
        later = replace(DONE, asked=9, balances_compared=False, differences=())
        await record.add(later)
        assert await record.latest() == [later]
        assert await record.latest(5) == [later, DONE]
    assert DONE.differences[0].size == Decimal("1.90")


async def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(reconciliations, "_KEPT", 2)
    async with Database.opened(tmp_path / "r.db") as database:
        record = Reconciliations(database)
        for number in range(4):
            await record.add(replace(DONE, asked=number))
        assert [each.asked for each in await record.latest(9)] == [3, 2]
