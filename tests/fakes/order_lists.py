"""A venue of order lists and their record on paper: fakes of OrderLists and OrderListRepository."""

from __future__ import annotations

from asyncio import Future
from collections import deque
from dataclasses import dataclass, field

from trading_system.domain.errors import NotFound, OrderNotFound
from trading_system.domain.order_lists import LEGS, OrderList, leg_id


@dataclass
class FakeOrderLists:
    """Answers each call with the next scripted answer: reports, an error, or an awaitable gate."""

    answers: deque = field(default_factory=deque)
    sent: list = field(default_factory=list)
    queue: Future | None = None

    async def _next(self, call, order_list, still_wanted=lambda: None):
        if self.queue is not None:  # for the venue's limits
            await self.queue
        still_wanted()
        self.sent.append((call, order_list.client_list_id))
        answer = self.answers.popleft() if self.answers else OrderNotFound(-2011, "none")
        if hasattr(answer, "__await__"):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer(order_list) if callable(answer) else answer

    async def place_list(self, order_list, *, still_wanted):
        return await self._next("place", order_list, still_wanted)

    async def cancel_list(self, order_list):
        return await self._next("cancel", order_list)


class FakeOrderListRepository:
    """OrderListRepository over a FakeOrders, whose rows the legs are."""

    def __init__(self, orders) -> None:
        self.orders = orders
        self.rows: dict = {}

    async def create(self, order_list, *, idempotency_key, digest):
        if idempotency_key is not None and (saved := await self.by_key(idempotency_key, digest)):
            return saved
        self.rows[order_list.id] = (order_list.kind, order_list.created_at)
        key = idempotency_key
        for order in order_list.orders:
            await self.orders.create(order, idempotency_key=key, digest=digest)
            key = None
        return None

    async def by_key(self, key, digest):
        order = await self.orders.by_key(key, digest)
        return None if order is None else await self.get(order.list_id)

    async def get(self, list_id):
        if list_id not in self.rows:
            raise NotFound(f"no {list_id}")
        kind, created_at = self.rows[list_id]
        return OrderList(
            id=list_id,
            kind=kind,
            legs={leg: self.orders.rows[leg_id(list_id, leg)] for leg in LEGS[kind]},
            created_at=created_at,
        )
