from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.stops import StopKind, StopWish

BTC = Symbol("BTC", "USDT")
ORDER = UUID("0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f")


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        (
            {"symbol": "btc-usdt", "kind": "FIXED", "trigger_price": "90000.5"},
            StopWish(kind=StopKind.FIXED, symbol=BTC, trigger_price=Decimal("90000.5")),
        ),
        (
            {"symbol": "BTC/USDT", "kind": "fixed", "distance_atr": "2"},
            StopWish(kind=StopKind.FIXED, symbol=BTC, distance_atr=Decimal(2)),
        ),
        (
            {"order_id": str(ORDER), "kind": "trailing", "distance_percent": "1.5"},
            StopWish(kind=StopKind.TRAILING, order_id=ORDER, distance_percent=Decimal("1.5")),
        ),
        (
            {
                "symbol": "BTC/USDT",
                "kind": "time",
                "deadline": "2026-01-01T13:00:00Z",
                "quantity": "0.1",
            },
            StopWish(
                kind=StopKind.TIME,
                symbol=BTC,
                quantity=Decimal("0.1"),
                deadline=datetime(2026, 1, 1, 13, tzinfo=UTC),
            ),
        ),
    ],
)
async def test_a_wish_for_a_stop_is_passed_on_as_it_was_said(client, system, body, wish):
    answer = await client.post("/stops", json=body)
    assert answer.status_code == 201, answer.text
    assert system.stops.wishes == [wish]
    assert answer.headers["Location"] == f"/stops/{answer.json()['id']}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"kind": "time", "deadline": 1}, "either symbol or order_id"),
        (
            {"kind": "time", "deadline": 1, "symbol": "A/B", "order_id": str(ORDER)},
            "either symbol or order_id",
        ),
        ({"kind": "trailing", "symbol": "A/B"}, "needs one of distance_atr, distance_percent"),
        ({"kind": "trailing", "symbol": "A/B", "trigger_price": "1"}, "needs one of"),
        (
            {"kind": "fixed", "symbol": "A/B", "trigger_price": "1", "distance_atr": "1"},
            "needs one of",
        ),
        ({"kind": "time", "symbol": "A/B"}, "needs one of deadline"),
        ({"kind": 7, "symbol": "A/B", "deadline": 1}, "kind"),
    ],
)
async def test_a_wish_that_says_too_little_or_too_much_is_refused(client, system, body, why):
    answer = await client.post("/stops", json=body)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert system.stops.wishes == []


async def test_a_stop_says_who_keeps_it_and_where_it_triggers(client):
    body = {"symbol": "BTC/USDT", "kind": "fixed", "trigger_price": "90000"}
    made = (await client.post("/stops", json=body)).json()
    assert (made["kept_by"], made["status"], made["level"]) == ("system", "active", "90000")
    assert (await client.get(f"/stops/{made['id']}")).json() == made
    assert (await client.get("/stops")).json() == [made]
    assert (await client.get("/stops?symbol=ETH-USDT")).json() == []
    gone = (await client.delete(f"/stops/{made['id']}")).json()
    assert gone["status"] == "cancelled"


async def test_a_stop_there_is_not_is_404(client):
    assert (await client.get(f"/stops/{ORDER}")).status_code == 404
    assert (await client.delete(f"/stops/{ORDER}")).status_code == 404
