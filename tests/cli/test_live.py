"""The commands of live data against a running API, whose system is made of dictionaries."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from tests.api.conftest import ANY_PORT, FakeSystem
from tests.conftest import ManualClock
from trading_system.api.application import create_app
from trading_system.api.server import bind, serve
from trading_system.cli import live
from trading_system.domain.events import BalancesChanged, OrderChanged, VenueChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import LivePrice, MarketState, OrderBook, PriceLevel, Quote
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Balance
from trading_system.domain.venues import BreakerStatus, VenueReport

BTC = Symbol("BTC", "USDT")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
REPORT = VenueReport(
    url="https://venue.example",
    reachable=False,
    since=NOON,
    detail="connection refused",
    clock_offset_ms=-3,
    round_trip_ms=None,
    banned_until=None,
    limits=(),
    breakers=(BreakerStatus(group="trading", state="half-open", failures=5, opened=1),),
)


def order(**amounts) -> OrderChanged:
    return OrderChanged(
        order=Order(
            id=UUID(int=7),
            client_order_id="ts-7",
            request=OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, **amounts),
            status=OrderStatus.NEW,
            created_at=NOON,
            updated_at=NOON,
        ),
        source="stream",
    )


class Running:
    """A served system; `later` runs in its event loop once somebody waits for events."""

    def __init__(self, system: FakeSystem) -> None:
        self.system = system
        self.later = lambda: None
        self.listener = bind(ANY_PORT)
        self.port = self.listener.getsockname()[1]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        # Until it answers it may still say that it listens, on the stdout of the command.
        httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=60)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    async def _serve(self) -> None:
        app = create_app(self.system, ANY_PORT)
        await serve(app, ANY_PORT, run=self._live, listener=self.listener)

    async def _live(self) -> None:
        while not self._stopping.is_set():
            if self.system.event_log.figures()["waiting"]:
                self.later()
                self.later = self._stopping.set
            await asyncio.sleep(0.01)


@pytest.fixture
def running(monkeypatch):
    clock = ManualClock()
    parts = dict.fromkeys(
        ("symbols", "registry", "backfills", "prices", "orders", "desk", "order_manager", "trading")
    )
    running = Running(FakeSystem(clock=clock, **parts))
    monkeypatch.setenv("API_PORT", str(running.port))
    yield running
    running.stop()


def test_tickers_are_a_table_of_prices_and_ages(cli, running):
    running.system.live.rows = [
        LivePrice(symbol=BTC, last=102.5, price_age_ms=1_240, day_open=100.0, bid=99.5, ask=100.5),
        LivePrice(symbol=Symbol("ETH", "USDT"), state=MarketState.DEAD),
    ]
    result = cli("tickers")
    assert result.exit_code == 0
    btc, eth = result.output.splitlines()[3:5]
    assert [cell.strip() for cell in btc.split("│")[1:-1]] == [
        *("BTC/USDT", "102.5", "1.2 s", "99.5", "100.5", "100.00 bp", "2.50 %", "–")
    ]
    assert "DEAD" in eth
    assert "ETH" not in cli("tickers", "BTC/USDT").output


def test_no_price_yet_says_how_to_get_one(cli, running):
    assert "symbols add" in cli("tickers").output


def test_a_book_is_a_table_of_both_sides(cli, running):
    levels = (PriceLevel(Decimal("99.50"), Decimal("1.2")), PriceLevel(Decimal(99), Decimal(3)))
    asks = (PriceLevel(Decimal("100.50"), Decimal(2)),)
    running.system.live.books[BTC] = OrderBook(BTC, 7, levels, asks, 1_767_268_829_900)
    result = cli("book", "BTC/USDT", "--levels", "2")
    assert result.exit_code == 0
    assert running.system.live.asked == [(BTC, 2)]
    for text in ("snapshot, 0.1 s old", "99.5 ", "1.2", "100.5 ", "middle 100,", "100.00 bp"):
        assert text in result.output


def test_a_book_that_is_not_there_is_one_line(cli, running):
    result = cli("book", "NO/USDT")
    assert result.exit_code == 1
    assert result.stderr == "the venue lists no NO/USDT\n"


def test_the_venue_is_told_in_tables(cli, running):
    running.system.reports = [REPORT]
    result = cli("venue")
    assert result.exit_code == 0
    for text in ("https://venue.example", "no: connection refused", "-3 ms", "half-open"):
        assert text in result.output


def test_events_are_what_happened_lately(cli, running):
    for event in (
        Quote(BTC, 99.0, 1.5, 100.25, 2.0, 5, 1_767_268_800_000),
        order(quantity=Decimal("0.001")),
        order(quote_quantity=Decimal(100)),
        VenueChanged(part="breaker trading", state="open"),
        BalancesChanged(
            balances=(Balance(asset="BTC", free=Decimal(1), locked=Decimal("0.5")),), time=NOON
        ),
    ):
        running.system.bus.publish(event)
    result = cli("events")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "order       BTC/USDT BUY MARKET NEW, executed 0 of 0.001; told by stream",
        "order       BTC/USDT BUY MARKET NEW, executed 0 of 100 quote; told by stream",
        "venue       part=breaker trading state=open detail=",
        "balances    BTC 1.5",
    ]
    quotes = cli("events", "--kinds", "quote", "--symbols", "BTC-USDT").output
    assert quotes.startswith("quote       symbol=BTC/USDT bid=99.0")


def test_following_goes_on_until_the_system_ends(cli, running):
    running.later = lambda: running.system.bus.publish(VenueChanged(part="venue", state="silent"))
    result = cli("events", "--follow")
    assert result.exit_code == 0
    assert result.output == "venue       part=venue state=silent detail=\n"


def test_an_event_that_there_is_not_is_one_line(cli, running):
    result = cli("events", "--kinds", "orders")
    assert result.exit_code == 1
    assert "'orders' is no kind of event" in result.stderr


@pytest.mark.parametrize("command", ["tickers", "events"])
def test_without_a_running_system_there_is_nothing_to_hear(cli, command):
    result = cli(command)
    assert result.exit_code == 1
    assert (
        result.stderr == "nothing runs at http://127.0.0.1:9: start it with trading-system serve\n"
    )


async def test_a_connection_that_breaks_is_one_line():
    class Broken:
        def stream(self, *_args, **_options):
            raise httpx.ReadError("reset by peer")

    with pytest.raises(live.TradingError, match="has gone"):
        async for _ in live._told(Broken(), {}):
            pass
