"""What a strategy has seen and done, gathered from the record and compared in another process."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest

from tests.fakes.trader import BTC, ETH, NOON, D, bar
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.errors import InvalidRequest, NotFound, UnknownSymbol
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.storage.mandates import Grids
from trading_system.trader.causes import Cause
from trading_system.trader.parities import Parities

WORKER = (sys.executable, "-m", "trading_system.trader.parity_worker")


@pytest.fixture
def parities(bench):
    def made(worker=WORKER):
        return Parities(
            mandates=bench.mandates,
            decisions=bench.decisions,
            own=bench.own,
            grids=Grids(bench.mandates._database),
            orders=bench.orders,
            market_data=bench.listing,
            brains=bench.brains,
            worker=worker,
        )

    return made


async def both_close(bench, price):
    """Another minute ends, at this price for BTC."""
    await bench.closes(price)
    open_time = bench.clock.milliseconds() // MINUTE * MINUTE - MINUTE
    await bench.prices.upsert({ETH: [bar(open_time, 102)]})
    bench.venue.price[ETH] = D(102)
    await bench.told(BTC, ETH)


async def test_what_was_traded_stopped_and_closed_is_found_in_the_record(bench, parities):
    """A stop of its own sold once, and somebody closed the rest by hand."""
    mandate = await bench.trading(symbols=(BTC, ETH))
    for price in (101, 94, 101, 101, 101):
        await both_close(bench, price)
    await stopped_out(bench, mandate)
    running, _ = await parities().of(mandate.id)
    assert [pair.cause for pair in running.fills] == [None, None, None, Cause.UNSEEN]
    assert running.is_clean, "nobody has seen the stop's bar to its end"
    await both_close(bench, 101)
    await bench.strategies.stop(mandate.id, flatten=True)
    await bench.settle()
    report, other = await parities().of(mandate.id)
    assert (other.symbol, other.decisions, other.is_clean) == (ETH, 6, True)
    assert (report.symbol, report.decisions, report.differing) == (BTC, 6, ())
    in_, out, again, stop, closed = report.fills
    assert [pair.bar for pair in (in_, out, again, stop, closed)] == [
        NOON,
        NOON + MINUTE,
        NOON + 2 * MINUTE,
        NOON + 5 * MINUTE,
        NOON + 5 * MINUTE,
    ]
    assert (closed.side, closed.cause) == (Side.SELL, Cause.UNSEEN)
    assert (in_.price, in_.replayed_price) == (101, 94)
    assert in_.replayed_quantity == pytest.approx(500 / 94, abs=0.01)
    assert (stop.is_stop, stop.quantity, stop.replayed_price) == (True, 1, None)
    assert not report.is_clean
    assert report.profit < 0
    assert all(brain.closed for brain in bench.brains.opened)


async def test_where_nothing_is_sold_short_no_backtest_does_it_either(bench, parities):
    mandate = await bench.trading()
    for price in (101, 101, 50, 50, 95, 94):
        await bench.beat(price)
    (report,) = await parities().of(mandate.id)
    assert [side for side, _, _ in bench.venue.sent] == ["BUY", "SELL"]
    assert [pair.side for pair in report.fills] == [Side.BUY, Side.SELL]
    assert report.is_clean


@pytest.mark.parametrize(("prices", "cut"), [((101, 101), "BUY"), ((101, 101, 95, 95), "SELL")])
async def test_an_order_filled_in_part_is_left_until_the_target_changes_and_itemised(
    bench, parities, prices, cut
):
    """A backtest fills whole; what the missing part cost or saved is in the pair, by itself."""
    mandate = await bench.trading()
    whole = bench.venue.matched

    def in_part(order):
        price = bench.venue.price[BTC]
        return bench.venue.filled(order, D(4), price) if order.request.side == cut else whole(order)

    bench.venue.matched = in_part
    for price in (*prices, *prices[-1:]):
        await bench.beat(price)
    assert (await bench.outcomes())[-2:] == ["unchanged", "unchanged"]
    assert (await bench.wallets.of(mandate.id)).position(BTC).quantity > D("3.9")
    (report,) = await parities().of(mandate.id)
    assert report.is_clean
    told = next(pair for pair in report.fills if pair.side == cut)
    ordered = next(quantity for side, quantity, _ in bench.venue.sent if side == cut)
    sign = 1 if cut == "BUY" else -1
    assert told.partial == pytest.approx(sign * (4 - float(ordered)) * told.replayed_price)
    assert told.quantity == 4


async def test_capital_that_was_changed_on_the_way_changes_no_size_of_before(bench, parities):
    """Doubled while it holds, cut down while it is flat; each turn loses six percent."""
    mandate = await bench.trading()
    for capital, prices in ((2000, (101, 101)), (500, (95, 95, 101, 101, 95, 95))):
        for price in prices:
            await bench.beat(price)
        await bench.strategies.change(mandate.id, capital=D(capital))
    for price in (101, 101, 95, 95):
        await bench.beat(price)
    (report,) = await parities().of(mandate.id)
    assert report.is_clean
    bought = [pair for pair in report.fills if pair.side is Side.BUY]
    assert [round(pair.replayed_quantity * pair.replayed_price, -1) for pair in bought] == [
        1000,
        1940,
        320,
    ]
    for pair in report.fills:  # live keeps something for a price that gives way
        assert abs(pair.size) < 0.015 * pair.replayed_quantity * pair.replayed_price


async def stopped_out(bench, mandate):
    """A stop of the mandate's sells one coin at the market."""
    guard = UUID(int=5)
    await bench.own.link_stop(mandate.id, BTC, guard)
    sale = OrderRequest(symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quantity=D(1))
    await bench.desk.place(sale, f"stop-{guard.hex}-1")


