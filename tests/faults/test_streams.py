"""Whatever happens to streams, clocks and markets, two beats later nothing is missing.

A living system follows three symbols and trades one of them while something goes wrong.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from tests.faults.conftest import BEGIN
from tests.faults.rules import rule, sometimes
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import Trade
from trading_system.domain.orders import OrderRequest, OrderType, Side
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import JobState

BTC, ETH, BNB = (Symbol(base, "USDT") for base in ("BTC", "ETH", "BNB"))
SPEED = 60.0
LEVELS = 10
UPDATE = 100  # ms between two changes that a stream tells
MOST_BEHIND = 10_000  # ms of the fast clock
ONE_MINUTE = Timeframe.parse("1m")
FIRST = floor_minute(round(BEGIN.timestamp() * 1000)) - 5 * MINUTE

# Faults and for how many seconds they stay; the heartbeat brings all candles meanwhile.
STREAMS = {
    "drop links=streams": 1,
    "drop links=streams seconds=70": 70,
    "drop links=* seconds=70": 70,
    "half-open links=streams": 70,
    "half-open links=*": 70,
    "stream-frozen streams=*": 70,
    "stream-frozen streams=btcusdt@*": 70,
    "stream-frozen streams=*@kline_1m": 70,
    "stream-frozen streams=btcusdt@depth*": 70,
    "stream-frozen streams=btcusdt@trade": 70,
    "shutdown grace_seconds=10": 20,
}
CLOCKS = {
    "clock-skew ms=3000": 70,
    "clock-skew ms=-3000": 70,
    "clock-jump ms=20000 after_seconds=10": 70,
    "clock-jump ms=-4000 after_seconds=10": 70,
}
SELDOM = {
    "drop links=streams",
    "drop links=streams seconds=70",
    "half-open links=streams",
    "stream-frozen streams=*",
    "stream-frozen streams=*@kline_1m",
    "stream-frozen streams=btcusdt@trade",
    "stream-frozen streams=btcusdt@depth*",
    "clock-skew ms=3000",
    "clock-skew ms=-3000",
    "clock-jump ms=20000 after_seconds=10",
    "clock-jump ms=-4000 after_seconds=10",
}
"""Much like others of the table: left to the slow tests."""


@dataclass
class Follower:
    """What a system that follows the three symbols has, and what the exchange has."""

    world: object
    trades: list[Trade] = field(default_factory=list)

    @property
    def beats(self) -> int:
        return self.world.system.heartbeat.statistics.beats

    async def more_beats(self, count: int) -> None:
        """Let so many minutes be collected."""
        wanted = self.beats + count

        async def beaten() -> bool:
            return self.beats >= wanted

        await self.world.until(beaten, f"{count} beats")

    async def connected(self) -> bool:
        """Every stream is up, and the book of what is traded is whole."""
        streams = self.world.system.venue_reports()[0].streams
        up = {line.role for line in streams if line.state in {"connected", "ready"}}
        return {"execution", "monitoring", "standby", "user"} <= up and self.figure(
            "books_in_sync"
        ) == 1

    async def whole(self) -> bool:
        """Nothing is waited for, and the trades go on."""
        before = len(self.trades)
        await self.world.clock.sleep(1)
        gaps = self.figure("trade_gaps_open") or self.figure("candle_gaps_open")
        return not gaps and len(self.trades) > before

    async def same_book(self) -> bool:
        """Ours is the exchange's of a moment ago: it takes a while to hear of a change."""
        ours = await self.world.system.live.book(BTC, levels=LEVELS)
        shown = self.world.exchange.mischief.time(self.world.clock.milliseconds())
        feed = self.world.exchange.exchange.feed
        then = next(
            (
                theirs
                for moment in range(shown - shown % UPDATE, shown - MOST_BEHIND, -UPDATE)
                if (theirs := feed.depth("BTCUSDT", now=moment)).last_update_id <= ours.update_id
            ),
            None,
        )
        return (
            ours.local
            and then is not None
            and (
                (ours.update_id, list(ours.bids), list(ours.asks))
                == (then.last_update_id, then.bids[:LEVELS], then.asks[:LEVELS])
            )
        )

    async def holes_there(self) -> tuple[Span, ...]:
        """Minutes of which the exchange itself has no candle."""
        last = self.world.system.heartbeat.statistics.last_beat.due.timestamp() * 1000
        span = Span(FIRST, floor_minute(round(last)))
        known = {
            candle.open_time for candle in await self.world.system.market_data.candles(BTC, span)
        }
        lost = [minute for minute in range(span.start, span.end, MINUTE) if minute not in known]
        return (Span(lost[0], lost[-1] + MINUTE),) if lost else ()

    def figure(self, name: str):
        return self.world.system.live.figures()[name]

    async def prove(self, *symbols: Symbol, holes: tuple[Span, ...] = ()) -> None:
        """Everything here equals everything there, and nothing is missing but these holes."""
        system = self.world.system
        await self.world.until(self.connected, "streams")
        await self.world.until(self.whole, "gaps")
        await self.world.until(self.same_book, "the same book")
        ids = [trade.id for trade in self.trades]
        assert ids == list(range(ids[0], ids[-1] + 1))
        last = system.heartbeat.statistics.last_beat.due.timestamp() * 1000
        span = Span(FIRST, floor_minute(round(last)))
        for symbol in symbols or (BTC, ETH, BNB):
            coverage = await system.prices.coverage(symbol, span)
            assert (coverage.missing, coverage.holes) == ((), holes)
            ours = await system.prices.candles(symbol, span, ONE_MINUTE)
            assert ours == await system.market_data.candles(symbol, span)


