from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.instruments import Symbol
from trading_system.ports import JobState

BTC = Symbol("BTC", "USDT")
NOON = 1_767_268_800_000  # the clock stands at 12:00:30


@pytest.fixture
async def start(client, system, clock):
    await system.symbols.add(BTC, clock.now())

    async def post(**body):
        return await client.post("/symbols/BTC-USDT/backfill", json=body)

    return post


def spans(system) -> list[Span]:
    return [job.span for job in system.backfills.rows.values()]


@pytest.mark.parametrize(
    ("body", "start_ms", "end_ms"),
    [
        ({"minutes": 90}, NOON - 90 * MINUTE, NOON),
        ({"minutes": 10_000_000 // 10 * 9}, NOON - 9_000_000 * MINUTE, NOON),
        ({"start": "2026-01-01T00:00:00Z"}, NOON - 720 * MINUTE, NOON),
        ({"start": NOON - 60_001, "end": NOON + 1}, NOON - MINUTE, NOON),
        ({"start": "2026-01-01T12:30:00+01:00", "end": "2027-01-01"}, NOON - 30 * MINUTE, NOON),
        ({"start": str(NOON - 180_000), "end": NOON - 60_001}, NOON - 180_000, NOON - MINUTE),
        ({"start": 0, "end": 60_000}, 0, 60_000),
    ],
)
async def test_a_backfill_covers_whole_closed_minutes(start, system, body, start_ms, end_ms):
    response = await start(**body)
    assert response.status_code == 202
    assert spans(system) == [Span(start_ms, end_ms)]
    assert response.headers["Location"] == f"/backfills/{response.json()['id']}"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"minutes": 0},
        {"minutes": "90"},
        {"minutes": 1.5},
        {"minutes": 5, "start": NOON},
        {"minutes": 5, "end": NOON},
        {"end": NOON},
        {"start": NOON, "end": NOON},
        {"start": NOON + 60_000},
        {"start": NOON, "end": NOON - 1},
        {"start": "yesterday"},
        {"start": 1.5e12},
        {"start": True},
        {"start": -1},
        {"start": "1969-12-31T23:59:59Z"},
        {"start": 10**15},
        {"start": "9" * 400},
    ],
)
async def test_a_malformed_backfill_is_422(start, system, body):
    response = await start(**body)
    assert response.status_code == 422, response.text
    assert response.json()["detail"]
    assert not spans(system)


async def test_a_symbol_nobody_registered_is_404(client):
    response = await client.post("/symbols/ETH-USDT/backfill", json={"minutes": 5})
    assert (response.status_code, response.json()["title"]) == (404, "Not registered")


async def test_progress_counts_stored_minutes_and_venue_holes(start, client, system):
    job_id = (await start(minutes=200)).json()["id"]
    job = system.backfills.rows[UUID(job_id)]
    system.backfills.rows[job.id] = replace(job, state=JobState.RUNNING, stored=40, holes=10)
    body = (await client.get(f"/backfills/{job_id}")).json()
    assert body == {
        "id": job_id,
        "symbol": "BTC/USDT",
        "start": "2026-01-01T08:40:00Z",
        "end": "2026-01-01T12:00:00Z",
        "state": "running",
        "expected": 200,
        "stored": 40,
        "holes": 10,
        "percent": 25.0,
        "error": None,
        "created_at": "2026-01-01T12:00:30Z",
        "updated_at": "2026-01-01T12:00:30Z",
    }


async def test_a_job_with_nothing_to_do_is_at_100_percent(client, system, clock):
    job = system.backfills.add(BTC, Span(NOON, NOON), clock.now())
    assert (await client.get(f"/backfills/{job.id}")).json()["percent"] == 100.0


async def test_a_job_nobody_started_is_404_and_an_id_that_is_none_422(client):
    unknown = await client.get(f"/backfills/{UUID(int=7)}")
    assert (unknown.status_code, unknown.json()["title"]) == (404, "Not found")
    assert (await client.get("/backfills/seven")).status_code == 422
