"""Books and trades of recorded streams: Binance's own bookTicker is the judge of the books."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from itertools import islice
from pathlib import Path

import pytest

from tests.conftest import settle
from tests.fakes.market import BTC, FakeMarketData
from trading_system.bus import Bus
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import BookUpdate, Quote, Trade
from trading_system.exchange import translate
from trading_system.exchange.streams import market_frames
from trading_system.market.local_book import LocalBook
from trading_system.market.trade_tapes import TradeTapes

RECORDED = Path(__file__).parents[3] / "shared/data"
CONNECTED = RECORDED / "ws/spot_depth100ms_bookTicker_kline1m_aggTrade_2021-10-12.jsonl.gz"
SNAPSHOTS = RECORDED / "depth/spot_depth_snapshots_2021-10-12.jsonl.gz"
TEN_MINUTES = RECORDED / "depth/BTCUSDT_spot_trade_bookTicker_depth100ms_2024-08-08.jsonl.gz"
READ = {
    "depth@100ms": market_frames.book_update,
    "bookTicker": market_frames.quote,
    "trade": market_frames.trade,
}

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not RECORDED.exists(), reason="no recorded streams beside the project"),
]


def lines(path):
    with gzip.open(path, "rt") as file:
        yield from map(json.loads, file)


def events(path, symbols):
    """The recorded messages of these symbols (by the venue's name) as events, as they came."""
    for line in lines(path):
        name, _, kind = line.get("m", {}).get("stream", "").partition("@")
        if name.upper() in symbols and kind in READ:
            yield READ[kind](line["m"]["data"], symbols[name.upper()], 0)


def best(book):
    bid, ask = book.best()
    return tuple(map(float, (*bid, *ask)))


def told(quote):
    return quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity


@pytest.mark.parametrize("name", ["NKNUSDT", "BLZETH", "LRCBTC"])
def test_a_book_of_snapshot_and_changes_has_the_best_prices_that_binance_tells(name):
    symbol = Symbol(name, "X")
    snapshot = next(line["m"] for line in lines(SNAPSHOTS) if name in line["url"])
    book = LocalBook(translate.order_book(snapshot, symbol, most=1_000, received_at=0), asked=1_000)
    compared, quotes = 0, {}
    for event in events(CONNECTED, {name: symbol}):
        if isinstance(event, Quote):
            quotes[event.update_id] = event
        elif book.apply(event):
            newest = max((each for each in quotes if each <= book.update_id), default=0)
            if newest > snapshot["lastUpdateId"]:
                assert best(book) == told(quotes[newest])
                compared += 1
    assert compared > 0


def test_ten_minutes_of_changes_keep_the_best_prices_that_binance_tells():
    """No snapshot was recorded: one is made of the first half minute's changes.

    In three bursts of the recording Binance's bookTicker tells a level that its own changes do not.
    """
    updates, quotes = [], {}
    for event in events(TEN_MINUTES, {"BTCUSDT": BTC}):
        if isinstance(event, BookUpdate):
            updates.append(event)
        elif isinstance(event, Quote):
            quotes[event.update_id] = event
    book, compared, wrong = None, 0, 0
    ids = sorted(quotes)
    for number, update in enumerate(updates):
        if book is None:
            empty = {"lastUpdateId": update.first_id - 1, "bids": [], "asks": []}
            book = LocalBook(
                translate.order_book(empty, BTC, most=1_000, received_at=0), asked=1_000
            )
        assert book.apply(update)
        if number < 300:
            continue
        while len(ids) > 1 and ids[1] <= book.update_id:
            ids.pop(0)
        compared += 1
        wrong += best(book) != told(quotes[ids[0]])
    assert compared > 6_000
    assert wrong == 3


async def test_a_stream_that_loses_trades_is_whole_again_on_the_bus(clock):
    every = [each for each in events(TEN_MINUTES, {"BTCUSDT": BTC}) if isinstance(each, Trade)]
    venue, bus, heard = FakeMarketData(BTC), Bus(), []
    bus.subscribe(Trade, lambda trade: heard.append(trade.id))
    tapes = TradeTapes(market_data=venue, clock=clock, bus=bus)
    tapes.follow([BTC])
    task = asyncio.create_task(tapes.run())
    luck = random.Random(8)
    coming = iter(every)
    while several := list(islice(coming, luck.randint(1, 200))):
        venue.tape[BTC] = every[max(0, several[0].id - every[0].id - 500) :][:1_200]
        lost = luck.random() < 0.3
        for trade in several:
            if not lost or luck.random() < 0.5:
                tapes.on_trade(trade)
        if lost:
            tapes.on_gap([BTC])
        await settle()
    task.cancel()
    assert tapes.figures()["trade_gaps"] > 20
    assert heard == list(range(heard[0], every[-1].id + 1))