@asynccontextmanager
async def following(world):
    """A follower on a living system in which all is well so far."""
    async with world(SPEED) as running:
        follower, system = Follower(running), running.system
        system.bus.subscribe(
            Trade, lambda trade: follower.trades.append(trade) if trade.symbol == BTC else None
        )
        jobs = [(await system.registry.register(symbol)).backfill for symbol in (BTC, ETH, BNB)]
        await system.desk.place(
            OrderRequest(
                symbol=BTC,
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=Decimal("0.001"),
                price=Decimal(85_000),
            )
        )

        async def ready() -> bool:
            states = {(await system.backfills.get(job.id)).state for job in jobs}
            return (
                states == {JobState.DONE} and bool(follower.trades) and await follower.connected()
            )

        await running.until(ready, "streams")
        yield follower


@pytest.mark.parametrize("fault", sometimes(STREAMS, SELDOM))
async def test_streams_come_back_and_nothing_is_missing(world, fault):
    async with following(world) as follower:
        system, mischief = follower.world.system, follower.world.exchange.mischief
        beats = follower.beats
        mischief.add([rule(fault)])
        await follower.world.clock.sleep(STREAMS[fault])
        assert mischief.done[rule(fault).kind]
        assert follower.beats > beats or STREAMS[fault] < 60
        if fault.startswith("drop") and STREAMS[fault] > 60:
            health = await system.health()
            assert "execution" in health["streams"].detail
            assert health["heartbeat"].ok
            assert health["heartbeat"].figures["failed"] == 0
        mischief.remove()
        await follower.more_beats(2)
        await follower.prove()


@pytest.mark.parametrize(
    "fault",
    [
        *sometimes(CLOCKS, SELDOM),
        # Set back by more than the heartbeat's buffer between two measurements of it, the exchange
        # tells a minute too early: the second asking corrects it.
        "clock-jump ms=-20000 after_seconds=10",
    ],
)
async def test_another_time_there_is_followed_there_and_back(world, fault):
    async with following(world) as follower:
        mischief = follower.world.exchange.mischief
        mischief.add([rule(fault)])
        await follower.world.clock.sleep(CLOCKS.get(fault, 70))
        mischief.remove()
        await follower.more_beats(2)
        await follower.prove()


@pytest.mark.slow
async def test_a_halt_leaves_a_hole_that_a_backfill_confirms(world):
    """Streams of a market that stands still are no broken streams."""
    async with following(world) as follower:
        system, mischief = follower.world.system, follower.world.exchange.mischief
        mischief.add([rule("halt")])
        beats = follower.beats
        await follower.more_beats(3)
        mischief.remove()
        assert (await system.health())["heartbeat"].ok
        await follower.more_beats(2)
        span = Span(FIRST, FIRST + (beats + 20) * MINUTE)
        jobs = [await system.registry.backfill(symbol, span) for symbol in (BTC, ETH, BNB)]

        async def confirmed() -> bool:
            states = {(await system.backfills.get(job.id)).state for job in jobs}
            return states == {JobState.DONE}

        await follower.world.until(confirmed, "backfills")
        await follower.prove(holes=await follower.holes_there())


async def test_a_symbol_that_vanishes_costs_the_others_nothing_and_is_caught_up_with(world):
    async with following(world) as follower:
        system, mischief = follower.world.system, follower.world.exchange.mischief
        mischief.add([rule("delisted symbols=ETHUSDT")])
        await follower.more_beats(2)
        beat = system.heartbeat.statistics.last_beat
        assert (beat.failed, beat.error) == (1, None)
        mischief.remove()

        async def listed() -> bool:
            return ETH in await system.market_data.instruments()

        await follower.world.until(listed, "the listing, which is read every five minutes")
        await follower.more_beats(2)
        await follower.prove()


@pytest.mark.parametrize(
    "lasting",
    [pytest.param(True, marks=pytest.mark.slow), False],
    ids=["for good", "for a while"],
)
async def test_a_hole_in_the_candles_is_told_as_one_and_filled_when_it_can_be(world, lasting):
    async with following(world) as follower:
        system, mischief = follower.world.system, follower.world.exchange.mischief
        start = floor_minute(follower.world.clock.milliseconds())
        mischief.add([rule("hole minutes=2 symbols=ETHUSDT", start=start)])
        await follower.more_beats(4)
        if not lasting:
            mischief.remove()
            await follower.more_beats(2)
        job = await system.registry.backfill(ETH, Span(FIRST, start + 2 * MINUTE))

        async def done() -> bool:
            return (await system.backfills.get(job.id)).state is JobState.DONE

        await follower.world.until(done, "the backfill")
        await follower.prove(BTC, BNB)
        await follower.prove(ETH, holes=(Span(start, start + 2 * MINUTE),) if lasting else ())


@pytest.mark.parametrize(
    ("first", "minutes", "for_good"),
    [
        pytest.param(-3, 2, False, marks=pytest.mark.slow),
        (-1, 1, True),
        pytest.param(0, 3, True, marks=pytest.mark.slow),
    ],
    ids=["older minutes, for a while", "the minute before", "minutes to come"],
)
async def test_a_candle_is_what_was_told_when_it_was_asked_for_last(
    world, first, minutes, for_good
):
    """Each minute is asked for twice; what is written anew after that stays as it was told."""
    async with following(world) as follower:
        mischief = follower.world.exchange.mischief
        now = floor_minute(follower.world.clock.milliseconds())
        anew = rule(
            f"rewritten minutes={minutes} what=prices percent=5", start=now + first * MINUTE
        )
        mischief.add([anew])
        await follower.more_beats(3)
        if not for_good:
            mischief.remove()
        await follower.more_beats(2)
        await follower.prove()
