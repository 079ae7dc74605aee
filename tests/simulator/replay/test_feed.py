"""A recorded market told as it was, and going on from where it ended."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.simulator.replay.candles import History
from trading_system.simulator.replay.feed import ReplayFeed
from trading_system.simulator.replay.opening import opened
from trading_system.simulator.replay.reader import Recording, text
from trading_system.simulator.replay.tape import completed, counts, tape

MINUTE = 60_000
DAY = 1440 * MINUTE
START = 1_619_308_800_000  # 2021-04-25T00:00Z
UNIT = 10**8
HOLE = range(241, 525)  # minutes that are missing


def recording(symbol="BTCUSDT", minutes=1_000, interval="1m", length=MINUTE):
    """A zigzag around 50,000 with a hole of 284 minutes."""
    kept = [k for k in range(minutes) if k not in HOLE]
    rows = []
    for k in kept:
        opened, close = 50_000 + k % 17, 50_000 + (k + 1) % 17
        high, low = max(opened, close) + 3, min(opened, close) - 2
        rows.append([opened * UNIT, high * UNIT, low * UNIT, close * UNIT, (k % 7 + 1) * UNIT // 4])
    times = np.array([START + k * length for k in kept])
    return Recording(symbol, interval, times, np.array(rows, np.int64))


END = START + 1_000 * MINUTE
LATER = END + 3 * DAY


@pytest.fixture
def feed():
    return ReplayFeed([History(recording())], seed=7)


def ask(feed, interval="1m", *, now=LATER, **more):
    asked = {"start": None, "end": None, "limit": 1000} | more
    return feed.klines("BTCUSDT", interval, now=now, **asked)


def test_recorded_candles_come_back_and_holes_stay_holes(feed) -> None:
    rows = ask(feed, start=START, end=END - 1)
    assert [row[0] for row in rows] == [START + k * MINUTE for k in range(1_000) if k not in HOLE]
    assert rows[3][1:6] == [
        "50003.00000000",
        "50007.00000000",
        "50001.00000000",
        "50004.00000000",
        "1.00000000",
    ]
    assert rows[0][6] == START + MINUTE - 1


def test_nothing_is_told_before_the_first_candle_or_before_it_closed(feed) -> None:
    assert ask(feed, end=START - 1) == []
    assert ask(feed, now=START + MINUTE - 1) == []
    assert len(ask(feed, now=START + 2 * MINUTE)) == 2


@pytest.mark.parametrize(
    ("more", "first", "count"),
    [
        ({"start": START, "limit": 5}, START, 5),
        ({"start": START + 1, "limit": 5}, START + MINUTE, 5),
        ({"end": START + 9 * MINUTE, "limit": 4}, START + 6 * MINUTE, 4),
        ({"start": START, "end": START, "limit": 5}, START, 1),
        ({"start": START + 240 * MINUTE, "limit": 2}, START + 240 * MINUTE, 2),
    ],
)
def test_a_window_is_read_as_the_exchange_reads_it(feed, more, first, count) -> None:
    rows = ask(feed, **more)
    assert (rows[0][0], len(rows)) == (first, count)


@pytest.mark.parametrize("interval", ["3m", "5m", "15m", "1h", "4h", "12h", "1d", "1w", "1M"])
def test_every_interval_agrees_with_the_minutes(feed, interval) -> None:
    minutes = ask(feed, start=START, end=END - 1)
    for row in ask(feed, interval, start=START - 40 * DAY, end=END - 1):
        inside = [each for each in minutes if row[0] <= each[0] <= row[6]]
        if row[6] >= END:
            continue  # the seeded path is part of this one
        assert row[1] == inside[0][1]
        assert row[4] == inside[-1][4]
        assert Decimal(row[2]) == max(Decimal(each[2]) for each in inside)
        assert Decimal(row[3]) == min(Decimal(each[3]) for each in inside)
        for place in (5, 7, 9, 10):
            assert Decimal(row[place]) == sum(Decimal(each[place]) for each in inside)
        assert row[8] == sum(each[8] for each in inside)


def test_finer_candles_than_recorded_do_not_exist() -> None:
    hours = ReplayFeed([History(recording(interval="1h", length=60 * MINUTE))], seed=7)
    assert hours.klines("BTCUSDT", "1m", start=START, end=START + DAY, limit=9, now=LATER) == []
    assert hours.klines("BTCUSDT", "1h", start=START, end=START + DAY, limit=9, now=LATER * 2)


def test_the_market_goes_on_from_the_last_price_without_a_gap(feed) -> None:
    rows = ask(feed, start=END - 2 * MINUTE, end=END + 10 * MINUTE)
    assert [row[0] for row in rows] == [END + k * MINUTE for k in range(-2, 11)]
    assert Decimal(rows[2][1]) == Decimal(rows[1][4])


def test_the_candle_in_which_the_recording_ends_is_one_candle(feed) -> None:
    day = ask(feed, "1d", start=START, limit=1)[0]
    parts = ask(feed, "1m", start=START, end=START + DAY - 1, limit=2_000)
    assert Decimal(day[5]) == sum(Decimal(row[5]) for row in parts)
    assert day[8] == sum(row[8] for row in parts)
    assert (day[1], day[4]) == (parts[0][1], parts[-1][4])
    assert Decimal(day[2]) == max(Decimal(row[2]) for row in parts)
    assert ask(feed, "1d", limit=9)[0] == day


def test_trade_ids_are_dense_across_the_end_of_the_recording(feed) -> None:
    first = feed.trades_from("BTCUSDT", first_id=1, limit=10_000, now=END + 5 * MINUTE)
    assert [trade.id for trade in first] == list(range(1, len(first) + 1))
    assert [trade.time for trade in first] == sorted(trade.time for trade in first)
    assert first[-1].time > END
    latest = feed.latest_trades("BTCUSDT", limit=3, now=END + 5 * MINUTE)
    assert latest == first[-3:]
    assert feed.last_trade("BTCUSDT", now=END + 5 * MINUTE) == first[-1]


def test_trades_of_a_minute_sum_to_its_candle(feed) -> None:
    for row in ask(feed, start=START, limit=50):
        trades = feed.trades("BTCUSDT", start=row[0], end=row[0] + MINUTE, now=LATER)
        assert text_of(trades[0].price) == row[1]
        assert text_of(trades[-1].price) == row[4]
        assert text_of(max(trade.price for trade in trades)) == row[2]
        assert text_of(min(trade.price for trade in trades)) == row[3]
        assert text_of(sum(trade.quantity for trade in trades)) == row[5]
        assert len(trades) == row[8]


def text_of(number) -> str:
    return f"{number:.8f}"


def test_the_next_trade_at_a_price_is_the_first_that_reaches_it(feed) -> None:
    everything = feed.trades_from("BTCUSDT", first_id=1, limit=10_000, now=END)
    bounds = {"at_or_below": Decimal("49998.5"), "at_or_above": Decimal("50018.5")}
    wanted = next(
        trade
        for trade in everything
        if trade.id > 40 and not Decimal("49998.5") < trade.price < Decimal("50018.5")
    )
    assert feed.next_trade("BTCUSDT", after=40, now=END, **bounds) == wanted
    nothing = {"at_or_below": Decimal(1), "at_or_above": None}
    assert feed.next_trade("BTCUSDT", after=0, now=END - 1, **nothing) is None
    anything = {"at_or_below": None, "at_or_above": Decimal(1)}
    later = feed.next_trade("BTCUSDT", after=len(everything), now=LATER, **anything)
    assert later.id == len(everything) + 1


def test_prices_and_books_follow_the_tape(feed) -> None:
    for now in (START + 30 * MINUTE, END + MINUTE, LATER):
        last = feed.last_trade("BTCUSDT", now=now)
        book = feed.depth("BTCUSDT", now=now)
        assert book.bids[0].price < book.asks[0].price
        assert len(book.bids) >= 100
        assert abs(book.bids[0].price - last.price) < 100
        assert abs(feed.average_price("BTCUSDT", minutes=5, now=now) - last.price) < 500
    quiet = START + 400 * MINUTE  # inside the hole nothing trades
    last = feed.last_trade("BTCUSDT", now=quiet)
    assert feed.average_price("BTCUSDT", minutes=5, now=quiet) == last.price


def test_before_the_first_candle_there_is_no_trade(feed) -> None:
    with pytest.raises(LookupError):
        feed.last_trade("BTCUSDT", now=START)


def test_a_shifted_recording_ends_within_the_day_before_now(tmp_path) -> None:
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join(f"{START + k * MINUTE},1,2,0.5,1.5,9" for k in range(10)))
    now = 1_767_268_830_000
    feed = opened(path, seed=1, shift=True, now=now)[0]
    rows = feed.klines("BTCUSDT", "1m", start=0, end=None, limit=1, now=now)
    assert (rows[0][0] - START) % DAY == 0
    assert now - DAY < rows[0][0] + 10 * MINUTE <= now


def test_a_pair_nobody_knows_gets_rules_that_fit_its_numbers() -> None:
    times = np.array([START])
    values = np.array([[1_500, 1_600, 1_400, 1_550, 123 * UNIT]], np.int64)
    feed = ReplayFeed([History(Recording("BRDBTC", "1m", times, values))], seed=1)
    rules = feed.symbols["BRDBTC"]
    assert (rules.base, rules.quote) == ("BRD", "BTC")
    assert (rules.tick_size, rules.step_size) == (Decimal("1e-7"), Decimal(1))


def test_a_pair_without_a_known_quote_asset_is_refused() -> None:
    odd = recording("ABCXYZ")
    with pytest.raises(ValueError, match="quote asset"):
        History(odd)


prices = st.integers(1, 10**13)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(prices, prices, prices, prices, st.integers(0, 10**12)), min_size=1, max_size=9
    )
)
def test_any_candle_has_a_tape_that_sums_to_it(drawn) -> None:
    rows = [[o, max(o, a, b, c), min(o, a, b, c), c, v] for o, a, b, c, v in drawn]
    values = np.array(rows, np.int64)
    times = START + MINUTE * np.arange(len(rows))
    ids = np.concatenate([[1], 1 + np.cumsum(counts(values))])
    trades = tape(times, values, ids[:-1], MINUTE)
    assert trades.ids.tolist() == list(range(1, int(ids[-1])))
    full = completed(values)
    for k, (start, high, low, close, volume) in enumerate(rows):
        mine = (trades.times >= times[k]) & (trades.times < times[k] + MINUTE)
        assert trades.quantities[mine].sum() == volume
        if volume >= 4:
            mine_prices = trades.prices[mine]
            assert (mine_prices[0], mine_prices[-1]) == (start, close)
            assert (mine_prices.max(), mine_prices.min()) == (high, low)
        exact = sum(
            int(p) * int(q)
            for p, q in zip(trades.prices[mine], trades.quantities[mine], strict=True)
        )
        assert 0 <= exact // UNIT - int(full[k, 5]) <= 4  # each trade is cut to 10^-8
        assert 0 <= full[k, 7] <= volume


def test_completing_a_complete_recording_changes_nothing() -> None:
    values = np.arange(18, dtype=np.int64).reshape(2, 9)
    assert completed(values) is values


def test_units_are_written_with_eight_decimals() -> None:
    assert text(1) == "0.00000001"
    assert text(123 * UNIT) == "123.00000000"


def test_the_same_history_is_told_after_many_questions() -> None:
    history = History(recording())
    first = history.page("5m", 0, LATER)
    for offset in range(40):
        history.page("1h", offset * MINUTE, LATER)
    again = history.page("5m", 0, LATER)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
