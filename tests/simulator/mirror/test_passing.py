from __future__ import annotations

import asyncio

import orjson
import pytest

from trading_system.simulator.calls import Call, Told
from trading_system.simulator.limits import TooMuch
from trading_system.simulator.mirror.passing import Passing

NOW = 1_767_614_400_250
MINUTE = 60_000


class Origin:
    """Tells what a test wants, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.told = Told(200, b"[]")

    async def told_by(self, path, query="", *, weight):
        self.asked.append((path, query, weight))
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


class Symbols:
    """Ready when a test says so."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waited: list[str] = []

    async def ready(self, symbol):
        self.waited.append(symbol)
        if symbol == "NOPE":
            raise KeyError(symbol)
        await self.open.wait()


class Setting:
    def __init__(self) -> None:
        self.origin = Origin()
        self.symbols = Symbols()
        spoken = type("Asked", (), {"told": self.origin.told_by})()
        self.passing = Passing(spoken, self.symbols, lambda: NOW, patience=0.01)

    async def prepare(self, path, query="", *, method="GET", body=""):
        return await self.passing.prepare(Call(method, f"/api/v3/{path}", query, body))


@pytest.fixture
def setting():
    return Setting()


def candles(*closes):
    return Told(200, orjson.dumps([[close - MINUTE + 1, *"abcde", close] for close in closes]))


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "time", ""),
        ("GET", "exchangeInfo", "symbol=BTCUSDT"),
        ("GET", "account", "timestamp=1"),
        ("DELETE", "order", "symbol=BTCUSDT"),
        ("GET", "openOrders", "symbol=BTCUSDT"),
        ("GET", "nonsense", ""),
        ("POST", "klines", "symbol=BTCUSDT"),
    ],
)
async def test_what_is_its_own_matter_goes_nowhere(setting, method, path, query) -> None:
    assert await setting.prepare(path, query, method=method) is None
    assert setting.origin.asked == setting.symbols.waited == []


async def test_what_is_passed_on_costs_what_it_costs_there(setting) -> None:
    assert await setting.prepare("klines", "symbol=BTCUSDT&interval=1m") is setting.origin.told
    await setting.prepare("ticker/24hr", "")
    assert setting.origin.asked == [
        ("/api/v3/klines", "symbol=BTCUSDT&interval=1m", 2),
        ("/api/v3/ticker/24hr", "", 80),
    ]


async def test_keys_and_signatures_stay_here(setting) -> None:
    await setting.prepare("trades", "symbol=BTCUSDT&apiKey=K&signature=S&timestamp=1&limit=5")
    assert setting.origin.asked == [("/api/v3/trades", "symbol=BTCUSDT&limit=5", 25)]


async def test_what_cannot_be_weighed_is_refused_without_asking(setting) -> None:
    told = await setting.prepare("ticker/24hr", "symbols=nonsense")
    assert (told.status, orjson.loads(told.body)["code"]) == (400, -1100)
    assert setting.origin.asked == []


async def test_an_empty_parameter_is_for_the_other_exchange_to_refuse(setting) -> None:
    await setting.prepare("trades", "symbol=BTCUSDT&limit=")
    assert setting.origin.asked == [("/api/v3/trades", "symbol=BTCUSDT&limit=", 25)]


async def test_candles_that_are_none_are_an_error_of_this_exchange(setting) -> None:
    setting.origin.told = Told(200, b"<html>")
    told = await setting.prepare("klines", "symbol=BTCUSDT&interval=1m")
    assert (told.status, orjson.loads(told.body)["code"]) == (503, -1001)


async def test_asking_too_much_is_told_with_when_to_ask_again(setting) -> None:
    setting.origin.told = TooMuch(-1003, "Too much.", status=429, retry_after=7)
    told = await setting.prepare("klines", "symbol=BTCUSDT&interval=1m")
    assert told == Told(429, b'{"code":-1003,"msg":"Too much."}', 7)
    with pytest.raises(TooMuch) as refusal:
        told.result()
    assert refusal.value.retry_after == 7


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "order"), ("PUT", "order/amend/keepPriority"), ("GET", "depth")]
)
@pytest.mark.parametrize("where", ["query", "body"])
async def test_the_present_of_a_symbol_is_waited_for(setting, method, path, where) -> None:
    setting.symbols.open.set()
    assert await setting.prepare(path, method=method, **{where: "symbol=BTCUSDT"}) is None
    assert setting.symbols.waited == ["BTCUSDT"]
    assert setting.origin.asked == []


async def test_the_best_prices_of_all_are_passed_on_and_of_one_waited_for(setting) -> None:
    setting.symbols.open.set()
    assert await setting.prepare("ticker/bookTicker") is setting.origin.told
    assert await setting.prepare("ticker/bookTicker", "symbol=BTCUSDT") is None
    assert setting.symbols.waited == ["BTCUSDT"]


async def test_a_market_that_stays_closed_is_an_error_to_readers_and_no_answer_to_orders(
    setting,
) -> None:
    told = await setting.prepare("depth", "symbol=BTCUSDT")
    assert (told.status, orjson.loads(told.body)["code"]) == (503, -1001)
    assert await setting.prepare("order", "symbol=BTCUSDT", method="POST") is None


async def test_what_is_not_listed_is_for_the_venue_to_refuse(setting) -> None:
    assert await setting.prepare("depth", "symbol=NOPE") is None


@pytest.mark.parametrize(
    ("query", "closes", "kept"),
    [
        ("startTime=1&endTime=2", [NOW - 2 * MINUTE], True),
        ("startTime=1&limit=2", [NOW - 3 * MINUTE, NOW - 2 * MINUTE], True),
        ("startTime=1&limit=3", [NOW - 3 * MINUTE, NOW - 2 * MINUTE], False),
        ("limit=1", [NOW - 2 * MINUTE], False),
        (f"startTime=1&endTime={NOW}", [NOW - 2 * MINUTE], False),
        ("startTime=1&endTime=2", [NOW - 30_000], False),
        ("startTime=1&endTime=2", [], False),
    ],
)
async def test_only_candles_that_can_never_change_are_asked_for_once(
    setting, query, closes, kept
) -> None:
    setting.origin.told = candles(*closes)
    for _ in range(2):
        assert await setting.prepare("klines", f"symbol=BTCUSDT&interval=1m&{query}")
    assert len(setting.origin.asked) == (1 if kept else 2)


async def test_the_candles_that_are_kept_are_bounded(setting) -> None:
    setting.origin.told = candles(NOW - 2 * MINUTE)

    async def page(number):
        await setting.prepare("klines", f"symbol=BTCUSDT&interval=1m&startTime={number}&endTime=9")

    for number in range(512):
        await page(number)
    await page(0)
    await page(600)
    assert len(setting.origin.asked) == 513
    await page(0)
    assert len(setting.origin.asked) == 513
    await page(1)
    assert len(setting.origin.asked) == 514
