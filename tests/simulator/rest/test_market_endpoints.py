from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import quote

import pytest

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
BTC = "symbol=BTCUSDT"
BOTH = "symbols=" + quote('["BTCUSDT","ETHUSDT"]')


def test_ping_and_time(desk):
    assert desk.get("ping") == {}
    assert desk.get("time") == {"serverTime": desk.now}


@pytest.mark.parametrize(
    ("path", "query", "weight"),
    [
        ("ping", "", 1),
        ("time", "", 1),
        ("exchangeInfo", BTC, 20),
        ("depth", BTC, 5),
        ("depth", BTC + "&limit=100", 5),
        ("depth", BTC + "&limit=101", 25),
        ("depth", BTC + "&limit=1000", 50),
        ("depth", BTC + "&limit=5001", 250),
        ("trades", BTC, 25),
        ("historicalTrades", BTC, 25),
        ("aggTrades", BTC, 4),
        ("klines", BTC + "&interval=1m", 2),
        ("uiKlines", BTC + "&interval=1m", 2),
        ("avgPrice", BTC, 2),
        ("ticker/24hr", BTC, 2),
        ("ticker/24hr", BOTH, 2),
        ("ticker/24hr", "", 80),
        ("ticker/tradingDay", BTC, 4),
        ("ticker/tradingDay", BOTH, 8),
        ("ticker", BTC, 4),
        ("ticker/price", BTC, 2),
        ("ticker/price", BOTH, 4),
        ("ticker/price", "", 4),
        ("ticker/bookTicker", "", 4),
        ("executionRules", BTC, 2),
        ("executionRules", BOTH, 4),
        ("executionRules", "", 40),
    ],
)
def test_every_endpoint_has_its_weight(desk, path, query, weight):
    desk.get(path, query)
    assert desk.headers["x-mbx-used-weight"] == str(weight)
    assert desk.headers["x-mbx-used-weight-1m"] == str(weight)
    desk.get("ping")
    assert desk.headers["x-mbx-used-weight"] == str(weight + 1)


@pytest.mark.parametrize(
    ("number", "weights"), [(20, (2, 80)), (21, (40, 84)), (100, (40, 200)), (101, (80, 200))]
)
def test_many_symbols_weigh_more(desk, number, weights):
    names = quote(json.dumps([f"S{n}" for n in range(number)], separators=(",", ":")))
    for path, weight in zip(("ticker/24hr", "ticker"), weights, strict=True):
        before = int(desk.headers.get("x-mbx-used-weight", 0))
        assert desk.refusal(path, f"symbols={names}")[0] == -1121
        assert int(desk.headers["x-mbx-used-weight"]) - before == weight


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("ping", "x=1", -1101),
        ("depth", "", -1102),
        ("depth", "symbol=NOPE", -1121),
        ("depth", "symbol=btcusdt", -1100),
        ("depth", BTC + "&x=1", -1104),
        ("depth", BTC + "&limit=abc", -1100),
        ("depth", BTC + "&symbolStatus=OPEN", -1122),
        ("depth", BTC + "&symbolStatus=HALT", -1220),
        ("klines", BTC, -1102),
        ("klines", BTC + "&interval=", -1105),
        ("klines", BTC + "&interval=1H", -1120),
        ("klines", BTC + "&interval=1m&timeZone=15", -1130),
        ("klines", BTC + "&interval=1m&timeZone=-12:01", -1130),
        ("klines", BTC + "&interval=1m&timeZone=8:60", -1130),
        ("klines", BTC + "&interval=1m&timeZone=UTC", -1130),
        ("aggTrades", BTC + "&fromId=1&startTime=1", -1128),
        ("ticker/24hr", BTC + "&type=MAXI", -1139),
        ("ticker/24hr", BTC + "&symbolStatus=BREAK", -1220),
        ("ticker/24hr", BTC + "&" + BOTH, -1128),
        ("ticker", "", -1102),
        ("ticker", BTC + "&windowSize=60m", -1130),
        ("ticker", BTC + "&windowSize=1d2h", -1130),
        ("ticker", BTC + "&windowSize=8d", -1130),
        ("ticker/tradingDay", "", -1102),
        ("exchangeInfo", BTC + "&permissions=SPOT", -1128),
        ("exchangeInfo", BTC + "&symbolStatus=TRADING", -1128),
        ("exchangeInfo", "permissions=FOO", -1130),
        ("exchangeInfo", "permissions=[1]", -1130),
        ("exchangeInfo", "permissions=[", -1135),
        ("exchangeInfo", "showPermissionSets=yes", -1100),
        ("executionRules", BTC + "&symbolStatus=TRADING", -1128),
        ("referencePrice", BTC, -2043),
        ("referencePrice", "symbol=NOPE", -1121),
    ],
)
def test_what_public_endpoints_refuse(desk, path, query, code):
    assert desk.refusal(path, query)[0] == code


