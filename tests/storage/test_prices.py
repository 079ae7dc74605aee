"""What only the SQLite prices do, and the laws of completeness; the rest is in the contract."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.storage.database import Database
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols

BTC = Symbol("BTC", "USDT")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = 1_767_225_600_000
ONE = Timeframe.parse("1m")
SHARED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def walk(count, seed=1):
    """A believable path of candles."""
    chance = random.Random(seed)
    price, rows = 30_000.0, []
    for minute in range(count):
        price = round(price * (1 + chance.gauss(0, 0.0005)), 2)
        low, high = round(price * 0.999, 2), round(price * 1.001, 2)
        rows.append(Candle(T + minute * MINUTE, price, high, low, price, chance.random() * 100))
    return rows


@pytest.mark.parametrize("size", [1, 4, 5, 49, 55, 499, 500, 1556])
async def test_any_number_of_rows_is_stored(prices, size):
    rows = walk(size)
    assert await prices.upsert({BTC: rows}) == size
    assert await prices.candles(BTC, Span(T, T + size * MINUTE), ONE) == rows


@pytest.mark.parametrize("bad", [T + 1, T + 59_999])
async def test_a_candle_that_begins_inside_a_minute_is_refused_with_all_others(prices, bad):
    with pytest.raises(sqlite3.IntegrityError):
        await prices.upsert({BTC: [*walk(600), Candle(bad, 1.0, 1.0, 1.0, 1.0, 1.0)]})
    assert await prices.bounds(BTC) is None


async def test_not_a_number_is_refused(prices):
    with pytest.raises(sqlite3.IntegrityError):
        await prices.upsert({BTC: [Candle(T, float("nan"), 1.0, 1.0, 1.0, 1.0)]})


@given(st.floats(allow_nan=False, allow_infinity=False))
@SHARED
async def test_every_float_survives_storage(prices, number):
    await prices.upsert({BTC: [Candle(T, number, number, number, number, number)]})
    assert await prices.candles(BTC, Span(T, T + MINUTE), ONE) == [
        Candle(T, number, number, number, number, number)
    ]


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1d"])
async def test_columns_are_the_candles_as_an_array(prices, timeframe):
    await prices.upsert({BTC: walk(9_000)})
    asked = (BTC, Span(T, T + 9_000 * MINUTE), Timeframe.parse(timeframe))
    columns = await prices.columns(*asked)
    assert columns.dtype == np.float64
    assert [Candle(*row) for row in columns.tolist()] == await prices.candles(*asked)


async def test_columns_of_nothing_have_their_shape(prices):
    assert (await prices.columns(BTC, Span(T, T + MINUTE), ONE)).shape == (0, 6)


async def test_resampling_agrees_with_adding_up_by_hand(prices):
    rows = [row for row in walk(3_000) if row.open_time // MINUTE % 7 not in {2, 3}]
    await prices.upsert({BTC: rows})
    span = Span(T + 13 * MINUTE, T + 2_900 * MINUTE)
    timeframe = Timeframe.parse("13m")
    groups = {}
    for row in rows:
        if span.start <= row.open_time < span.end:
            groups.setdefault(timeframe.floor(row.open_time), []).append(row)
    assert await prices.candles(BTC, span, timeframe) == [
        Candle(
            start,
            group[0].open,
            max(row.high for row in group),
            min(row.low for row in group),
            group[-1].close,
            round(sum(row.volume for row in group), 8),
        )
        for start, group in groups.items()
    ]


def of(spans):
    """Every minute in the spans."""
    return {at for each in spans for at in range(each.start, each.end, MINUTE)}


minutes = st.sets(st.integers(0, 90))
edges = st.tuples(st.integers(0, 90), st.integers(0, 90)).map(sorted)


@given(minutes, st.lists(edges, max_size=4), edges)
@SHARED
async def test_expected_is_stored_and_holes_and_missing_always(
    prices, database, have, holes, asked
):
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM prices")
        await connection.execute("DELETE FROM venue_holes")
    # Sixteen minutes stand for one, so that the span reaches over a day.
    step = 16 * MINUTE
    rows = [
        Candle(T + at * step + part * MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0)
        for at in have
        for part in range(16)
    ]
    await prices.upsert({BTC: rows})
    recorded = [Span(T + start * step, T + end * step) for start, end in holes]
    await prices.record_holes(BTC, recorded, NOW)
    span = Span(T + asked[0] * step, T + asked[1] * step)

    covered = await prices.coverage(BTC, span)

    stored = {row.open_time for row in rows} & of([span])
    assert covered.stored == len(stored)
    assert of(covered.holes) == (of([span]) & of(recorded)) - stored
    assert of(covered.missing) == of([span]) - of(recorded) - stored
    counted = sum(each.minutes for each in (*covered.holes, *covered.missing))
    assert covered.stored + counted == span.minutes


async def test_two_databases_with_the_same_candles_have_the_same_digest(prices, tmp_path):
    rows = walk(9_001)
    await prices.upsert({BTC: rows[::2]})
    await prices.upsert({BTC: rows[1::2]})
    async with Database.opened(tmp_path / "other.db") as database:
        symbols, other = Symbols(database), Prices(database)
        await symbols.add(Symbol("AAA", "USDT"), NOW)
        await symbols.add(BTC, NOW)
        await other.upsert({BTC: [row._replace(close=0.5) for row in rows]})
        await other.upsert({BTC: rows})
        span = Span(T, T + 10_000 * MINUTE)
        ours, theirs = await prices.coverage(BTC, span), await other.coverage(BTC, span)
        assert ours == theirs
        await other.upsert({BTC: [rows[77]._replace(volume=rows[77].volume + 1e-8)]})
        assert (await other.coverage(BTC, span)).digest != ours.digest


async def test_a_coverage_is_of_one_moment_while_candles_come(prices):
    """Counts and gaps never contradict each other, whatever is committed between the queries."""
    rows, span = walk(60), Span(T, T + 60 * MINUTE)

    async def arrive():
        for row in rows[::2] + rows[1::2]:
            await prices.upsert({BTC: [row]})

    arriving = asyncio.create_task(arrive())
    while not arriving.done():
        covered = await prices.coverage(BTC, span)
        assert covered.stored + sum(each.minutes for each in covered.missing) == 60
    await arriving
    assert (await prices.coverage(BTC, span)).stored == 60
