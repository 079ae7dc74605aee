from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trading_system.api.live_schemas import LimitOut, VenueOut
from trading_system.domain.venues import BreakerStatus, LimitUse, StreamStatus, VenueReport

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REPORT = VenueReport(
    url="https://testnet.example",
    reachable=True,
    since=NOON,
    detail="",
    clock_offset_ms=-3,
    round_trip_ms=41.7,
    banned_until=NOON,
    limits=(LimitUse(kind="weight", seconds=60, limit=6_000, used=312, waiting=4),),
    breakers=(
        BreakerStatus(group="trading", state="open", failures=5, opened=1, retry_at=NOON),
        BreakerStatus(group="market data", state="closed", failures=0, opened=0),
    ),
    streams=(
        StreamStatus(
            role="execution",
            state="connected",
            since=NOON,
            url="wss://stream.example",
            connects=2,
            messages=48_211,
            dropped=1,
            last_message_age_ms=12,
            lag_ms=18.5,
            streams={"btcusdt@trade": 18.5, "btcusdt@bookTicker": None},
        ),
    ),
)


async def test_the_venue_is_told_whole(client, system):
    system.reports = [REPORT]
    response = await client.get("/venue")
    assert response.status_code == 200
    assert response.json() == [
        {
            "url": "https://testnet.example",
            "reachable": True,
            "since": "2026-01-01T12:00:00Z",
            "detail": "",
            "clock_offset_ms": -3,
            "round_trip_ms": 41.7,
            "banned_until": "2026-01-01T12:00:00Z",
            "limits": [
                {
                    "kind": "weight",
                    "seconds": 60,
                    "limit": 6000,
                    "used": 312,
                    "used_percent": 5.2,
                    "waiting": 4,
                }
            ],
            "breakers": [
                {
                    "group": "trading",
                    "state": "open",
                    "failures": 5,
                    "opened": 1,
                    "retry_at": "2026-01-01T12:00:00Z",
                },
                {
                    "group": "market data",
                    "state": "closed",
                    "failures": 0,
                    "opened": 0,
                    "retry_at": None,
                },
            ],
            "streams": [
                {
                    "role": "execution",
                    "state": "connected",
                    "detail": "",
                    "since": "2026-01-01T12:00:00Z",
                    "url": "wss://stream.example",
                    "connects": 2,
                    "messages": 48211,
                    "dropped": 1,
                    "last_message_age_ms": 12,
                    "lag_ms": 18.5,
                    "streams": {"btcusdt@trade": 18.5, "btcusdt@bookTicker": None},
                }
            ],
        }
    ]


async def test_a_venue_for_data_alone_comes_second(client, system):
    system.reports = [REPORT, VenueReport(**(fields(REPORT) | {"url": "https://data.example"}))]
    urls = [venue["url"] for venue in (await client.get("/venue")).json()]
    assert urls == ["https://testnet.example", "https://data.example"]


def fields(report: VenueReport) -> dict:
    return {name: getattr(report, name) for name in report.__slots__}


@pytest.mark.parametrize(("used", "limit", "percent"), [(0, 50, 0.0), (60, 50, 120.0), (1, 0, 100)])
def test_use_is_told_in_percent(used, limit, percent):
    told = LimitOut(kind="orders", seconds=10, limit=limit, used=used, waiting=0)
    assert told.used_percent == percent


def test_the_example_is_one_that_could_be_told():
    (example,) = VenueOut.model_config["json_schema_extra"]["examples"]
    assert VenueOut.model_validate(example).model_dump(mode="json") == example
