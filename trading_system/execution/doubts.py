"""Asks what became of the orders in doubt, every few seconds, whatever else is being read.

A pass reads long lists and gives way to everybody: it may take minutes. This waits for no such
thing, and asks about nothing that others could wait for instead.
"""

from __future__ import annotations

import asyncio

import structlog

from trading_system.domain.errors import ExchangeError, TradingError
from trading_system.domain.orders import Order
from trading_system.execution.look_ups import UNSURE, Asked, LookUps, is_in_doubt
from trading_system.execution.oms import OrderManager
from trading_system.execution.survey import Survey
from trading_system.ports import AccountRecords, Clock, OrderRepository

log = structlog.get_logger(__name__)

_FEW = 20  # orders in doubt; of more, all open ones weigh less than each by itself
_MANY = 10_000


class Doubts:
    """Rounds of look-ups every `interval` seconds, one round at a time whoever begins it.

    `records` are read as somebody reads them who waits.
    """

    def __init__(
        self,
        *,
        manager: OrderManager,
        orders: OrderRepository,
        records: AccountRecords,
        survey: Survey,
        look_ups: LookUps,
        clock: Clock,
        interval: float = 5.0,
    ) -> None:
        self._manager = manager
        self._orders = orders
        self._records = records
        self._survey = survey
        self._look_ups = look_ups
        self._clock = clock
        self._interval = interval
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if len(await self.all()) > _FEW:
                    await self._glance()
                await self.ask()
                await self._manager.excess.cut_all()
            except TradingError as error:  # the next round may get further
                log.warning("a round of look-ups broke off", error=str(error))
            await self._clock.sleep(self._interval)

    async def all(self) -> list[Order]:
        """Every order of which the venue has not said what became of it, or of our cancelling."""
        unsure = await self._orders.all(statuses=UNSURE, limit=_MANY)
        return [order for order in unsure if is_in_doubt(order)]

    async def ask(self) -> Asked:
        """Ask about each of them once; raises StorageError."""
        async with self._one_at_a_time:
            return await self._look_ups.ask(await self.all())

    async def _glance(self) -> None:
        """Book what all open orders tell of ours; those that are not among them are asked about."""
        try:
            seen = await self._survey.glance(self._records)
        except ExchangeError as error:
            log.debug("open orders could not be read", error=str(error))
            return
        for report in seen.reports:
            await self._manager.on_report(report)
