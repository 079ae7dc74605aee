"""The one door for orders: whoever wants to trade comes here, the API as well as a strategy."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

from trading_system.bus import Bus
from trading_system.domain.errors import NotAllowed, UnknownSymbol
from trading_system.domain.events import OrderRefused
from trading_system.domain.orders import Order, OrderRequest
from trading_system.execution.oms import OrderManager
from trading_system.ports import MarketData


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A request that may be sent."""

    request: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that may not be sent, and why."""

    request: OrderRequest
    reason: str


Review = Callable[[OrderRequest], Awaitable[Approved | Refused]]
"""May this be traded, as things stand? The answer is a value."""


async def approve(request: OrderRequest) -> Approved:
    """The review of a venue where no real money is at stake."""
    return Approved(request=request)


async def refuse_unarmed(request: OrderRequest) -> Refused:
    """The review of the live venue while nobody has armed it."""
    return Refused(
        request=request,
        reason="live trading is not armed: set LIVE_TRADING_ARMED=yes to trade real money",
    )


class Desk:
    """Takes a request from wish to order: known symbol, review, order manager."""

    def __init__(
        self, *, review: Review, orders: OrderManager, market_data: MarketData, bus: Bus
    ) -> None:
        self._review = review
        self._orders = orders
        self._market_data = market_data
        self._bus = bus
        self._one_at_a_time = asyncio.Lock()

    async def place(self, request: OrderRequest, idempotency_key: str | None = None) -> Order:
        """The order as far as it got: the venue's refusal and an unknown outcome are states of it.

        The same key and request give the same order back. Raises UnknownSymbol, NotAllowed and
        KeyReused, and ExchangeError while the venue cannot even tell what it lists.
        """
        if request.symbol not in await self._market_data.instruments():
            raise UnknownSymbol(f"the venue lists no {request.symbol}")
        # What was approved is saved before the next is judged: limits see every order before it.
        async with self._one_at_a_time:
            verdict = await self._review(request)
            if isinstance(verdict, Refused):
                self._bus.publish(OrderRefused(request=request, reason=verdict.reason))
                raise NotAllowed(verdict.reason)
            order, is_new = await self._orders.save(
                verdict.request, idempotency_key=idempotency_key, digest=digest(request)
            )
        return await (self._orders.send(order) if is_new else self._orders.answered(order))


def digest(request: OrderRequest) -> str:
    """SHA-256 over what was asked for; 1.0 and 1.00 are the same wish."""
    fields = {
        name: format(value.normalize(), "f") if hasattr(value, "normalize") else str(value)
        for name, value in asdict(request).items()
        if value is not None
    }
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
