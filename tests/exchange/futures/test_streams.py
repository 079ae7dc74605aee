"""Both kinds of streams against the embedded exchange's futures, over loopback."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.exchange.socket_venue import pass_time, until
from trading_system.clock import SystemClock
from trading_system.domain.errors import Rejected, Unreachable
from trading_system.domain.events import BalancesChanged, VenuePositionsChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, CandleUpdate, Quote, Ticker, Trade
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.reports import Report
from trading_system.exchange.futures.listen_key import ListenKey
from trading_system.exchange.futures.market_frames import ROADS
from trading_system.exchange.futures.user_frames import futures_events
from trading_system.exchange.streams.dialling import Dialler
from trading_system.exchange.streams.market_stream import MarketStream
from trading_system.exchange.streams.supervision import Timing
from trading_system.exchange.streams.user_stream import UserStream
from trading_system.market.local_book import LocalBook
from trading_system.resilience.retry import RetryPolicy

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
QUICK = RetryPolicy(first=0.05, cap=0.2)


@pytest.fixture
def events():
    return []


@pytest.fixture
async def markets(exchange, running, events, clock):
    """A stream a road, told of both symbols, BTC being traded."""
    streams = []
    for road in ROADS:
        stream = MarketStream(
            url=exchange.url.replace("http", "ws", 1),
            road=road,
            clock=clock,
            venue_milliseconds=clock.milliseconds,
            venue_id=lambda symbol: symbol.base + symbol.quote,
            on_event=events.append,
            on_gap=lambda _symbols, _since: None,
            on_change=lambda _: None,
            retry=QUICK,
        )
        stream.follow([BTC, ETH], [BTC])
        streams.append(running(stream))
    return streams


async def test_every_kind_of_event_arrives_by_its_road(markets, events, clock):
    def kinds(symbol):
        return {type(event) for event in events if event.symbol == symbol}

    await until(
        lambda: (
            kinds(BTC) == {Trade, Quote, Ticker, CandleUpdate, BookUpdate}
            and kinds(ETH) == {Quote, Ticker, CandleUpdate}
        ),
        clock,
    )
    assert not any(stream.invalid for stream in markets)
    rest, books = ([line.role for line in stream.status()] for stream in markets)
    assert rest == ["execution", "monitoring", "standby"]
    assert books == ["execution books", "monitoring books", "standby books"]


async def test_a_book_is_kept_by_what_is_pushed(markets, events, clock, parts):
    def updates():
        return [event for event in events if isinstance(event, BookUpdate)]

    await until(lambda: len(updates()) >= 2, clock)
    book = LocalBook(await parts.market_data.book(BTC, levels=1_000), asked=1_000)
    last = book.update_id
    await until(lambda: updates()[-1].last_id > last + 5, clock)
    for update in updates():
        book.apply(update)
    assert all(a.last_id + 1 == b.first_id for a, b in pairwise(updates()))
    bid, ask = book.best()
    assert bid.price < ask.price


async def test_a_road_of_books_that_falls_silent_is_subscribed_again(sockets, running, clock):
    """Its pings are answered, and no candle goes over it that would be missed."""
    stream = MarketStream(
        url=sockets.url.removesuffix("/stream"),
        road=ROADS[1],
        clock=clock,
        venue_milliseconds=clock.milliseconds,
        venue_id=lambda symbol: symbol.base + symbol.quote,
        on_event=lambda _: None,
        on_gap=lambda _symbols, _since: None,
        on_change=lambda _: None,
        retry=QUICK,
    )
    stream.follow([BTC], [BTC])
    running(stream)
    [peer] = await until(lambda: sockets.carrying("btcusdt@bookTicker"), clock)
    assert peer.request.path == "/public/stream"
    await until(lambda: stream.status()[0].state == "frozen", clock)
    asked = [("UNSUBSCRIBE", ["btcusdt@bookTicker"]), ("SUBSCRIBE", ["btcusdt@bookTicker"])]
    await until(lambda: [(m["method"], m["params"]) for m in peer.messages[-2:]] == asked, clock)


class Owner:
    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.account: list = []
        self.gaps = 0

    async def book(self, report, received_at, latency_ms):
        self.reports.append(report)

    def gap(self):
        self.gaps += 1

    def said(self, kind):
        return [each for each in self.account if isinstance(each, kind)]


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture
async def user(venue, running, owner, clock):
    await venue.listing.instruments()
    stream = UserStream(
        access=ListenKey(venue.endpoints.user, gateway=venue.gateway, clock=clock),
        events=futures_events(venue.listing.known_symbol),
        clock=clock,
        venue_milliseconds=clock.milliseconds,
        on_report=owner.book,
        on_account=owner.account.append,
        on_gap=owner.gap,
        on_change=lambda _: None,
        retry=QUICK,
    )
    running(stream)
    await until(lambda: owner.gaps)
    return stream


async def test_an_order_and_what_it_changes_are_reported_by_push(user, owner, parts, order):
    await parts.trading.place(order(quantity="0.02"))
    await until(lambda: owner.said(VenuePositionsChanged))
    await until(lambda: owner.reports[-1].status == "FILLED")
    assert owner.reports[0].status == "NEW"
    assert {report.client_order_id for report in owner.reports} == {"ts-1"}
    fills = [fill for report in owner.reports for fill in report.fills]
    last = owner.reports[-1]
    assert sum(fill.quantity for fill in fills) == last.executed_quantity == Decimal("0.02")
    assert sum(fill.quote_quantity for fill in fills) == last.executed_quote
    [held] = owner.said(VenuePositionsChanged)[-1].positions
    assert (held.symbol, held.quantity) == (BTC, Decimal("0.02"))
    assert owner.said(BalancesChanged)[-1].balances[0].asset == "USDT"
    assert not user.invalid


async def test_what_waits_for_a_trigger_is_reported_until_it_is_cancelled(
    user, owner, parts, order
):
    trigger = (await parts.price() * Decimal("0.9")).quantize(Decimal("0.01"))
    wanted = order(OrderType.STOP_LOSS, side=Side.SELL, stop_price=trigger)
    await parts.trading.place(wanted)
    await parts.trading.cancel(wanted)
    await until(lambda: len(owner.reports) == 2)
    assert [report.status for report in owner.reports] == ["NEW", "CANCELED"]


class Keys:
    """Access with another key each time; `trouble` is raised instead of the next ones."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys = 0
        self.trouble: list[Exception] = []
        self.lose = None

    async def address(self):
        if self.trouble:
            raise self.trouble.pop(0)
        self.keys += 1
        return f"{self.url}/{self.keys}"

    async def enter(self, connection):
        """Nothing to do."""

    async def keep(self, on_lost):
        self.lose = on_lost
        await asyncio.Event().wait()


