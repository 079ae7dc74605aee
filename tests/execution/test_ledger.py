"""Positions follow the record, whatever the order in which fills are booked and told."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ManualClock, settle
from tests.fakes.portfolio import BTC, ETH, UUID, FakeRecord, booked
from trading_system.bus import Bus
from trading_system.domain.errors import StorageError
from trading_system.domain.events import OrderChanged, PositionChanged
from trading_system.domain.orders import Side
from trading_system.domain.positions import Fold
from trading_system.execution.ledger import Ledger

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(minute):
    return NOON + timedelta(minutes=minute)


class Record(FakeRecord):
    """Remembers of which symbol all fills were asked for, None where it was one order's."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = []

    async def fills(self, *, symbol=None, order_id=None, limit=500):
        self.asked.append(symbol)
        return await super().fills(symbol=symbol, order_id=order_id, limit=limit)


class Bench:
    """A ledger over a record, and what it published."""

    def __init__(self, clock, **options) -> None:
        self.bus, self.record, self.told = Bus(), Record(), []
        self.clock = clock
        self.options = options
        self.bus.subscribe(PositionChanged, self.told.append)
        self.ledger = self.again()

    def again(self):
        return Ledger(orders=self.record, clock=self.clock, bus=self.bus, **self.options)

    def tell(self, order=1, symbol=BTC, executed=1):
        request = SimpleNamespace(symbol=symbol)
        changed = SimpleNamespace(
            id=UUID(int=order), request=request, executed_quantity=Decimal(executed)
        )
        self.bus.publish(OrderChanged(order=changed, source="test"))

    def book(self, *rows):
        self.record.rows += rows
        for row in rows:
            self.tell(row.order_id.int, row.symbol)

    async def positions(self):
        return [page.position for page in await self.ledger.pages()]


@pytest.fixture
def bench(clock):
    return Bench(clock)


async def test_what_was_on_record_before_is_folded_at_the_start_and_told_to_nobody(bench):
    bench.record.rows = [booked(1, "BUY", 2, 100, at(0)), booked(2, "SELL", 1, 150, at(1))]
    (position,) = await bench.positions()
    assert (position.quantity, position.realised) == (1, 50)
    assert bench.told == []
    assert bench.ledger.held == {BTC}


async def test_each_new_fill_is_told_with_what_it_realised(bench):
    await bench.positions()
    bench.book(booked(1, "BUY", 2, 100, at(0)))
    await bench.positions()
    bench.book(booked(2, "SELL", 1, 150, at(1), order=2), booked(3, "SELL", 1, 90, at(2), order=2))
    await bench.positions()
    assert [(told.trade_id, told.realised, told.position.quantity) for told in bench.told] == [
        ("1", 0, 2),
        ("2", 50, 1),
        ("3", -10, 0),
    ]
    assert bench.told[1].order_id == UUID(int=2)
    assert bench.ledger.held == frozenset()


async def test_the_same_fill_told_again_changes_nothing(bench):
    bench.book(booked(1, "BUY", 2, 100, at(0)))
    first = await bench.positions()
    bench.tell()
    assert await bench.positions() == first
    assert len(bench.told) <= 1


async def test_an_order_without_fills_is_not_read(bench):
    await bench.positions()
    bench.record.rows = [booked(1, "BUY", 2, 100, at(0))]
    bench.tell(executed=0)
    assert await bench.positions() == []


async def test_a_late_fill_takes_its_place_in_time_and_only_it_is_told(bench):
    await bench.positions()
    bench.book(booked(1, "BUY", 1, 100, at(0)), booked(3, "SELL", 1, 200, at(2)))
    await bench.positions()
    bench.told.clear()
    bench.book(booked(2, "BUY", 1, 120, at(1), order=2))
    (position,) = await bench.positions()
    assert position.quantity == 1
    assert position.realised == 90  # by the average of 100 and 120, not by 100 alone
    assert position.realised_fifo == 100
    assert [told.trade_id for told in bench.told] == ["2"]


async def test_late_fills_of_many_orders_have_their_symbol_folded_anew_once(bench):
    await bench.positions()
    bench.book(
        booked(9, "BUY", 1, 100, at(9)), booked(10, "BUY", 1, 100, at(9), symbol=ETH, order=2)
    )
    await bench.positions()
    bench.record.asked.clear()
    late = [booked(number, "BUY", 1, 100, at(number), order=number) for number in (5, 3, 4)]
    bench.book(*late)
    await bench.positions()
    assert bench.record.asked == [None, None, None, BTC]  # three orders, then the symbol
    assert [told.trade_id for told in bench.told[2:]] == ["3", "4", "5"]


async def test_years_of_fills_leave_room_for_others(bench):
    bench.record.rows = [booked(number, "BUY", 1, 100, at(number)) for number in range(2_000)]
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await bench.positions()
    beside.cancel()
    assert turns >= 2 * 4  # to sort them, and to fold them


async def test_only_so_many_fills_are_remembered_and_none_is_folded_twice(clock):
    bench = Bench(clock, remember=3)
    await bench.positions()
    rows = [booked(number, "BUY", 1, 100, at(number)) for number in range(1, 8)]
    for row in rows:
        bench.book(row)
        (page,) = await bench.ledger.pages()
        assert len(page._remembered) <= 3
    assert page.position.quantity == 7
    assert [told.trade_id for told in bench.told] == list("1234567")


