"""Whether trading goes on, is paused or killed: durable, and never doubtful after a restart.

Real money needs two steps: a setting, and a call with a code that only the log of this run tells.
A kill counts from the moment it is asked for, before it is on disk; its end only afterwards. One
that could not be written is written as soon as that can be done.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.control import ControlEntry, ControlState
from trading_system.domain.errors import NotAllowed, TradingError
from trading_system.domain.events import ControlChanged
from trading_system.domain.orders import Order
from trading_system.execution.calls import Calls
from trading_system.ports import Clock, ControlLog

log = structlog.get_logger(__name__)


class Arming(StrEnum):
    """What it takes to be armed: nothing, a code out of the log, or a setting and then a code."""

    FREE = "free"
    CODE = "code"
    SETTING = "setting"


class Control:
    """The state of trading; `load` it before anything asks. Until then nothing is taken."""

    def __init__(self, *, log: ControlLog, clock: Clock, bus: Bus, arming: Arming) -> None:
        self.arming = arming
        self.armed = arming is Arming.FREE
        self.killed = asyncio.Event()
        """Set while killed."""
        self._log = log
        self._clock = clock
        self._bus = bus
        self._entry = self._decision(ControlState.PAUSED, "not started yet", "system")
        self._code: str | None = None
        self._exempt: set[UUID] = set()
        self._changing = asyncio.Lock()
        self._calls = Calls()
        self._kills: list[ControlEntry] = []  # every kill there was, the unwritten ones too
        self._unwritten: list[ControlEntry] = []

    @property
    def entry(self) -> ControlEntry:
        """The last decision, by whom and why."""
        return self._entry

    @property
    def state(self) -> ControlState:
        """How things stand."""
        return self._entry.state

    @property
    def kills(self) -> int:
        """How often trading was killed, ever."""
        return len(self._kills)

    def kill_after(self, kills: int) -> ControlEntry | None:
        """The last kill, if there were more than so many: no clock has to be believed for it."""
        return self._kills[-1] if len(self._kills) > kills else None

    async def load(self) -> None:
        """Go on as the last run was told to; a code for this run goes to the log."""
        self._kills = await self._log.kills()
        last = await self._log.latest(1)
        if last and last[0].state is not ControlState.RUNNING:
            self._take(last[0])
        elif last:
            self._entry = last[0]
        else:
            self._entry = self._decision(ControlState.RUNNING, "first start", "system")
        self._offer_code()

    async def pause(self, *, reason: str, who: str) -> ControlEntry:
        """Take no new orders; open ones stay, and can be cancelled. Raises NotAllowed if killed."""
        self._require_alive("paused")
        return await self._change(self._decision(ControlState.PAUSED, reason, who))

    async def resume(self, *, reason: str, who: str) -> ControlEntry:
        """Take orders again; raises NotAllowed if killed, which arming alone ends."""
        self._require_alive("resumed")
        return await self._change(self._decision(ControlState.RUNNING, reason, who))

    async def kill(self, *, reason: str, who: str, flatten: bool) -> ControlEntry:
        """Take nothing, from now on; on disk when this returns.

        Raises StorageError when it could not be written: killed all the same, and `write_down` is
        to be called until it can be. What an earlier kill was to flatten stays to be flattened.
        """
        flatten = flatten or (self.state is ControlState.KILLED and self._entry.flatten)
        entry = replace(self._decision(ControlState.KILLED, reason, who), flatten=flatten)
        self._kills.append(entry)
        self._unwritten.append(entry)
        self._take(entry)
        if self.arming is Arming.CODE:
            self.armed = False
            self._offer_code()
        await self.write_down()
        return entry

    async def write_down(self) -> None:
        """Put on disk what is not there yet, once, whoever goes away meanwhile.

        Raises StorageError.
        """
        await self._calls.to_its_end(self._written_down())

    async def arm(self, *, code: str | None, who: str) -> ControlEntry:
        """End a kill, or begin to trade real money; raises NotAllowed without the right code."""
        if self.arming is Arming.SETTING:
            raise NotAllowed("set LIVE_TRADING_ARMED=yes and start again to trade real money")
        if not self.armed:
            self._use_code(code, who)
        state = ControlState.PAUSED if self.state is ControlState.PAUSED else ControlState.RUNNING
        try:
            entry = await self._change(self._decision(state, "armed", who))
        except TradingError:
            self._offer_code()
            raise
        self.armed = True
        return entry

    async def history(self, limit: int = 100) -> Sequence[ControlEntry]:
        """Every decision so far, newest first."""
        return await self._log.latest(limit)

    def exempt(self, order_id: UUID) -> None:
        """Let this one order out although killed: it closes a position."""
        self._exempt.add(order_id)

    def may_send(self, order: Order) -> str | None:
        """Why an order that is on record must not be sent after all; None when it may.

        Whoever sends asks this last: first orders, legs of lists, replacements, what is sent again.
        """
        if self.state is ControlState.KILLED and order.id not in self._exempt:
            return f"trading was killed before it was sent: {self._entry.reason}"
        if self.state is ControlState.PAUSED and not order.request.reduce_only:
            return f"trading was paused before it was sent: {self._entry.reason}"
        self._exempt.discard(order.id)
        return None

    async def _change(self, entry: ControlEntry) -> ControlEntry:
        """Write it down, then go by it, unless a kill came in between: that is what stays."""
        return await self._calls.to_its_end(self._changed(entry))

    async def _changed(self, entry: ControlEntry) -> ControlEntry:
        kills = self.kills
        async with self._changing:
            if kills == self.kills:
                await self._write_kills()  # or the next start would take its end for the older one
                await self._log.append(entry)
        if kills != self.kills:
            raise NotAllowed("trading was killed meanwhile")
        self._take(entry)
        return entry

    async def _written_down(self) -> None:
        async with self._changing:
            await self._write_kills()

    async def _write_kills(self) -> None:
        while self._unwritten:
            await self._log.append(self._unwritten[0])
            del self._unwritten[0]

    def _take(self, entry: ControlEntry) -> None:
        self._entry = entry
        if entry.state is ControlState.KILLED:
            self.killed.set()
        else:
            self.killed.clear()
        log.warning(
            "control", state=entry.state, flatten=entry.flatten, reason=entry.reason, by=entry.who
        )
        self._bus.publish(ControlChanged(entry=entry))

    def _decision(self, state: ControlState, reason: str, who: str) -> ControlEntry:
        return ControlEntry(state=state, reason=reason, who=who, at=self._clock.now())

    def _require_alive(self, wish: str) -> None:
        if self.state is ControlState.KILLED:
            raise NotAllowed(f"trading was killed: arm it before it can be {wish}")

    def _offer_code(self) -> None:
        """A new code, good for one use in this run; the log alone is ever told."""
        if self.arming is Arming.CODE and not self.armed:
            self._code = secrets.token_hex(8)
            log.warning("live trading is not armed", arm_with=f"trading-system arm {self._code}")

    def _use_code(self, code: str | None, who: str) -> None:
        wanted, given = (self._code or "").encode(), (code or "").encode()
        if not wanted or not hmac.compare_digest(wanted, given):
            log.warning("wrong code", by=who)
            raise NotAllowed("live trading is armed with the code that the log of this run tells")
        self._code = None
