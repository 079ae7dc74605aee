"""What a SymbolRepository promises, held by the fake of the tests and by SQLite alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.market import BTC, ETH, FakeSymbols
from trading_system.domain.errors import AlreadyRegistered, NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.ports import RegisteredSymbol
from trading_system.storage.database import Database
from trading_system.storage.symbols import Symbols

NOW = datetime(2026, 1, 1, 12, 0, 30, 250_000, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture(params=["fake", "sqlite"])
async def symbols(request, tmp_path):
    if request.param == "fake":
        yield FakeSymbols()
        return
    async with Database.opened(tmp_path / "symbols.db") as database:
        yield Symbols(database)


async def test_a_registered_symbol_is_active_since_then(symbols):
    registered = await symbols.add(BTC, NOW)
    assert registered == RegisteredSymbol(symbol=BTC, active=True, registered_at=NOW)
    assert await symbols.get(BTC) == registered


async def test_registering_an_active_symbol_again_is_refused(symbols):
    await symbols.add(BTC, NOW)
    with pytest.raises(AlreadyRegistered):
        await symbols.add(BTC, LATER)
    assert (await symbols.get(BTC)).registered_at == NOW


async def test_a_deactivated_symbol_stays_known_and_can_come_back(symbols):
    await symbols.add(BTC, NOW)
    assert await symbols.deactivate(BTC) == RegisteredSymbol(
        symbol=BTC, active=False, registered_at=NOW
    )
    assert not (await symbols.get(BTC)).active
    back = await symbols.add(BTC, LATER)
    assert back == RegisteredSymbol(symbol=BTC, active=True, registered_at=LATER)


async def test_all_are_sorted_and_selected_by_activity(symbols):
    # As text "1INCH/BTC" follows "1/USDT", as pairs the base decides first.
    pairs = [ETH, Symbol("1INCH", "BTC"), BTC, Symbol("1", "USDT"), Symbol("BTC", "EUR")]
    for pair in pairs:
        await symbols.add(pair, NOW)
    await symbols.deactivate(BTC)
    assert [each.symbol for each in await symbols.all()] == sorted(pairs)
    assert [each.symbol for each in await symbols.all(active=False)] == [BTC]
    assert [each.symbol for each in await symbols.all(active=True)] == sorted(set(pairs) - {BTC})


@pytest.mark.parametrize("method", ["get", "deactivate"])
async def test_an_unknown_symbol_is_not_registered(symbols, method):
    await symbols.add(ETH, NOW)
    with pytest.raises(NotRegistered):
        await getattr(symbols, method)(BTC)
