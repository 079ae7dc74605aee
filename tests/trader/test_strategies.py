"""What somebody may ask of strategies, what is refused, and what a position does when they end."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.fakes.trader import BTC, ETH, NOON, D, mandate
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.errors import (
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotRegistered,
    OutcomeUnknown,
    Rejected,
    UnknownSymbol,
)
from trading_system.domain.events import StrategyChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import MandateState, SizeKind, Sizing, StopRule
from trading_system.domain.orders import OrderStatus
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe

ME = UUID(int=77)


def made(bench, **more):
    return bench.strategies.create(mandate(bench.clock.now(), **more))


async def test_a_new_strategy_does_nothing_before_it_is_started(bench):
    told = []
    bench.bus.subscribe(StrategyChanged, told.append)
    new = await made(bench)
    await bench.beat(101)
    assert (new.state, new.warmup) == (MandateState.STOPPED, 2)
    assert await bench.outcomes() == []
    assert [each.mandate for each in told] == [new]
    assert bench.brains.opened[0].closed


@pytest.mark.parametrize(
    ("wish", "error", "text"),
    [
        ({"symbols": ()}, InvalidRequest, "at least one symbol"),
        ({"symbols": (BTC, BTC)}, InvalidRequest, "named twice"),
        ({"symbols": (BTC, Symbol("ETH", "BTC"))}, InvalidRequest, "share their quote asset"),
        ({"symbols": (Symbol("XRP", "USDT"),)}, UnknownSymbol, "lists no XRP/USDT"),
        ({"symbols": (Symbol("SOL", "USDT"),)}, NotRegistered, "SOL/USDT"),
        ({"strategy": "magic"}, InvalidRequest, "^there is no strategy 'magic'"),
        ({"parameters": {"fast": "3"}}, InvalidRequest, "no parameter 'fast'"),
        ({"parameters": {"short": "yes"}}, InvalidRequest, "sold short"),
        ({"sizing": Sizing(kind=SizeKind.RISK, amount=D(1))}, InvalidRequest, "needs a stop"),
        ({"sizing": Sizing(amount=D(101))}, InvalidRequest, "more than there is"),
        ({"capital": D(10_001)}, NotAllowed, "10001 USDT are more than the 10000 free"),
    ],
)
async def test_what_cannot_be_is_refused_and_says_why(bench, wish, error, text):
    bench.listing.rows[Symbol("SOL", "USDT")] = bench.listing.rows[BTC]
    with pytest.raises(error, match=text):
        await made(bench, **wish)
    assert await bench.mandates.all() == []


async def test_a_symbol_that_is_not_collected_any_more_cannot_be_traded(bench):
    await bench.registered.deactivate(BTC)
    with pytest.raises(InvalidRequest, match="register it again"):
        await made(bench)


async def test_nor_is_it_started_where_no_bar_would_ever_close(bench):
    await made(bench)
    await bench.registered.deactivate(BTC)
    with pytest.raises(InvalidRequest, match="BTC/USDT is not collected any more"):
        await bench.strategies.start(ME)
    assert (await bench.mandate()).state is MandateState.STOPPED


async def test_capital_is_given_away_once_and_what_was_spent_is_not_free_any_more(bench, world):
    world.free = D(1500)
    await bench.trading(id=UUID(int=1))
    with pytest.raises(NotAllowed, match="of which strategies may spend 1000"):
        await made(bench, id=UUID(int=2), capital=D(501))
    await bench.beat(101)
    wallet = await bench.wallets.of(UUID(int=1))
    world.free = D(1500) - wallet.spent
    await made(bench, id=UUID(int=2), capital=D(500))
    with pytest.raises(NotAllowed):
        await made(bench, id=UUID(int=3), capital=D(1))


async def test_of_another_quote_asset_nothing_was_promised(bench, world):
    other = Symbol("ETH", "BTC")
    bench.listing.rows[other] = bench.listing.rows[BTC]
    await bench.registered.add(other, bench.clock.now())
    await made(bench, capital=D(10_000))
    with pytest.raises(NotAllowed, match="1 BTC are more than the 0 free"):
        await made(bench, id=UUID(int=2), symbols=(other,), capital=D(1))


async def test_where_positions_are_netted_a_symbol_has_one_strategy(opened):
    async with opened(may_short=True) as bench:
        await made(bench)
        with pytest.raises(NotAllowed, match="BTC/USDT is traded by strategy"):
            await made(bench, id=UUID(int=2))
        await made(bench, id=UUID(int=3), symbols=(ETH,))


async def test_candles_of_the_warm_up_that_are_missing_are_fetched(bench):
    await made(bench, timeframe=Timeframe.parse("5m"))
    await bench.strategies.start(ME)
    assert bench.backfills == [(BTC, Span(NOON - 10 * MINUTE, NOON - 5 * MINUTE))]


async def test_started_twice_it_runs_once(bench):
    first = await bench.trading()
    assert await bench.strategies.start(ME) == first


async def test_stopped_it_keeps_what_it_holds_and_its_stop(bench, world):
    await bench.trading(stop=StopRule(kind=StopKind.TRAILING, distance_percent=D(5)))
    await bench.beat(101)
    stopping = await bench.strategies.stop(ME)
    assert stopping.state is MandateState.STOPPING
    await bench.settle()
    assert (await bench.mandate()).state is MandateState.STOPPED
    await bench.beat(95)
    assert len(bench.venue.sent) == 1
    assert len(world.stops.active) == 1
    view = await bench.views.get(ME)
    assert view.positions[0].quantity > 9
    assert view.equity == view.cash + view.positions[0].quantity * 95
    assert view.profit == view.equity - 1000


async def test_deleted_with_flatten_it_holds_nothing_and_its_capital_is_free(bench, world):
    await bench.trading()
    await bench.beat(101)
    await bench.strategies.delete(ME, flatten=True)
    await bench.settle()
    ended = await bench.mandates.get(ME)
    assert ended.state is MandateState.ENDED
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]
    assert await bench.views.all() == []
    world.free = D(1000)
    await made(bench, id=UUID(int=2))


async def test_a_position_that_cannot_be_closed_at_once_is_closed_later(bench):
    await bench.trading()
    await bench.beat(101)
    bench.desk.refusals.append(Rejected(-1, "no"))
    await bench.strategies.stop(ME, flatten=True)
    await bench.settle()
    assert "no" in (await bench.mandate()).waiting["BTC/USDT"]
    await bench.told()
    assert "after a while" in (await bench.mandate()).waiting["BTC/USDT"]
    await bench.clock.advance(31)
    await bench.told()
    assert (await bench.mandate()).state is MandateState.STOPPED
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]


async def test_closing_goes_on_after_a_restart_and_sells_once(opened, world):
    async with opened() as first:
        await first.trading()
        await first.beat(101)
        first.venue.script.append(OutcomeUnknown("timeout"))
        await first.strategies.stop(ME, flatten=True)
        await first.settle()
    async with opened() as second:
        await second.told()
        assert "UNKNOWN" in (await second.mandate()).waiting["BTC/USDT"]
        (unknown,) = await second.orders.all(statuses=frozenset({OrderStatus.UNKNOWN}))
        await second.manager.booking.verdict(unknown, OrderStatus.REJECTED, "never arrived")
        await second.told()
        await second.settle()
        assert (await second.mandate()).state is MandateState.STOPPED
        assert [side for side, _, _ in world.venue.sent] == ["BUY", "SELL"]


async def test_a_symbol_that_is_not_listed_any_more_is_told(bench):
    await bench.trading()
    await bench.beat(101)
    del bench.listing.rows[BTC]
    await bench.beat(95)
    assert "lists no BTC/USDT" in (await bench.decisions.all())[0].reason
    await bench.strategies.stop(ME, flatten=True)
    await bench.settle()
    assert "lists no BTC/USDT" in (await bench.mandate()).waiting["BTC/USDT"]


async def test_what_is_winding_down_is_not_started_and_being_deleted_stays_so(bench):
    await bench.trading()
    await bench.beat(101)
    await bench.strategies.delete(ME)
    with pytest.raises(NotAllowed, match="is ending: wait"):
        await bench.strategies.start(ME)
    assert (await bench.strategies.stop(ME, flatten=True)).state is MandateState.ENDING
    await bench.settle()
    assert len(bench.venue.sent) == 2
    for refused in (bench.strategies.start, bench.strategies.stop, bench.strategies.delete):
        with pytest.raises(NotAllowed, match="was deleted"):
            await refused(ME)


async def test_capital_sizing_and_stop_can_be_changed_the_rest_cannot(bench, world):
    await bench.trading()
    half = Sizing(amount=D(50))
    rule = StopRule(kind=StopKind.FIXED, distance_percent=D(5))
    changed = await bench.strategies.change(ME, capital=D(2000), sizing=half, stop=rule)
    assert (changed.capital, changed.sizing, changed.stop) == (D(2000), half, rule)
    await bench.beat(101)
    assert bench.venue.sent[0][1] == D("9.9")  # 50 % of 2000 at 101
    with pytest.raises(NotAllowed, match=r"it has spent 999\.9"):
        await bench.strategies.change(ME, capital=D(900))
    with pytest.raises(NotAllowed, match="more than"):
        await bench.strategies.change(ME, capital=D(20_000))
    with pytest.raises(InvalidRequest, match="more than there is"):
        await bench.strategies.change(ME, sizing=Sizing(amount=D(101)))
    assert (await bench.strategies.change(ME)).capital == D(2000)


async def test_one_there_is_not_is_not_found(bench):
    for ask in (bench.views.get, bench.strategies.start, bench.strategies.stop):
        with pytest.raises(NotFound):
            await ask(UUID(int=404))


async def test_without_a_price_of_what_it_holds_there_is_no_equity(bench):
    await bench.trading()
    await bench.beat(101)
    del bench.venue.price[BTC]
    view = await bench.views.get(ME)
    assert (view.equity, view.profit) == (None, None)


async def test_a_story_has_bars_fills_and_equity_of_one_symbol(bench):
    await bench.trading(symbols=(BTC, ETH))
    await bench.beat(101)
    await bench.beat(95)
    story = await bench.views.story(ME, None, bars=100)
    assert story.title == "above · BTC/USDT · 1m"
    assert [each.price for each in story.bars] == [101.0, 95.0]
    assert [row.side for row in story.fills] == ["BUY", "SELL"]
    times, worth = zip(*story.equity, strict=True)
    assert times == (NOON + MINUTE, NOON + 2 * MINUTE)
    assert worth[0] == 1000.0, "the fill came after the close"
    assert worth[1] < 1000.0
    with pytest.raises(InvalidRequest, match="does not trade"):
        await bench.views.story(ME, Symbol("SOL", "USDT"), bars=100)


async def test_a_story_tells_equity_by_the_capital_there_was_then(bench):
    await bench.trading()
    await bench.beat(90)
    await bench.strategies.change(ME, capital=D(2000))
    await bench.beat(90)
    assert [worth for _, worth in (await bench.views.story(ME, None, bars=9)).equity] == [
        1000,
        2000,
    ]


async def test_orders_that_cannot_be_withdrawn_are_tried_again(bench):
    await bench.trading(
        strategy="grid", parameters={"low": "80", "high": "100", "levels": "2", "quantity": "1"}
    )
    await bench.beat(95)
    rests = bench.venue.orders.copy()
    bench.venue.orders.clear()  # the venue does not find it
    await bench.strategies.stop(ME)
    await bench.settle()
    assert "is" in (await bench.mandate()).waiting["BTC/USDT"]
    bench.venue.orders.update(rests)
    await bench.told()
    assert (await bench.mandate()).state is MandateState.STOPPED


async def test_only_its_own_orders_are_withdrawn_and_its_stop_stays(bench):
    grid = {"low": "80", "high": "100", "levels": "2", "quantity": "1"}
    await bench.trading(id=UUID(int=1), strategy="grid", parameters=grid, capital=D(500))
    await bench.trading(id=UUID(int=2), strategy="grid", parameters=grid, capital=D(500))
    await bench.own.link_stop(UUID(int=1), BTC, UUID(int=5))
    await bench.beat(95)
    request = (await bench.orders.all())[0].request
    await bench.desk.place(request, f"stop-{UUID(int=5).hex}-1")
    await bench.strategies.stop(UUID(int=1))
    await bench.settle()
    left = {each.mandate_id.int: each.guards for each in await bench.own.unsettled()}
    assert left == {1: True, 2: False}
