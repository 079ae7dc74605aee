import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.seeded.markets import LISTED, NOW
from trading_system.simulator.seeded.candles import Candles, folded
from trading_system.simulator.seeded.history import GENESIS, HORIZON, Origin
from trading_system.simulator.seeded.intervals import INTERVALS, Interval
from trading_system.simulator.seeded.path import Caches, SeededPath
from trading_system.simulator.seeded.tape import aggregated

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
ODD_MINUTE = 1_709_212_620_000  # 2024-02-29 13:17


def page(path: SeededPath, name: str, start: int, count: int, now: int, offset: int = 0) -> Candles:
    interval = Interval.named(name, offset)
    return path.page(interval, interval.number(start), count, now).candles


@pytest.mark.parametrize("name", [name for name in INTERVALS if name != "1s"])
@pytest.mark.parametrize("offset", [0, 8 * HOUR, -int(3.5 * HOUR)])
def test_every_interval_is_made_of_the_minutes(path, name, offset):
    interval = Interval.named(name, offset)
    count = 2 if name in {"1w", "1M"} else 9
    first = interval.number(NOW) - count - 3
    whole = path.page(interval, first, count, NOW)
    start, end = int(whole.candles.start[0]), int(whole.ends[-1])
    minutes = page(path, "1m", start, (end - start) // MINUTE, NOW)
    assert (folded(minutes, whole.candles.start).table == whole.candles.table).all()


def test_minutes_are_made_of_seconds_and_seconds_of_trades(path):
    start = NOW // HOUR * HOUR - 5 * HOUR
    seconds = page(path, "1s", start, 900, NOW)
    minutes = page(path, "1m", start, 15, NOW)
    trades = path.trades_between(start, start + 15 * MINUTE, NOW)
    assert (folded(seconds, minutes.start).table == minutes.table).all()
    assert (
        aggregated(trades, seconds.start, int(minutes.open[0]), int(trades.id[0])).table
        == seconds.table
    ).all()


def test_seconds_may_begin_within_a_minute(path):
    start = NOW // MINUTE * MINUTE
    whole = page(path, "1s", start - MINUTE, 100, NOW)
    part = page(path, "1s", start - MINUTE + 17_000, 20, NOW)
    assert (whole.table[:, 17:37] == part.table).all()


@pytest.mark.parametrize("name", INTERVALS)
@pytest.mark.parametrize(
    "now", [NOW, NOW // DAY * DAY, NOW // MINUTE * MINUTE, NOW // DAY * DAY - 1]
)
def test_the_running_candle_holds_what_was_traded_up_to_now(path, name, now):
    interval = Interval.named(name)
    running = path.page(interval, interval.number(now), 5, now)
    assert running.candles.count == 1
    start = int(running.candles.start[0])
    minute = now // MINUTE * MINUTE
    tape = path.trades_between(max(start, minute), now + 1, now)
    last = aggregated(tape, np.array([max(start, minute)]), int(running.candles.open[0]), 0)
    if start < minute:
        known = page(path, "1m", start, (minute - start) // MINUTE, now)
        assert running.candles.high[0] >= max(known.high.max(), tape.price.max(initial=0))
        assert running.candles.trades[0] == known.trades.sum() + len(tape.id)
        assert (running.candles.quote[:, 0] == known.quote.sum(axis=1) + last.quote[:, 0]).all()
        assert running.candles.close[0] == (tape.price[-1] if len(tape.id) else known.close[-1])
    else:
        assert running.candles.trades[0] == len(tape.id)
        assert (running.candles.volume[:, 0] == last.volume[:, 0]).all()


def test_what_is_told_at_one_moment_is_still_true_later(path):
    """But for the running candle, nothing changes: the future only adds."""
    early = page(path, "15m", NOW - DAY, 200, NOW)
    late = page(path, "15m", NOW - DAY, 200, NOW + 30 * DAY)
    assert (early.table[:, :-1] == late.table[:, : early.count - 1]).all()
    assert early.start[-1] <= NOW


def test_two_paths_agree_whatever_either_was_asked_before(path):
    fresh = SeededPath(7, LISTED["BTCUSDT"])
    path.trades_between(NOW - 90 * DAY, NOW - 90 * DAY + HOUR, NOW)
    for name in ("1s", "1m", "4h", "1M"):
        start = NOW - 50_000 if name == "1s" else NOW - 40 * DAY
        one, other = (page(which, name, start, 40, NOW) for which in (path, fresh))
        assert (one.table == other.table).all()


def test_another_seed_is_another_market(path):
    other = SeededPath(8, LISTED["BTCUSDT"])
    assert (
        page(path, "1m", NOW - DAY, 9, NOW).table != page(other, "1m", NOW - DAY, 9, NOW).table
    ).any()


@settings(max_examples=25, deadline=None)
@given(start=st.integers(GENESIS, NOW), length=st.integers(1, HOUR))
def test_trades_are_those_of_the_span_with_dense_ids(path, start, length):
    trades = path.trades_between(start, start + length, NOW)
    assert ((trades.time >= start) & (trades.time < start + length) & (trades.time <= NOW)).all()
    wider = path.trades_between(start - 1000, start + length + 1000, NOW)
    inside = (wider.time >= start) & (wider.time < start + length)
    assert (wider.id[inside] == trades.id).all()
    assert (np.diff(wider.id) == 1).all()


@settings(max_examples=15, deadline=None)
@given(back=st.integers(0, 10**8), limit=st.integers(1, 1000))
def test_trades_are_found_by_id(path, back, limit):
    first = int(path.last_trade(NOW).id[0]) - back
    trades = path.trades_from(first, limit, NOW)
    assert trades.id.tolist() == list(range(first, first + min(limit, back + 1)))
    assert (trades.time <= NOW).all()
    assert (np.diff(trades.time) >= 0).all()


def test_the_first_id_is_the_first_trade_and_the_last_is_not_followed(path):
    assert path.trades_from(-5, 10, NOW).id.tolist() == [1, 2, 3, 4]
    last = int(path.last_trade(NOW).id[0])
    assert len(path.trades_from(last + 1, 10, NOW).id) == 0
    assert len(path.trades_from(last + 10**7, 10, NOW).id) == 0


def test_the_last_trade_is_of_the_minute_before_while_a_minute_has_none(path):
    minute = NOW // MINUTE * MINUTE
    first = path.trades_between(minute, minute + MINUTE, NOW).time[0]
    assert path.last_trade(int(first)).time[0] == first
    assert path.last_trade(int(first) - 1).time[0] < minute
    assert (
        path.last_trade(int(first) - 1).price[0]
        == page(path, "1m", minute - MINUTE, 1, NOW).close[0]
    )


def test_before_the_first_trade_there_is_nothing(path):
    assert page(path, "1m", GENESIS, 5, GENESIS - MINUTE).count == 0
    assert len(path.trades_between(0, GENESIS, NOW).id) == 0
    with pytest.raises(LookupError):
        path.last_trade(GENESIS - 1)


@settings(max_examples=25, deadline=None)
@given(
    hours=st.integers(0, 30),
    below=st.one_of(st.none(), st.floats(0.97, 1.01)),
    above=st.one_of(st.none(), st.floats(0.99, 1.03)),
)
def test_the_first_trade_that_reaches_a_bound_is_found(path, hours, below, above):
    start = NOW - hours * HOUR
    after = int(path.last_trade(start).id[0])
    price = int(path.last_trade(start).price[0])
    low = None if below is None else int(price * below)
    high = None if above is None else int(price * above)
    trades = path.trades_from(after + 1, 10**6, NOW)
    hit = (trades.price <= (low if low is not None else -1)) | (
        trades.price >= (high if high is not None else 1 << 62)
    )
    found = path.first_reaching(after=after, now=NOW, at_or_below=low, at_or_above=high)
    if hit.any():
        assert found is not None
        assert found.id[0] == trades.id[hit][0]
    else:
        assert found is None


def test_a_trade_still_to_come_in_the_running_minute_is_not_found(path):
    minute = NOW // MINUTE * MINUTE
    tape = path.trades_between(minute, minute + MINUTE, minute + MINUTE)
    top = int(tape.price.max())
    reached = int(tape.time[tape.price == top][0])
    after = int(tape.id[0]) - 1
    asked = {"after": after, "at_or_below": None, "at_or_above": top}
    assert path.first_reaching(now=reached - 1, **asked) is None
    assert path.first_reaching(now=reached, **asked).time[0] == reached


def test_paths_that_begin_elsewhere_share_a_memory_without_mixing():
    caches = Caches.of()
    for price in (5_000_000, 7_000_000):
        origin = Origin(ODD_MINUTE, price)
        shared = SeededPath(7, LISTED["BTCUSDT"], origin=origin, caches=caches)
        alone = SeededPath(7, LISTED["BTCUSDT"], origin=origin)
        one, other = (page(which, "1m", NOW, 1, NOW) for which in (shared, alone))
        assert (one.table == other.table).all()


def test_a_path_may_begin_at_any_minute_and_price(path):
    other = SeededPath(7, LISTED["BTCUSDT"], origin=Origin(ODD_MINUTE, 5_000_001, 1_000))
    day = page(other, "1d", ODD_MINUTE, 3, NOW)
    minutes = page(other, "1m", ODD_MINUTE, 3 * 1440 - (ODD_MINUTE % DAY) // MINUTE, NOW)
    assert day.open[0] == minutes.open[0] == 5_000_001
    assert minutes.start[0] == ODD_MINUTE
    assert day.start[0] == ODD_MINUTE // DAY * DAY
    assert (folded(minutes, day.start).table == day.table).all()
    assert other.trades_between(0, ODD_MINUTE + HOUR, NOW).id[0] == 1_000


@pytest.mark.parametrize("name", INTERVALS)
def test_a_path_begun_in_the_running_minute_has_one_candle(name):
    minute = NOW // MINUTE * MINUTE
    other = SeededPath(7, LISTED["BTCUSDT"], origin=Origin(minute, 5_000_001))
    trades = other.trades_between(minute, NOW + 1, NOW)
    candle = page(other, name, NOW, 5, NOW)
    assert candle.count == 1
    if name != "1s":
        assert candle.open[0] == 5_000_001
        assert candle.trades[0] == len(trades.id) > 0


def test_after_the_last_year_the_market_stands_still(path):
    last = path.last_trade(path.end - 1)
    assert path.end >= HORIZON
    assert path.last_trade(path.end + 10 * DAY).id == last.id
    assert page(path, "1m", path.end - MINUTE, 10, path.end + DAY).count == 1
