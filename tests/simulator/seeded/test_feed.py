from decimal import Decimal

import pytest

from tests.simulator.seeded.markets import LISTED, NOW
from trading_system.simulator.feeds import Feed, KlineRow
from trading_system.simulator.model import MarketTrade
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.history import GENESIS, Origin
from trading_system.simulator.seeded.intervals import INTERVALS, Interval

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
SYMBOLS = ("BTCUSDT", "XRPBTC", "ETHBTC", list(LISTED)[45])


def klines(
    feed: Feed, interval: str, symbol: str = "BTCUSDT", **changes: int | None
) -> list[KlineRow]:
    asked = {"start": None, "end": None, "limit": 500, "now": NOW} | changes
    return feed.klines(symbol, interval, **asked)


def opens(rows: list[KlineRow]) -> list[object]:
    return [row[0] for row in rows]


def row_of(open_time: int, closes: int, trades: list[MarketTrade]) -> KlineRow:
    """What the venue would say about these trades."""

    def text(number: Decimal) -> str:
        return f"{number:.8f}"

    buys = [trade for trade in trades if not trade.buyer_is_maker]
    prices = [trade.price for trade in trades]
    return [
        open_time,
        text(prices[0]),
        text(max(prices)),
        text(min(prices)),
        text(prices[-1]),
        text(sum((trade.quantity for trade in trades), Decimal(0))),
        closes,
        text(sum((trade.price * trade.quantity for trade in trades), Decimal(0))),
        len(trades),
        text(sum((trade.quantity for trade in buys), Decimal(0))),
        text(sum((trade.price * trade.quantity for trade in buys), Decimal(0))),
        "0",
    ]


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("interval", ["1m", "5m", "1h"])
def test_rows_are_what_the_trades_add_up_to_the_running_one_too(feed, symbol, interval):
    for row in klines(feed, interval, symbol, limit=2):
        trades = feed.trades(symbol, start=row[0], end=row[0] + HOUR, now=NOW)
        trades = [trade for trade in trades if trade.time <= row[6]]
        assert row == row_of(row[0], row[6], trades)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_prices_lie_on_ticks_and_quantities_on_steps(feed, symbol):
    rules = LISTED[symbol]
    for trade in feed.latest_trades(symbol, limit=1000, now=NOW):
        assert trade.price % rules.tick_size == 0
        assert trade.quantity % rules.step_size == 0
        assert trade.quantity > 0


@pytest.mark.parametrize("interval", INTERVALS)
def test_the_latest_candles_are_told_when_nothing_else_is_asked(feed, interval):
    rows = klines(feed, interval, limit=3)
    grid = Interval.named(interval)
    assert opens(rows) == grid.opens(grid.number(NOW) - 2, 3).tolist()
    assert [row[6] + 1 for row in rows[:-1]] == opens(rows)[1:]


