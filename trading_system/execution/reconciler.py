"""Keeps our record and the venue's the same, so that no order is lost or guessed.

A pass lays everything side by side: at start before anything trades, after every gap in what is
pushed, every few minutes, and when asked for. Between passes it asks about what may have gone
unheard, for which nobody waits; orders in doubt are behind none of this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import (
    ExchangeError,
    NotAllowed,
    NotFound,
    TradingError,
    Unreachable,
)
from trading_system.domain.orders import Order, OrderStatus
from trading_system.domain.reconciliations import Reconciliation
from trading_system.domain.reports import Report
from trading_system.execution.balances import BalanceBook
from trading_system.execution.doubts import Doubts
from trading_system.execution.look_ups import LookUps, is_in_doubt
from trading_system.execution.news import News, Tally
from trading_system.execution.oms import OrderManager
from trading_system.execution.survey import Survey
from trading_system.ports import (
    AccountRecords,
    Clock,
    OrderRepository,
    ReconciliationRepository,
)

log = structlog.get_logger(__name__)

_OPEN = frozenset(status for status in OrderStatus if not status.is_final)
_LOOKS_BACK = timedelta(days=1)  # the first time of all
_FARTHEST = timedelta(days=90)  # orders without fills are not kept longer at Binance
_OVERLAP = timedelta(minutes=10)  # of one pass with the one before it; records may lag
_LOOKS_BACK_PASSES = 12
_TRIES = 3  # while balances move, or do not fit
_FIRST_PASS_SECONDS = 10.0
_LONGEST_PAUSE = 60.0  # between passes that fail
_FEW = 20  # resting orders; of more, all open ones weigh less than each by itself
_STRANGERS_SECONDS = 30.0  # between passes for what somebody else does
_MANY = 10_000


class Reconciler:
    """Passes every `every` seconds, a look at what may have gone unheard every `interval` seconds.

    A fill may have, and while `is_pushed()` is not true whatever befalls an open order. Where
    nobody waits, the venue's record is read by `background`, which gives way to orders.
    """

    def __init__(
        self,
        *,
        manager: OrderManager,
        orders: OrderRepository,
        records: AccountRecords,
        background: AccountRecords,
        survey: Survey,
        doubts: Doubts,
        look_ups: LookUps,
        balances: BalanceBook,
        done: ReconciliationRepository,
        clock: Clock,
        bus: Bus,
        every: float = 300.0,
        interval: float = 5.0,
        is_pushed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._manager = manager
        self._orders = orders
        self._records = records
        self._background = background
        self._survey = survey
        self._doubts = doubts
        self._look_ups = look_ups
        self._news = News(manager=manager, orders=orders, look_ups=look_ups)
        self._balances = balances
        self._done = done
        self._clock = clock
        self._bus = bus
        self._every = every
        self._interval = interval
        self._is_pushed = is_pushed
        self._one_at_a_time = asyncio.Lock()
        self._woken = asyncio.Event()
        self._strangers: set[tuple[str, str | None]] = set()  # ids of theirs and of the venue
        self._due_at = self._passed_at = float("-inf")
        self._pause_after = interval  # a pass that failed
        self._has_passed = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._round()
            except TradingError as error:  # the next round may get further
                log.warning("a round of reconciling broke off", error=str(error))
            await self._pause()

    def wake(self) -> None:
        """Reconcile now, or once more when it is about it: news may have been missed."""
        self._woken.set()

    async def hear(
        self, report: Report, received_at: datetime | None = None, latency_ms: int | None = None
    ) -> Order:
        """Book a pushed report. The next round adopts an order that nobody here knows: NotFound."""
        try:
            return await self._manager.on_report(report, received_at, latency_ms)
        except NotFound:
            self._strangers.add((report.client_order_id, report.venue_order_id))
            raise

    async def ready(self) -> None:
        """Return once a pass has ended, the first being begun here when nobody else has.

        Raises Unreachable when that takes more than ten seconds, and what keeps the venue from
        being asked: who trades before knowing what is open may trade twice. Without keys there is
        nothing to know.
        """
        if self._has_passed:
            return
        first = asyncio.ensure_future(self._first())
        late = asyncio.ensure_future(self._clock.sleep(_FIRST_PASS_SECONDS))
        try:
            await asyncio.wait({first, late}, return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                raise Unreachable(
                    "the first reconciliation has not ended yet; nothing was sent, try again"
                )
            await first
        except NotAllowed:
            pass
        finally:
            late.cancel()
            first.cancel()

    async def reconcile(self) -> Reconciliation:
        """One whole pass, kept and published. Raises ExchangeError, NotAllowed without keys."""
        async with self._one_at_a_time:
            return await self._pass(whole=True)

    async def _first(self) -> None:
        async with self._one_at_a_time:
            if not self._has_passed:
                await self._pass(whole=True)

    async def _round(self) -> None:
        """A pass where one is due; otherwise, and where it fails, what may have gone unheard."""
        if self._woken.is_set() or self._clock.monotonic() >= self._due_at:
            self._woken.clear()
            self._strangers.clear()
            if await self._has_tried_to_pass():
                return
        unheard = await self._unheard()
        if self._strangers or len(unheard) > _FEW:
            await self._glance()
        else:
            await self._look_ups.ask(unheard)

    async def _has_tried_to_pass(self) -> bool:
        """A pass; False where it failed, and then it is tried again later and later."""
        try:
            async with self._one_at_a_time:
                await self._pass(whole=not self._has_passed)
        except NotAllowed as error:
            log.info("nothing to reconcile", reason=str(error))
            self._due_at = self._clock.monotonic() + self._every
            return False
        except TradingError as error:
            log.warning("could not reconcile", error=str(error), next_try_seconds=self._pause_after)
            self._due_at = self._clock.monotonic() + self._pause_after
            self._pause_after = min(2 * self._pause_after, _LONGEST_PAUSE)
            return False
        return True

    async def _glance(self) -> None:
        """Catch up by what is open there; who is not among it is found by a pass before long."""
        heard, self._strangers = self._strangers, set()
        try:
            async with self._one_at_a_time:
                await self._news.book(await self._survey.glance(self._background), Tally())
        except ExchangeError as error:
            log.debug("open orders could not be read", error=str(error))
            self._strangers |= heard
            return
        known = await self._orders.among(client_order_ids={name for name, _ in heard})
        if heard - {(order.client_order_id, order.venue_order_id) for order in known}:
            self._due_at = min(self._due_at, self._passed_at + _STRANGERS_SECONDS)

    async def _unheard(self) -> list[Order]:
        """Orders that something may have happened to, and that nobody doubts."""
        opened = [] if self._is_pushed() else await self._orders.all(statuses=_OPEN, limit=_MANY)
        short = await self._orders.short_of_fills(self._clock.now() - _LOOKS_BACK)
        return [order for order in (*opened, *short) if not is_in_doubt(order)]

    async def _pause(self) -> None:
        waits = [
            asyncio.ensure_future(self._clock.sleep(self._interval)),
            asyncio.ensure_future(self._woken.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _pass(self, *, whole: bool) -> Reconciliation:
        """With `whole` somebody waits, and everything that is held is looked at.

        Else only what nothing explains.
        """
        records = self._records if whole else self._background
        begun, started, tally = self._clock.monotonic(), await self._survey.now(), Tally()
        since = await self._since(started)
        fills = await self._balances.fills_booked()
        moving: set[str] = set()
        for _ in range(_TRIES):
            seen = await self._balances.look(records)
            if whole:
                moving |= await self._balances.assets(seen)
            await self._news.book(await self._survey.compare(records, since, moving), tally)
            tally.count(await self._doubts.ask())
            findings = await self._balances.compare(records, seen)
            if findings.quiet and not findings.differences:
                break
            moving |= self._balances.unexplained(findings)
        await self._balances.keep(findings)
        await self._manager.excess.cut_all()
        done = Reconciliation(
            started=started,
            ended=started + timedelta(seconds=self._clock.monotonic() - begun),
            asked=tally.asked,
            booked=tally.booked,
            adopted=tally.adopted,
            unknown_left=len(await self._doubts.all()),
            fills=await self._balances.fills_booked() - fills,
            balances_compared=findings.quiet,
            differences=findings.differences,
        )
        await self._done.add(done)
        self._tell(done)
        self._has_passed = True
        self._passed_at = self._clock.monotonic()
        self._due_at, self._pause_after = self._passed_at + self._every, self._interval
        return done

    async def _since(self, now: datetime) -> datetime:
        """From when on the venue's record is read: what was open before is asked for anyway.

        Both passes are dated by the venue's clock, for ours may have been set since. While balances
        move, nobody knows what the passes before have missed.
        """
        last = await self._done.latest(_LOOKS_BACK_PASSES)
        sure = next((done for done in last if done.balances_compared), last[-1] if last else None)
        begin = sure.started - _OVERLAP if sure else now - _LOOKS_BACK
        return min(max(begin, now - _FARTHEST), now - _OVERLAP)

    def _tell(self, done: Reconciliation) -> None:
        log.info(
            "reconciled",
            asked=done.asked,
            booked=done.booked,
            adopted=done.adopted,
            unknown_left=done.unknown_left,
            fills=done.fills,
            balances_compared=done.balances_compared,
        )
        for difference in done.differences:
            log.warning(
                "the venue holds another balance than our fills explain",
                asset=difference.asset,
                expected=str(difference.expected),
                actual=str(difference.actual),
                size=str(difference.size),
            )
            self._bus.publish(difference)
        self._bus.publish(done)
