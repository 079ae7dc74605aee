from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.market import BTC, ETH
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import (
    AlreadyRegistered,
    NotRegistered,
    UnknownSymbol,
    Unreachable,
)
from trading_system.domain.instruments import Symbol
from trading_system.market.backfill import BackfillService
from trading_system.market.registry import SymbolRegistry
from trading_system.ports import JobState

T = round(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def registry(symbols, market_data, prices, jobs, clock):
    """Backfills an hour; it is 12:00:30."""
    backfills = BackfillService(market_data=market_data, prices=prices, jobs=jobs, clock=clock)
    return SymbolRegistry(
        symbols=symbols,
        market_data=market_data,
        backfills=backfills,
        clock=clock,
        backfill_minutes=60,
    )


async def test_registering_collects_from_now_on_and_fetches_the_past(registry, clock, jobs):
    registration = await registry.register(BTC)
    assert registration.registered.active
    assert registration.registered.registered_at == clock.now()
    assert registration.backfill.span == Span(T - 60 * MINUTE, T)
    assert registration.backfill.state is JobState.PENDING
    assert list(jobs.rows.values()) == [registration.backfill]


async def test_a_symbol_the_venue_does_not_list_is_refused(registry):
    with pytest.raises(UnknownSymbol, match="DOGE/USDT"):
        await registry.register(Symbol("DOGE", "USDT"))
    assert await registry.all() == []


async def test_an_active_symbol_is_not_registered_twice(registry, jobs):
    await registry.register(BTC)
    with pytest.raises(AlreadyRegistered):
        await registry.register(BTC)
    assert len(jobs.rows) == 1


async def test_a_venue_that_cannot_be_asked_leaves_nothing_behind(registry, market_data, jobs):
    market_data.unreachable = Unreachable("no answer")
    with pytest.raises(Unreachable):
        await registry.register(BTC)
    assert await registry.all() == []
    assert jobs.rows == {}


async def test_a_deactivated_symbol_can_be_registered_again(registry, jobs):
    await registry.register(BTC)
    assert not (await registry.deactivate(BTC)).active
    assert (await registry.register(BTC)).registered.active
    assert len(jobs.rows) == 2


async def test_all_are_listed_by_activity(registry):
    await registry.register(ETH)
    await registry.register(BTC)
    await registry.deactivate(ETH)
    assert [each.symbol for each in await registry.all()] == [BTC, ETH]
    assert [each.symbol for each in await registry.all(active=True)] == [BTC]


async def test_any_span_of_a_registered_symbol_can_be_backfilled(registry):
    await registry.register(BTC)
    span = Span(T - 5000 * MINUTE, T - 4000 * MINUTE)
    assert (await registry.backfill(BTC, span)).span == span


@pytest.mark.parametrize("method", ["backfill", "deactivate"])
async def test_an_unregistered_symbol_is_refused(registry, method):
    arguments = (BTC, Span(0, MINUTE)) if method == "backfill" else (BTC,)
    with pytest.raises(NotRegistered):
        await getattr(registry, method)(*arguments)
