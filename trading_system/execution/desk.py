"""The one door for orders: whoever wants to trade comes here, the API as well as a strategy."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import RiskRefused, StorageError, UnknownSymbol
from trading_system.domain.events import OrderRefused
from trading_system.domain.orders import Order, OrderRequest
from trading_system.execution.gate import RiskGate
from trading_system.execution.oms import OrderManager
from trading_system.ports import Clock, MarketData, OrderRepository, RefusalRepository
from trading_system.risk.checks import Figure, Refusal
from trading_system.risk.gate import Refused

log = structlog.get_logger(__name__)


async def _at_once() -> None:
    """Ready to trade from the first moment."""


class Desk:
    """Takes a request from wish to order: known key, known symbol, review, order manager.

    `ready` returns once it is known what is open at the venue, or says why that is not known.
    """

    def __init__(
        self,
        *,
        gate: RiskGate,
        manager: OrderManager,
        orders: OrderRepository,
        refusals: RefusalRepository,
        market_data: MarketData,
        clock: Clock,
        bus: Bus,
        ready: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        self._gate = gate
        self._manager = manager
        self._orders = orders
        self._refusals = refusals
        self._market_data = market_data
        self._clock = clock
        self._bus = bus
        self._ready = ready
        self._one_at_a_time = asyncio.Lock()

    async def place(self, request: OrderRequest, idempotency_key: str | None = None) -> Order:
        """The order as far as it got: the venue's refusal and an unknown outcome are states of it.

        The same key and request give the same order back, whatever has become of limits since.
        Raises UnknownSymbol, RiskRefused and KeyReused, and ExchangeError while the venue cannot
        even tell what it lists, or what is open there since an earlier run.
        """
        saved = await self._saved(request, idempotency_key)
        if saved is None:
            if request.symbol not in await self._market_data.instruments():
                raise UnknownSymbol(f"the venue lists no {request.symbol}")
            await self._ready()
            await self._gate.prepare(request)
            saved = await self._judge_and_save(request, idempotency_key)
        order, is_new = saved
        return await (self._manager.send(order) if is_new else self._manager.answered(order))

    async def modify(
        self, order_id: UUID, *, price: Decimal | None = None, quantity: Decimal | None = None
    ) -> Order:
        """Change a resting order; what it will be is judged as if the old one were gone.

        Only less of it needs no judgement. Raises what OrderManager.modify does, and RiskRefused.
        """
        change = await self._manager.plan(order_id, price=price, quantity=quantity)
        if change.keeps_place:
            return await self._manager.carry_out(change)
        await self._ready()
        await self._gate.prepare(change.request)
        async with self._one_at_a_time:
            verdict = await self._gate.review(change.request, instead_of=order_id)
            if not isinstance(verdict, Refused):
                change = await self._manager.prepare(change)
                assert change.new is not None  # noqa: S101 -- it takes the old one's place
                self._gate.saved(change.new.id)
        if isinstance(verdict, Refused):
            raise await self._refused(verdict)
        return await self._manager.carry_out(change)

    async def _judge_and_save(
        self, request: OrderRequest, idempotency_key: str | None
    ) -> tuple[Order, bool]:
        # What was approved is saved before the next is judged: limits see every order before it.
        async with self._one_at_a_time:
            # A twin may have been saved while this one waited; it is no order of its own to judge.
            saved = await self._saved(request, idempotency_key)
            if saved is not None:
                return saved
            verdict = await self._gate.review(request)
            if not isinstance(verdict, Refused):
                order, is_new = await self._manager.save(
                    verdict.request, idempotency_key=idempotency_key, digest=digest(request)
                )
                self._gate.saved(order.id)
                return order, is_new
        raise await self._refused(verdict)

    async def _saved(
        self, request: OrderRequest, idempotency_key: str | None
    ) -> tuple[Order, bool] | None:
        """The order that this key stands for already, which is not new; raises KeyReused."""
        if idempotency_key is None:
            return None
        order = await self._orders.by_key(idempotency_key, digest(request))
        return None if order is None else (order, False)

    async def _refused(self, verdict: Refused) -> RiskRefused:
        """Tell whoever may be interested, and write it down."""
        request, refusal = verdict.request, verdict.refusal
        check, reason, figures = refusal.check, refusal.reason, texts(refusal)
        log.info("order refused", check=check, reason=reason)
        self._bus.publish(
            OrderRefused(request=request, reason=reason, check=check, figures=figures)
        )
        try:
            await self._refusals.add(
                request, check=check, reason=reason, figures=figures, at=self._clock.now()
            )
        except StorageError as error:  # the refusal stands all the same
            log.warning("refusal not recorded", error=str(error))
        return RiskRefused(reason, check, figures)


def texts(refusal: Refusal) -> dict[str, str]:
    """The figures as people read them: plain digits, ISO 8601."""
    return {name: _plain(figure) for name, figure in refusal.figures.items()}


def _plain(figure: Figure) -> str:
    match figure:
        case Decimal():
            return format(figure, "f")
        case datetime():
            return figure.isoformat()
        case _:
            return str(figure)


def digest(request: OrderRequest) -> str:
    """SHA-256 over what was asked for; 1.0 and 1.00 are the same wish."""
    fields = {
        name: format(value.normalize(), "f") if hasattr(value, "normalize") else str(value)
        for name, value in asdict(request).items()
        if value is not None
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
