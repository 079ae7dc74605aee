"""The live loop: with each beat every running mandate decides what has closed and acts on it.

Each mandate is taken further alone and under a lock, so that one that fails, or takes its time,
costs the others nothing, and what somebody asks of it comes before or after, never in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from trading_system.bus import Bus
from trading_system.domain.candles import MINUTE, Candle
from trading_system.domain.control import ControlEntry
from trading_system.domain.errors import TradingError
from trading_system.domain.events import ControlChanged, OrderChanged, StrategyChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, MandateState
from trading_system.execution.control import Control
from trading_system.ports import Clock, MandateRepository
from trading_system.trader.acting import Actor
from trading_system.trader.deciding import Decider, Run
from trading_system.trader.grids import GridKeeper
from trading_system.trader.guards import Guards
from trading_system.trader.workers import Brains, StrategyFailed

log = structlog.get_logger(__name__)

_ALIVE = frozenset(MandateState) - {MandateState.ENDED}


class Trader:
    """Takes mandates further whenever it is woken; `on_candles` is told what a beat has stored."""

    def __init__(
        self,
        *,
        mandates: MandateRepository,
        brains: Brains,
        decider: Decider,
        actor: Actor,
        guards: Guards,
        grids: GridKeeper,
        control: Control,
        clock: Clock,
        bus: Bus,
    ) -> None:
        self._mandates = mandates
        self._brains = brains
        self._decider = decider
        self._actor = actor
        self._guards = guards
        self._grids = grids
        self._control = control
        self._clock = clock
        self._bus = bus
        self._closed: dict[Symbol, int] = {}  # the end of what beats have brought of each
        self._runs: dict[UUID, Run] = {}
        # As long as anybody holds one or waits for it: an id may be anybody's guess.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._woken = asyncio.Event()
        self._busy: set[UUID] = set()
        self._again: set[UUID] = set()
        self._idle = False
        bus.subscribe(OrderChanged, self._on_order)
        bus.subscribe(ControlChanged, lambda _event: self.wake())

    def on_candles(self, candles: Mapping[Symbol, Sequence[Candle]]) -> None:
        """A beat has stored these; only what beats have brought is decided, for it is final."""
        for symbol, several in candles.items():
            if several:
                end = several[-1].open_time + MINUTE
                self._closed[symbol] = max(end, self._closed.get(symbol, 0))
        self.wake()

    def wake(self) -> None:
        """Look at all mandates now, or once more."""
        self._woken.set()

    def alone(self, mandate_id: UUID) -> asyncio.Lock:
        """Held by whoever changes a mandate; the loop holds it while it takes that further."""
        return self._locks.setdefault(mandate_id, asyncio.Lock())

    async def run(self) -> None:
        """Until cancelled; then the processes of strategies are gone as well."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._begin(tasks)
                    await self._woken.wait()
        finally:
            for run in list(self._runs.values()):
                await run.brain.close()
            self._runs.clear()

    async def step(self) -> None:
        """Take every mandate as far as it goes now."""
        async with asyncio.TaskGroup() as tasks:
            await self._begin(tasks)

    async def _begin(self, tasks: asyncio.TaskGroup) -> None:
        """A task for each mandate; one that is still at it has another look afterwards."""
        self._woken.clear()
        try:
            mandates = await self._mandates.all(_ALIVE)
        except TradingError as error:
            log.warning("strategies could not be read", error=str(error))
            return
        self._idle = not mandates
        for mandate in mandates:
            if mandate.id in self._busy:
                self._again.add(mandate.id)
            else:
                self._busy.add(mandate.id)
                tasks.create_task(self._work(mandate.id))

    async def _work(self, mandate_id: UUID) -> None:
        try:
            await self._take_further(mandate_id)
            while mandate_id in self._again:
                self._again.discard(mandate_id)
                await self._take_further(mandate_id)
        finally:
            self._busy.discard(mandate_id)

    def _on_order(self, _event: OrderChanged) -> None:
        """Whosever it is: what a cell of a grid waits for is told nowhere else."""
        if not self._idle:
            self.wake()

    async def _take_further(self, mandate_id: UUID) -> None:
        async with self.alone(mandate_id):
            try:
                mandate = await self._mandates.get(mandate_id)
                kill = self._control.kill_after(mandate.kills)
                match mandate.state:
                    case MandateState.RUNNING if kill is not None:
                        await self._stop_killed(mandate, kill)
                    case MandateState.RUNNING:
                        await self._trade(mandate)
                    case MandateState.STOPPING | MandateState.ENDING:
                        await self._wind_down(mandate)
                    case _:
                        await self._drop(mandate_id)
                        await self._rest(mandate)
            except StrategyFailed as failure:
                await self._fail(mandate_id, str(failure))
            except TradingError as error:  # of the run nothing is known for sure: it begins anew
                log.warning("strategy not taken further", id=str(mandate_id), error=str(error))
                await self._drop(mandate_id)
            except Exception:
                log.exception("strategy not taken further", id=str(mandate_id))
                await self._drop(mandate_id)

    async def _trade(self, mandate: Mandate) -> None:
        run = self._runs.get(mandate.id)
        if run is None:
            brain = await self._brains.open(mandate.strategy, mandate.parameters)
            try:
                run = await self._decider.begin(mandate, brain)
            except BaseException:
                await brain.close()
                raise
            self._runs[mandate.id] = run
        await self._actor.recall(mandate, run)
        if await self._decider.advance(mandate, run, self._closed):
            self.wake()  # it was away for long, and others have their turn in between
        if self._grids.is_grid(mandate):
            waiting = await self._grids.tend(mandate, run)
        else:
            waiting = {str(symbol): why for symbol, why in run.waiting.items()}
            for decision in list(run.pending.values()):
                if not self._decider.is_current(mandate, decision):
                    continue  # a newer bar has closed, and is being fetched
                after = await self._actor.act(mandate, run, decision)
                if after.reason is not None and decision.symbol in run.pending:
                    waiting[str(decision.symbol)] = after.reason
            unguarded, closing = await self._guard(mandate)
            waiting = unguarded | closing | waiting
        await self._note_waiting(mandate, waiting)

    async def _guard(self, mandate: Mandate) -> tuple[dict[str, str], dict[str, str]]:
        """By symbol, why it is not guarded, and what is being closed beyond its stop already."""
        unguarded, beyond = await self._guards.ensure(mandate)
        return unguarded, await self._actor.close(mandate, beyond)

    async def _rest(self, mandate: Mandate) -> None:
        """It is not running: what it has open is withdrawn.

        What one holds that failed or was killed is guarded: its stop may have been missing just
        then, taken away for an order or not set yet, and a kill cancels the stops' orders as well.
        """
        waiting = await self._actor.withdraw(mandate)
        if mandate.reason is not None:
            unguarded, closing = await self._guard(mandate)
            await self._note_waiting(mandate, waiting | unguarded | closing)

    async def _wind_down(self, mandate: Mandate) -> None:
        """First nothing is open; then what is held is closed if asked for, else guarded; then over.

        What cannot be guarded is told, and keeps nothing from being over.
        """
        await self._drop(mandate.id)
        waiting = await self._actor.withdraw(mandate)
        unguarded = dict[str, str]()
        if mandate.flatten and not waiting:
            waiting = await self._actor.close(mandate, mandate.symbols)
        elif not waiting:
            unguarded, waiting = await self._guard(mandate)
        if waiting:
            await self._note_waiting(mandate, waiting)
            return
        if mandate.flatten:
            await self._grids.empty(mandate)
        is_ending = mandate.state is MandateState.ENDING
        over = MandateState.ENDED if is_ending else MandateState.STOPPED
        await self._change(mandate, state=over, flatten=False, waiting=unguarded)

    async def _stop_killed(self, mandate: Mandate, kill: ControlEntry) -> None:
        """Trading was killed since it was started: it stays stopped until somebody starts it."""
        reason = f"kill switch: {kill.reason}"
        log.warning("strategy stopped", id=str(mandate.id), name=mandate.strategy, reason=reason)
        await self._change(mandate, state=MandateState.STOPPED, reason=reason, waiting={})
        self.wake()  # its process ends, and what it has open is withdrawn

    async def _fail(self, mandate_id: UUID, reason: str) -> None:
        """It is stopped and says why; what it holds, and the stop that guards it, stay."""
        await self._drop(mandate_id)
        with suppress(TradingError):
            mandate = await self._mandates.get(mandate_id)
            log.error("strategy failed", id=str(mandate_id), name=mandate.strategy, reason=reason)
            await self._change(mandate, state=MandateState.FAILED, reason=reason)
            self.wake()  # what it has open is withdrawn

    async def _note_waiting(self, mandate: Mandate, waiting: Mapping[str, str]) -> None:
        if waiting != mandate.waiting:
            await self._mandates.save(replace(mandate, waiting=waiting))

    async def _change(self, mandate: Mandate, **changes: object) -> None:
        changed = replace(mandate, updated_at=self._clock.now(), **changes)  # type: ignore[arg-type]
        await self._mandates.save(changed)
        self._bus.publish(StrategyChanged(mandate=changed))

    async def _drop(self, mandate_id: UUID) -> None:
        run = self._runs.pop(mandate_id, None)
        if run is not None:
            await run.brain.close()