def test_a_hundred_symbols_are_the_most_for_a_window(desk):
    names = quote(json.dumps([f"S{n}" for n in range(101)], separators=(",", ":")))
    rules = desk.feed.symbols["BTCUSDT"]
    desk.exchange.rules = lambda _: rules
    assert desk.refusal("ticker", f"symbols={names}") == (
        -1102,
        "'symbols' contains unexpected value. Cannot be greater than 100.",
    )


def test_exchange_info_is_told_whole_or_in_part(desk):
    names = list(desk.feed.symbols)
    whole = desk.get("exchangeInfo")
    assert whole["serverTime"] == desk.now
    assert [entry["symbol"] for entry in whole["symbols"]] == names
    desk.now += 5
    assert desk.get("exchangeInfo") == whole | {"serverTime": desk.now}
    for query, expected in [
        (BTC, ["BTCUSDT"]),
        (BOTH, ["BTCUSDT", "ETHUSDT"]),
        ("permissions=SPOT", names),
        ("permissions=" + quote('["MARGIN","SPOT"]'), names),
        ("permissions=MARGIN", []),
        ("symbolStatus=TRADING", names),
        ("symbolStatus=HALT", []),
    ]:
        told = desk.get("exchangeInfo", query)
        assert [entry["symbol"] for entry in told["symbols"]] == expected
        assert all(entry["permissionSets"] == [["SPOT"]] for entry in told["symbols"])
    (told,) = desk.get("exchangeInfo", BTC + "&showPermissionSets=false")["symbols"]
    assert told["permissionSets"] == []


def test_features_of_later_are_not_promised(desk):
    (told,) = desk.get("exchangeInfo", BTC)["symbols"]
    promised = {name for name, value in told.items() if value is True}
    assert promised == {
        "icebergAllowed",
        "quoteOrderQtyMarketAllowed",
        "allowTrailingStop",
        "amendAllowed",
        "ocoAllowed",
        "otoAllowed",
        "cancelReplaceAllowed",
        "isSpotTradingAllowed",
    }


def test_execution_rules_are_none(desk):
    assert desk.get("executionRules", BOTH) == {
        "symbolRules": [{"symbol": name, "rules": []} for name in ("BTCUSDT", "ETHUSDT")]
    }
    assert len(desk.get("executionRules", "symbolStatus=TRADING")["symbolRules"]) == 4


def test_depth_has_as_many_levels_as_asked_for(desk):
    book = desk.get("depth", BTC + "&limit=7&symbolStatus=TRADING")
    assert len(book["bids"]) == len(book["asks"]) == 7


def test_the_users_orders_stand_in_the_book(desk):
    book = desk.get("depth", BTC + "&limit=1")
    price = Decimal(book["asks"][0][0]) - Decimal("0.01")
    assert price > Decimal(book["bids"][0][0])
    desk.buy(price=str(price))
    assert desk.get("depth", BTC + "&limit=1")["bids"] == [[f"{price:.8f}", "0.01000000"]]


