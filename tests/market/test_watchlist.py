"""Registration, deactivation and orders change what is followed within a second."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from tests.conftest import settle
from tests.fakes.execution import FakeOrders
from tests.fakes.market import BTC, ETH
from trading_system.bus import Bus
from trading_system.domain.errors import StorageError
from trading_system.domain.events import OrderChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import (
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    client_order_id,
)
from trading_system.market.watchlist import Watchlist

SOL = Symbol("SOL", "USDT")


def order(symbol, at, status=OrderStatus.NEW):
    order_id = uuid4()
    return Order(
        id=order_id,
        client_order_id=client_order_id(order_id),
        request=OrderRequest(
            symbol=symbol, side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(1)
        ),
        status=status,
        created_at=at,
        updated_at=at,
    )


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def orders():
    return FakeOrders()


@pytest.fixture
def told():
    return []


@pytest.fixture
def watchlist(symbols, orders, clock, bus, told):
    return Watchlist(
        symbols=symbols,
        orders=orders,
        clock=clock,
        bus=bus,
        follow=lambda monitored, traded: told.append((set(monitored), set(traded))),
    )


@pytest.fixture
async def run():
    tasks = []

    async def run(watchlist):
        tasks.append(asyncio.create_task(watchlist.run()))
        await settle()

    yield run
    for task in tasks:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_registered_symbols_are_told_at_once(watchlist, run, symbols, clock, told):
    await symbols.add(BTC, clock.now())
    assert watchlist.monitored == watchlist.traded == frozenset()
    await run(watchlist)
    assert told == [({BTC}, set())]
    assert watchlist.figures() == {"monitored": 1, "traded": 0}


async def test_nothing_is_told_twice(watchlist, run, clock, told):
    await run(watchlist)
    await clock.advance(60)
    assert told == [(set(), set())]


async def test_registration_and_deactivation_are_noticed_within_a_second(
    watchlist, run, symbols, clock, told
):
    await run(watchlist)
    await symbols.add(BTC, clock.now())
    await clock.advance(1)
    await symbols.add(ETH, clock.now())
    await symbols.deactivate(BTC)
    await clock.advance(1)
    assert told == [(set(), set()), ({BTC}, set()), ({ETH}, set())]


async def test_a_poke_is_quicker_than_the_poll(watchlist, run, symbols, clock, told):
    await run(watchlist)
    await symbols.add(BTC, clock.now())
    watchlist.poke()
    await settle()
    assert told[-1] == ({BTC}, set())


async def test_symbols_with_an_open_or_a_recent_order_are_traded(
    watchlist, run, orders, clock, told
):
    old = clock.now() - timedelta(hours=25)
    for each in (
        order(BTC, old),
        order(ETH, old, OrderStatus.FILLED),
        order(SOL, clock.now() - timedelta(hours=23), OrderStatus.CANCELED),
    ):
        await orders.create(each, idempotency_key=None, digest="")
    await run(watchlist)
    assert told == [(set(), {BTC, SOL})]


async def test_an_order_makes_its_symbol_traded_at_once(watchlist, run, bus, clock, told):
    await run(watchlist)
    bus.publish(OrderChanged(order=order(BTC, clock.now()), source="answer"))
    await settle()
    assert told[-1] == (set(), {BTC})


async def test_a_day_after_its_last_order_ended_a_symbol_is_traded_no_more(
    watchlist, run, bus, clock, told
):
    await run(watchlist)
    placed = order(BTC, clock.now())
    bus.publish(OrderChanged(order=placed, source="answer"))
    clock.jump(30 * 3_600)
    await clock.advance(1)
    assert told[-1] == (set(), {BTC})
    filled = replace(placed, status=OrderStatus.FILLED, updated_at=clock.now())
    bus.publish(OrderChanged(order=filled, source="stream"))
    clock.jump(23 * 3_600)
    await clock.advance(1)
    assert told[-1] == (set(), {BTC})
    clock.jump(3_600)
    await clock.advance(1)
    assert told[-1] == (set(), set())


async def test_a_database_that_fails_leaves_the_sets_and_is_read_again(
    watchlist, run, symbols, orders, clock, told, monkeypatch
):
    await orders.create(order(BTC, clock.now()), idempotency_key=None, digest="")
    answers = [StorageError("busy")] * 3
    read = []
    everything = orders.all

    async def failing_first(**options):
        if answers:
            raise answers.pop()
        read.append(options)
        return await everything(**options)

    monkeypatch.setattr(orders, "all", failing_first)
    await run(watchlist)
    await clock.advance(2)
    assert told == []
    await clock.advance(1)
    assert told == [(set(), {BTC})]
    await clock.advance(10)
    assert len(read) == 2, "open ones and recent ones, once"


async def test_what_is_held_is_followed_like_what_is_traded(symbols, orders, clock, bus, told, run):
    held = {BTC}
    watchlist = Watchlist(
        symbols=symbols,
        orders=orders,
        clock=clock,
        bus=bus,
        follow=lambda monitored, traded: told.append((set(monitored), set(traded))),
        held=lambda: frozenset(held),
    )
    await run(watchlist)
    held.clear()
    await clock.advance(1)
    assert told == [(set(), {BTC}), (set(), set())]
