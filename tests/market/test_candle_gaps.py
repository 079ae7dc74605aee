"""Missed candles are collected at once, again and again until nothing of the gap failed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.conftest import settle
from tests.fakes.market import BTC, ETH
from trading_system.domain.errors import StorageError
from trading_system.market.candle_gaps import CandleGaps
from trading_system.market.fetcher import Collected
from trading_system.resilience.retry import RetryPolicy


class Collector:
    """Answers each call with the next of `answers`, then with success."""

    def __init__(self) -> None:
        self.asked = []
        self.answers = []
        self.gate = None

    async def __call__(self, minute):
        self.asked.append(minute)
        if self.gate:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else collected()
        if isinstance(answer, Exception):
            raise answer
        return answer


def collected(*failed, error=None):
    return Collected(stored=1, failed=dict.fromkeys(failed, "no"), candles={}, error=error)


@pytest.fixture
def collect():
    return Collector()


@pytest.fixture
async def gaps(clock, collect):
    gaps = CandleGaps(collect=collect, clock=clock, retry=RetryPolicy(jitter=0))
    task = asyncio.create_task(gaps.run())
    await settle()
    yield gaps
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_gap_is_collected_up_to_the_minute_that_closed_last(gaps, collect):
    gaps.on_gap([BTC], 0)
    await settle()
    assert collect.asked == [datetime(2026, 1, 1, 12, 0, tzinfo=UTC)]
    assert gaps.figures() == {
        "candle_gaps": 1,
        "candle_gaps_filled": 1,
        "candle_gaps_open": 0,
        "candles_fetched": 1,
    }


async def test_what_failed_is_collected_again_with_growing_pauses(gaps, collect, clock):
    collect.answers = [collected(BTC), StorageError("busy"), collected(BTC, ETH)]
    gaps.on_gap([BTC], 0)
    await clock.advance(2.5)
    assert len(collect.asked) == 2
    assert gaps.figures()["candle_gaps_open"] == 1
    await clock.advance(4.5)
    assert len(collect.asked) == 4
    assert gaps.figures()["candle_gaps_open"] == 0


async def test_while_nothing_answers_it_never_gives_up(gaps, collect, clock):
    collect.answers = [collected(BTC, error="nothing but failures")] * 1_000
    gaps.on_gap([BTC], 0)
    await clock.advance(3_600)
    assert 100 < len(collect.asked) < 130
    assert gaps.figures()["candle_gaps_open"] == 1


async def test_a_symbol_that_alone_fails_is_left_to_the_beats_after_a_while(gaps, collect, clock):
    collect.answers = [collected(ETH)] * 1_000
    gaps.on_gap([BTC, ETH], 0)
    await clock.advance(60)
    assert gaps.figures()["candle_gaps_open"] == 1
    await clock.advance(3_600)
    assert gaps.figures()["candle_gaps_open"] == 0
    assert len(collect.asked) == 8


async def test_a_gap_without_symbols_is_none(gaps, collect):
    gaps.on_gap([], 0)
    await settle()
    assert collect.asked == []


async def test_a_failure_of_symbols_outside_the_gap_is_not_its_business(gaps, collect, clock):
    collect.answers = [collected(ETH)]
    gaps.on_gap([BTC], 0)
    await clock.advance(60)
    assert len(collect.asked) == 1


async def test_a_second_gap_during_the_first_is_filled_after_it(gaps, collect, clock):
    collect.gate = asyncio.Event()
    gaps.on_gap([BTC], 0)
    await settle()
    gaps.on_gap([BTC, ETH], 0)
    assert gaps.figures()["candle_gaps_open"] == 2
    collect.gate.set()
    await settle()
    assert len(collect.asked) == 2
    assert gaps.figures()["candle_gaps_open"] == 0
    await clock.advance(60)
    assert len(collect.asked) == 2
