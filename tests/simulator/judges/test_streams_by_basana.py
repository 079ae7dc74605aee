"""Market streams as basana's websocket client hears them, all over one connection."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress

import aiohttp
import pytest
from basana import Pair, realtime_dispatcher
from basana.external.binance.exchange import Exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

BTC = Pair("BTC", "USDT")
PATIENCE = 60.0


async def collected(url, subscribe, enough):
    """What the handler was told until there is enough of it."""
    events, done = [], asyncio.Event()

    async def hear(event):
        events.append(event)
        if enough(events):
            done.set()

    addresses = {"http": {"base_url": f"{url}/"}}
    addresses["websockets"] = {"base_url": f"{url.replace('http', 'ws')}/"}
    dispatcher = realtime_dispatcher()
    async with aiohttp.ClientSession() as session:
        exchange = Exchange(dispatcher, session=session, config_overrides={"api": addresses})
        subscribe(exchange, hear)
        running = asyncio.create_task(dispatcher.run(stop_signals=[]))
        try:
            await asyncio.wait_for(done.wait(), PATIENCE)
        finally:
            dispatcher.stop()
            with suppress(asyncio.CancelledError):
                await running
    return events


async def test_trades_come_with_ascending_ids(live) -> None:
    events = await collected(
        live.url,
        lambda exchange, hear: exchange.subscribe_to_trade_events(BTC, hear),
        lambda events: len(events) >= 5,
    )
    ids = [int(event.trade.id) for event in events]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert all(event.trade.price > 0 and event.trade.amount > 0 for event in events)


async def test_closed_bars_come_once_each(live) -> None:
    events = await collected(
        live.url,
        lambda exchange, hear: exchange.subscribe_to_bar_events(BTC, "1s", hear),
        lambda events: len(events) >= 3,
    )
    opened = [event.bar.begin.timestamp() for event in events]
    assert opened == [opened[0] + k for k in range(len(opened))]
    for event in events:
        bar = event.bar
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


async def test_the_best_of_the_book_and_its_changes_agree(live) -> None:
    books, diffs = [], []

    async def hear_book(event):
        books.append(event.order_book)

    def subscribe(exchange, hear):
        exchange.subscribe_to_order_book_events(BTC, hear_book, depth=5, interval=100)
        exchange.subscribe_to_order_book_diff_events(BTC, hear, interval=100)

    events = await collected(live.url, subscribe, lambda events: len(events) >= 3)
    diffs = [event.order_book_diff for event in events]
    for before, after in itertools.pairwise(diffs):
        assert after.first_update_id == before.final_update_id + 1
    last_of = {diff.final_update_id: diff for diff in diffs}
    both = [book for book in books if book.json["lastUpdateId"] in last_of]
    assert both
    for book in both:
        changed = {e.price: e.volume for e in last_of[book.json["lastUpdateId"]].bids}
        for entry in book.bids:
            assert changed.get(entry.price, entry.volume) == entry.volume
