from __future__ import annotations

from decimal import Decimal

from trading_system.simulator import tickers
from trading_system.simulator.model import Depth, MarketTrade

MINUTE = 60_000
NOW = 1_767_614_400_000


class QuietFeed:
    """A market that has not traded for long."""

    def klines(self, *args, **more):
        return []

    def last_trade(self, symbol, *, now):
        return MarketTrade(77, Decimal("12.5"), Decimal(3), 1, False)


def test_a_market_without_trades_stands_still():
    statistics = tickers.rolling(QuietFeed(), "AB", length=tickers.DAY, now=NOW)
    told = tickers.full(statistics)
    prices = {"openPrice", "highPrice", "lowPrice", "lastPrice"}
    assert {told[name] for name in prices} == {"12.50000000"}
    assert told["priceChange"] == told["volume"] == told["weightedAvgPrice"] == "0.00000000"
    assert told["priceChangePercent"] == "0.000"
    assert (told["firstId"], told["lastId"], told["count"]) == (-1, -1, 0)


def test_a_market_without_a_past_closes_where_it_opened():
    statistics = tickers.rolling(QuietFeed(), "AB", length=MINUTE, now=NOW)
    previous = tickers.previous_close(QuietFeed(), "AB", before=NOW, now=NOW)
    told = tickers.day(
        statistics, previous=previous, last_quantity=Decimal(3), book=Depth(1, [], [])
    )
    assert told["prevClosePrice"] == told["openPrice"]
    assert told["bidPrice"] == told["askQty"] == "0.00000000"


def test_a_price_of_nothing_changes_by_no_percent():
    statistics = tickers.Statistics(
        symbol="AB",
        start=0,
        end=1,
        open=Decimal(0),
        high=Decimal(0),
        low=Decimal(0),
        last=Decimal(1),
        volume=Decimal(0),
        quote=Decimal(0),
        last_id=1,
        count=1,
    )
    assert tickers.full(statistics)["priceChangePercent"] == "0.000"
