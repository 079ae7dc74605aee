"""POST /reconcile and GET /reconciliations: our record and the venue's, made the same."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.dependencies import Limit, System
from trading_system.api.documentation import problems
from trading_system.api.reconciliation_schemas import ReconciliationOut
from trading_system.domain.errors import NotAllowed, Rejected, Unreachable

router = APIRouter(tags=["orders"])


@router.post(
    "/reconcile",
    summary="Compare everything with the venue now",
    responses=problems(NotAllowed, Rejected, Unreachable),
)
async def reconcile(parts: System) -> ReconciliationOut:
    """Answers when it is done: what was missed is booked, others' orders are adopted.

    A pass that is under way already is waited for, and another one follows.
    """
    return ReconciliationOut.of(await parts.reconciler.reconcile())


@router.get("/reconciliations", summary="The last reconciliations, newest first")
async def reconciliations(parts: System, limit: Limit = 100) -> list[ReconciliationOut]:
    """Those at start, after gaps in the streams, every few minutes and on demand."""
    return [ReconciliationOut.of(done) for done in await parts.reconciliations.latest(limit)]
