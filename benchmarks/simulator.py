"""REST requests per second of the embedded exchange, asked by one process, 8 at a time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from itertools import cycle
from statistics import median
from urllib.parse import urlencode

import aiohttp

from benchmarks.opening import run
from benchmarks.venue import Venue, venue

TOGETHER = 8
SECONDS = 3.0
ROUNDS = 3


async def measure(place: Venue) -> dict[str, float]:
    async with aiohttp.ClientSession(place.url) as http:
        price = json.loads(await ask(http, "/api/v3/ticker/price?symbol=BTCUSDT"))["price"]
        far = f"{float(price) * 0.5:.2f}"
        sides = cycle(["BUY", "SELL"])  # money stays where it is but for the fees
        kinds = {
            "ping": lambda: ask(http, "/api/v3/ping"),
            "klines_1": lambda: ask(http, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1"),
            "klines_1000": lambda: ask(
                http, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000"
            ),
            "orders": lambda: order(http, place, side=next(sides), type="MARKET", quantity="0.001"),
            "orders_immediate": lambda: order(
                http,
                place,
                side="BUY",
                type="LIMIT",
                quantity="0.001",
                price=far,
                timeInForce="IOC",
            ),
        }
        return {
            f"{name}_per_s": median([await rate(call) for _ in range(ROUNDS)])
            for name, call in kinds.items()
        }


async def rate(call) -> float:
    done, end = 0, time.perf_counter() + SECONDS

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    await asyncio.gather(*(worker() for _ in range(TOGETHER)))
    return done / SECONDS


async def ask(http: aiohttp.ClientSession, path: str) -> bytes:
    async with http.get(path) as response:
        body = await response.read()
        assert response.status == 200, body
        return body


async def order(http: aiohttp.ClientSession, place: Venue, **fields: str) -> None:
    fields |= {"symbol": "BTCUSDT", "timestamp": str(time.time_ns() // 10**6)}
    query = urlencode(fields)
    signature = hmac.new(place.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    headers = {"X-MBX-APIKEY": place.api_key}
    target = f"/api/v3/order?{query}&signature={signature}"
    async with http.post(target, headers=headers) as response:
        body = await response.read()
        assert response.status == 200, body


def main() -> None:
    with venue() as place:
        result = run(measure(place))
    rounded = {name: round(value, 1) for name, value in result.items()}
    print(json.dumps({"bench": "simulator", "together": TOGETHER, **rounded}))


if __name__ == "__main__":
    main()
