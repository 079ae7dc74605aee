"""Each bar is decided once, in order, by the frame as it was seen, whatever happens in between."""

from __future__ import annotations

from uuid import UUID

from tests.fakes.trader import BTC, ETH, NOON, D, bar
from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.timeframes import Timeframe


async def test_a_decision_is_kept_with_its_bar_price_and_indicators(bench):
    await bench.trading()
    await bench.beat(101)
    (decision,) = await bench.decisions.all()
    assert (decision.bar.open_time, decision.price, decision.target) == (NOON, 101.0, 1.0)
    assert decision.lines == {"twice": 202.0}
    order = await bench.orders.get(decision.order_id)
    assert order.request.symbol == BTC


async def test_the_frame_begins_with_the_warm_up_and_is_what_was_seen(bench):
    """A candle that the venue rewrites later was still decided by as it was."""
    running = await bench.trading()
    await bench.beat(101)
    await bench.prices.upsert({BTC: [(NOON, 1.0, 1.0, 1.0, 1.0, 1.0)]})
    await bench.beat(102)
    rows = await bench.decisions.bars(running.id, BTC)
    assert rows[:, 0].tolist() == [NOON + step * MINUTE for step in (-2, -1, 0, 1)]
    assert rows[:, 4].tolist() == [90.0, 90.0, 101.0, 102.0]


async def test_told_of_the_same_beat_again_it_decides_and_orders_nothing(bench):
    await bench.trading()
    await bench.beat(101)
    await bench.told()
    await bench.told()
    assert len(bench.venue.sent) == 1
    assert await bench.outcomes() == ["ordered"]


async def test_after_a_restart_the_target_still_stands_even_when_a_stop_has_closed(opened, world):
    """What a stop closes stays closed until the target changes, as in a backtest."""
    async with opened() as first:
        await first.trading()
        await first.beat(101)
        held = (await first.wallets.of(UUID(int=77))).position(BTC).quantity
    async with opened() as second:
        await close_by_stop(second, held)
        await second.beat(102)
        await second.beat(103)
        assert await second.outcomes() == ["ordered", "unchanged", "unchanged"]
        assert (await second.wallets.of(UUID(int=77))).position(BTC).quantity < D("0.001")


async def close_by_stop(bench, held):
    """The fill of a stop of this mandate."""
    stop_id = UUID(int=5)
    await bench.own.link_stop(UUID(int=77), BTC, stop_id)
    quantity = held.quantize(D("0.001"), "ROUND_DOWN")
    request = OrderRequest(symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quantity=quantity)
    await bench.desk.place(request, f"stop-{stop_id.hex}-1")


async def test_what_closed_while_nothing_ran_is_decided_in_order_and_only_the_newest_acts(
    opened, world
):
    async with opened() as first:
        await first.trading()
        await first.beat(95)
    async with opened() as second:
        await second.closes(101, 95, 101, 102)
        await second.told()
        assert await second.outcomes() == ["fitted", "missed", "missed", "missed", "ordered"]
        assert [each.target for each in await second.decisions.all()] == [1, 1, 0, 1, 0]
    assert len(world.venue.sent) == 1


async def test_days_that_are_fetched_in_portions_are_not_acted_on(bench):
    """A beat brings three thousand minutes at most; the last of them is not the newest."""
    await bench.trading()
    await bench.closes(101, 102, 103)
    stale = NOON + 2 * MINUTE
    bench.trader.on_candles({BTC: [bar(stale - MINUTE, 1.0)], ETH: []})
    await bench.settle()
    assert await bench.outcomes() == ["missed", "missed"]
    assert bench.venue.sent == []


async def test_a_long_time_away_is_caught_up_with_in_portions(bench, monkeypatch):
    monkeypatch.setattr("trading_system.trader.bars._AT_ONCE", 2)
    await bench.trading()
    await bench.closes(95, 101, 102, 95, 101)
    await bench.told()
    assert await bench.outcomes() == ["missed", "missed", "missed", "missed", "ordered"]


async def test_a_bar_of_an_hour_is_decided_when_its_last_minute_has_closed(bench):
    past = [bar(NOON - back * MINUTE, 90.0) for back in range(120, 0, -1)]
    await bench.prices.upsert({BTC: past})
    await bench.trading(timeframe=Timeframe.parse("1h"))
    for _ in range(59):
        await bench.closes(101)
    await bench.told()
    assert await bench.outcomes() == []
    await bench.beat(102)
    (decision,) = await bench.decisions.all()
    assert (decision.bar.open_time, decision.bar.close, decision.bar.volume) == (NOON, 102.0, 60.0)


async def test_a_missing_minute_is_waited_for_and_a_hole_of_the_venue_is_not(bench):
    await bench.trading()
    await bench.clock.advance(60)
    await bench.beat(101)
    assert "12:00+00:00 is missing" in (await bench.mandate()).waiting["BTC/USDT"]
    assert await bench.outcomes() == []
    await bench.prices.record_holes(BTC, [Span(NOON, NOON + MINUTE)], bench.clock.now())
    await bench.told()
    assert await bench.outcomes() == ["ordered"]
    assert (await bench.mandate()).waiting == {}
