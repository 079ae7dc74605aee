from __future__ import annotations

import csv
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_system.api.scalars import iso, read_instant
from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.instruments import Symbol

BTC = Symbol("BTC", "USDT")
NOON = 1_767_268_800_000


def minutes(first: int, count: int) -> list[int]:
    return [first + number * MINUTE for number in range(count)]


async def times(client, **query) -> list[int]:
    response = await client.get("/prices/BTC-USDT", params=query)
    assert response.status_code == 200, response.text
    return [row["open_time_ms"] for row in response.json()["candles"]]


async def test_candles_come_with_every_digit_and_both_forms_of_time(client, system):
    await system.store(BTC, NOON)
    system.prices.rows[BTC] = [
        Candle(NOON, 93576.01, 0.00001234, 123456789.12345678, 1e-08, 17.30776000)
    ]
    response = await client.get("/prices/BTC-USDT")
    assert response.json() == {
        "symbol": "BTC/USDT",
        "timeframe": "1m",
        "candles": [
            {
                "open_time": "2026-01-01T12:00:00Z",
                "open_time_ms": NOON,
                "open": 93576.01,
                "high": 0.00001234,
                "low": 123456789.12345678,
                "close": 1e-08,
                "volume": 17.30776,
            }
        ],
    }
    assert '"open":93576.01,' in response.text


async def test_without_a_start_the_latest_come(client, system):
    await system.store(BTC, *minutes(NOON, 700))
    assert await times(client) == minutes(NOON + 200 * MINUTE, 500)
    assert await times(client, limit=3) == minutes(NOON + 697 * MINUTE, 3)
    assert await times(client, limit=2, end=NOON + 10 * MINUTE) == minutes(NOON + 8 * MINUTE, 2)


async def test_holes_do_not_make_the_latest_fewer(client, system):
    await system.store(BTC, *minutes(NOON, 10), *minutes(NOON + 1_000 * MINUTE, 2))
    expected = [*minutes(NOON + 7 * MINUTE, 3), *minutes(NOON + 1_000 * MINUTE, 2)]
    assert await times(client, limit=5) == expected
    assert len(await times(client, limit=500)) == 12


async def test_with_a_start_the_first_come(client, system):
    await system.store(BTC, *minutes(NOON, 100))
    start = NOON + 10 * MINUTE
    assert await times(client, start=start, limit=3) == minutes(start, 3)
    assert await times(client, start=start - 1, end=start + 1) == [start]
    assert await times(client, start=start + 1, end=start + MINUTE) == []
    assert await times(client, start=iso(start), end=iso(start + 2 * MINUTE)) == minutes(start, 2)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [NOON, NOON + 5 * MINUTE]),
        ({"limit": 1}, [NOON + 5 * MINUTE]),
        ({"start": NOON + 1}, [NOON + 5 * MINUTE]),
        ({"start": NOON, "end": NOON + 1}, [NOON]),
        ({"end": NOON + 5 * MINUTE}, [NOON]),
    ],
)
async def test_only_whole_candles_of_a_longer_timeframe_come(client, system, query, expected):
    """Twelve minutes are two candles of five and a beginning of a third."""
    await system.store(BTC, *minutes(NOON, 12))
    assert await times(client, timeframe="5m", **query) == expected


async def test_a_longer_candle_is_built_from_its_minutes(client, system):
    await system.store(BTC, *minutes(NOON, 5))
    (candle,) = (await client.get("/prices/BTC-USDT?timeframe=5m")).json()["candles"]
    first, last = system.prices.rows[BTC][0], system.prices.rows[BTC][-1]
    assert (candle["open"], candle["close"]) == (first.open, last.close)
    assert candle["volume"] == pytest.approx(0.5)


async def test_a_registered_symbol_without_candles_has_none(client, system, clock):
    await system.symbols.add(BTC, clock.now())
    assert await times(client) == []


