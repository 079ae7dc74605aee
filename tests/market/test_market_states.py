"""Every followed market is judged every few seconds, and a change is told once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from tests.conftest import settle
from tests.fakes.execution import FakeListing
from tests.fakes.market import BTC, ETH, candle
from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE, floor_minute
from trading_system.domain.errors import Unreachable
from trading_system.domain.events import MarketStateChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import LivePrice, MarketState, Quote
from trading_system.market.market_states import MarketStates
from trading_system.market.states import Standing


@dataclass
class FakeLive:
    """A LiveMarket whose figures a test sets."""

    followed: dict = field(default_factory=dict)
    quotes: dict = field(default_factory=dict)
    silent: dict = field(default_factory=dict)
    heard_seconds_ago: float = 1.0
    noted: list = field(default_factory=list)

    def prices(self):
        return list(self.followed.values())

    def quote(self, symbol):
        return self.quotes.get(symbol)

    def running(self, symbol):
        return None

    def silence(self, symbol):
        return self.silent.get(symbol, 0.0) if symbol in self.followed else None

    def note_state(self, symbol, state):
        self.noted.append((symbol, state))

    def hear(self, symbol, ask=100.01, volume=1e8):
        self.followed[symbol] = LivePrice(symbol=symbol, day_quote_volume=volume)
        self.quotes[symbol] = Quote(symbol, 100.0, 99.0, ask, 99.0, 1, 0)


class Listing:
    """A venue that lists BTC and ETH, and fails when told to."""

    def __init__(self) -> None:
        self.listed = {}
        self.failure = None
        self.gate = None
        self.rechecked = []

    async def instruments(self):
        if self.gate:
            await self.gate.wait()
        if self.failure:
            raise self.failure
        return self.listed

    async def recheck(self, symbols):
        self.rechecked.append(set(symbols))


@pytest.fixture
async def venue():
    venue = Listing()
    like = next(iter((await FakeListing().instruments()).values()))
    venue.listed = {symbol: replace(like, symbol=symbol) for symbol in (BTC, ETH)}
    return venue


@pytest.fixture
def live():
    live = FakeLive()
    live.hear(BTC)
    return live


@pytest.fixture
def told():
    return []


@pytest.fixture
async def states(live, venue, prices, clock, told):
    bus = Bus()
    bus.subscribe(MarketStateChanged, told.append)
    states = MarketStates(live=live, prices=prices, market_data=venue, clock=clock, bus=bus)
    task = asyncio.create_task(states.run())
    await settle()
    yield states
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def changes(told):
    return [(event.symbol, event.before, event.after) for event in told]


async def test_a_calm_market_is_normal_after_two_looks(states, live, clock, told):
    await clock.advance(5)
    assert told == []
    assert states.standing(BTC).state is None
    await clock.advance(60)
    assert changes(told) == [(BTC, None, MarketState.NORMAL)]
    assert live.noted == [(BTC, MarketState.NORMAL)]
    assert states.figures()["state_normal"] == 1
    assert states.figures()["state_panic"] == 0


async def test_a_spread_that_tears_open_is_told_with_its_reason(states, live, clock, told):
    await clock.advance(10)
    live.hear(BTC, ask=103.0)
    await clock.advance(10)
    assert changes(told)[-1] == (BTC, MarketState.NORMAL, MarketState.PANIC)
    assert told[-1].reason.startswith("spread bps 295")


async def test_stored_candles_that_move_make_a_market_volatile(
    states, prices, symbols, clock, told
):
    await symbols.add(BTC, clock.now())
    newest = floor_minute(clock.milliseconds()) - MINUTE
    rows = [candle(newest - back * MINUTE, 600.0) for back in range(20)]
    await prices.upsert({BTC: rows})
    await clock.advance(10)
    assert changes(told) == [(BTC, None, MarketState.VOLATILE)]
    assert told[0].reason.startswith("ATR % 0.6")


async def test_stored_candles_are_read_once_a_minute(states, prices, symbols, clock, monkeypatch):
    await symbols.add(BTC, clock.now())
    read = []
    columns = prices.columns

    async def counted(symbol, span, timeframe):
        read.append(span)
        return await columns(symbol, span, timeframe)

    monkeypatch.setattr(prices, "columns", counted)
    await clock.advance(29)
    assert len(read) == 1
    await clock.advance(60)
    assert len(read) == 2
    assert [span.minutes for span in read] == [15, 15]


async def test_what_the_venue_closes_is_in_maintenance_at_the_next_look(states, venue, clock, told):
    await clock.advance(10)
    venue.listed[BTC] = replace(venue.listed[BTC], tradable=False)
    await clock.advance(5)
    assert changes(told)[-1] == (BTC, MarketState.NORMAL, MarketState.MAINTENANCE)
    venue.listed[BTC] = replace(venue.listed[BTC], tradable=True)
    await clock.advance(5)
    assert changes(told)[-1] == (BTC, MarketState.MAINTENANCE, MarketState.NORMAL)


async def test_a_symbol_that_disappears_from_the_listing_cannot_be_traded(
    states, venue, clock, told
):
    del venue.listed[BTC]
    await clock.advance(5)
    assert changes(told) == [(BTC, None, MarketState.MAINTENANCE)]


async def test_a_venue_that_cannot_be_asked_changes_nothing(states, venue, clock, told):
    await clock.advance(10)
    venue.failure = Unreachable("down")
    await clock.advance(60)
    assert changes(told) == [(BTC, None, MarketState.NORMAL)]


async def test_without_any_listing_yet_a_market_counts_as_open(states, venue, clock, told):
    venue.failure = Unreachable("down")
    await clock.advance(10)
    assert changes(told) == [(BTC, None, MarketState.NORMAL)]


async def test_silence_is_death_only_while_the_venue_is_heard(states, live, clock, told):
    live.silent[BTC] = 400.0
    live.heard_seconds_ago = 400.0
    await clock.advance(10)
    assert changes(told) == [(BTC, None, MarketState.NORMAL)]
    live.heard_seconds_ago = 1.0
    await clock.advance(10)
    assert changes(told)[-1] == (BTC, MarketState.NORMAL, MarketState.DEAD)


async def test_a_symbol_no_longer_followed_is_forgotten(states, live, clock, told):
    live.hear(ETH)
    await clock.advance(10)
    live.followed.pop(ETH)
    await clock.advance(5)
    assert states.figures()["state_normal"] == 1
    live.hear(ETH)
    await clock.advance(10)
    assert changes(told)[-1] == (ETH, None, MarketState.NORMAL)


async def test_a_symbol_let_go_while_it_is_judged_is_passed_over(states, live, venue):
    live.hear(ETH)
    venue.gate = asyncio.Event()
    judging = asyncio.create_task(states.evaluate())
    await settle()
    live.followed.pop(ETH)
    venue.gate.set()
    await judging
    assert states.standing(ETH) == Standing()
    assert states.standing(BTC) != Standing()


async def test_five_hundred_symbols_are_judged_in_slices(states, live, venue, clock, told):
    like = venue.listed[BTC]
    for number in range(500):
        symbol = Symbol(f"S{number}", "USDT")
        venue.listed[symbol] = replace(like, symbol=symbol)
        live.hear(symbol)
    turns = 0
    judging = asyncio.create_task(states.evaluate())
    while not judging.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 500 / 25
    await states.evaluate()
    assert states.figures()["state_normal"] == 501


async def test_the_venue_is_asked_once_a_minute_whether_what_is_followed_trades(
    states, venue, clock
):
    await clock.advance(121)
    assert venue.rechecked == [{BTC}, {BTC}]
