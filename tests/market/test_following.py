"""Streams follow what is listed, and begin as soon as the venue can say what that is."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.market import BTC, ETH, FakeMarketData
from trading_system.domain.errors import Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.market.following import Following

GONE = Symbol("LUNA", "USDT")


@pytest.fixture
async def following(clock):
    market_data, told = FakeMarketData(BTC, ETH), []
    following = Following(
        market_data=market_data, clock=clock, followers=[lambda *sets: told.append(sets)]
    )
    running = asyncio.ensure_future(following.run())
    yield following, market_data, told
    running.cancel()


async def test_what_the_venue_does_not_list_is_left_out(following, clock):
    follower, _, told = following
    follower.follow(frozenset({BTC, ETH, GONE}), frozenset({BTC, GONE}))
    await clock.advance(0)
    assert told == [(frozenset({BTC, ETH}), frozenset({BTC}))]


async def test_a_venue_that_was_down_is_asked_until_it_tells(following, clock):
    follower, market_data, told = following
    market_data.unreachable = Unreachable("down")
    follower.follow(frozenset({BTC}), frozenset())
    await clock.advance(3)
    assert told == []
    market_data.unreachable = None
    follower.follow(frozenset({ETH}), frozenset())
    await clock.advance(3)
    assert told == [(frozenset({ETH}), frozenset())]


async def test_what_comes_back_is_followed_again(following, clock):
    follower, market_data, told = following
    follower.follow(frozenset({BTC, GONE}), frozenset())
    await clock.advance(30)
    market_data.symbols[GONE] = object()
    await clock.advance(31)
    assert told[-1] == (frozenset({BTC, GONE}), frozenset())
    await clock.advance(120)
    assert len(told) == 2


async def test_a_new_wish_does_not_wait_for_what_is_missing(following, clock):
    follower, _, told = following
    follower.follow(frozenset({GONE}), frozenset())
    await clock.advance(1)
    follower.follow(frozenset({BTC}), frozenset())
    await clock.advance(0)
    assert told[-1] == (frozenset({BTC}), frozenset())
