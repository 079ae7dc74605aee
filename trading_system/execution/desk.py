"""The one door for orders: whoever wants to trade comes here, the API as well as a strategy."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import (
    InvalidRequest,
    NotAllowed,
    RiskRefused,
    StorageError,
    UnknownSymbol,
)
from trading_system.domain.events import OrderRefused
from trading_system.domain.filters import Unfit, conformed, violations
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.order_lists import (
    OrderList,
    OrderListRequest,
    misplaced,
    objection,
)
from trading_system.domain.orders import Order, OrderRequest
from trading_system.execution.gate import RiskGate
from trading_system.execution.oms import OrderManager
from trading_system.execution.order_lists import ListManager
from trading_system.ports import Clock, MarketData, OrderRepository, RefusalRepository
from trading_system.risk.checks import Figure, Refusal
from trading_system.risk.gate import Refused

log = structlog.get_logger(__name__)


async def _at_once() -> None:
    """Ready to trade from the first moment."""


async def _nobody(_order_id: UUID) -> UUID | None:
    """No strategy has any orders."""
    return None


class Desk:
    """Takes a request from wish to order: known key, known symbol, review, order manager.

    `ready` returns once it is known what is open at the venue, or says why that is not known;
    `owner` tells the strategy that an order is of, if any is.
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
        lists: ListManager,
        ready: Callable[[], Awaitable[None]] = _at_once,
        owner: Callable[[UUID], Awaitable[UUID | None]] = _nobody,
    ) -> None:
        self._gate = gate
        self._manager = manager
        self._lists = lists
        self._orders = orders
        self._refusals = refusals
        self._market_data = market_data
        self._clock = clock
        self._bus = bus
        self._ready = ready
        self._owner = owner
        self._one_at_a_time = asyncio.Lock()

    async def place(
        self, request: OrderRequest, idempotency_key: str | None = None, *, conform: bool = False
    ) -> Order:
        """The order as far as it got: the venue's refusal and an unknown outcome are states of it.

        The same key and request give the same order back, whatever has become of limits since. With
        `conform` what may be adjusted to the venue's filters is. Raises UnknownSymbol, Unfit,
        RiskRefused and KeyReused, and ExchangeError while the venue cannot even tell what it lists,
        or what is open there since an earlier run.
        """
        asked = digest(request)
        saved = await self._saved(idempotency_key, asked)
        if saved is None:
            instrument = await self._instrument(request.symbol)
            await self._ready()
            await self._gate.prepare(request)
            fitting = self._fitting(request, instrument, conform=conform)
            saved = await self._judge_and_save(fitting, idempotency_key, asked)
        order, is_new = saved
        return await (self._manager.send(order) if is_new else self._manager.answered(order))

    async def check(self, request: OrderRequest, *, instead_of: UUID) -> None:
        """Raise what `place` would, were that other order gone; nothing is saved or sent."""
        instrument = await self._instrument(request.symbol)
        await self._ready()
        await self._gate.prepare(request)
        self._fitting(request, instrument)
        verdict = await self._gate.review(request, instead_of=instead_of)
        if isinstance(verdict, Refused):
            raise RiskRefused(verdict.refusal.reason, verdict.refusal.check, texts(verdict.refusal))

    async def place_list(
        self, request: OrderListRequest, idempotency_key: str | None = None
    ) -> OrderList:
        """The same for orders that hang together: all of them are placed, or none.

        Raises InvalidRequest when they cannot make up a list, and what `place` does.
        """
        if (wrong := objection(request)) is not None:
            raise InvalidRequest(wrong)
        asked = list_digest(request)
        saved = await self._lists.saved(idempotency_key, asked)
        if saved is not None:
            return await self._lists.answered(saved)
        instrument = await self._instrument(request.symbol)
        await self._ready()
        await self._gate.prepare(next(iter(request.legs.values())))
        self._check_list(request, instrument)
        order_list, is_new = await self._judge_and_save_list(request, idempotency_key, asked)
        return await (self._lists.send if is_new else self._lists.answered)(order_list)

    async def modify(
        self, order_id: UUID, *, price: Decimal | None = None, quantity: Decimal | None = None
    ) -> Order:
        """Change a resting order; what it will be is judged as if the old one were gone.

        Only less of it needs no judgement. Raises what OrderManager.modify does, Unfit and
        RiskRefused, and NotAllowed for the order of a strategy, which counts on what it asked for:
        it would take a replaced one for gone, and place another.
        """
        if (owner := await self._owner(order_id)) is not None:
            raise NotAllowed(f"order {order_id} is of strategy {owner}: change or stop that")
        change = await self._manager.plan(order_id, price=price, quantity=quantity)
        instrument = await self._instrument(change.request.symbol)
        if change.keeps_place:
            self._fitting(change.request, instrument)
            return await self._manager.carry_out(change)
        await self._ready()
        await self._gate.prepare(change.request)
        self._fitting(change.request, instrument)
        async with self._one_at_a_time:
            verdict = await self._gate.review(change.request, instead_of=order_id)
            if not isinstance(verdict, Refused):
                change = await self._manager.prepare(change)
                assert change.new is not None  # noqa: S101 -- it takes the old one's place
                self._gate.saved(change.new)
        if isinstance(verdict, Refused):
            raise await self._refused(verdict)
        return await self._manager.carry_out(change)

    async def _instrument(self, symbol: Symbol) -> Instrument:
        instrument = (await self._market_data.instruments()).get(symbol)
        if instrument is None:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        return instrument

    def _fitting(
        self, request: OrderRequest, instrument: Instrument, *, conform: bool = False
    ) -> OrderRequest:
        """The request, or what conforms to the filters; raises Unfit."""
        price = self._gate.price(request.symbol)
        if conform:
            request, _ = conformed(request, instrument, price)
        if found := violations(request, instrument, price):
            raise Unfit(found)
        return request

    def _check_list(self, request: OrderListRequest, instrument: Instrument) -> None:
        if request.kind not in instrument.list_kinds:
            raise NotAllowed(f"{instrument.symbol} takes no {request.kind} lists there")
        price = self._gate.price(request.symbol)
        if (wrong := misplaced(request, price)) is not None:
            raise InvalidRequest(wrong)
        found = [
            replace(each, field=f"{leg}.{each.field}")
            for leg, wish in request.legs.items()
            for each in violations(wish, instrument, price)
        ]
        if found:
            raise Unfit(tuple(found))

    async def _judge_and_save(
        self, request: OrderRequest, idempotency_key: str | None, asked: str
    ) -> tuple[Order, bool]:
        # What was approved is saved before the next is judged: limits see every order before it.
        async with self._one_at_a_time:
            # A twin may have been saved while this one waited; it is no order of its own to judge.
            saved = await self._saved(idempotency_key, asked)
            if saved is not None:
                return saved
            verdict = await self._gate.review(request)
            if not isinstance(verdict, Refused):
                order, is_new = await self._manager.save(
                    verdict.request, idempotency_key=idempotency_key, digest=asked
                )
                self._gate.saved(order)
                return order, is_new
        raise await self._refused(verdict)

    async def _judge_and_save_list(
        self, request: OrderListRequest, idempotency_key: str | None, asked: str
    ) -> tuple[OrderList, bool]:
        async with self._one_at_a_time:
            saved = await self._lists.saved(idempotency_key, asked)
            if saved is not None:
                return saved, False
            refused = await self._gate.review_list(request)
            if refused is None:
                order_list, is_new = await self._lists.save(
                    request, idempotency_key=idempotency_key, digest=asked
                )
                for order in order_list.orders:
                    self._gate.saved(order)
                return order_list, is_new
        raise await self._refused(refused)

    async def _saved(self, idempotency_key: str | None, asked: str) -> tuple[Order, bool] | None:
        """The order that this key stands for already, which is not new; raises KeyReused."""
        if idempotency_key is None:
            return None
        order = await self._orders.by_key(idempotency_key, asked)
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
        if value is not None and value is not False  # a wish as it was before it could say so
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def list_digest(request: OrderListRequest) -> str:
    """The same over a list: its kind and what was asked for of each leg."""
    legs = [str(request.kind), *(f"{leg} {digest(wish)}" for leg, wish in request.legs.items())]
    return hashlib.sha256("\n".join(legs).encode()).hexdigest()
