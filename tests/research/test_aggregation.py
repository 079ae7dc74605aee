"""Longer candles out of shorter ones, beside the way the database builds them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from tests.research.minutes import BEGIN_MS, candles, minutes
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import COLUMNS, Frame
from trading_system.research.aggregation import aggregated
from trading_system.storage.database import Database
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols

BTC = Symbol("BTC", "USDT")
DAYS = 9


def table(frame):
    return np.column_stack([getattr(frame, name) for name in COLUMNS])


def test_a_candle_by_hand():
    rows = np.array(
        [
            [BEGIN_MS, 10, 12, 9, 11, 0.1],
            [BEGIN_MS + 1 * MINUTE, 11, 15, 11, 14, 0.2],
            [BEGIN_MS + 4 * MINUTE, 14, 14, 8, 9, 0.3],
            [BEGIN_MS + 5 * MINUTE, 9, 9, 9, 9, 0],
        ]
    )
    built = aggregated(Frame.from_array(rows), Timeframe.parse("5m"))
    assert table(built).tolist() == [
        [BEGIN_MS, 10, 15, 8, 9, 0.6],  # 0.1 + 0.2 + 0.3 is 0.6000000000000001 in floats
        [BEGIN_MS + 5 * MINUTE, 9, 9, 9, 9, 0],
    ]


def test_what_is_built_is_read_only_as_every_frame():
    built = aggregated(Frame.from_array(minutes(9)), Timeframe.parse("5m"))
    assert not any(getattr(built, name).flags.writeable for name in COLUMNS)


def test_no_candles_are_built_from_none():
    assert len(aggregated(Frame.from_array(np.empty((0, 6))), Timeframe.parse("1h"))) == 0


def test_a_week_begins_on_monday():
    built = aggregated(Frame.from_array(minutes(3, start=BEGIN_MS - MINUTE)), Timeframe.parse("1w"))
    assert (built.open_time - BEGIN_MS).tolist() == [-7 * 1440 * MINUTE, 0]


@pytest.mark.parametrize("timeframe", ["5m", "15m", "1h", "4h", "1d", "1w"])
async def test_the_database_builds_the_same(tmp_path, timeframe):
    """Equal to the last bit but for volumes: some versions of SQLite add up with an error."""
    rows = minutes(DAYS * 1440, without=[0, 1, 777, *range(2000, 2200), 5 * 1440 - 1])
    wanted = Timeframe.parse(timeframe)
    async with Database.opened(tmp_path / "t.db") as database:
        await Symbols(database).add(BTC, datetime(2026, 1, 1, tzinfo=UTC))
        prices = Prices(database)
        await prices.upsert({BTC: candles(rows)})
        span = Span(BEGIN_MS, BEGIN_MS + DAYS * 1440 * MINUTE)
        stored = await prices.columns(BTC, span, wanted)
    built = table(aggregated(Frame.from_array(rows), wanted))
    np.testing.assert_array_equal(built[:, :5], stored[:, :5])
    np.testing.assert_allclose(built[:, 5], stored[:, 5], rtol=1e-14, atol=1e-8)


@pytest.mark.parametrize(("most", "decimals"), [(30, 5), (3e6, 1), (4e9, 0)])
def test_volumes_add_up_as_decimals_do(most, decimals):
    """Of dear assets and of cheap ones, whose volumes leave no room for eight decimals."""
    rows = minutes(1440 * DAYS)
    rows[:, 5] = np.round(np.random.default_rng(7).uniform(0, most, len(rows)), decimals)
    built = aggregated(Frame.from_array(rows), Timeframe.parse("1d"))
    exact = [
        float(sum(Decimal(repr(each)) for each in day))
        for day in rows[:, 5].reshape(DAYS, 1440).tolist()
    ]
    assert built.volume.tolist() == exact
