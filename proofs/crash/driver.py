"""Somebody who trades through the API, and does not stop when the program dies.

What was asked without an answer is asked again of the next life, with the same Idempotency-Key, as
a careful client does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import httpx

_PAIR = "BTC-USDT"
_OPEN = ("NEW", "PARTIALLY_FILLED")
_CROWD = 4  # wishes at the same time


@dataclass(slots=True)
class Wish:
    """One order that was asked for; `order_id` once somebody has answered."""

    key: str
    step: str
    body: Mapping[str, str]
    order_id: str | None = None
    refused: bool = False


@dataclass(slots=True)
class Driver:
    """Places, changes and cancels as its luck has it; `wishes` are all that it asked for."""

    luck: Random
    wishes: list[Wish] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    async def trade(self, http: httpx.AsyncClient, step: str) -> None:
        """Until the program dies, which is no error here."""
        try:
            async with asyncio.TaskGroup() as crowd:
                crowd.create_task(self.ask_again(http))
                for _ in range(_CROWD):
                    crowd.create_task(self._go_on(http, step))
        except* httpx.TransportError:
            pass

    async def ask_again(self, http: httpx.AsyncClient) -> None:
        """For the answers that the last life owes us."""
        for wish in list(self.wishes):
            if wish.order_id is None and not wish.refused:
                await self._place(http, wish)

    async def _go_on(self, http: httpx.AsyncClient, step: str) -> None:
        actions = (
            self._market,
            self._resting,
            self._partial,
            self._modify,
            self._move_away,
            self._cancel,
        )
        while True:
            act = self.luck.choice(actions)
            self.asked[act.__name__[1:]] = self.asked.get(act.__name__[1:], 0) + 1
            await act(http, step)

    async def _market(self, http: httpx.AsyncClient, step: str) -> None:
        await self._wish(http, step, type="MARKET", quantity=f"0.00{self.luck.randint(1, 9)}")

    async def _resting(self, http: httpx.AsyncClient, step: str) -> None:
        """Too far away to fill."""
        bid, ask = await self._best(http)
        side = self.luck.choice(("BUY", "SELL"))
        price = bid * 0.97 if side == "BUY" else ask * 1.03
        await self._limit(http, step, side, price, f"0.0{self.luck.randint(10, 99)}")

    async def _partial(self, http: httpx.AsyncClient, step: str) -> None:
        """More than the best level has: it fills in parts, and what is left rests."""
        bid, ask = await self._best(http)
        side = self.luck.choice(("BUY", "SELL"))
        price = ask if side == "BUY" else bid
        await self._limit(http, step, side, price, f"{self.luck.uniform(0.2, 0.6):.3f}")

    async def _modify(self, http: httpx.AsyncClient, step: str) -> None:  # noqa: ARG002
        if order := await self._open(http):
            changed = {"quantity": f"{float(order['quantity']) / 2:.3f}"}
            if order["status"] == "NEW" and self.luck.random() < 0.6:
                factor = 0.999 if order["side"] == "BUY" else 1.001
                changed = {"price": f"{float(order['price']) * factor:.2f}"}
            await http.patch(f"/orders/{order['id']}", json=changed)

    async def _move_away(self, http: httpx.AsyncClient, step: str) -> None:
        """What has filled in part, and fills on meanwhile: the new order must not do so again.

        It goes so far away that it cannot fill before it is cut.
        """
        if not await self._open(http, "PARTIALLY_FILLED"):
            await self._partial(http, step)
        if order := await self._open(http, "PARTIALLY_FILLED"):
            factor = 0.97 if order["side"] == "BUY" else 1.03
            changed = {"price": f"{float(order['price']) * factor:.2f}"}
            await http.patch(f"/orders/{order['id']}", json=changed)

    async def _cancel(self, http: httpx.AsyncClient, step: str) -> None:  # noqa: ARG002
        if order := await self._open(http):
            await http.delete(f"/orders/{order['id']}")

    async def _limit(
        self, http: httpx.AsyncClient, step: str, side: str, price: float, quantity: str
    ) -> None:
        await self._wish(
            http, step, type="LIMIT", side=side, price=f"{price:.2f}", quantity=quantity
        )

    async def _wish(self, http: httpx.AsyncClient, step: str, **fields: str) -> None:
        side = fields.pop("side", None) or self.luck.choice(("BUY", "SELL"))
        key = f"wish-{len(self.wishes)}"
        wish = Wish(key, step, {"symbol": _PAIR, "side": side, **fields})
        self.wishes.append(wish)
        await self._place(http, wish)

    async def _place(self, http: httpx.AsyncClient, wish: Wish) -> None:
        headers = {"Idempotency-Key": wish.key}
        answer = await http.post("/orders", json=wish.body, headers=headers)
        told = answer.json()
        if answer.is_success:
            wish.order_id = told["id"]
        elif answer.status_code < 500:
            wish.refused = True

    async def _open(self, http: httpx.AsyncClient, *statuses: str) -> Mapping[str, str] | None:
        answer = await http.get("/orders", params={"status": statuses or _OPEN, "limit": 50})
        orders = [order for order in answer.json() if order["price"]]
        return self.luck.choice(orders) if orders else None

    async def _best(self, http: httpx.AsyncClient) -> tuple[float, float]:
        book = (await http.get(f"/book/{_PAIR}", params={"levels": 5})).json()
        return float(book["bids"][0][0]), float(book["asks"][0][0])