async def test_a_fill_from_before_all_that_is_remembered_gets_its_place_by_the_count(clock):
    bench = Bench(clock, remember=3)
    await bench.positions()
    bench.book(*(booked(number, "BUY", 1, 100, at(number)) for number in range(2, 8)))
    await bench.positions()
    bench.book(booked(1, "BUY", 1, 40, at(1), order=2))
    await bench.ledger.audit()
    (position,) = await bench.positions()
    assert (position.quantity, position.cost, position.fills) == (7, 640, 7)
    assert [told.trade_id for told in bench.told] == list("234567")


async def test_trades_of_one_moment_are_folded_by_their_numbers(bench):
    rows = [booked(number, "BUY", 1, number, at(0), order=number) for number in (9, 10, 100)]
    sold = booked(101, "SELL", 2, 20, at(0))
    bench.book(sold, *rows[::-1])
    (position,) = await bench.positions()
    assert position.realised_fifo == (20 - 9) + (20 - 10)


async def test_what_was_realised_is_kept_by_utc_day(bench):
    bench.book(
        booked(1, "BUY", 3, 100, at(0)),
        booked(2, "SELL", 1, 110, at(0)),
        booked(3, "SELL", 1, 90, at(60 * 12)),
    )
    (page,) = await bench.ledger.pages()
    assert page.realised_on == {date(2026, 1, 1): 10, date(2026, 1, 2): -10}


async def test_where_shorts_are_allowed_more_can_be_sold_than_is_held(clock):
    bench = Bench(clock, may_short=True)
    bench.book(booked(1, "SELL", 2, 100, at(0)))
    assert [position.quantity for position in await bench.positions()] == [-2]


async def test_a_record_that_cannot_be_read_loses_no_fill(bench):
    await bench.positions()
    bench.book(booked(1, "BUY", 1, 100, at(0)))
    bench.record.failures = [StorageError("the disk is full")]
    with pytest.raises(StorageError):
        await bench.positions()
    assert [position.quantity for position in await bench.positions()] == [1]
    assert [told.trade_id for told in bench.told] == ["1"]


async def test_a_fill_told_while_the_record_is_read_is_not_missed(bench):
    await bench.positions()
    bench.book(booked(1, "BUY", 1, 100, at(0)))

    def meanwhile():
        bench.record.while_reading = lambda: None
        bench.book(booked(2, "BUY", 1, 100, at(1)))

    bench.record.while_reading = meanwhile
    await bench.positions()
    assert [position.quantity for position in await bench.positions()] == [2]


async def test_a_fill_that_nobody_told_of_is_found_within_a_minute(bench, clock):
    running = asyncio.create_task(bench.ledger.run())
    await settle()
    bench.record.rows = [
        booked(1, "BUY", 1, 100, at(0)),
        booked(1, "BUY", 1, 100, at(0), symbol=ETH),
    ]
    await clock.advance(59)
    assert bench.told == []
    await clock.advance(2)
    assert [told.position.symbol for told in bench.told] == [BTC, ETH]
    await clock.advance(60)
    assert len(bench.told) == 2
    running.cancel()


async def test_it_folds_as_soon_as_an_order_tells(bench):
    running = asyncio.create_task(bench.ledger.run())
    await settle()
    bench.book(booked(1, "BUY", 1, 100, at(0)))
    await settle()
    assert [told.trade_id for told in bench.told] == ["1"]
    running.cancel()


async def test_it_goes_on_after_a_record_that_could_not_be_read(bench, clock):
    bench.record.failures = [StorageError("the disk is full")]
    running = asyncio.create_task(bench.ledger.run())
    await settle()
    bench.book(booked(1, "BUY", 1, 100, at(0)))
    await clock.advance(2)
    assert bench.ledger.held == {BTC}
    running.cancel()


ROWS = st.lists(
    st.builds(
        lambda side, quantity, price, minute: (side, quantity, price, minute),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 5),
        st.integers(1, 9),
        st.integers(0, 6),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 4), st.booleans())
def test_any_order_and_any_batches_of_booking_end_in_the_same_positions(
    trades, shuffler, size, may_short
):
    rows = [
        booked(number, side, quantity, price, at(minute), order=number % 3)
        for number, (side, quantity, price, minute) in enumerate(trades, 1)
    ]
    by_time = sorted(rows, key=lambda row: (row.fill.time, int(row.fill.trade_id)))
    fold = Fold(BTC, may_short=may_short)
    for row in by_time:
        fold.add(Side(row.side), row.fill)
    arriving = rows[:]
    shuffler.shuffle(arriving)

    async def play():
        bench = Bench(ManualClock(), may_short=may_short)
        await bench.positions()
        for first in range(0, len(arriving), size):
            bench.book(*arriving[first : first + size])
            await bench.positions()
        assert sorted(told.trade_id for told in bench.told) == sorted(
            row.fill.trade_id for row in rows
        )
        live = await bench.positions()
        bench.ledger = bench.again()
        assert await bench.positions() == live
        return live

    assert asyncio.run(play()) == ([fold.position] if rows else [])


async def test_what_is_booked_just_now_counts_before_anybody_was_told(clock):
    """What the record shows as filled is in the positions, or no limit counts it at all."""
    under_way = {}
    bench = Bench(clock, under_way=lambda: under_way)
    assert await bench.ledger.pages() == []
    bench.record.rows.append(booked(1, Side.BUY, "2", "100", at(0)))
    assert await bench.ledger.pages() == []
    under_way[UUID(int=1)] = BTC
    (page,) = await bench.ledger.pages()
    assert page.position.quantity == 2
    under_way.clear()
    bench.tell()
    (page,) = await bench.ledger.pages()
    assert (page.position.quantity, len(bench.told)) == (2, 1)
