"""What POST /orders adds over a bare create_order: the API, two durable commits and the booking.

Both place the same limit order that rests well below the market, in turn, on the same exchange. The
table says where the time goes, step by step; both saves wait for the disk (synchronous=FULL).
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from statistics import median, quantiles

import aiohttp

from benchmarks.opening import run, system_on
from benchmarks.venue import Venue, venue
from trading_system.api.application import create_app
from trading_system.api.security import ApiOptions
from trading_system.api.server import serve
from trading_system.domain.events import OrderChanged
from trading_system.execution import steps

ORDERS = 300
WARMUP = 20
ROWS = {
    "in": ("asked", steps.BEFORE_SAVE),
    "saved": (steps.BEFORE_SAVE, steps.AFTER_SAVE),
    "sent": (steps.AFTER_SAVE, steps.BEFORE_SEND),
    "acknowledged": (steps.BEFORE_SEND, steps.ANSWERED),
    "event out": (steps.ANSWERED, "event"),
    "stored": (steps.ANSWERED, steps.AFTER_BOOKING),
    "answered": (steps.AFTER_BOOKING, "told"),
}
"""From one moment to the next; what is stored is published before the answer goes out."""


class Watch:
    """When each step of the order on its way was passed."""

    def __init__(self) -> None:
        self.orders: list[dict[str, float]] = []

    def begin(self) -> None:
        self.orders.append({})
        self.pass_("asked")

    def pass_(self, step: str) -> None:
        if self.orders:
            self.orders[-1].setdefault(step, time.perf_counter())

    def table(self) -> dict[str, dict[str, float]]:
        """p50 and p99 of each row, in ms."""
        rows = {}
        for name, (start, end) in ROWS.items():
            took = [(order[end] - order[start]) * 1000 for order in self.orders[WARMUP:]]
            rows[name] = {
                "p50_ms": round(median(took), 3),
                "p99_ms": round(quantiles(took, n=100)[98], 3),
            }
        return rows


async def measure(place: Venue) -> dict[str, object]:
    watch = Watch()
    async with system_on(place, on_step=watch.pass_) as system:
        system.bus.subscribe(OrderChanged, lambda _: watch.pass_("event"))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        options = ApiOptions(host="127.0.0.1", port=port, token=None)
        app = create_app(system, options)
        server = asyncio.create_task(serve(app, options, run=asyncio.Event().wait))
        client = place.bare_ccxt()
        await client.load_markets()
        price = round((await client.fetch_ticker("BTC/USDT"))["last"] * 0.9, 2)
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
                await listening(http)
                ours, bare = await in_turn(http, client, price, watch)
        finally:
            await client.close()
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)
    added = [a - b for a, b in zip(ours, bare, strict=True)]
    return {
        "bare_p50_ms": median(bare),
        "ours_p50_ms": median(ours),
        "added_p50_ms": median(added),
        "added_p99_ms": quantiles(added, n=100)[98],
        "steps": watch.table(),
    }


async def in_turn(http, client, price, watch) -> tuple[list[float], list[float]]:
    ours, bare = [], []
    body = {
        "symbol": "BTC/USDT",
        "side": "BUY",
        "type": "limit",
        "quantity": "0.001",
        "price": str(price),
    }
    for _ in range(ORDERS + WARMUP):
        started = time.perf_counter()
        order = await client.create_order("BTC/USDT", "limit", "buy", 0.001, price)
        bare.append((time.perf_counter() - started) * 1000)
        await client.cancel_order(order["id"], "BTC/USDT")
        started = time.perf_counter()
        watch.begin()
        async with http.post("/orders", json=body) as response:
            placed = await response.json()
            assert response.status == 201, placed
        watch.pass_("told")
        ours.append((time.perf_counter() - started) * 1000)
        async with http.delete(f"/orders/{placed['id']}") as response:
            assert response.status == 200, await response.text()
    return ours[WARMUP:], bare[WARMUP:]


async def listening(http) -> None:
    while True:
        try:
            async with http.get("/health"):
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)


def main() -> None:
    with venue() as place:
        result = run(measure(place))
    rounded = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in result.items()
    }
    wanted = {"wanted": "added p50 <= 5, p99 <= 15"}
    print(json.dumps({"bench": "order", "orders": ORDERS, **rounded, **wanted}))


if __name__ == "__main__":
    main()