async def test_a_symbol_nobody_registered_is_404(client):
    response = await client.get("/prices/BTC-USDT")
    assert (response.status_code, response.json()["title"]) == (404, "Not registered")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=100001",
        "limit=many",
        "timeframe=1y",
        "timeframe=0m",
        "start=soon",
        f"start={NOON}&end={NOON}",
        f"start={NOON}&end={NOON - 1}",
    ],
)
async def test_a_malformed_question_is_422(client, system, query):
    await system.store(BTC, NOON)
    response = await client.get(f"/prices/BTC-USDT?{query}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


async def test_csv_holds_the_same_numbers(client, system):
    await system.store(BTC, *minutes(NOON, 3))
    response = await client.get("/prices/BTC-USDT", headers={"Accept": "text/csv"})
    assert response.headers["content-type"].startswith("text/csv")
    assert response.headers["vary"] == "Accept"
    rows = list(csv.DictReader(response.text.splitlines()))
    as_json = (await client.get("/prices/BTC-USDT")).json()["candles"]
    assert [
        {name: json.loads(value) if name != "open_time" else value for name, value in row.items()}
        for row in rows
    ] == as_json


async def test_plain_numbers_are_six_a_candle(client, system):
    """Little-endian on every machine, none of them changed on the way."""
    await system.store(BTC, *minutes(NOON, 3))
    response = await client.get("/prices/BTC-USDT", headers={"Accept": "application/octet-stream"})
    rows = struct.iter_unpack("<6d", response.content)
    assert list(rows) == [tuple(each) for each in system.prices.rows[BTC]]
    nothing = await client.get(
        "/prices/BTC-USDT?start=2030-01-01T00:00Z", headers={"Accept": "application/octet-stream"}
    )
    assert (nothing.status_code, nothing.content) == (200, b"")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("text/csv", "text/csv"),
        ("application/octet-stream", "application/octet-stream"),
        ("application/*", "application/json"),
        ("TEXT/CSV; header=present", "text/csv"),
        ("text/csv, */*", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("text/csv;q=0, */*;q=0.1", "application/json"),
        ("text/csv;q=lots, application/json;q=0.1", "application/json"),
    ],
)
async def test_the_accept_header_chooses(client, system, accept, expected):
    await system.store(BTC, NOON)
    response = await client.get("/prices/BTC-USDT", headers={"Accept": accept})
    assert response.headers["content-type"].partition(";")[0] == expected


async def test_what_we_cannot_write_is_406(client, system):
    await system.store(BTC, NOON)
    response = await client.get("/prices/BTC-USDT", headers={"Accept": "image/png"})
    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"


async def test_gaps_tell_whose_hole_it_is(client, system):
    await system.store(BTC, *minutes(NOON, 3), *minutes(NOON + 8 * MINUTE, 2))
    system.prices.holes = (Span(NOON + 3 * MINUTE, NOON + 7 * MINUTE),)
    assert (await client.get("/gaps/BTC-USDT")).json() == {
        "symbol": "BTC/USDT",
        "start": "2026-01-01T12:00:00Z",
        "end": "2026-01-01T12:10:00Z",
        "complete": False,
        "expected": 10,
        "stored": 5,
        "venue_holes": [
            {"start": "2026-01-01T12:03:00Z", "end": "2026-01-01T12:07:00Z", "minutes": 4}
        ],
        "missing": [{"start": "2026-01-01T12:07:00Z", "end": "2026-01-01T12:08:00Z", "minutes": 1}],
        "sha256": "ab" * 32,
    }


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, NOON, NOON + 5 * MINUTE),
        ({"start": NOON + 1}, NOON + MINUTE, NOON + 5 * MINUTE),
        ({"end": NOON + 1}, NOON, NOON + MINUTE),
        ({"start": NOON - MINUTE, "end": NOON + 9 * MINUTE}, NOON - MINUTE, NOON + 9 * MINUTE),
        ({"start": NOON + 9 * MINUTE}, NOON + 9 * MINUTE, NOON + 9 * MINUTE),
        ({"end": NOON - 9 * MINUTE}, NOON - 9 * MINUTE, NOON - 9 * MINUTE),
    ],
)
async def test_gaps_are_looked_for_where_asked(client, system, query, start, end):
    await system.store(BTC, *minutes(NOON, 5))
    body = (await client.get("/gaps/BTC-USDT", params=query)).json()
    assert (body["start"], body["end"]) == (iso(start), iso(end))
    assert body["expected"] == (end - start) // MINUTE


async def test_gaps_of_nothing_are_none(client, system, clock):
    await system.symbols.add(BTC, clock.now())
    body = (await client.get("/gaps/BTC-USDT")).json()
    assert (body["expected"], body["stored"], body["complete"]) == (0, 0, True)
    assert (await client.get("/gaps/ETH-USDT")).status_code == 404


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_every_instant_reads_back_as_it_was_written(milliseconds):
    assert read_instant(iso(milliseconds)) == milliseconds
    assert read_instant(str(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00",
        "2026-01-01 12:00",
        "2026-01-01T14:00:00+02:00",
        "2026-01-01T14:00:00 02:00",  # "+" of a URL that nobody escaped
        "1767268800000",
        NOON,
    ],
)
def test_noon_is_read_in_every_form(text):
    assert read_instant(text) == NOON
