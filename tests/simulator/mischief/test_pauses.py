"""A tape with pauses in it is still one consistent market."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from trading_system.simulator.mischief.pauses import PausedFeed

MINUTE = 60_000
NOON = 1_767_614_400_000
HALT = NOON + 20_500  # within a minute, and so is its end
END = NOON + 7 * MINUTE + 31_000
LATER = NOON + 12 * MINUTE + 40_000
BTC = "BTCUSDT"


@pytest.fixture
def paused(feed):
    paused = PausedFeed(feed)
    paused.halt("1", "BTC*", HALT)
    return paused


@pytest.fixture
def resumed(paused):
    paused.resume("1", END)
    return paused


def tape(feed, now=LATER):
    return feed.trades(BTC, start=NOON - 5 * MINUTE, end=now + 1, now=now)


def test_while_it_lasts_everything_is_as_it_was(paused, feed):
    for now in (HALT, END, LATER):
        assert paused.last_trade(BTC, now=now) == feed.last_trade(BTC, now=HALT)
        assert paused.depth(BTC, now=now) == feed.depth(BTC, now=HALT)
        assert paused.quote(BTC, now=now) == feed.quote(BTC, now=HALT)
        assert paused.latest_trades(BTC, limit=9, now=now) == feed.latest_trades(
            BTC, limit=9, now=HALT
        )
        assert paused.average_price(BTC, minutes=5, now=now) == feed.average_price(
            BTC, minutes=5, now=HALT
        )


def test_what_was_halted_before_anything_was_traded_shows_nothing(feed, klines):
    paused = PausedFeed(feed)
    paused.halt("1", BTC, HALT)
    paused.resume("1", END)
    quiet = {"at_or_below": None, "at_or_above": None}
    assert paused.next_trade(BTC, after=0, now=LATER, **quiet) is None
    assert paused.trades_from(BTC, first_id=2**40, limit=5, now=LATER) == []
    assert klines(paused, start=NOON + MINUTE, end=END - MINUTE, now=LATER) == []


def test_an_average_of_nothing_is_the_last_price(feed):
    after = [t.time for t in feed.trades(BTC, start=END, end=LATER, now=LATER)]
    end, following = next(pair for pair in itertools.pairwise(after) if pair[0] + 1 < pair[1])
    paused = PausedFeed(feed)
    paused.halt("1", BTC, HALT)
    paused.resume("1", end + 1)
    now = following - 1  # the pause is over and nothing has been traded yet
    last = feed.last_trade(BTC, now=HALT)
    assert paused.last_trade(BTC, now=now) == last
    assert paused.latest_trades(BTC, limit=3, now=now)[-1] == last
    assert paused.average_price(BTC, minutes=5, now=now) == last.price


def test_other_symbols_go_on(paused, feed):
    assert paused.last_trade("ETHUSDT", now=LATER) == feed.last_trade("ETHUSDT", now=LATER)


def test_no_trade_of_the_pause_is_ever_told_and_ids_have_no_gap(resumed, feed):
    told = tape(resumed)
    assert [t.id for t in told] == list(range(told[0].id, told[0].id + len(told)))
    real = [t for t in tape(feed) if not HALT < t.time < END]
    assert [t._replace(id=0) for t in told] == [t._replace(id=0) for t in real]
    assert len(real) < len(tape(feed))


@pytest.mark.parametrize("offset", [0, 1, 7, 50, 400])
def test_a_page_of_the_tape_begins_with_the_id_that_was_asked_for(resumed, offset):
    told = tape(resumed)
    page = resumed.trades_from(BTC, first_id=told[offset].id, limit=60, now=LATER)
    assert page == told[offset : offset + 60]


def test_the_latest_trades_reach_over_the_pause(resumed):
    told = tape(resumed)
    after = sum(1 for t in told if t.time >= END)
    assert resumed.latest_trades(BTC, limit=after + 5, now=LATER) == told[-after - 5 :]
    assert resumed.last_trade(BTC, now=LATER) == told[-1]


def test_the_next_trade_at_a_price_is_looked_for_outside_of_the_pause(resumed):
    told = tape(resumed)
    for price in {t.price for t in told[:80]} | {told[0].price * 2}:
        for after in (told[0].id, told[len(told) // 2].id):
            found = resumed.next_trade(
                BTC, after=after, now=LATER, at_or_below=price, at_or_above=None
            )
            assert found == next((t for t in told if t.id > after and t.price <= price), None)


@pytest.mark.parametrize("interval", ["1s", "1m", "5m", "15m"])
def test_candles_are_made_of_the_trades_that_are_left(resumed, klines, interval):
    rows = klines(resumed, interval, start=NOON - 3 * MINUTE, now=LATER, limit=1000)
    assert rows
    for row in (row for row in rows if row[8]):
        trades = resumed.trades(BTC, start=row[0], end=row[6] + 1, now=LATER)
        assert row[8] == len(trades)
        assert Decimal(row[1]) == trades[0].price
        assert Decimal(row[4]) == trades[-1].price
        assert Decimal(row[2]) == max(t.price for t in trades)
        assert Decimal(row[3]) == min(t.price for t in trades)
        assert Decimal(row[5]) == sum(t.quantity for t in trades)
        assert Decimal(row[7]) == sum(t.quantity * t.price for t in trades)
        bought = [t for t in trades if not t.buyer_is_maker]
        assert Decimal(row[9]) == sum(t.quantity for t in bought)


def test_minutes_within_the_pause_are_missing(resumed, klines):
    rows = klines(resumed, start=NOON - MINUTE, now=LATER)
    opened = [(row[0] - NOON) // MINUTE for row in rows]
    assert opened == [-1, 0, 7, 8, 9, 10, 11, 12]


def test_a_page_is_full_though_minutes_are_missing(resumed, klines):
    opened = [(row[0] - NOON) // MINUTE for row in klines(resumed, now=LATER, limit=10)]
    assert opened == [-3, -2, -1, 0, 7, 8, 9, 10, 11, 12]
    rows = klines(resumed, now=LATER, start=NOON, limit=3)
    assert [(row[0] - NOON) // MINUTE for row in rows] == [0, 7, 8]


@pytest.mark.parametrize(
    ("longer", "shorter"), [("5m", "1m"), ("1h", "1m"), ("4h", "1h"), ("1w", "1d")]
)
def test_longer_candles_are_the_sum_of_shorter_ones(resumed, klines, longer, shorter):
    for row in klines(resumed, longer, now=LATER, limit=3):
        parts = klines(resumed, shorter, start=row[0], end=row[6], now=LATER)
        assert row[8] == sum(part[8] for part in parts)
        assert Decimal(row[5]) == sum(Decimal(part[5]) for part in parts)
        assert row[1] == parts[0][1]
        assert row[4] == parts[-1][4]


def test_pauses_that_meet_are_one(paused, feed):
    paused.halt("2", "*", HALT + 5_000)
    paused.resume("1", END)
    assert paused.last_trade(BTC, now=LATER) == feed.last_trade(BTC, now=HALT)
    paused.resume("2", END + MINUTE)
    told = tape(paused)
    assert not [t for t in told if HALT < t.time < END + MINUTE]
    assert [t.id for t in told] == list(range(told[0].id, told[0].id + len(told)))


def test_the_average_is_that_of_the_trades_that_are_left(resumed):
    trades = [t for t in tape(resumed) if t.time > LATER - 5 * MINUTE]
    quote = sum(t.price * t.quantity for t in trades)
    assert resumed.average_price(BTC, minutes=5, now=LATER) == (
        quote / sum(t.quantity for t in trades)
    ).quantize(Decimal("1e-8"))
