"""A replayed market over real sockets: frames as they were recorded, REST in agreement."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.steady import FastClock
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.server import SimulatorOptions, serve

RECORDED = Path(__file__).parents[4] / "shared/data"
LONG = RECORDED / "depth/BTCUSDT_spot_trade_bookTicker_depth100ms_2024-08-08.jsonl.gz"
BEGAN = 1_723_161_255_213
SPEED = 10
PATIENCE = 60.0
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not RECORDED.exists(), reason="no recorded streams beside the project"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def replayed():
    """The recording at ten times its own pace, from a minute after its beginning."""
    clock = FastClock(SPEED, datetime.fromtimestamp(BEGAN / 1_000 + 60, UTC))
    options = SimulatorOptions(
        market=str(LONG),
        speed=SPEED,
        limits=LimitSettings(weight_per_minute=1_000_000),  # whole books are heavy
        clock=clock.milliseconds,
    )
    async with serve(options) as running, aiohttp.ClientSession(running.url) as http:
        yield http


async def heard(http, streams, enough):
    """The texts of a combined connection until there are enough of them."""
    texts = []
    async with (
        http.ws_connect(f"/stream?streams={'/'.join(streams)}") as socket,
        asyncio.timeout(PATIENCE),
    ):
        while not enough(texts):
            texts.append(await socket.receive_str())
    return texts


async def test_recorded_frames_are_sent_as_they_were_received(replayed) -> None:
    streams = ["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms"]
    texts = await heard(replayed, streams, lambda texts: len(texts) > 500)
    with gzip.open(LONG, "rt") as lines:
        known = {line.partition('"m":')[2].rstrip("\n")[:-1] for line in lines}
    assert set(texts) <= known
    assert {json.loads(text)["stream"] for text in texts} == set(streams)


async def test_what_was_not_recorded_is_computed_from_what_was(replayed) -> None:
    def closed(texts):
        return bool(texts) and json.loads(texts[-1])["data"]["k"]["x"]

    candle = json.loads((await heard(replayed, ["btcusdt@kline_1s"], closed))[-1])["data"]["k"]
    query = {"symbol": "BTCUSDT", "interval": "1s", "startTime": candle["t"], "limit": 1}
    async with replayed.get("/api/v3/klines", params=query) as answer:
        (row,) = await answer.json()
    names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
    assert [candle[name] for name in names] == row


async def test_a_book_rebuilt_from_recorded_changes_is_the_one_of_rest(replayed) -> None:
    async with (
        replayed.ws_connect("/ws/btcusdt@depth@100ms") as socket,
        asyncio.timeout(PATIENCE),
    ):

        async def snapshot():
            query = {"symbol": "BTCUSDT", "limit": 5_000}
            async with replayed.get("/api/v3/depth", params=query) as answer:
                told = await answer.json()
            return told["lastUpdateId"], {side: dict(told[side]) for side in ("bids", "asks")}

        await socket.receive_json()  # the changes have begun
        last, book = await snapshot()
        told, whole = last, None
        compared = 0
        while compared < 3:
            change = await socket.receive_json()
            if change["u"] <= last:
                continue
            assert change["U"] <= last + 1
            for side, levels in (("bids", change["b"]), ("asks", change["a"])):
                book[side].update(levels)
                for price, quantity in levels:
                    if float(quantity) == 0:
                        book[side].pop(price, None)
            last = change["u"]
            if last == told:
                compared += 1
                assert whole == book
            if last >= told:
                told, whole = await snapshot()
