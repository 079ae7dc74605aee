"""Books of traded symbols stay in step, come back after every gap, and never storm the venue."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.conftest import settle
from tests.fakes.market import BTC, ETH, FakeMarketData
from trading_system.bus import Bus
from trading_system.domain.errors import Unreachable
from trading_system.domain.events import BookChanged
from trading_system.domain.market import BookUpdate, OrderBook, PriceLevel, Quote
from trading_system.market.order_books import OrderBooks
from trading_system.resilience.retry import RetryPolicy


def levels(*rows):
    return tuple(PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in rows)


def snapshot(update_id=10, symbol=BTC, bids=((99, 1),), asks=((101, 1),)):
    return OrderBook(
        symbol=symbol, update_id=update_id, bids=levels(*bids), asks=levels(*asks), received_at=1
    )


def update(first, last=None, symbol=BTC, bids=()):
    return BookUpdate(symbol, first, last or first, levels(*bids), (), 0, 0)


@pytest.fixture
def venue():
    venue = FakeMarketData(BTC, ETH)
    venue.books = {BTC: snapshot(), ETH: snapshot(symbol=ETH)}
    return venue


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def told(bus):
    told = []
    bus.subscribe(BookChanged, told.append)
    return told


@pytest.fixture
async def books(venue, clock, bus):
    books = OrderBooks(market_data=venue, clock=clock, bus=bus, retry=RetryPolicy(jitter=0))
    task = asyncio.create_task(books.run())
    books.follow([BTC])
    await settle()
    yield books
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def in_sync(books, symbol=BTC):
    return books.top(symbol, 1) is not None


async def test_a_snapshot_is_taken_once_the_first_change_is_there(books, venue):
    assert venue.asked == []
    assert not in_sync(books)
    books.on_update(update(11))
    await settle()
    assert venue.asked == [(BTC, 1_000)]
    top = books.top(BTC, 5)
    assert (top.update_id, top.local) == (11, True)
    assert top.bids == levels((99, 1))


async def test_changes_during_the_snapshot_are_applied_to_it(books, venue, clock):
    venue.gate = asyncio.Event()
    for number in range(8, 14):
        books.on_update(update(number, bids=[(90 + number - 8, number)]))
    await settle()
    books.on_update(update(14, bids=[(100, 14)]))
    venue.gate.set()
    await settle()
    top = books.top(BTC, 9)
    assert top.update_id == 14
    assert top.bids == levels((100, 14), (99, 1), (95, 13), (94, 12), (93, 11))
    await clock.advance(60)
    assert len(venue.asked) == 1


async def test_a_snapshot_older_than_the_first_change_is_taken_again(books, venue, clock):
    books.on_update(update(15))
    await settle()
    assert len(venue.asked) == 1
    assert not in_sync(books)
    venue.books[BTC] = snapshot(15)
    await clock.advance(1)
    assert len(venue.asked) == 2
    assert books.top(BTC, 1).update_id == 15


async def test_a_gap_puts_the_book_out_of_step_until_there_is_a_new_one(books, venue, clock, told):
    books.on_update(update(11))
    await settle()
    venue.books[BTC] = snapshot(12)
    books.on_update(update(13))
    assert not in_sync(books)
    assert told[-1] == BookChanged(symbol=BTC, update_id=11, in_sync=False)
    await clock.advance(1)
    assert told[-1] == BookChanged(symbol=BTC, update_id=13, in_sync=True)
    assert books.figures() == {
        "books": 1,
        "books_in_sync": 1,
        "book_gaps": 1,
        "book_snapshots": 2,
    }


async def test_a_gap_while_waiting_for_the_snapshot_is_noticed(books, venue, clock):
    books.on_update(update(11))
    books.on_update(update(13))
    await settle()
    assert not in_sync(books)
    venue.books[BTC] = snapshot(12)
    await clock.advance(1)
    assert books.top(BTC, 1).update_id == 13


async def test_a_venue_that_fails_is_asked_less_and_less(books, venue, clock):
    venue.unreachable = Unreachable("down")
    books.on_update(update(11))
    await clock.advance(1 + 2 + 4 + 8 + 0.5)
    assert len(venue.asked) == 5
    await clock.advance(16)
    assert len(venue.asked) == 6
    await clock.advance(600)
    assert len(venue.asked) == 26
    venue.unreachable = None
    await clock.advance(30)
    assert in_sync(books)


async def test_a_book_that_was_steady_is_taken_anew_at_once(books, venue, clock):
    books.on_update(update(11))
    await clock.advance(61)
    books.on_update(update(13))
    venue.books[BTC] = snapshot(13)
    await settle()
    assert in_sync(books)
    books.on_update(update(15))
    venue.books[BTC] = snapshot(15)
    await settle()
    assert not in_sync(books)
    await clock.advance(1)
    assert in_sync(books)


async def test_a_steady_book_that_cannot_be_taken_anew_storms_nobody(books, venue, clock):
    books.on_update(update(11))
    await clock.advance(61)
    venue.unreachable = Unreachable("down")
    books.on_update(update(13))
    await clock.advance(15.5)
    assert len(venue.asked) == 1 + 5


async def test_a_venue_that_counts_anew_is_followed_after_the_gap(books, venue, clock):
    venue.unreachable = Unreachable("restarting")
    books.on_update(update(5_000))
    await settle()
    books.distrust([BTC])
    venue.unreachable = None
    books.on_update(update(11))
    await clock.advance(1)
    assert books.top(BTC, 1).update_id == 11


async def test_only_a_few_snapshots_are_asked_for_at_once(venue, clock, bus):
    books = OrderBooks(market_data=venue, clock=clock, bus=bus, at_once=1)
    venue.gate = asyncio.Event()
    books.follow([BTC, ETH])
    task = asyncio.create_task(books.run())
    books.on_update(update(11))
    books.on_update(update(11, symbol=ETH))
    await settle()
    assert len(venue.asked) == 1
    venue.gate.set()
    await settle()
    task.cancel()
    assert in_sync(books, BTC)
    assert in_sync(books, ETH)
    assert venue.most_at_once == 1


async def test_changes_are_told_a_few_times_a_second_however_fast_they_come(books, clock, told):
    books.on_update(update(11))
    await settle()
    assert told == [BookChanged(symbol=BTC, update_id=11, in_sync=True)]
    for number in range(12, 112):
        books.on_update(update(number))
        await clock.advance(0.01)
    assert [event.update_id for event in told] == [11, 36, 61, 86, 111]
    await clock.advance(10)
    assert len(told) == 5


async def test_what_changed_nothing_is_not_told(books, clock, told):
    books.on_update(update(11))
    await settle()
    books.on_update(update(11))
    await clock.advance(1)
    assert len(told) == 1


async def test_a_distrusted_book_begins_anew_with_the_next_change(books, venue, clock, told):
    books.on_update(update(11))
    await clock.advance(61)
    books.distrust([BTC, ETH])
    books.distrust([BTC])
    assert [event.in_sync for event in told] == [True, False]
    venue.books[BTC] = snapshot(30)
    await settle()
    assert len(venue.asked) == 1
    books.on_update(update(31))
    await settle()
    assert books.top(BTC, 1).update_id == 31


async def test_a_snapshot_of_a_book_distrusted_meanwhile_is_not_used(books, venue, clock):
    venue.gate = asyncio.Event()
    books.on_update(update(11))
    await settle()
    books.distrust([BTC])
    venue.gate.set()
    await clock.advance(60)
    assert not in_sync(books)
    assert len(venue.asked) == 1


async def test_what_follows_a_distrust_during_a_snapshot_needs_another_one(books, venue, clock):
    """A venue that counts anew would never reach the old snapshot."""
    venue.gate = asyncio.Event()
    venue.books[BTC] = snapshot(5_000)
    books.on_update(update(4_990))
    await settle()
    books.distrust([BTC])
    books.on_update(update(11))
    venue.gate.set()
    await settle()
    assert not in_sync(books)
    venue.books[BTC] = snapshot(10)
    await clock.advance(1)
    assert books.top(BTC, 1).update_id == 11


@pytest.mark.parametrize("failure", [None, Unreachable("down")])
async def test_a_book_distrusted_in_a_pause_waits_for_the_next_change(books, venue, clock, failure):
    venue.books[BTC] = snapshot(5)
    venue.unreachable = failure
    books.on_update(update(11))
    await settle()
    books.distrust([BTC])
    venue.unreachable = None
    venue.books[BTC] = snapshot(20)
    await clock.advance(60)
    assert not in_sync(books)
    assert len(venue.asked) == 1
    books.on_update(update(21))
    await clock.advance(1)
    assert books.top(BTC, 1).update_id == 21


async def test_a_failed_snapshot_of_a_distrusted_book_is_not_tried_again(books, venue, clock):
    venue.gate, venue.unreachable = asyncio.Event(), Unreachable("down")
    books.on_update(update(11))
    await settle()
    books.distrust([BTC])
    venue.gate.set()
    await settle()
    venue.unreachable = None
    await clock.advance(60)
    assert not in_sync(books)
    assert len(venue.asked) == 1


def quote(update_id, symbol=BTC):
    return Quote(symbol, 99.0, 1.0, 101.0, 1.0, update_id, 0)


async def test_a_book_that_stands_still_while_quotes_move_on_is_out_of_step(
    books, venue, clock, told
):
    books.on_update(update(11))
    await settle()
    books.on_quote(quote(11))
    await clock.advance(60)
    books.on_quote(quote(12))
    await clock.advance(4.5)
    books.on_quote(quote(15))
    assert in_sync(books)
    await clock.advance(1)
    assert not in_sync(books)
    assert told[-1] == BookChanged(symbol=BTC, update_id=11, in_sync=False)
    assert books.figures()["book_gaps"] == 1
    venue.books[BTC] = snapshot(20)
    await clock.advance(60)
    assert len(venue.asked) == 1  # nothing would feed it
    books.on_update(update(21))
    await settle()
    assert in_sync(books)


async def test_a_book_that_keeps_up_may_always_be_a_little_behind(books, clock):
    books.on_update(update(11))
    await settle()
    for number in range(12, 100):
        books.on_quote(quote(number + 1))
        books.on_update(update(number))
        await clock.advance(1)
        assert in_sync(books)


async def test_quotes_of_books_that_are_not_kept_or_not_in_step_are_no_matter(books, clock):
    books.on_quote(quote(5_000, symbol=ETH))
    books.on_quote(quote(5_000))
    await clock.advance(10)
    books.on_update(update(11))
    await clock.advance(10)
    assert in_sync(books)


async def test_a_symbol_no_longer_followed_costs_nothing(books, venue, clock, told):
    books.on_update(update(11))
    await settle()
    books.on_update(update(12))
    books.follow([ETH])
    books.on_update(update(13))
    await clock.advance(1)
    assert books.top(BTC, 1) is None
    assert len(told) == 1
    books.on_update(update(11, symbol=ETH))
    await settle()
    assert in_sync(books, ETH)
    assert venue.asked == [(BTC, 1_000), (ETH, 1_000)]


async def test_a_symbol_unfollowed_during_its_snapshot_is_let_go(books, venue, told):
    venue.gate = asyncio.Event()
    books.on_update(update(11))
    await settle()
    books.follow([])
    await settle()
    venue.gate.set()
    await settle()
    assert told == []
    assert books.figures()["books"] == 0


async def test_more_levels_than_are_known_for_sure_are_not_told(venue, clock, bus):
    books = OrderBooks(market_data=venue, clock=clock, bus=bus, depth=2)
    venue.books[BTC] = snapshot(bids=[(99, 1), (98, 1), (97, 1)], asks=[(101, 1)])
    task = asyncio.create_task(books.run())
    books.follow([BTC])
    books.on_update(update(11))
    await settle()
    task.cancel()
    assert len(books.top(BTC, 2).bids) == 2
    assert books.top(BTC, 3) is None


async def test_a_book_that_has_moved_beyond_its_snapshot_is_taken_anew(venue, clock, bus, told):
    books = OrderBooks(market_data=venue, clock=clock, bus=bus, depth=2)
    venue.books[BTC] = snapshot(bids=[(99, 1), (98, 1)], asks=[(101, 1)])
    task = asyncio.create_task(books.run())
    books.follow([BTC])
    books.on_update(update(11))
    await settle()
    books.on_update(update(12, bids=[(99, 0), (98, 0), (97, 5)]))
    await clock.advance(0.25)
    assert told[-1].in_sync is False
    venue.books[BTC] = replace(venue.books[BTC], update_id=12)
    books.on_update(update(13))
    await clock.advance(2)
    task.cancel()
    assert told[-1].in_sync is True
