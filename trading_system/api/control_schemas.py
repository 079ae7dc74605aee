"""Control as it travels over the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from trading_system.api.scalars import SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.domain.control import ControlEntry, ControlState
from trading_system.domain.events import ControlChanged
from trading_system.execution.kill_switch import Progress
from trading_system.execution.safety import Safety

_NOON = "2026-01-01T12:00:00Z"
_ENTRY = {
    "state": "KILLED",
    "flatten": True,
    "reason": "the strategy went mad",
    "who": "ann",
    "at": _NOON,
}
Words = Annotated[str, Field(min_length=1, max_length=200)]


class ControlIn(In):
    """Why, and who says so; both are kept."""

    model_config = example(reason="maintenance at home", who="ann")

    reason: Words = "no reason given"
    who: Words = "api"


class KillIn(ControlIn):
    """With `flatten` positions are closed at the market once all orders are cancelled."""

    model_config = example(reason="the strategy went mad", who="ann", flatten=True)

    flatten: bool = False


class ArmIn(In):
    """The code is in the log of this run; only real money needs one."""

    model_config = example(code="5f0d7a526a0e4f57", who="ann")

    code: Annotated[str, Field(max_length=200)] | None = None
    who: Words = "api"


class ControlEntryOut(Out):
    """One decision."""

    model_config = example(**_ENTRY)

    state: ControlState
    flatten: bool
    reason: str
    who: str
    at: datetime

    @classmethod
    def of(cls, entry: ControlEntry) -> Self:
        """Made from the entry."""
        return cls.model_validate(entry, from_attributes=True)


class ControlEvent(ControlEntryOut):
    """Somebody paused, resumed, killed or armed trading."""

    @classmethod
    def told(cls, changed: ControlChanged) -> Self:
        """Made from the change."""
        return cls.of(changed.entry)


class ProgressOut(Out):
    """What a kill has left to do; `open_orders` is null before its first pass.

    `left_over` says why a position stays, `failed` why one could not be closed at the last try.
    """

    model_config = example(
        done=False,
        open_orders=0,
        positions=["BTC/USDT"],
        left_over={"ETH/USDT": "0 is less than 0.0001"},
        failed={"BTC/USDT": "no answer"},
    )

    done: bool
    open_orders: int | None
    positions: list[SymbolText]
    left_over: dict[str, str]
    failed: dict[str, str]

    @classmethod
    def of(cls, progress: Progress | None) -> Self:
        """Made from the progress."""
        if progress is None:
            return cls(done=False, open_orders=None, positions=[], left_over={}, failed={})
        return cls(
            done=progress.done,
            open_orders=progress.open_orders,
            positions=list(progress.positions),
            left_over={str(symbol): why for symbol, why in progress.left_over.items()},
            failed={str(symbol): why for symbol, why in progress.failed.items()},
        )


class ControlOut(Out):
    """Whether trading goes on; `arming` is what it takes to be armed: free, code or setting."""

    model_config = example(
        **_ENTRY,
        armed=True,
        arming="free",
        kill={"done": True, "open_orders": 0, "positions": [], "left_over": {}, "failed": {}},
        log=[_ENTRY],
    )

    state: ControlState
    armed: bool
    arming: str
    flatten: bool
    reason: str
    who: str
    at: datetime
    kill: ProgressOut | None
    log: list[ControlEntryOut]

    @classmethod
    def of(cls, safety: Safety, log: Sequence[ControlEntry]) -> Self:
        """Made from how things stand, and what was decided before."""
        control, entry = safety.control, safety.control.entry
        killed = entry.state is ControlState.KILLED
        return cls(
            state=entry.state,
            armed=control.armed,
            arming=control.arming,
            flatten=entry.flatten,
            reason=entry.reason,
            who=entry.who,
            at=entry.at,
            kill=ProgressOut.of(safety.kill_switch.progress) if killed else None,
            log=[ControlEntryOut.of(each) for each in log],
        )
