"""What no market can say of itself is refused when it is built."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.domain.candles import Candle
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, CandleUpdate, PriceLevel, Quote, Ticker, Trade

BTC = Symbol("BTC", "USDT")
NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("bid", "ask"), [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (1.0, INFINITE), (NAN, 1.0), (1.0, NAN)]
)
def test_a_quote_has_a_bid_that_is_not_above_its_ask(bid, ask) -> None:
    with pytest.raises(ValueError, match="no quote of BTC/USDT"):
        Quote(BTC, bid, 1.0, ask, 1.0, 1, 1)


@pytest.mark.parametrize(
    ("price", "quantity"), [(0.0, 1.0), (1.0, 0.0), (NAN, 1.0), (INFINITE, 1.0)]
)
def test_a_trade_has_a_price_and_a_quantity(price, quantity) -> None:
    with pytest.raises(ValueError, match="no price of BTC/USDT"):
        Trade(BTC, 1, price, quantity, buyer_is_maker=False, time=1, received_at=1)


@pytest.mark.parametrize("place", range(4))
def test_a_ticker_has_prices(place) -> None:
    prices = [1.0] * 4
    prices[place] = -1.0
    with pytest.raises(ValueError, match="no price"):
        Ticker(BTC, *prices, volume=0.0, quote_volume=0.0, time=1, received_at=1)


@pytest.mark.parametrize(
    "candle",
    [
        Candle(0, 1.0, 2.0, 0.5, 2.5, 1.0),
        Candle(0, 1.0, 2.0, 0.5, 0.25, 1.0),
        Candle(0, 0.0, 2.0, 0.5, 1.0, 1.0),
    ],
    ids=["closes above its high", "closes below its low", "opens at nothing"],
)
def test_a_candle_closes_between_its_low_and_its_high(candle) -> None:
    with pytest.raises(ValueError, match="of BTC/USDT"):
        CandleUpdate(BTC, candle, closed=True, time=1, received_at=1)


def test_updates_of_a_book_do_not_go_back() -> None:
    level = (PriceLevel(Decimal(1), Decimal(1)),)
    with pytest.raises(ValueError, match="go back"):
        BookUpdate(BTC, 2, 1, level, level, time=1, received_at=1)


def test_what_a_market_can_say_is_taken() -> None:
    level = (PriceLevel(Decimal(1), Decimal(1)),)
    assert Quote(BTC, 1.0, 1.0, 1.0, 1.0, 1, 1).bid == 1
    assert BookUpdate(BTC, 2, 2, level, level, time=1, received_at=1).bids == level
    at_its_low = Candle(0, 1.0, 2.0, 0.5, 0.5, 1.0)
    assert CandleUpdate(BTC, at_its_low, closed=True, time=1, received_at=1).candle == at_its_low
