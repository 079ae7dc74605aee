"""Recorded candles through exchange, ccxt, SQLite and the API come back equal to the last digit."""

from __future__ import annotations

import csv
import gzip
import hashlib
from datetime import datetime
from pathlib import Path

import pytest

MINUTE = 60_000
CANDLES = Path(__file__).parents[2].parent / "shared" / "data" / "candles"

FILES = [
    # file, symbol, the holes known of it: (first missing minute, minutes)
    ("BTCUSDT_1m_2021-04-20_2021-05-20.csv.gz", "BTC/USDT", [(1_619_323_260_000, 284)]),
    ("BTCUSDT_1m_2021-05-15_2021-05-22_12col.csv.gz", "BTC/USDT", []),
    (
        "BRDBTC_1m_2020-02-07_2020-03-08_dirty.csv.gz",
        "BRD/BTC",
        [(1_581_213_600_000, 60), (1_582_112_160_000, 354), (1_583_313_720_000, 128)],
    ),
]


def recorded(path: Path) -> dict[int, tuple[float, ...]]:
    """Open time -> open, high, low, close, volume; of a repeated row the later one counts."""
    with gzip.open(path, "rt", newline="") as text:
        rows = csv.reader(text)
        next(rows)
        return {int(row[0]): tuple(float(value) for value in row[1:6]) for row in rows}


def spans(told: list[dict]) -> list[tuple[int, int]]:
    """Start in ms and minutes of each span the API tells."""
    return [
        (round(datetime.fromisoformat(span["start"]).timestamp() * 1000), span["minutes"])
        for span in told
    ]


@pytest.mark.recorded
@pytest.mark.skipif(not CANDLES.is_dir(), reason="the recorded candles are not here")
@pytest.mark.parametrize(("name", "symbol", "holes"), FILES)
async def test_a_recording_comes_back_with_its_holes(exchange, at, live, name, symbol, holes):
    truth = recorded(CANDLES / name)
    start, end = min(truth), max(truth) + MINUTE
    async with exchange(market=str(CANDLES / name)) as running, live(at(running)) as day:
        slug = symbol.replace("/", "-")
        assert (await day.http.post("/symbols", json={"symbol": symbol})).status_code == 201
        job = await day.http.post(f"/symbols/{slug}/backfill", json={"start": start, "end": end})
        done = await day.backfilled(job.json()["id"])
        span = {"start": start, "end": end}
        answer = await day.http.get(f"/prices/{slug}", params=span | {"limit": 100_000})
        gaps = (await day.http.get(f"/gaps/{slug}", params=span)).json()

    got = {
        candle["open_time_ms"]: tuple(
            candle[field] for field in ("open", "high", "low", "close", "volume")
        )
        for candle in answer.json()["candles"]
    }
    assert got == truth
    lines = (f"{at},{','.join(map(repr, truth[at]))}\n" for at in sorted(truth))
    assert gaps["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert gaps["expected"] == (end - start) // MINUTE == gaps["stored"] + done["holes"]
    assert gaps["missing"] == []
    assert spans(gaps["venue_holes"]) == holes


async def test_an_outage_that_no_recording_of_minutes_reaches_is_a_hole_of_the_venue(
    exchange, at, live, tmp_path
):
    """2021-04-20 02:00, 150 minutes: the 1m recording begins that evening, so this one is made."""
    outage, minutes = 1_618_884_000_000, 150
    start, end = outage - 60 * MINUTE, outage + 240 * MINUTE
    rows = [
        f"{at},55000.01,55001.5,54999.99,55000.5,{at % 977 + 0.125}"
        for at in range(start, end, MINUTE)
        if not outage <= at < outage + minutes * MINUTE
    ]
    path = tmp_path / "BTCUSDT_1m_2021-04-20.csv"
    path.write_text("\n".join(["timestamp_ms,open,high,low,close,volume", *rows]))
    async with exchange(market=str(path)) as running, live(at(running)) as day:
        await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
        job = await day.http.post("/symbols/BTC-USDT/backfill", json={"start": start, "end": end})
        await day.backfilled(job.json()["id"])
        span = {"start": start, "end": end}
        gaps = (await day.http.get("/gaps/BTC-USDT", params=span)).json()
    assert (gaps["expected"], gaps["stored"]) == (300, 150)
    assert (spans(gaps["venue_holes"]), gaps["missing"]) == ([(outage, minutes)], [])