async def test_what_the_backtester_refuses_is_said_here(bench, parities):
    mandate = await bench.trading()
    await bench.beat(101)
    with pytest.raises(InvalidRequest, match="fee_taker=2 is a share"):
        await parities().of(mandate.id, fee=2)


async def test_a_strategy_that_has_decided_nothing_has_no_report(bench, parities):
    mandate = await bench.trading()
    assert await parities(worker=("false",)).of(mandate.id) == []


async def test_a_backtester_that_ends_by_itself_is_told(bench, parities):
    mandate = await bench.trading()
    await bench.beat(101)
    with pytest.raises(InvalidRequest, match="the backtester ended with 1"):
        await parities(worker=("false",)).of(mandate.id)


async def test_nobody_computes_for_somebody_who_has_gone(bench, parities, tmp_path):
    mandate = await bench.trading()
    await bench.beat(101)
    note = tmp_path / "pid"
    worker = ("sh", "-c", f"echo $$ > {note}.new && mv {note}.new {note} && exec sleep 60")
    asked = asyncio.ensure_future(parities(worker).of(mandate.id))
    async with asyncio.timeout(60):
        while not note.exists():  # noqa: ASYNC110 -- another process writes it
            await asyncio.sleep(0.01)
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await asked
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


async def test_what_cannot_be_compared_is_refused(bench, parities):
    compare = partial(parities(worker=("false",)).of)
    with pytest.raises(NotFound):
        await compare(UUID(int=404))
    mandate = await bench.trading()
    del bench.listing.rows[BTC]
    with pytest.raises(UnknownSymbol, match="lists no BTC/USDT"):
        await compare(mandate.id)


async def test_a_grid_is_compared_cell_by_cell_with_what_it_has_on_record(bench, parities):
    """80 .. 90 .. 100: bought at 90 as it fell to 89, sold at 100 as it rose to 101."""
    grid = {"levels": "3", "low": "80", "high": "100", "quantity": "1"}
    mandate = await bench.trading(strategy="grid", parameters=grid)
    await bench.beat(95)
    for opened, price in ((95, 89), (89, 101), (101, 95)):
        await moves(bench, opened, price)
    (report,) = await parities().of(mandate.id)
    assert report.is_clean
    assert (report.decisions, report.differing, report.levels) == (4, (), ())
    bought, sold = report.fills
    assert [(each.cell, each.number, each.price) for each in (bought, sold)] == [
        (1, 0, 90),
        (1, 1, 100),
    ]
    assert lost_by_parts(report) == pytest.approx(report.replayed_profit - report.profit)


async def test_a_grid_that_was_emptied_and_begun_again_is_two_grids_to_the_backtest(
    bench, parities
):
    grid = {"levels": "3", "low": "80", "high": "100", "quantity": "1"}
    mandate = await bench.trading(strategy="grid", parameters=grid)
    await bench.beat(95)
    await moves(bench, 95, 89)
    await bench.strategies.stop(mandate.id, flatten=True)
    await bench.settle()
    await moves(bench, 89, 95)
    await bench.strategies.start(mandate.id)
    for opened, price in ((95, 95), (95, 89), (89, 95)):
        await moves(bench, opened, price)
    (report,) = await parities().of(mandate.id)
    assert report.is_clean
    assert [(each.cell, each.number, each.side, each.cause) for each in report.fills] == [
        (1, 0, Side.BUY, None),
        (None, None, Side.SELL, Cause.ASKED),
        (1, 2, Side.BUY, None),
    ]
    closed = report.fills[1]
    assert (closed.price, closed.replayed_price) == (89, 89)
    assert (closed.quantity, closed.replayed_quantity) == (0.999, 1)
    assert lost_by_parts(report) == pytest.approx(report.replayed_profit - report.profit)


def lost_by_parts(report):
    return sum(
        each.latency + each.slippage + each.fee + each.size + each.partial + each.alone
        for each in report.fills
    )


async def moves(bench, opened, price):
    """Within a minute the price goes there and fills what it meets; then its candle is told."""
    open_time = bench.clock.milliseconds() // MINUTE * MINUTE
    bench.venue.price[BTC] = D(price)
    for order in bench.venue.crossed(BTC):
        request = order.request
        await bench.manager.on_report(bench.venue.filled(order, request.quantity, request.price))
    await bench.settle()
    await bench.clock.advance(60)
    low, high = sorted((opened, price))
    await bench.prices.upsert({BTC: [Candle(open_time, opened, high, low, price, 1.0)]})
    await bench.told()


async def test_a_grid_that_was_never_laid_has_decided_and_filled_nothing(bench, parities):
    grid = {"levels": "3", "atr_period": "2", "quantity": "1"}
    mandate = await bench.trading(strategy="grid", parameters=grid)
    await bench.beat(90)
    (report,) = await parities().of(mandate.id)
    assert (report.fills, report.profit, report.replayed_profit) == ((), 0.0, 0.0)
    assert report.is_clean
