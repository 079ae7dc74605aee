"""What a stream costs from the socket to the handled event, beside bare ccxt.pro in the same run.

A server process of its own sends frames that were written beforehand, as fast as they are read.
Both sides take the same frames of one symbol, kind by kind, in rounds that alternate; medians.
Then: how late the event loop is while 500 symbols' candles and quotes come in.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from contextlib import asynccontextmanager, suppress
from statistics import median, quantiles

import ccxt.pro
import structlog
from aiohttp import WSMsgType, web

from trading_system.clock import SystemClock
from trading_system.domain.instruments import Symbol
from trading_system.exchange.streams.market_stream import MarketStream
from trading_system.resilience.retry import RetryPolicy

MESSAGES = 20_000
ROUNDS = 5
BURST = 100
SYMBOLS = [Symbol(f"C{number}", "USDT") for number in range(500)]
BEATS = 6
GROUPS = 80  # of quotes in a beat of two seconds, fifty each
BTC = Symbol("BTC", "USDT")
NOW = time.time_ns() // 1_000_000
MINUTE = NOW - NOW % 60_000
NAMES = {"trade": "trade", "kline": "kline_1m", "bookTicker": "bookTicker"}


def frame(kind, number, name="BTCUSDT"):
    """`number` is in the id and in a quantity, by which the last one is known."""
    match kind:
        case "trade":
            sent = {"e": "trade", "E": NOW + number, "s": name, "t": number, "p": "60000.01000000"}
            return sent | {"q": f"{number}.00000000", "T": NOW + number, "m": True, "M": True}
        case "kline":
            bar = {"t": MINUTE, "T": MINUTE + 59_999, "s": name, "i": "1m", "f": 1, "L": 2}
            bar |= dict.fromkeys("ohlc", "60000.01000000") | {"v": f"{number}.00000000", "n": 845}
            bar |= {"x": False, "q": "1266651.1", "V": "16.8", "Q": "645184.6", "B": "0"}
            return {"e": "kline", "E": NOW + number, "s": name, "k": bar}
        case _:
            book = {"u": number, "s": name, "b": "60000.01000000", "B": f"{number}.00000000"}
            return book | {"a": "60000.02000000", "A": "0.34000000"}


def text(kind, number, name, *, combined):
    data = frame(kind, number, name)
    stream = f"{name.lower()}@{NAMES[kind]}"
    return json.dumps({"stream": stream, "data": data} if combined else data)


async def blast(socket, texts):
    for start in range(0, len(texts), BURST):
        for each in texts[start : start + BURST]:
            await socket.send_str(each)
        await asyncio.sleep(0)


async def flow(socket, beats):
    """Every two seconds all candles at once, and quotes all the time, until nobody reads them."""
    with suppress(ConnectionError):
        for candles, groups in beats:
            for each in candles:
                await socket.send_str(each)
            for group in groups:
                for each in group:
                    await socket.send_str(each)
                await asyncio.sleep(2 / GROUPS)


def beat(number, names):
    candles = [text("kline", number, name, combined=True) for name in names]
    groups = [
        [
            text("bookTicker", number * GROUPS + group, name, combined=True)
            for name in names[group % 10 :: 10]
        ]
        for group in range(GROUPS)
    ]
    return candles, groups


def serve(port):
    """/<kind>/… sends frames of this kind once it is subscribed, /many/… a few for many symbols."""
    numbers = range(1, MESSAGES + 1)
    written = {
        (kind, combined): [text(kind, number, "BTCUSDT", combined=combined) for number in numbers]
        for kind in NAMES
        for combined in (True, False)
    }
    names = [symbol.base + symbol.quote for symbol in SYMBOLS]
    beats = [beat(number, names) for number in range(BEATS)]

    async def accept(request):
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        kind, combined = request.path.split("/")[1], request.path.endswith("/stream")
        flowing = None
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            asked = json.loads(message.data)
            await socket.send_str(json.dumps({"result": None, "id": asked["id"]}))
            if kind == "many":
                flowing = flowing or asyncio.create_task(flow(socket, beats))
            elif f"btcusdt@{NAMES[kind]}" in asked["params"]:
                flowing = asyncio.create_task(blast(socket, written[kind, combined]))
        return socket

    async def run():
        application = web.Application()
        application.router.add_get("/{tail:.*}", accept)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.put(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


class Count:
    """Messages per second between the first and the last of them."""

    def __init__(self):
        self.events = 0
        self.began = 0.0
        self.rate = 0.0
        self.done = asyncio.Event()

    def note(self, quantity):
        self.events += 1
        self.began = self.began or time.perf_counter()
        if quantity == MESSAGES:
            self.rate = MESSAGES / (time.perf_counter() - self.began)
            self.done.set()


def quantity(event):
    if hasattr(event, "candle"):
        return event.candle.volume
    return event.bid_quantity if hasattr(event, "bid_quantity") else event.quantity


@asynccontextmanager
async def following(url, on_event, *, monitored=(), traded=()):
    clock = SystemClock()
    stream = MarketStream(
        url=url,
        clock=clock,
        venue_milliseconds=clock.milliseconds,
        venue_id=lambda symbol: symbol.base + symbol.quote,
        on_event=on_event,
        on_gap=lambda *_: None,
        on_change=lambda _: None,
        retry=RetryPolicy(),
    )
    stream.follow(monitored, traded)
    running = asyncio.create_task(stream.run())
    yield stream
    running.cancel()
    await asyncio.wait([running])


async def ours(root, kind):
    count = Count()
    async with following(
        f"{root}/{kind}/stream", lambda event: count.note(quantity(event)), traded=[BTC]
    ):
        await count.done.wait()
    return count.rate, count.events


async def bare(root, kind):
    """The usual loop over watch_*; it may see fewer events than were sent."""
    exchange = ccxt.pro.binance({"enableRateLimit": False})
    exchange.urls["api"]["ws"]["spot"] = f"{root}/{kind}/stream.sim/ws"
    market = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "spot": True}
    market |= {"lowercaseId": "btcusdt"}
    market |= {"type": "spot", "active": True, "precision": {"amount": 1e-8, "price": 1e-8}}
    exchange.set_markets([exchange.safe_market_structure(market)])
    count = Count()
    while not count.done.is_set():
        match kind:
            case "trade":
                for trade in await exchange.watch_trades("BTC/USDT"):
                    count.note(trade["amount"])
            case "kline":
                for candle in await exchange.watch_ohlcv("BTC/USDT", "1m"):
                    count.note(candle[5])
            case _:
                for ticker in (await exchange.watch_bids_asks(["BTC/USDT"])).values():
                    count.note(ticker["bidVolume"])
    await exchange.close()
    return count.rate, count.events


async def lateness(root):
    """How much later than asked for a sleeper wakes, in ms."""
    late, events = [], []
    async with following(f"{root}/many/stream", events.append, monitored=SYMBOLS):
        while not events:  # noqa: ASYNC110 -- a handler that counts would be measured too
            await asyncio.sleep(0.01)
        until = time.perf_counter() + BEATS * 2 - 1
        while (asleep := time.perf_counter()) < until:
            await asyncio.sleep(0.002)
            late.append((time.perf_counter() - asleep - 0.002) * 1000)
    return late, len(events)


async def measure(root):
    result = {}
    for kind in NAMES:
        rounds = [(await ours(root, kind), await bare(root, kind)) for _ in range(ROUNDS)]
        our, other = (median(side[0] for side in sides) for sides in zip(*rounds, strict=True))
        result[kind] = {
            "per_second": round(our),
            "ccxt_per_second": round(other),
            "ratio": round(our / other, 2),
            "seen": median(side[1] for side, _ in rounds),
            "ccxt_seen": median(side[1] for _, side in rounds),
        }
    late, events = await lateness(root)
    result["lateness_ms"] = {
        "p50": round(median(late), 2),
        "p99": round(quantiles(late, n=100)[98], 2),
        "max": round(max(late), 2),
        "events": events,
    }
    return result


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    context = multiprocessing.get_context("spawn")
    port = context.Queue()
    server = context.Process(target=serve, args=(port,), daemon=True)
    server.start()
    try:
        result = asyncio.run(measure(f"ws://127.0.0.1:{port.get(timeout=60)}"))
    finally:
        server.terminate()
    wanted = "each ratio >= 0.8, lateness p99 < 20 ms"
    print(json.dumps({"bench": "stream", **result, "wanted": wanted}))


if __name__ == "__main__":
    main()
