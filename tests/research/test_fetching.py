"""Candles from a real database, completed by real backfills of a venue on paper."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.market import FakeMarketData
from tests.research.minutes import BEGIN, BEGIN_MS, candles, minutes
from trading_system.backtest.rules import Rules
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import InvalidRequest, NotRegistered, TradingError, Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.market.archives import ArchiveImporter
from trading_system.market.backfill import BackfillService
from trading_system.market.registry import SymbolRegistry
from trading_system.research.configuration import Configuration
from trading_system.research.fetching import Fetcher, Histories, StoredMinutes
from trading_system.research.history_cache import HistoryCache
from trading_system.research.history_files import FORMATS, export, from_file
from trading_system.storage.backfills import Backfills
from trading_system.storage.database import Database
from trading_system.storage.prices import Prices
from trading_system.storage.symbols import Symbols
from trading_system.strategies.sma_cross import SmaCross

BTC = Symbol("BTC", "USDT")
RECORDED = Path(__file__).parents[3] / "shared/data/candles"
DAY = 1440


class WatchedMinutes(StoredMinutes):
    """Notes what is read, in minutes from the beginning; `then` follows the next reading."""

    def __init__(self, **parts) -> None:
        super().__init__(**parts)
        self.read: list[tuple[int, int]] = []
        self.then = None

    async def rows(self, symbol, span):
        self.read.append(((span.start - BEGIN_MS) // MINUTE, (span.end - BEGIN_MS) // MINUTE))
        rows = await super().rows(symbol, span)
        if self.then is not None:
            await self.then()
        return rows


class Place:
    """A database, the venue it is filled from, and the way to histories of both."""

    def __init__(self, database, clock) -> None:
        self.clock = clock
        self.prices = Prices(database)
        self.symbols = Symbols(database)
        self.venue = FakeMarketData(BTC)
        self.backfills = BackfillService(
            market_data=self.venue, prices=self.prices, jobs=Backfills(database), clock=clock
        )
        registry = SymbolRegistry(
            symbols=self.symbols,
            market_data=self.venue,
            backfills=self.backfills,
            clock=clock,
            backfill_minutes=1,
        )
        fetcher = Fetcher(backfills=registry, jobs=self.backfills, clock=clock)
        self.minutes = WatchedMinutes(prices=self.prices, fetch=fetcher.fetch)
        self.histories = Histories(self.minutes, clock=clock)

    async def store(self, rows):
        """Have these minutes in the database, and no others missing among them."""
        await self.prices.upsert({BTC: candles(rows)})
        span = Span(int(rows[0, 0]), int(rows[-1, 0]) + MINUTE)
        coverage = await self.prices.coverage(BTC, span)
        await self.prices.record_holes(BTC, coverage.missing, self.clock.now())

    async def get(self, start=0, end=DAY, *, warmup=0, histories=None, **changes):
        """The history from one minute after the beginning to another, while time passes."""
        asked = {"symbol": "BTC/USDT", "timeframe": "1h"} | changes
        wanted = (histories or self.histories).get(
            start=BEGIN + timedelta(minutes=start),
            end=BEGIN + timedelta(minutes=end),
            warmup=warmup,
            **asked,
        )
        return await self.passing(wanted)

    async def passing(self, work):
        """What comes of it, while time passes."""
        task = asyncio.ensure_future(work)
        async with asyncio.timeout(60):
            while not (await asyncio.wait({task}, timeout=0.002))[0]:  # the database is real
                await self.clock.advance(0.1)
        return task.result()


@pytest.fixture
async def place(tmp_path, clock):
    async with Database.opened(tmp_path / "t.db") as database:
        place = Place(database, clock)
        await place.symbols.add(BTC, clock.now())
        working = asyncio.create_task(place.backfills.run())
        yield place
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


@pytest.fixture
def cached(place, tmp_path):
    """Histories of the same place that keeps what it was given."""
    cache = HistoryCache(tmp_path / "cache")
    return Histories(place.minutes, clock=place.clock, cache=cache)


async def test_what_is_stored_is_not_asked_for(place):
    await place.store(minutes(DAY))
    history = await place.get(600, 1200, warmup=5)
    assert len(history.frame) == 5 + 10
    assert place.venue.asked == []


async def test_what_is_missing_is_fetched_first_and_told_as_it_comes(place):
    await place.store(minutes(60))
    heard = []
    history = await place.get(120, 3 * DAY, warmup=1, on_progress=heard.append)
    assert len(history.frame) == 1 + 70
    assert heard == sorted(heard)
    assert 0 <= heard[0] < heard[-1] <= 1
    asked = len(place.venue.asked)
    assert (await place.get(120, 3 * DAY, warmup=1)).digest == history.digest
    assert len(place.venue.asked) == asked


async def test_holes_of_the_venue_are_counted_and_not_asked_for_again(place):
    place.venue.holes = {BEGIN_MS + minute * MINUTE for minute in range(180, 320)}
    history = await place.get(120, DAY)
    assert history.missing == 2
    asked = len(place.venue.asked)
    await place.get(120, DAY)
    assert len(place.venue.asked) == asked


@pytest.mark.parametrize("timeframe", ["1m", "15m", "4h", "1d"])
async def test_the_same_call_on_an_exported_file_gives_the_same_digest(place, tmp_path, timeframe):
    """Whatever the format, and from a file of minutes as well."""
    await place.store(minutes(4 * DAY, without=[3, *range(500, 700), 2 * DAY + 1]))
    online = await place.get(DAY, 3 * DAY, warmup=1, timeframe=timeframe)
    asked = {"symbol": "BTC/USDT", "timeframe": timeframe, "warmup": 1}
    asked |= {"start": online.start, "end": online.end}
    for ending in FORMATS:
        export(online, tmp_path / f"a{ending}", force=False)
        offline = from_file(tmp_path / f"a{ending}", **asked)
        assert (offline.digest, offline.missing) == (online.digest, online.missing)
    all_minutes = await place.get(0, 4 * DAY, timeframe="1m")
    export(all_minutes, tmp_path / "minutes.csv.gz", force=False)
    assert from_file(tmp_path / "minutes.csv.gz", **asked).digest == online.digest


@pytest.mark.recorded
@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded candles beside the project")
@pytest.mark.parametrize(
    ("name", "timeframe", "start", "end"),
    [
        ("BTCUSDT_1m_2021-05-15_2021-05-22_12col.csv.gz", "1h", "2021-05-17", "2021-05-22"),
        ("BTCUSDT_1m_2024-03-01_2024-03-22_dirty.csv.gz", "1d", "2024-03-12", "2024-03-22"),
    ],
)
async def test_recorded_candles_are_the_same_from_file_and_database(
    place, name, timeframe, start, end
):
    importer = ArchiveImporter(symbols=place.symbols, prices=place.prices, clock=place.clock)
    await importer.import_file(RECORDED / name)
    asked = {
        "symbol": "BTC/USDT",
        "timeframe": timeframe,
        "start": datetime.fromisoformat(start).replace(tzinfo=UTC),
        "end": datetime.fromisoformat(end).replace(tzinfo=UTC),
        "warmup": 10,
    }
    online = await place.passing(place.histories.get(**asked))
    assert from_file(RECORDED / name, **asked).digest == online.digest
    assert place.venue.asked == []


async def test_the_warm_up_is_looked_for_behind_holes(place):
    await place.store(minutes(DAY, without=range(420, 600)))
    history = await place.get(600, DAY, warmup=4)
    opened = (history.frame.open_time - BEGIN_MS) // MINUTE
    assert opened[:5].tolist() == [180, 240, 300, 360, 600]
    assert len(place.minutes.read) == 2


async def test_a_pair_listed_too_late_is_refused_with_the_earliest_start(place):
    place.venue.listed = BEGIN_MS
    with pytest.raises(InvalidRequest, match=r"and there are 2: start at 2025-06-02T05:00Z"):
        await place.get(120, DAY, warmup=5)
    assert place.minutes.read[-1] == (120 - 4 * 5 * 60, DAY)


async def test_candles_that_have_not_closed_are_refused_before_anything_is_fetched(place):
    """One is taken once a backfill would ask for its last minute."""
    now = (place.clock.milliseconds() - BEGIN_MS) // MINUTE
    assert place.clock.now().strftime("%H:%M:%S") == "12:00:30"
    with pytest.raises(InvalidRequest, match="1h have closed up to 2026-01-01T12:00Z only"):
        await place.get(now - 600, now + 1)
    assert place.venue.asked == []
    assert len((await place.get(now - 600, now)).frame) == 10


async def test_a_pair_that_is_not_registered_is_refused(place):
    with pytest.raises(NotRegistered):
        await place.get(symbol="ETH/USDT")


async def test_a_venue_that_cannot_be_reached_ends_the_waiting_and_not_the_job(place):
    place.venue.unreachable = Unreachable("connection refused")
    reason = "what is missing of BTC/USDT could not be fetched: connection refused"
    with pytest.raises(TradingError, match=reason):
        await place.get()
    place.venue.unreachable = None
    await place.clock.advance(5)
    assert len((await place.get()).frame) == 24


async def test_the_candles_of_a_configuration(place):
    await place.store(minutes(DAY))
    configuration = Configuration.of(
        SmaCross(fast=2, slow=5),
        symbol="BTC/USDT",
        timeframe="1h",
        start=BEGIN + timedelta(hours=10),
        end=BEGIN + timedelta(hours=20),
        rules=Rules(),
    )
    history = await place.passing(place.histories.of(configuration, 5, lambda _: None))
    assert history.digest == (await place.get(600, 1200, warmup=5)).digest


async def test_a_range_within_one_that_is_kept_is_not_read_again(place, cached):
    await place.store(minutes(2 * DAY, without=[700]))
    await place.get(0, 2 * DAY, histories=cached)
    assert place.minutes.read == [(0, 2 * DAY)]
    for start, end, warmup in ((0, 2 * DAY, 0), (600, DAY, 10), (60, 120, 1)):
        kept = await place.get(start, end, warmup=warmup, histories=cached)
        assert len(place.minutes.read) == 1
        read = await place.get(start, end, warmup=warmup)
        assert (kept.digest, kept.missing) == (read.digest, read.missing)
        place.minutes.read.pop()


async def test_more_than_is_kept_is_read_and_kept_instead(place, cached, tmp_path):
    await place.store(minutes(2 * DAY))
    await place.get(600, 1200, histories=cached)
    await place.get(600, 1260, histories=cached)
    await place.get(600, 1260, histories=cached)
    assert place.minutes.read == [(600, 1200), (600, 1260)]
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize("minute", [601, 700], ids=["corrected", "a hole no more"])
async def test_what_is_kept_of_candles_that_changed_since_is_not_used(place, cached, minute):
    await place.store(minutes(DAY, without=[700]))
    before = await place.get(600, 1200, histories=cached)
    (corrected,) = candles(minutes(1, start=BEGIN_MS + minute * MINUTE, seed=9))
    await place.prices.upsert({BTC: [corrected]})
    after = await place.get(600, 1200, histories=cached)
    assert after.digest != before.digest
    assert after.digest == (await place.get(600, 1200)).digest


async def test_a_correction_while_the_candles_are_read_is_not_overlooked(place, cached):
    """What is kept is called after what was read, not after what is stored by then."""
    await place.store(minutes(DAY))

    async def correct():
        place.minutes.then = None
        (corrected,) = candles(minutes(1, start=BEGIN_MS + 601 * MINUTE, seed=9))
        await place.prices.upsert({BTC: [corrected]})

    place.minutes.then = correct
    before = await place.get(600, 1200, histories=cached)
    after = await place.get(600, 1200, histories=cached)
    assert before.digest != after.digest == (await place.get(600, 1200)).digest


async def test_a_damaged_file_is_read_anew(place, cached, tmp_path):
    await place.store(minutes(DAY))
    before = await place.get(600, 1200, histories=cached)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-8])
    assert (await place.get(600, 1200, histories=cached)).digest == before.digest
    assert len(place.minutes.read) == 2
    assert (await place.get(600, 1200, histories=cached)).digest == before.digest
    assert len(place.minutes.read) == 2


async def test_nothing_long_is_done_in_the_event_loop(place, tmp_path):
    """Looking for files, reading, building, hashing and writing: all beside the heartbeat."""
    seen = []

    class Watching(HistoryCache):
        def find(self, *asked):
            seen.append(threading.current_thread())
            return super().find(*asked)

        def put(self, *asked):
            seen.append(threading.current_thread())
            super().put(*asked)

        def load(self, entry):
            seen.append(threading.current_thread())
            return super().load(entry)

    await place.store(minutes(DAY))
    histories = Histories(place.minutes, clock=place.clock, cache=Watching(tmp_path / "cache"))
    await place.get(600, 1200, histories=histories)
    await place.get(600, 1200, histories=histories)
    assert len(seen) == 4
    assert threading.main_thread() not in seen
