"""The loop: each strategy by itself, whatever the others, the disk or its own code do."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from tests.fakes.trader import BTC, ETH, NOON, D, bar
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import NotFound, StorageError
from trading_system.domain.events import StrategyChanged
from trading_system.domain.mandates import MandateState
from trading_system.domain.orders import OrderRequest, OrderType, Side

# 1000 USDT at 101: the limit is 102.01, and 0.2 % are kept for the fee.
FULL = D("9.783")


async def test_while_there_are_no_strategies_orders_wake_nobody(bench):
    await bench.trader.step()
    request = OrderRequest(symbol=BTC, side=Side.BUY, type=OrderType.MARKET, quantity=D(1))
    await bench.desk.place(request)
    assert not bench.trader._woken.is_set()


async def test_several_strategies_trade_one_symbol_each_with_its_own_wallet(bench):
    one = await bench.trading(id=UUID(int=1), capital=D(1000))
    two = await bench.trading(id=UUID(int=2), capital=D(500))
    await bench.beat(101)
    held = [(await bench.wallets.of(each.id)).position(BTC).quantity for each in (one, two)]
    assert held[0] == FULL * D("0.999")
    assert held[1] == D("4.891") * D("0.999")
    assert {quantity for _, quantity, _ in bench.venue.sent} == {FULL, D("4.891")}


async def test_one_strategy_on_two_symbols_shares_its_capital_evenly(bench):
    await bench.trading(symbols=(BTC, ETH))
    await bench.closes(101)
    await bench.prices.upsert({ETH: [bar(NOON, 101.0)]})
    bench.venue.price[ETH] = D(101)
    await bench.told(BTC, ETH)
    assert [quantity for _, quantity, _ in bench.venue.sent] == [
        D("4.891"),
        D("4.889"),  # the fee of the first has made the equity smaller
    ]


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (13, "RuntimeError: unlucky"),
        (14, "ValueError: a target is nan, not within [-1, 1]"),
        (15, "ValueError: targets() of 2 bars has the shape (1,)"),
    ],
)
async def test_a_strategy_that_fails_is_stopped_told_and_costs_the_others_nothing(
    bench, price, reason
):
    told = []
    bench.bus.subscribe(StrategyChanged, told.append)
    broken = await bench.trading(id=UUID(int=1), strategy="wrong", symbols=(ETH,))
    await bench.trading(id=UUID(int=2))
    await bench.closes(101)
    await bench.prices.upsert({ETH: [bar(NOON, 1.0)]})
    await bench.told(BTC, ETH)
    await bench.closes(102)
    await bench.prices.upsert({ETH: [bar(NOON + MINUTE, price)]})
    await bench.told(BTC, ETH)
    failed = await bench.mandates.get(broken.id)
    assert (failed.state, failed.reason) == (MandateState.FAILED, reason)
    assert told[-1].mandate == failed
    assert await bench.outcomes() == ["ordered", "unchanged"]


async def test_a_failed_strategy_can_be_started_again_where_it_was(bench):
    broken = await bench.trading(strategy="wrong")
    await bench.beat(1)
    await bench.beat(13)
    assert await bench.outcomes() == ["fitted"]
    await bench.prices.upsert({BTC: [bar(NOON + MINUTE, 1.0)]})
    await bench.strategies.start(broken.id)
    await bench.beat(1)
    assert await bench.outcomes() == ["fitted", "missed", "fitted"]


async def test_a_disk_that_fails_begins_the_run_anew_and_loses_nothing(opened):
    failures = [StorageError("disk full")]

    class Failing:
        def __init__(self, port) -> None:
            self.port = port

        def __getattr__(self, name):
            return getattr(self.port, name)

        async def add(self, decisions):
            if failures:
                raise failures.pop()
            await self.port.add(decisions)

    def wrap(name, port):
        return Failing(port) if name == "decisions" else port

    async with opened(wrap) as bench:
        await bench.trading()
        await bench.beat(101)
        assert await bench.outcomes() == []
        await bench.told()
        assert await bench.outcomes() == ["ordered"]
        assert [brain.closed for brain in bench.brains.opened[1:]] == [True, False]


async def test_a_bug_in_one_run_is_logged_and_the_run_begins_anew(opened):
    class Broken:
        async def bars(self, *_):
            raise ZeroDivisionError

    def wrap(name, port):
        return Broken() if name == "decisions" else port

    async with opened(wrap) as bench:
        await bench.trading()
        assert [brain.closed for brain in bench.brains.opened] == [True, True]
        assert (await bench.mandate()).state is MandateState.RUNNING


async def test_the_loop_runs_until_it_is_cancelled_and_leaves_no_process(bench):
    await bench.trading()
    loop = asyncio.create_task(bench.trader.run())
    await bench.closes(101)
    bench.trader.on_candles({BTC: [bar(NOON, 1.0)]})
    await until(lambda: bench.venue.sent)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert all(brain.closed for brain in bench.brains.opened)


async def test_one_that_takes_its_time_keeps_no_other_from_its_next_beat(bench):
    gate = asyncio.Event()
    await bench.trading(id=UUID(int=1), strategy="wrong", symbols=(ETH,))
    slow = bench.brains.opened[-1]
    decide = slow.decide

    async def slowly(bars):
        await gate.wait()
        return await decide(bars)

    slow.decide = slowly
    await bench.trading(id=UUID(int=2))
    loop = asyncio.create_task(bench.trader.run())
    for number, price in enumerate((101, 95), 1):
        await bench.closes(price)
        at = NOON + (number - 1) * MINUTE
        await bench.prices.upsert({ETH: [bar(at, 1.0)]})
        bench.trader.on_candles({BTC: [bar(at, 1.0)], ETH: [bar(at, 1.0)]})
        await until(lambda number=number: len(bench.venue.sent) == number)
    assert await bench.outcomes(ETH) == []
    gate.set()
    await until(lambda: slow.frames)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def until(condition):
    """A real disk is at work."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.001)


async def test_mandates_that_cannot_be_read_are_read_again(opened):
    failures = [StorageError("disk full")]

    class Failing:
        def __init__(self, port) -> None:
            self.port = port

        def __getattr__(self, name):
            return getattr(self.port, name)

        async def all(self, states=None):
            if failures:
                raise failures.pop()
            return await self.port.all(states)

    async with opened(lambda name, port: Failing(port) if name == "mandates" else port) as bench:
        await bench.trader.step()
        await bench.trading()
        await bench.beat(101)
        assert await bench.outcomes() == ["ordered"]


async def test_locks_are_shared_while_they_are_held_and_forgotten_afterwards(bench):
    running = await bench.trading()
    with pytest.raises(NotFound):
        await bench.strategies.stop(UUID(int=404))
    async with bench.trader.alone(running.id):
        assert bench.trader.alone(running.id).locked()
    assert not dict(bench.trader._locks)