def test_trades_are_the_newest_or_those_from_an_id_on(desk, feed):
    newest = desk.get("trades", BTC + "&limit=3")
    last = feed.last_trade("BTCUSDT", now=desk.now)
    assert [t["id"] for t in newest] == [last.id - 2, last.id - 1, last.id]
    assert newest[-1]["price"] == f"{last.price:.8f}"
    assert desk.get("historicalTrades", BTC + "&limit=3") == newest
    older = desk.get("historicalTrades", BTC + f"&limit=2&fromId={last.id - 9}")
    assert [t["id"] for t in older] == [last.id - 9, last.id - 8]


def test_aggregate_trades_by_id_or_by_time(desk, feed):
    last = feed.last_trade("BTCUSDT", now=desk.now)
    by_id = desk.get("aggTrades", BTC + f"&fromId={last.id - 1}")
    assert [t["a"] for t in by_id] == [last.id - 1, last.id]
    assert by_id == desk.get("aggTrades", BTC + "&limit=2")
    start, end = desk.now - 10 * MINUTE, desk.now - 9 * MINUTE
    tape = feed.trades("BTCUSDT", start=start, end=end + 1, now=desk.now)
    both = desk.get("aggTrades", BTC + f"&startTime={start}&endTime={end}&limit=1000")
    assert [t["a"] for t in both] == [t.id for t in tape]
    since = desk.get("aggTrades", BTC + f"&startTime={start}&limit=5")
    assert [t["a"] for t in since] == [t.id for t in tape[:5]]
    until = desk.get("aggTrades", BTC + f"&endTime={end}&limit=5")
    assert [t["a"] for t in until] == [t.id for t in tape[-5:]]


def test_aggregate_trades_after_the_last_trade_of_a_minute_are_those_of_the_next(desk, feed):
    minute = desk.now // MINUTE * MINUTE - 5 * MINUTE
    tape = feed.trades("BTCUSDT", start=minute, end=minute + MINUTE, now=desk.now)
    (first,) = desk.get("aggTrades", BTC + f"&startTime={tape[-1].time + 1}&limit=1")
    assert first["a"] == tape[-1].id + 1


def test_aggregate_trades_of_the_future_are_none(desk):
    assert desk.get("aggTrades", BTC + f"&startTime={desk.now + 5_000}") == []


def test_candles_in_a_time_zone_begin_at_its_midnight(desk):
    (row,) = desk.get("klines", BTC + "&interval=1d&timeZone=05:45&limit=1")
    assert (row[0] + 5 * HOUR + 45 * MINUTE) % DAY == 0
    (row,) = desk.get("uiKlines", BTC + "&interval=1d&timeZone=-8&limit=1")
    assert (row[0] - 8 * HOUR) % DAY == 0


def test_candles_of_a_span_that_ends_before_it_starts_are_none(desk):
    assert desk.get("klines", BTC + f"&interval=1m&startTime={desk.now}&endTime=1") == []


def test_the_average_price_is_of_five_minutes(desk, feed):
    told = desk.get("avgPrice", BTC)
    average = feed.average_price("BTCUSDT", minutes=5, now=desk.now)
    assert told == {
        "mins": 5,
        "price": f"{average:.8f}",
        "closeTime": feed.last_trade("BTCUSDT", now=desk.now).time,
    }


def minutes(feed, start, end, now):
    rows = []
    while start <= end:
        page = feed.klines("BTCUSDT", "1m", start=start, end=end, limit=1000, now=now)
        rows, start = rows + page, start + 1000 * MINUTE
    return rows


