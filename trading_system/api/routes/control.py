"""/control: pause, resume, kill and arm. What is decided here is on disk before it is answered."""

from __future__ import annotations

from fastapi import APIRouter

from trading_system.api.control_schemas import ArmIn, ControlIn, ControlOut, KillIn
from trading_system.api.dependencies import Parts, System
from trading_system.api.documentation import problems
from trading_system.domain.errors import NotAllowed, StorageError

router = APIRouter(prefix="/control", tags=["control"])


@router.get("", summary="Whether trading goes on, and who decided what")
async def control(parts: System) -> ControlOut:
    """After a kill: what is left to be cancelled and closed."""
    return await _standing(parts)


@router.post("/pause", summary="Take no new orders", responses=problems(NotAllowed, StorageError))
async def pause(parts: System, body: ControlIn) -> ControlOut:
    """Open orders stay and can be cancelled; they stay over a restart, as the pause does."""
    await parts.safety.control.pause(reason=body.reason, who=body.who)
    return await _standing(parts)


@router.post("/resume", summary="End a pause", responses=problems(NotAllowed, StorageError))
async def resume(parts: System, body: ControlIn) -> ControlOut:
    """Take orders again; a kill is ended by arming alone."""
    await parts.safety.control.resume(reason=body.reason, who=body.who)
    return await _standing(parts)


@router.post("/kill", summary="Cancel everything and stop", responses=problems(StorageError))
async def kill(parts: System, body: KillIn) -> ControlOut:
    """Nothing is taken from now on, over restarts too, until it is armed again.

    Open orders, those of others among them, are cancelled until the venue has confirmed each; with
    `flatten` positions are then closed, each strategy's part as its own sale. GET /control tells
    how far that is. Strategies that run are stopped, and started again by hand once it is armed.
    """
    await parts.safety.control.kill(reason=body.reason, who=body.who, flatten=body.flatten)
    return await _standing(parts)


@router.post("/arm", summary="End a kill, or trade real money", responses=problems(NotAllowed))
async def arm(parts: System, body: ArmIn) -> ControlOut:
    """Real money needs LIVE_TRADING_ARMED=yes and the one-time code that the log of this run tells.

    A kill uses the code up: the log tells another.
    """
    await parts.safety.control.arm(code=body.code, who=body.who)
    return await _standing(parts)


async def _standing(parts: Parts) -> ControlOut:
    return ControlOut.of(parts.safety, await parts.safety.control.history())
