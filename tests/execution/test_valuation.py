"""The youngest price known counts, with its age; what no price leads to has no worth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from tests.fakes.portfolio import BTC, ETH, FakeCandles, FakeLive, booked
from trading_system.domain.candles import MINUTE
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import LivePrice
from trading_system.execution.valuation import Priced, Valuation, exact, middles, worth

D = Decimal


@pytest.fixture
def candles():
    return FakeCandles()


async def test_a_live_price_comes_before_a_stored_candle(clock, candles):
    minute = clock.milliseconds() // MINUTE * MINUTE - MINUTE
    candles.closes = {BTC: (minute, 90.5), ETH: (minute, 7.25)}
    prices = await Valuation(live=FakeLive(BTC=100.1), candles=candles, clock=clock).prices()
    assert prices == {BTC: (D("100.1"), 5), ETH: (D("7.25"), 30_000)}


@pytest.mark.parametrize(
    ("seconds_ago", "expected"), [(20, (D(80), 20_000)), (40, (D("90.5"), 30_000))]
)
async def test_without_a_live_price_the_younger_of_candle_and_own_trade_counts(
    clock, candles, seconds_ago, expected
):
    candles.closes = {BTC: (clock.milliseconds() // MINUTE * MINUTE - MINUTE, 90.5)}
    row = booked(1, "BUY", 1, 80, clock.now() - timedelta(seconds=seconds_ago))
    valuation = Valuation(live=FakeLive(BTC=None), candles=candles, clock=clock)
    assert await valuation.prices([row]) == {BTC: expected}


async def test_our_own_last_trade_is_a_price_where_there_is_no_other(clock, candles):
    row = booked(1, "BUY", 1, 80, clock.now() - timedelta(seconds=90))
    valuation = Valuation(live=FakeLive(), candles=candles, clock=clock)
    assert await valuation.prices([row]) == {BTC: (80, 90_000)}


PRICES = {
    Symbol("BTC", "USDT"): Priced(D(100), 10),
    Symbol("ETH", "BTC"): Priced(D("0.5"), 30),
    Symbol("EUR", "USDT"): Priced(D(2), 70),
    Symbol("ETH", "EUR"): Priced(D(24), 5),
    Symbol("DOGE", "ETH"): Priced(D(1), 5),
}


@pytest.mark.parametrize(
    ("asset", "quote", "expected"),
    [
        ("USDT", "USDT", (1, 0)),
        ("BTC", "USDT", (100, 10)),
        ("USDT", "EUR", (D("0.5"), 70)),
        ("ETH", "USDT", (50, 30)),  # by BTC, the younger way; by EUR it would be 48
        ("BTC", "EUR", (48, 30)),
        ("DOGE", "USDT", None),  # by two assets in between
        ("XYZ", "USDT", None),
        ("BTC", "XYZ", None),
    ],
)
def test_an_asset_is_worth_what_its_markets_say(asset, quote, expected):
    assert worth(asset, quote, PRICES) == expected


@pytest.mark.parametrize("text", ["0.1", "93576.01", "1E-8", "123456.789012345"])
def test_a_float_becomes_the_digits_that_were_sent(text):
    assert exact(float(text)) == D(text)


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ({"bid": 100.1, "ask": 100.2, "quote_age_ms": 4_999}, D("100.15")),
        ({"bid": 100.1, "ask": 100.2, "quote_age_ms": 5_000}, None),
        ({"bid": 100.1, "quote_age_ms": 1}, None),
        (None, None),
    ],
    ids=["fresh", "old", "one-sided", "not followed"],
)
def test_the_middle_of_a_book_is_told_by_a_fresh_quote_alone(quote, expected):
    price = None if quote is None else LivePrice(symbol=BTC, **quote)
    assert middles(SimpleNamespace(price=lambda _: price))(BTC) == expected
