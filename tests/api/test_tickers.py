from __future__ import annotations

import pytest

from trading_system.domain.instruments import Symbol
from trading_system.domain.market import LivePrice, MarketState

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
KNOWN = LivePrice(
    symbol=BTC,
    last=102.0,
    price_age_ms=212,
    bid=99.5,
    ask=100.5,
    quote_age_ms=35,
    day_open=100.0,
    day_high=103.25,
    day_low=0.00000012,
    day_volume=15321.40712,
    day_quote_volume=1425863210.55,
    state=MarketState.VOLATILE,
)


async def test_a_ticker_tells_the_newest_and_how_old_it_is(client, system):
    system.live.rows = [KNOWN]
    response = await client.get("/tickers")
    assert response.status_code == 200
    assert response.json() == [
        {
            "symbol": "BTC/USDT",
            "last": 102.0,
            "price_age_ms": 212,
            "bid": 99.5,
            "ask": 100.5,
            "quote_age_ms": 35,
            "spread_bps": 100.0,
            "change_percent": 2.0,
            "high": 103.25,
            "low": 0.00000012,
            "volume": 15321.40712,
            "quote_volume": 1425863210.55,
            "state": "VOLATILE",
        }
    ]


async def test_what_has_not_been_heard_is_null(client, system):
    system.live.rows = [LivePrice(symbol=BTC)]
    (ticker,) = (await client.get("/tickers")).json()
    assert ticker.pop("symbol") == "BTC/USDT"
    assert set(ticker.values()) == {None}


@pytest.mark.parametrize("number", [0.1 + 0.2, 1e-8, 93576.01, 123456789.12345678])
async def test_numbers_are_exact_to_the_last_digit(client, system, number):
    system.live.rows = [LivePrice(symbol=BTC, last=number)]
    assert (await client.get("/tickers")).json()[0]["last"] == number


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("", ["BTC/USDT", "ETH/USDT"]),
        ("?symbol=eth-usdt", ["ETH/USDT"]),
        ("?symbol=ETH/USDT", ["ETH/USDT"]),
        ("?symbol=SOL-USDT", []),
    ],
)
async def test_a_symbol_selects(client, system, query, symbols):
    system.live.rows = [KNOWN, LivePrice(symbol=ETH)]
    response = await client.get(f"/tickers{query}")
    assert [ticker["symbol"] for ticker in response.json()] == symbols


async def test_what_is_no_symbol_is_refused(client):
    assert (await client.get("/tickers?symbol=bitcoin")).status_code == 422
