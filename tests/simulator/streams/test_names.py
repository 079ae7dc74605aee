from __future__ import annotations

import pytest

from trading_system.simulator.streams.names import StreamName, Topic, parse

HOUR = 3_600_000
EVERY_INTERVAL = [
    *("1s", "1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"),
]


@pytest.mark.parametrize(
    ("text", "topic", "period"),
    [
        ("btcusdt@trade", Topic.TRADE, 100),
        ("btcusdt@aggTrade", Topic.AGGREGATE_TRADE, 100),
        ("btcusdt@bookTicker", Topic.QUOTE, 100),
        ("btcusdt@miniTicker", Topic.MINI_TICKER, 1_000),
        ("btcusdt@ticker", Topic.TICKER, 1_000),
        ("btcusdt@avgPrice", Topic.AVERAGE_PRICE, 1_000),
        ("btcusdt@kline_1s", Topic.KLINE, 1_000),
        ("btcusdt@kline_1m", Topic.KLINE, 2_000),
        ("btcusdt@kline_1M", Topic.KLINE, 2_000),
        ("btcusdt@depth", Topic.DEPTH, 1_000),
        ("btcusdt@depth@1000ms", Topic.DEPTH, 1_000),
        ("btcusdt@depth@100ms", Topic.DEPTH, 100),
        ("btcusdt@depth20", Topic.PARTIAL_DEPTH, 1_000),
        ("btcusdt@depth5@100ms", Topic.PARTIAL_DEPTH, 100),
    ],
)
def test_a_name_says_what_about_which_symbol_and_how_often(text, topic, period) -> None:
    name = parse(text)
    assert (name.text, name.topic, name.symbol, name.period) == (text, topic, "BTCUSDT", period)


@pytest.mark.parametrize("interval", EVERY_INTERVAL)
def test_every_interval_has_its_candles(interval) -> None:
    assert parse(f"ethbtc@kline_{interval}").interval == interval


def test_candles_may_follow_the_clock_of_utc_plus_eight() -> None:
    assert parse("btcusdt@kline_1d@+08:00").utc_offset == 8 * HOUR
    assert parse("btcusdt@kline_1d").utc_offset == 0


@pytest.mark.parametrize(
    ("text", "length"),
    [("btcusdt@ticker_1h", 1), ("!ticker_4h@arr", 4), ("!ticker_1d@arr", 24), ("a@ticker", 24)],
)
def test_a_ticker_looks_back_on_its_window(text, length) -> None:
    assert parse(text).length == length * HOUR


@pytest.mark.parametrize("text", ["!miniTicker@arr", "!ticker_1h@arr"])
def test_an_array_is_about_every_symbol(text) -> None:
    assert parse(text).symbol is None


@pytest.mark.parametrize("levels", [5, 10, 20])
def test_a_partial_book_has_one_of_three_sizes(levels) -> None:
    assert parse(f"btcusdt@depth{levels}").levels == levels


def test_symbols_need_not_be_ascii() -> None:
    assert parse("币安人生usdt@trade") == StreamName(
        text="币安人生usdt@trade", topic=Topic.TRADE, symbol="币安人生USDT", period=100
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "btcusdt",
        "@trade",
        "BTCUSDT@trade",
        "btcusdt@Trade",
        "btcusdt@trade\n",
        "btcusdt@kline_2m",
        "btcusdt@kline_1m@+09:00",
        "btcusdt@depth7",
        "btcusdt@depth@250ms",
        "btcusdt@ticker_2h",
        "!ticker@arr",  # retired 2026-03-26
        "!bookTicker",  # gone since 2022
        "!miniTicker",
        "btcusdt@trade@100ms",
    ],
)
def test_what_no_stream_is_called_is_refused(text) -> None:
    with pytest.raises(ValueError, match="is no stream"):
        parse(text)