@pytest.mark.parametrize(
    ("asked", "hours"),
    [
        ({"start": 0, "limit": 2}, [0, 1]),
        ({"start": 1, "limit": 2}, [1, 2]),
        ({"end": 2 * HOUR, "limit": 2}, [1, 2]),
        ({"end": 2 * HOUR - 1, "limit": 2}, [0, 1]),
        ({"start": HOUR, "end": 3 * HOUR}, [1, 2, 3]),
        ({"start": HOUR, "end": 3 * HOUR, "limit": 2}, [1, 2]),
        ({"start": 3 * HOUR, "end": HOUR}, []),
        ({"start": HOUR + 1, "end": HOUR + 2}, []),
        ({"end": DAY * 10_000, "limit": 1}, [(NOW - NOW // DAY * DAY) // HOUR]),
        ({"start": 2 * DAY}, []),
    ],
)
def test_start_end_and_limit_choose_as_on_the_venue(feed, asked, hours):
    day = NOW // DAY * DAY
    asked = {name: value + day * (name != "limit") for name, value in asked.items()}
    assert opens(klines(feed, "1h", **asked)) == [day + hour * HOUR for hour in hours]


def test_the_first_candles_are_those_of_the_first_day(feed):
    assert opens(klines(feed, "1m", start=0, limit=2)) == [GENESIS, GENESIS + MINUTE]
    assert opens(klines(feed, "1M", start=0, limit=1)) == [1_501_545_600_000]
    assert klines(feed, "1d", end=GENESIS - 1) == []
    assert klines(feed, "1d", now=GENESIS - 1) == []


def test_days_begin_when_the_local_clock_strikes(feed):
    rows = klines(feed, "1d", limit=2, utc_offset=8 * HOUR)
    assert rows[0][0] % DAY == 16 * HOUR
    assert rows[0][0] + DAY == rows[1][0]


def test_two_feeds_with_one_seed_agree_to_the_digit_and_another_seed_does_not(feed):
    klines(feed, "1M")
    other, foreign = SeededFeed(7, LISTED), SeededFeed(8, LISTED)
    for symbol in SYMBOLS:
        mine = klines(feed, "1m", symbol), feed.depth(symbol, now=NOW)
        assert mine == (klines(other, "1m", symbol), other.depth(symbol, now=NOW))
        assert mine != (klines(foreign, "1m", symbol), foreign.depth(symbol, now=NOW))


def test_unknown_symbols_and_intervals_are_key_errors(feed):
    with pytest.raises(KeyError):
        klines(feed, "1m", "NOPEUSDT")
    with pytest.raises(KeyError):
        klines(feed, "2m")


def test_trades_by_time_by_id_and_from_the_end_are_the_same_tape(feed):
    by_time = feed.trades("BTCUSDT", start=NOW - 30 * SECOND, end=NOW + DAY, now=NOW)
    by_id = feed.trades_from("BTCUSDT", first_id=by_time[0].id, limit=10_000, now=NOW)
    latest = feed.latest_trades("BTCUSDT", limit=len(by_time), now=NOW)
    assert by_time == by_id == latest
    assert feed.last_trade("BTCUSDT", now=NOW) == by_time[-1]
    assert by_time[-1].time <= NOW


def test_a_price_between_two_ticks_is_not_reached_by_a_trade_beside_it(feed):
    for trade in feed.latest_trades("BTCUSDT", limit=5, now=NOW):
        asked = {"after": trade.id - 1, "now": NOW}
        half = Decimal("0.005")
        below = feed.next_trade(
            "BTCUSDT", **asked, at_or_below=trade.price - half, at_or_above=None
        )
        above = feed.next_trade(
            "BTCUSDT", **asked, at_or_below=None, at_or_above=trade.price + half
        )
        assert below is None or below.price < trade.price
        assert above is None or above.price > trade.price
        exact = feed.next_trade("BTCUSDT", **asked, at_or_below=trade.price, at_or_above=None)
        assert exact == trade


def test_the_next_trade_reaches_a_bound_between_two_ticks_only_by_crossing_it(feed):
    last = feed.last_trade("BTCUSDT", now=NOW - HOUR)
    half = Decimal("0.005")
    tape = feed.trades("BTCUSDT", start=NOW - HOUR, end=NOW, now=NOW)
    reached = [trade for trade in tape if trade.id > last.id and trade.price <= last.price - half]
    found = feed.next_trade(
        "BTCUSDT", after=last.id, now=NOW, at_or_below=last.price - half, at_or_above=None
    )
    assert found == reached[0]
    above = [trade for trade in tape if trade.id > last.id and trade.price >= last.price + half]
    assert above[0] == feed.next_trade(
        "BTCUSDT", after=last.id, now=NOW, at_or_below=None, at_or_above=last.price + half
    )


@pytest.mark.parametrize(
    ("below", "above"), [(None, None), (Decimal("0.01"), None), (None, Decimal(10) ** 30)]
)
def test_there_is_no_next_trade_where_none_reaches_a_bound(feed, below, above):
    assert (
        feed.next_trade("BTCUSDT", after=-1, now=NOW, at_or_below=below, at_or_above=above) is None
    )


def test_the_average_price_is_weighted_by_volume(feed):
    trades = feed.trades("BTCUSDT", start=NOW - 5 * MINUTE + 1, end=NOW + 1, now=NOW)
    amount = sum(trade.price * trade.quantity for trade in trades)
    average = amount / sum(trade.quantity for trade in trades)
    assert feed.average_price("BTCUSDT", minutes=5, now=NOW) == average.quantize(Decimal("1e-8"))


def test_the_average_of_no_minutes_is_the_last_price(feed):
    last = feed.last_trade("BTCUSDT", now=NOW).price
    assert feed.average_price("BTCUSDT", minutes=0, now=NOW) == last


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_book_stands_about_the_last_price(feed, symbol):
    rules = LISTED[symbol]
    for second in range(NOW // SECOND - 40, NOW // SECOND):
        book = feed.depth(symbol, now=second * SECOND)
        trade = feed.last_trade(symbol, now=second * SECOND)
        last = trade.price
        bids, asks = [level.price for level in book.bids], [level.price for level in book.asks]
        assert len(bids) >= 100
        assert len(asks) >= 100
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert bids[0] < asks[0]
        assert last == (bids[0] if trade.buyer_is_maker else asks[0])
        assert asks[0] - bids[0] < last / 1000
        for level in (*book.bids, *book.asks):
            assert level.price % rules.tick_size == 0 < level.price
            assert level.quantity % rules.step_size == 0 < level.quantity


def test_the_book_stands_still_within_a_second_and_its_id_grows_with_the_next(feed):
    second = NOW // SECOND * SECOND
    one, same, next_one = (
        feed.depth("BTCUSDT", now=now) for now in (second, second + 999, second + 1000)
    )
    assert one == same != next_one
    assert next_one.last_update_id > one.last_update_id > 0


@pytest.mark.parametrize("symbol", LISTED)
def test_a_quote_is_the_top_of_the_book(feed, symbol):
    for now in range(NOW, NOW + 20 * SECOND, 1_700):
        book = feed.depth(symbol, now=now)
        top = (book.last_update_id, book.bids[:1], book.asks[:1])
        assert feed.quote(symbol, now=now) == top


def test_a_quote_below_the_first_tick_has_no_bid():
    """Where the price is one tick and takers sell, nobody can bid less."""
    feed = SeededFeed(7, LISTED, origins={"BTCUSDT": Origin(NOW // DAY * DAY, 1)})
    quotes = [feed.quote("BTCUSDT", now=NOW + k * SECOND) for k in range(600)]
    books = [feed.depth("BTCUSDT", now=NOW + k * SECOND) for k in range(600)]
    assert [q.bids for q in quotes] == [b.bids[:1] for b in books]
    assert any(not quote.bids for quote in quotes)


def test_a_price_of_few_ticks_has_fewer_bids():
    feed = SeededFeed(7, LISTED, origins={"BTCUSDT": Origin(NOW // DAY * DAY, 30)})
    book = feed.depth("BTCUSDT", now=NOW)
    assert 0 < len(book.bids) < 100 <= len(book.asks)
    assert book.bids[-1].price > 0


def test_a_symbol_may_begin_elsewhere():
    begun = NOW // DAY * DAY + 17 * MINUTE
    feed = SeededFeed(7, LISTED, origins={"BTCUSDT": Origin(begun, 1_234_567, 5_000)})
    first = klines(feed, "1m", start=0, limit=1)[0]
    assert (first[0], first[1]) == (begun, "12345.67000000")
    assert feed.trades("BTCUSDT", start=begun, end=begun + HOUR, now=NOW)[0].id == 5_000
    assert klines(feed, "1d", "ETHUSDT", start=0, limit=1)[0][0] == GENESIS


def test_the_feed_lists_what_it_was_given(feed):
    assert list(feed.symbols) == list(LISTED)
