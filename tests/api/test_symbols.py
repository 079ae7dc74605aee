from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, MandateState
from trading_system.domain.timeframes import Timeframe
from trading_system.trader.views import StrategyView

BTC = Symbol("BTC", "USDT")


async def test_registering_answers_201_with_the_symbol_and_its_backfill(client, system):
    response = await client.post("/symbols", json={"symbol": "BTC/USDT"})
    assert response.status_code == 201
    assert response.headers["Location"] == "/symbols/BTC-USDT"
    body = response.json()
    job = body.pop("backfill")
    assert body == {
        "symbol": "BTC/USDT",
        "active": True,
        "registered_at": "2026-01-01T12:00:30Z",
    }
    assert job["state"] == "pending"
    assert job["expected"] == 1440
    assert (await client.get(f"/backfills/{job['id']}")).json() == job


async def test_the_location_of_a_registration_answers(client):
    location = (await client.post("/symbols", json={"symbol": "btc-usdt"})).headers["Location"]
    assert (await client.get(location)).json()["symbol"] == "BTC/USDT"


async def test_a_symbol_cannot_be_registered_twice(client):
    await client.post("/symbols", json={"symbol": "BTC/USDT"})
    response = await client.post("/symbols", json={"symbol": "BTC/USDT"})
    assert response.status_code == 400
    assert response.json()["title"] == "Already registered"


async def test_a_symbol_the_venue_does_not_list_is_404(client):
    response = await client.post("/symbols", json={"symbol": "NO/SUCH"})
    assert response.status_code == 404
    assert response.json()["type"] == "/docs#unknown-symbol"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"symbol": "BTCUSDT"}, "body.symbol"),
        ({"symbol": 7}, "body.symbol"),
        ({}, "body.symbol"),
        ({"symbol": "BTC/USDT", "minutes": 5}, "body.minutes"),
        ([], "body"),
    ],
)
async def test_a_malformed_registration_is_422_and_names_the_field(client, system, body, field):
    response = await client.post("/symbols", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not system.symbols.rows


async def test_deactivating_keeps_the_symbol_and_posting_again_reactivates(client):
    await client.post("/symbols", json={"symbol": "BTC/USDT"})
    gone = await client.delete("/symbols/BTC-USDT")
    assert (gone.status_code, gone.json()["active"]) == (200, False)
    assert (await client.get("/symbols/BTC-USDT")).json()["active"] is False
    assert (await client.post("/symbols", json={"symbol": "BTC/USDT"})).status_code == 201
    assert (await client.get("/symbols/BTC-USDT")).json()["active"] is True


@pytest.mark.parametrize(
    ("state", "status"), [(MandateState.RUNNING, 403), (MandateState.STOPPED, 200)]
)
async def test_what_a_running_strategy_trades_stays_registered(client, system, state, status):
    """Without candles it would decide nothing more, and keep what it holds."""
    await client.post("/symbols", json={"symbol": "BTC/USDT"})
    await client.post("/symbols", json={"symbol": "ETH/USDT"})
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    mandate = Mandate(
        id=UUID(int=7),
        strategy="sma_cross",
        symbols=(Symbol("BTC", "USDT"),),
        timeframe=Timeframe.parse("1m"),
        parameters={},
        capital=Decimal(1000),
        created_at=noon,
        updated_at=noon,
        state=state,
    )
    system.strategies.views.rows = [
        StrategyView(mandate=mandate, positions=(), cash=Decimal(1000), equity=None)
    ]
    told = await client.delete("/symbols/BTC-USDT")
    assert told.status_code == status
    if status == 403:
        assert told.json()["detail"] == f"strategy {mandate.id} trades BTC/USDT: stop it first"
    assert (await client.delete("/symbols/ETH-USDT")).status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_symbol_nobody_registered_is_404(client, method):
    response = await client.request(method, "/symbols/BTC-USDT")
    assert response.status_code == 404
    assert response.json()["title"] == "Not registered"


async def test_a_malformed_symbol_in_the_path_is_422(client):
    assert (await client.get("/symbols/BTCUSDT")).status_code == 422


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", ["BTC/USDT", "ETH/USDT"]), ("?active=true", ["ETH/USDT"]), ("?active=0", ["BTC/USDT"])],
)
async def test_the_list_is_sorted_and_selects(client, query, expected):
    for name in ("ETH/USDT", "BTC/USDT"):
        await client.post("/symbols", json={"symbol": name})
    await client.delete("/symbols/BTC-USDT")
    response = await client.get(f"/symbols{query}")
    assert [row["symbol"] for row in response.json()] == expected
