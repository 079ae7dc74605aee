"""The venue is watched: its clock, and whether it is there at all."""

from __future__ import annotations

import asyncio

from trading_system.domain.errors import Unreachable
from trading_system.exchange.watch import VenueWatch


class FakeGateway:
    def __init__(self, outcomes) -> None:
        self.outcomes = list(outcomes)
        self.asked_at: list[float] = []

    wants_attention = False

    async def attend(self) -> None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        self.asked_at.append(self.clock.monotonic())
        if outcome is not None:
            raise outcome


async def test_a_venue_that_is_down_is_asked_every_two_seconds_until_it_is_back(clock):
    gateway = FakeGateway([Unreachable("down"), Unreachable("down")])
    gateway.clock = clock
    task = asyncio.create_task(VenueWatch(gateway=gateway, clock=clock).run())
    await clock.advance(65)
    task.cancel()
    assert gateway.asked_at == [0, 2, 4, 64]
