from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.portfolio import Asset, Money, Portfolio, Valued
from trading_system.domain.positions import Equity, Position
from trading_system.domain.reports import VenuePosition

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
D = Decimal


def equity(total="90", minute=0, unvalued=()):
    return Equity(
        total=D(total),
        quote="USDT",
        day_start=D(95),
        peak=D(100),
        at=NOON + timedelta(minutes=minute),
        unvalued=unvalued,
    )


@pytest.fixture
def held(system):
    position = Position(
        symbol=BTC, quantity=D("0.50"), cost=D(50), realised=D("-1.5"), fees={"BNB": D("1E-8")}
    )
    system.portfolio.rows = [
        Valued(position=position, price=D(110), price_age_ms=40, realised_today=D("0.1")),
        Valued(
            position=Position(symbol=ETH, quantity=D(-2), cost=D(-20)),
            price=None,
            price_age_ms=None,
            realised_today=D(0),
            venue=VenuePosition(
                symbol=ETH, quantity=D(-2), entry_price=D(10), unrealised=D(3), leverage=5
            ),
        ),
    ]


async def test_a_position_is_told_with_its_price_and_the_age_of_that(client, held):
    (told, _) = (await client.get("/positions")).json()
    assert told["quantity"] == "0.50"
    assert told["average_price"] == "100"
    assert (told["price"], told["price_age_ms"], told["value"]) == ("110", 40, "55.00")
    assert (told["unrealised"], told["realised"], told["realised_today"]) == ("5.00", "-1.5", "0.1")
    assert told["fees"] == {"BNB": "0.00000001"}
    assert told["venue"] is None
    assert (await client.get("/positions/btc-usdt")).json() == told


async def test_what_has_no_price_has_no_value_and_the_venue_may_say_its_own(client, held):
    told = (await client.get("/positions/ETH-USDT")).json()
    assert (told["price"], told["value"], told["unrealised"]) == (None, None, None)
    assert told["venue"] == {
        "quantity": "-2",
        "entry_price": "10",
        "unrealised": "3",
        "mark_price": None,
        "leverage": 5,
    }


async def test_what_was_never_traded_has_no_position(client):
    assert (await client.get("/positions")).json() == []
    assert (await client.get("/positions/BTC-USDT")).status_code == 404


async def test_the_portfolio_names_what_it_cannot_value(client, system):
    nothing = Money(by_asset={}, total=D(0))
    system.portfolio.whole = Portfolio(
        equity=equity(unvalued=("XYZ",)),
        assets=(
            Asset(name="BTC", free=D(1), locked=D("0.5"), price=D(60), price_age_ms=7),
            Asset(name="XYZ", free=D(9), locked=D(0), price=None, price_age_ms=None),
        ),
        realised=Money(by_asset={"USDT": D(3), "XYZ": D(1)}, total=None),
        realised_today=nothing,
        unrealised=nothing,
        fees=nothing,
    )
    told = (await client.get("/portfolio")).json()
    assert told["equity"] == {
        "at": "2026-01-01T12:00:00Z",
        "quote": "USDT",
        "total": "90",
        "day_start": "95",
        "peak": "100",
        "drawdown_percent": 10.0,
        "unvalued": ["XYZ"],
    }
    assert [asset["value"] for asset in told["assets"]] == ["90.0", None]
    assert told["realised"] == {"by_asset": {"USDT": "3", "XYZ": "1"}, "total": None}


async def test_equity_is_told_for_the_window_asked_for(client, system):
    system.portfolio.marks = [equity("90"), equity("99", minute=1)]
    answer = await client.get("/equity?start=2026-01-01T00:00:00Z&end=1767268860000&limit=7")
    assert [mark["total"] for mark in answer.json()] == ["90", "99"]
    assert system.portfolio.asked == [(1767225600000, 1767268860000, 7)]


async def test_equity_is_drawn_with_its_drawdown_below(client, system):
    system.portfolio.marks = [equity("100"), equity("75", minute=1)]
    page = (await client.get("/plot/equity")).text
    drawn = json.loads(page.split('id="figure">')[1].partition("</script>")[0])
    curves = {trace["name"]: trace for trace in drawn["data"]}
    assert curves["equity"]["y"] == [100.0, 75.0]
    assert curves["peak"]["y"] == [100.0, 100.0]
    assert curves["drawdown"]["y"] == [0.0, -25.0]
    assert curves["drawdown"]["yaxis"] == "y2"
    assert curves["equity"]["x"] == [1767268800000, 1767268860000]
    assert drawn["layout"]["title"]["text"] == "Equity · USDT"


async def test_a_chart_of_no_equity_says_so(client):
    assert "No equity marked yet" in (await client.get("/plot/equity")).text
