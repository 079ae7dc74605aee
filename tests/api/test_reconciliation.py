"""POST /reconcile, GET /reconciliations, and how both are told as events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.api.server_sent_events import Reader
from tests.fakes.account import FakeReconciliations
from trading_system.domain.errors import NotAllowed, Unreachable
from trading_system.domain.reconciliations import BalanceDifference, Reconciliation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DIFFERENCE = BalanceDifference(
    asset="USDT", expected=Decimal("100.0"), actual=Decimal("1E+2") + 30, time=NOON
)
DONE = Reconciliation(
    started=NOON,
    ended=NOON + timedelta(seconds=1),
    asked=1,
    booked=2,
    adopted=3,
    unknown_left=4,
    fills=5,
    balances_compared=True,
    differences=(DIFFERENCE,),
)
TOLD_DIFFERENCE = {
    "asset": "USDT",
    "expected": "100.0",
    "actual": "130",
    "size": "30.0",
    "time": "2026-01-01T12:00:00Z",
}
TOLD = {
    "started": "2026-01-01T12:00:00Z",
    "ended": "2026-01-01T12:00:01Z",
    "asked": 1,
    "booked": 2,
    "adopted": 3,
    "unknown_left": 4,
    "fills": 5,
    "balances_compared": True,
    "differences": [TOLD_DIFFERENCE],
}


class FakeReconciler:
    """Comes to what it is told to come to."""

    def __init__(self, outcome) -> None:
        self.outcome = outcome

    async def reconcile(self):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def reconciler(system):
    system.reconciler = FakeReconciler(DONE)
    system.reconciliations = FakeReconciliations()
    return system.reconciler


async def test_it_answers_with_what_the_pass_came_to(client, reconciler):
    response = await client.post("/reconcile")
    assert response.status_code == 200
    assert response.json() == TOLD


@pytest.mark.parametrize(
    ("outcome", "status"), [(Unreachable("down"), 503), (NotAllowed("no keys"), 403)]
)
async def test_a_venue_that_cannot_be_asked_is_a_problem(client, reconciler, outcome, status):
    reconciler.outcome = outcome
    response = await client.post("/reconcile")
    assert response.status_code == status
    assert response.json()["detail"] == str(outcome)


async def test_the_last_ones_come_newest_first(client, reconciler, system):
    for asked in (1, 2, 3):
        await system.reconciliations.add(replace(DONE, asked=asked))
    told = (await client.get("/reconciliations", params={"limit": 2})).json()
    assert [row["asked"] for row in told] == [3, 2]


async def test_both_are_told_as_events(client, system):
    system.bus.publish(DIFFERENCE)
    system.bus.publish(DONE)
    response = await client.get("/events", params={"replay": "all", "follow": "false"})
    told = {each.event: each.data for each in Reader().feed(response.content)}
    assert told == {"difference": TOLD_DIFFERENCE, "reconciliation": TOLD}
