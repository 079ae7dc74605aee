"""A real database in a temporary folder, with BTC/USDT registered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.storage.database import Database
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols


@pytest.fixture
async def database(tmp_path):
    async with Database.opened(tmp_path / "folder" / "test.db") as opened:
        yield opened


@pytest.fixture
async def prices(database):
    await Symbols(database).add(Symbol("BTC", "USDT"), datetime(2026, 1, 1, tzinfo=UTC))
    return Prices(database)
