"""Gathers what a mandate has seen and done, and has it compared with a backtest.

The strategy runs again in a process of its own, as it did, and so does the backtester, whose
compiled loops the service does without.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from uuid import UUID

import numpy as np

from trading_system.backtest.rules import Rules
from trading_system.domain.decisions import Decision
from trading_system.domain.errors import InvalidRequest, TradingError, UnknownSymbol
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.reports import Fill
from trading_system.frames import Frame
from trading_system.ports import (
    DecisionRepository,
    GridRepository,
    MandateRepository,
    MarketData,
    OrderRepository,
    OwnFill,
    OwnOrders,
)
from trading_system.storage.times import to_milliseconds
from trading_system.trader.fill_pairs import Execution
from trading_system.trader.grid_parity import grid_parity
from trading_system.trader.grid_record import recorded
from trading_system.trader.grids import GridKeeper
from trading_system.trader.parity import Parity, parity
from trading_system.trader.workers import Brains, NewBars

_ALL = 10_000_000
FEE = Rules().fee_taker
"""What a backtest takes off a fill unless told otherwise."""


class Parities:
    """Reports on mandates, running or not; nothing is changed."""

    def __init__(
        self,
        *,
        mandates: MandateRepository,
        decisions: DecisionRepository,
        own: OwnOrders,
        grids: GridRepository,
        orders: OrderRepository,
        market_data: MarketData,
        brains: Brains,
        may_short: bool = False,
        worker: tuple[str, ...] = (sys.executable, "-m", "trading_system.trader.parity_worker"),
    ) -> None:
        self._mandates = mandates
        self._decisions = decisions
        self._own = own
        self._grids = grids
        self._orders = orders
        self._market_data = market_data
        self._brains = brains
        self._may_short = may_short
        self._worker = worker

    async def of(self, mandate_id: UUID, *, fee: float = FEE) -> list[Parity]:
        """One report for each symbol that anything was decided of; `fee` is a share of a value.

        Raises NotFound, InvalidRequest for what the backtester cannot work on, StrategyFailed, and
        ConfigurationError where it is not installed.
        """
        mandate = await self._mandates.get(mandate_id)
        listed = await self._market_data.instruments()
        reports = []
        for symbol in mandate.symbols:
            if symbol not in listed:
                raise UnknownSymbol(f"the venue lists no {symbol}")
            decisions = await self._decisions.all(mandate_id=mandate_id, symbol=symbol, limit=_ALL)
            rows = await self._decisions.bars(mandate_id, symbol)
            if not decisions:
                continue
            executions = await self._executions(mandate, symbol, decisions)
            terms = await self._mandates.terms(mandate_id)
            compare = partial(parity, terms=terms, may_short=self._may_short)
            if GridKeeper.is_grid(mandate):  # after the fills: what filled has its order on record
                record = await recorded(mandate, symbol, grids=self._grids, own=self._own)
                compare = partial(grid_parity, record=record)
            work = partial(
                compare,
                mandate,
                listed[symbol],
                frame=Frame.from_array(rows),
                replayed=await self._replayed(mandate, symbol, rows),
                decisions=decisions,
                executions=executions,
                fee=fee,
            )
            reports.append(await self._worked(work))
        return reports

    async def _replayed(
        self,
        mandate: Mandate,
        symbol: Symbol,
        rows: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """What the strategy decides of the same bars now, warm-up included."""
        brain = await self._brains.open(mandate.strategy, mandate.parameters)
        try:
            answer = await brain.decide({symbol: NewBars(rows=rows, decide=len(rows))})
        finally:
            await brain.close()
        return np.array(answer[symbol].targets)

    async def _executions(
        self, mandate: Mandate, symbol: Symbol, decisions: Iterable[Decision]
    ) -> list[Execution]:
        """Every order of its own that was filled, oldest first."""
        decided = {each.order_id: each.bar.open_time for each in decisions}
        _, booked = await self._own.fills()
        fills: defaultdict[UUID, list[Fill]] = defaultdict(list)
        stops = set()
        for each in booked:
            if _is_of(each, mandate, symbol):
                fills[each.recorded.order_id].append(each.recorded.fill)
                if each.guards:
                    stops.add(each.recorded.order_id)
        orders = {order.id: order for order in await self._orders.among(ids=list(fills))}
        return [
            Execution(
                bar=(
                    mandate.timeframe.floor(to_milliseconds(several[0].time))
                    if order_id in stops
                    else decided.get(order_id)
                ),
                order=orders[order_id],
                fills=several,
                is_stop=order_id in stops,
            )
            for order_id, several in fills.items()
        ]

    async def _worked(self, work: partial[Parity]) -> Parity:
        process = await asyncio.create_subprocess_exec(*self._worker, stdin=PIPE, stdout=PIPE)
        try:
            answer, _ = await process.communicate(await asyncio.to_thread(pickle.dumps, work))
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if not answer:
            raise InvalidRequest(f"the backtester ended with {process.returncode}")
        result = pickle.loads(answer)  # noqa: S301 -- our own child's
        if isinstance(result, TradingError):
            raise result
        report: Parity = result
        return report


def _is_of(fill: OwnFill, mandate: Mandate, symbol: Symbol) -> bool:
    return fill.mandate_id == mandate.id and fill.recorded.symbol == symbol
