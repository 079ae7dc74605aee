"""The newest of every followed symbol is known with its age, and passed on as it comes."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.conftest import settle
from tests.fakes.market import BTC, ETH, FakeMarketData, candle
from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.market import (
    BookUpdate,
    CandleUpdate,
    LivePrice,
    MarketState,
    OrderBook,
    PriceLevel,
    Quote,
    Ticker,
    Trade,
)
from trading_system.market.candle_gaps import CandleGaps
from trading_system.market.fetcher import Collected
from trading_system.market.live import LiveMarket
from trading_system.market.live_candles import LiveCandles
from trading_system.market.order_books import OrderBooks
from trading_system.market.trade_tapes import TradeTapes

T0 = 1_000 * MINUTE


def quote(update_id=1, bid=99.0, symbol=BTC):
    return Quote(symbol, bid, 1.0, 200.0, 2.0, update_id, 0)


def trade(number, price=100.0, symbol=BTC):
    return Trade(symbol, number, price, 1.0, False, number, 0)


def ticker(time, last=50.0):
    return Ticker(BTC, last, 40.0, 60.0, 30.0, 7.0, 350.0, time, 0)


def book_update(number):
    return BookUpdate(BTC, number, number, (), (), 0, 0)


@pytest.fixture
def venue():
    venue = FakeMarketData(BTC)
    level = (PriceLevel(Decimal(99), Decimal(1)),)
    venue.books[BTC] = OrderBook(symbol=BTC, update_id=10, bids=level, asks=(), received_at=0)
    return venue


@pytest.fixture
def told():
    return []


@pytest.fixture
def collected():
    return []


@pytest.fixture
async def live(venue, prices, symbols, clock, told, collected):
    bus = Bus()
    for kind in (Quote, Trade, Ticker, CandleUpdate):
        bus.subscribe(kind, told.append)

    async def collect(minute):
        collected.append(minute)
        return Collected(stored=0, failed={}, candles={})

    live = LiveMarket(
        market_data=venue,
        books=OrderBooks(market_data=venue, clock=clock, bus=bus),
        candles=LiveCandles(prices=prices, clock=clock, bus=bus),
        candle_gaps=CandleGaps(collect=collect, clock=clock),
        trades=TradeTapes(market_data=venue, clock=clock, bus=bus),
        clock=clock,
        bus=bus,
    )
    live.follow({BTC}, {BTC})
    task = asyncio.create_task(live.run())
    await settle()
    yield live
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_every_followed_symbol_has_a_line_before_anything_is_heard(live):
    live.follow([ETH, BTC], [])
    assert live.prices() == [LivePrice(symbol=BTC), LivePrice(symbol=ETH)]


async def test_a_price_grows_old_by_our_clock(live, clock):
    live.on_event(ticker(5))
    await clock.advance(1.5)
    live.on_event(quote())
    await clock.advance(0.25)
    clock.jump(-3_600)
    assert live.prices() == [
        LivePrice(
            symbol=BTC,
            last=50.0,
            price_age_ms=1_750,
            bid=99.0,
            ask=200.0,
            quote_age_ms=250,
            day_open=40.0,
            day_high=60.0,
            day_low=30.0,
            day_volume=7.0,
            day_quote_volume=350.0,
        )
    ]


async def test_the_last_price_is_the_newest_of_ticker_trade_and_candle(live):
    def last():
        return live.prices()[0].last

    live.on_event(ticker(10, last=1.0))
    live.on_event(trade(11, price=2.0))
    assert last() == 2.0
    live.on_event(ticker(9, last=3.0))
    assert last() == 2.0
    live.on_event(CandleUpdate(BTC, candle(T0, 3.5), False, 12, 0))
    assert last() == 4.0
    assert live.running(BTC) == candle(T0, 3.5)


async def test_the_last_price_goes_on_when_the_venue_sets_its_clock_back(live):
    hour = 3_600_000
    live.on_event(ticker(2 * hour, last=1.0))
    live.on_event(trade(2 * hour + 1, price=2.0))
    live.on_event(trade(hour, price=3.0))
    assert live.prices()[0].last == 3.0
    live.on_event(ticker(2 * hour + 2, last=4.0))  # was still under way
    live.on_event(ticker(hour + 500, last=5.0))
    live.on_event(trade(hour + 1_000, price=6.0))
    assert live.prices()[0].last == 6.0


async def test_a_stream_that_is_late_does_not_set_the_price_back(live):
    for number in range(5):
        live.on_event(trade(60_000 + number, price=2.0))
        live.on_event(ticker(10_000 + 1_000 * number, last=1.0))
    assert live.prices()[0].last == 2.0


async def test_quotes_trades_tickers_and_open_candles_are_passed_on(live, told):
    events = [quote(), trade(1), ticker(2), CandleUpdate(BTC, candle(T0), False, 3, 0)]
    for event in events:
        live.on_event(event)
    assert told == events


async def test_a_quote_older_than_the_newest_is_dropped(live, told):
    live.on_event(quote(5, bid=90.0))
    live.on_event(quote(4, bid=80.0))
    assert [event.bid for event in told] == [90.0]
    assert live.quote(BTC).bid == 90.0


async def test_after_a_gap_the_venue_may_count_its_quotes_anew(live, told):
    live.on_event(quote(5))
    live.on_gap(frozenset([BTC]), 0)
    live.on_event(quote(1, bid=80.0))
    assert live.quote(BTC).bid == 80.0


async def test_events_of_symbols_not_followed_are_dropped(live, told):
    live.on_event(quote(symbol=ETH))
    assert told == []
    assert live.quote(ETH) is live.running(ETH) is None


async def test_what_is_known_outlasts_a_change_of_the_followed(live):
    live.on_event(trade(1))
    live.follow([BTC, ETH], [])
    assert [price.last for price in live.prices()] == [100.0, None]
    live.follow([ETH], [])
    assert [price.symbol for price in live.prices()] == [ETH]


async def test_the_local_book_is_told_while_it_is_in_step(live, venue):
    assert not (await live.book(BTC, levels=5)).local
    live.on_event(book_update(11))
    await settle()
    book = await live.book(BTC, levels=5)
    assert (book.local, book.update_id) == (True, 11)
    live.on_drop([BTC])
    assert not (await live.book(BTC, levels=5)).local
    with pytest.raises(UnknownSymbol):
        await live.book(ETH, levels=5)


async def test_a_book_whose_changes_stopped_while_quotes_go_on_is_asked_for(live, clock):
    live.on_event(book_update(11))
    await settle()
    live.on_event(quote(12))
    await clock.advance(6)
    assert not (await live.book(BTC, levels=5)).local


async def test_trades_that_stopped_while_candles_count_on_are_fetched(live, venue, clock, told):
    venue.tape[BTC] = [trade(number) for number in range(5)]
    live.on_event(trade(2))
    for at in (1, 2):
        live.on_event(CandleUpdate(BTC, candle(T0), False, at, 0, 4))
        await clock.advance(6)
    assert [event.id for event in told if isinstance(event, Trade)] == [2, 3, 4]


async def test_a_gap_reaches_books_trades_and_candles(live, venue, told, collected):
    live.on_event(book_update(11))
    live.on_event(trade(1))
    await settle()
    venue.tape[BTC] = [trade(number) for number in range(5)]
    live.on_gap(frozenset([BTC, ETH]), 0)
    await settle()
    assert [event.id for event in told] == [1, 2, 3, 4]
    assert len(collected) == 1
    figures = live.figures()
    assert figures["books_in_sync"] == 0
    assert figures["trade_gaps_filled"] == figures["candle_gaps_filled"] == 1


async def test_closed_candles_are_stored(live, prices, symbols, clock):
    await symbols.add(BTC, clock.now())
    await prices.upsert({BTC: [candle(T0)]})
    live.on_event(CandleUpdate(BTC, candle(T0 + MINUTE), True, T0 + 2 * MINUTE, 0))
    await clock.advance(1)
    assert T0 + MINUTE in prices.rows[BTC]


async def test_silence_is_counted_from_the_last_event_or_from_following(live, clock):
    assert live.heard_seconds_ago == float("inf")
    await clock.advance(3)
    assert live.silence(BTC) == 3
    live.on_event(quote())
    await clock.advance(2)
    assert live.silence(BTC) == live.heard_seconds_ago == 2
    assert live.silence(ETH) is None


async def test_a_state_is_told_with_the_price(live):
    live.note_state(BTC, MarketState.PANIC)
    live.note_state(ETH, MarketState.PANIC)
    assert [price.state for price in live.prices()] == [MarketState.PANIC]


async def test_figures_tell_how_many_prices_are_how_old(live, clock):
    assert live.figures()["oldest_price_ms"] is None
    live.follow([BTC, ETH], [])
    live.on_event(trade(1))
    await clock.advance(2)
    live.on_event(trade(1, symbol=ETH))
    figures = live.figures()
    assert (figures["followed"], figures["priced"]) == (2, 2)
    assert (figures["newest_price_ms"], figures["oldest_price_ms"]) == (0, 2_000)