def test_the_day_ticker_adds_up_its_minutes(desk, feed):
    told = desk.get("ticker/24hr", BTC)
    start = (desk.now - DAY) // MINUTE * MINUTE
    rows = minutes(feed, start, desk.now, desk.now)
    assert told["openTime"] == desk.now - DAY
    assert told["closeTime"] == desk.now
    assert told["openPrice"] == rows[0][1]
    assert told["lastPrice"] == rows[-1][4]
    assert Decimal(told["highPrice"]) == max(Decimal(row[2]) for row in rows)
    assert Decimal(told["lowPrice"]) == min(Decimal(row[3]) for row in rows)
    assert Decimal(told["volume"]) == sum(Decimal(row[5]) for row in rows)
    assert Decimal(told["quoteVolume"]) == sum(Decimal(row[7]) for row in rows)
    assert told["count"] == sum(row[8] for row in rows)
    assert told["lastId"] == feed.last_trade("BTCUSDT", now=desk.now).id
    assert (
        told["firstId"]
        == feed.trades("BTCUSDT", start=start, end=start + MINUTE, now=desk.now)[0].id
    )
    assert told["prevClosePrice"] == minutes(feed, start - MINUTE, start - 1, desk.now)[0][4]
    change = Decimal(told["lastPrice"]) - Decimal(told["openPrice"])
    assert Decimal(told["priceChange"]) == change
    assert told["priceChangePercent"] == f"{change / Decimal(told['openPrice']) * 100:.3f}"
    average = Decimal(told["quoteVolume"]) / Decimal(told["volume"])
    assert told["weightedAvgPrice"] == f"{average:.8f}"
    book = desk.get("depth", BTC + "&limit=1")
    assert [told["bidPrice"], told["bidQty"]] == book["bids"][0]
    assert [told["askPrice"], told["askQty"]] == book["asks"][0]


@pytest.mark.parametrize("window", ["1m", "59m", "1h", "23h", "7d"])
def test_a_window_begins_on_a_minute(desk, feed, window):
    told = desk.get("ticker", BTC + f"&windowSize={window}")
    length = int(window[:-1]) * {"m": MINUTE, "h": HOUR, "d": DAY}[window[-1]]
    assert told["openTime"] == (desk.now - length) // MINUTE * MINUTE
    rows = minutes(feed, told["openTime"], desk.now, desk.now)
    assert told["count"] == sum(row[8] for row in rows)
    assert Decimal(told["volume"]) == sum(Decimal(row[5]) for row in rows)
    short = desk.get("ticker", BTC + f"&windowSize={window}&type=MINI")
    assert short.items() < told.items()
    assert "weightedAvgPrice" not in short


def test_a_window_of_whole_hours_needs_no_minutes(desk, feed):
    desk.now = desk.now // HOUR * HOUR
    told = desk.get("ticker", BTC + "&windowSize=2h")
    rows = minutes(feed, desk.now - 2 * HOUR, desk.now, desk.now)
    assert told["openTime"] == desk.now - 2 * HOUR
    assert told["count"] == sum(row[8] for row in rows)


def test_a_window_within_an_hour_is_made_of_minutes(desk, feed):
    desk.now += 30 * MINUTE
    told = desk.get("ticker", BTC + "&windowSize=10m")
    rows = minutes(feed, told["openTime"], desk.now, desk.now)
    assert len(rows) == 11
    assert told["count"] == sum(row[8] for row in rows)


def test_the_trading_day_is_the_days_candle(desk, feed):
    told = desk.get("ticker/tradingDay", BTC + "&timeZone=2")
    assert (told["openTime"] + 2 * HOUR) % DAY == 0
    assert told["closeTime"] == told["openTime"] + DAY - 1
    (row,) = feed.klines(
        "BTCUSDT", "1d", start=None, end=None, limit=1, now=desk.now, utc_offset=2 * HOUR
    )
    assert [told["openPrice"], told["highPrice"], told["lowPrice"]] == row[1:4]
    assert desk.get("ticker/tradingDay", BTC + "&timeZone=2&type=MINI").items() < told.items()


def test_lists_of_tickers_leave_out_other_statuses(desk):
    assert desk.get("ticker/price", "symbolStatus=HALT") == []
    assert len(desk.get("ticker/bookTicker", "symbolStatus=TRADING")) == 4
    assert [t["symbol"] for t in desk.get("ticker/24hr", BOTH + "&type=MINI")] == [
        "BTCUSDT",
        "ETHUSDT",
    ]