@pytest.fixture
def keys(sockets):
    return Keys(sockets.url)


@pytest.fixture
def listening(keys, clock, owner, running):
    """A user stream over scripted sockets."""

    def listen():
        return running(
            UserStream(
                access=keys,
                events=futures_events(lambda _: BTC),
                clock=clock,
                venue_milliseconds=clock.milliseconds,
                on_report=owner.book,
                on_account=owner.account.append,
                on_gap=owner.gap,
                on_change=lambda _: None,
                retry=RetryPolicy(jitter=0),
            )
        )

    return listen


def paths(sockets):
    return [peer.request.path.rpartition("/")[2] for peer in sockets.peers]


@pytest.mark.parametrize("told", [True, False], ids=["by the venue", "by what keeps it"])
async def test_after_its_key_is_gone_another_connection_takes_over(
    sockets, keys, listening, owner, clock, told
):
    """What may have been missed in between is told as a gap."""
    stream = listening()
    await until(lambda: owner.gaps == 1, clock)
    if told:
        await sockets.peers[0].send(e="listenKeyExpired", E=clock.milliseconds(), listenKey="1")
    else:
        keys.lose("it was not extended")
    await until(lambda: owner.gaps == 2, clock)
    assert paths(sockets) == ["1", "2"]
    await until(lambda: len(sockets.open_peers) == 1, clock)
    assert (stream.status()[0].state, stream.status()[0].connects) == ("connected", 2)


async def test_a_key_that_is_refused_is_not_asked_for_again_at_once(
    sockets, keys, listening, owner, clock
):
    keys.trouble = [Unreachable("no network"), Rejected(-2015, "Invalid API-key")]
    stream = listening()
    await until(lambda: stream.status()[0].state == "refused", clock)
    await pass_time(clock, 55)
    assert (sockets.peers, owner.gaps) == ([], 0)
    await until(lambda: owner.gaps == 1, clock)
    assert paths(sockets) == ["1"]


async def test_a_connection_that_is_refused_tells_nobody_the_key(sockets):
    sockets.closed_doors = {}

    async def address():
        return f"{sockets.url}/private/ws/SECRET-KEY"

    async with Dialler(
        sockets.url, clock=SystemClock(), timing=Timing(), address=address
    ) as dialler:
        with pytest.raises(Unreachable) as refused:
            await dialler.once(lambda _: None)
    assert "429" in str(refused.value)
    assert "SECRET" not in str(refused.value)
