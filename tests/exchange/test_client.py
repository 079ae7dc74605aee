"""What leaves the client, and what does not."""

from __future__ import annotations

import asyncio

import pytest

from trading_system.domain.errors import NotAllowed
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints


@pytest.fixture
async def keyless(venue, clock):
    client = Client(endpoints=trading_endpoints(venue.url), clock=clock)
    yield client
    await client.close()


async def test_without_keys_nothing_signed_is_sent(keyless, venue):
    with pytest.raises(NotAllowed, match="BINANCE_API_KEY"):
        await keyless.call("order", method="POST", signed=True, symbol="BTCUSDT")
    assert venue.requests == []


async def test_old_trades_need_no_keys(keyless, venue):
    venue.says(200, [])
    assert await keyless.call("historicalTrades", symbol="BTCUSDT", fromId=7) == []
    assert venue.requests == [
        ("GET", "/api/v3/historicalTrades", {"symbol": "BTCUSDT", "fromId": "7"})
    ]


async def test_closing_waits_for_nobody(keyless, venue):
    await keyless.call("time")
    async with asyncio.timeout(0.2):
        await keyless.close()
