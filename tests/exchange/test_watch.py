"""The venue is watched: its clock, and whether it is there at all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from trading_system.domain.errors import CircuitOpen, Unreachable
from trading_system.exchange.watch import VenueWatch


class FakeGateway:
    wants_attention = False

    def __init__(self, clock, outcomes=()) -> None:
        self.clock = clock
        self.outcomes = list(outcomes)
        self.asked_at: list[float] = []

    async def attend(self) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        self.asked_at.append(self.clock.monotonic())
        self.wants_attention = False
        if outcome is not None:
            raise outcome


@asynccontextmanager
async def watched(gateway, clock):
    task = asyncio.create_task(VenueWatch(gateway=gateway, clock=clock).run())
    yield
    task.cancel()


async def test_a_venue_that_is_down_is_asked_every_two_seconds_until_it_is_back(clock):
    gateway = FakeGateway(clock, [Unreachable("down"), CircuitOpen("resting")])
    async with watched(gateway, clock):
        await clock.advance(65)
    assert gateway.asked_at == [0, 2, 4, 64]


async def test_what_cannot_wait_is_seen_to_within_a_second(clock):
    gateway = FakeGateway(clock)
    async with watched(gateway, clock):
        await clock.advance(10.5)
        gateway.wants_attention = True
        await clock.advance(1)
    assert gateway.asked_at == [0, 11]
