"""Where commands get candles: a file, the running system, or the database and an own system."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tests.api.conftest import FakeJobs, FakePrices, FakeRegistry, FakeSymbols, FakeSystem
from tests.cli.test_live import Running
from tests.conftest import ManualClock
from tests.research.minutes import BEGIN, BEGIN_MS, candles, minutes
from trading_system.cli import candle_source
from trading_system.cli.candle_source import history
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import NotRegistered, TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import JobState
from trading_system.research.history_files import export
from trading_system.storage.completeness import digestible

BTC = Symbol("BTC", "USDT")


class Prices(FakePrices):
    """With the digest of what is there."""

    async def coverage(self, symbol, span, *, digest=True):
        rows = await self.candles(symbol, span, Timeframe.parse("1m"))
        told = hashlib.sha256(digestible([tuple(row) for row in rows])).hexdigest()
        return replace(await super().coverage(symbol, span), digest=told)


class Jobs(FakeJobs):
    """Jobs that are half done when they are looked at first, and done then; or that fail."""

    def __init__(self) -> None:
        super().__init__()
        self.failure = None

    async def get(self, job_id):
        job = self.rows[job_id]
        if self.failure:
            return replace(job, error=self.failure)
        state = JobState.DONE if job.stored else JobState.RUNNING
        self.rows[job_id] = replace(job, state=state, stored=job.expected // 2)
        return self.rows[job_id]


@pytest.fixture
def running(monkeypatch):
    """A system that runs and has two days of BTC/USDT."""
    clock = ManualClock()
    symbols, jobs = FakeSymbols(clock), Jobs()
    system = FakeSystem(
        clock=clock,
        symbols=symbols,
        registry=FakeRegistry(symbols, jobs, clock),
        backfills=jobs,
        prices=Prices(symbols),
        **dict.fromkeys(("orders", "desk", "order_manager", "trading")),
    )
    system.symbols.rows[BTC] = object()
    system.prices.rows[BTC] = candles(minutes(2880, without=[1500]))
    running = Running(system)
    monkeypatch.setenv("API_PORT", str(running.port))
    yield system
    running.stop()


def get(start=600, end=1200, *, warmup=2, symbol="BTC/USDT", data=None):
    return history(
        symbol=symbol,
        timeframe="1h",
        start=BEGIN + timedelta(minutes=start),
        end=BEGIN + timedelta(minutes=end),
        warmup=warmup,
        data=data,
    )


@pytest.fixture
def file():
    """The same two days."""
    rows = minutes(2880, without=[1500]).tolist()
    Path("a.csv").write_text(
        "".join(f"{int(row[0])},{','.join(map(repr, row[1:]))}\n" for row in rows)
    )
    return Path("a.csv")


def test_the_running_system_and_a_file_give_the_same(running, file, monkeypatch):
    """Also when it takes many pages, one of which has a hole."""
    monkeypatch.setattr(candle_source, "_PAGE", 100)
    asked = get(600, 2400)
    assert len(asked.frame) == 2 + 30
    assert asked.digest == get(600, 2400, data=file).digest
    (job,) = running.backfills.rows.values()
    assert job.span.start == BEGIN_MS + 480 * MINUTE
    assert job.span.end == BEGIN_MS + 2400 * MINUTE


def test_what_it_told_before_is_not_asked_for_again_while_it_is_the_same(running):
    first = get(600, 1200)
    running.prices.reads.clear()
    again = get(660, 1140)
    assert [read.minutes for read in running.prices.reads] == [720, 720]  # to take the digest
    assert len(running.backfills.rows) == 1
    assert again.frame.close.tolist() == first.frame.close[1:-1].tolist()
    assert list(Path("data/cache").glob("BTC-USDT_1h_*.npy"))

    running.prices.rows[BTC][700] = candles(minutes(701, seed=9))[700]
    assert get(660, 1140).digest != again.digest
    assert len(running.backfills.rows) == 2


def test_people_see_how_much_has_been_fetched(running, monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(candle_source, "errors", screen)
    get()
    assert re.search(r"candles of BTC/USDT .* 50%", screen.file.getvalue())


def test_what_the_system_refuses_is_said_in_its_words(running):
    with pytest.raises(TradingError, match="ETH/USDT is not registered here"):
        get(symbol="ETH/USDT")
    running.backfills.failure = "connection refused"
    reason = "what is missing of BTC/USDT could not be fetched: connection refused"
    with pytest.raises(TradingError, match=reason):
        get()


def test_where_nothing_runs_the_database_alone_will_do(cli, file, monkeypatch):
    """No venue is looked for: none could be reached."""
    monkeypatch.setenv("VENUE", "http://127.0.0.1:9")
    with pytest.raises(NotRegistered):
        get()
    file.rename("BTCUSDT-1m-a.csv")
    cli("import", "BTCUSDT-1m-a.csv")
    assert get(600, 1200).digest == get(600, 1200, data=Path("BTCUSDT-1m-a.csv")).digest


@pytest.mark.slow
def test_what_is_missing_is_fetched_by_a_system_opened_for_it(cli, file):
    """The embedded exchange is asked for the minute that the file does not have."""
    file.rename("BTCUSDT-1m-a.csv")
    cli("import", "BTCUSDT-1m-a.csv")
    fetched = get(600, 2400)
    assert fetched.digest != get(600, 2400, data=Path("BTCUSDT-1m-a.csv")).digest
    assert get(600, 2400).digest == fetched.digest
    export(fetched, Path("fetched.parquet"), force=False)
    assert get(600, 2400, data=Path("fetched.parquet")).digest == fetched.digest
