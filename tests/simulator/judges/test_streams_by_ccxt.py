"""Market streams and the WebSocket API as ccxt.pro sees them: every number equals REST's."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import ccxt.pro
import pytest
import pytest_asyncio

from tests.simulator.judges.conftest import KEY, SECRET

pytestmark = pytest.mark.asyncio(loop_scope="module")

BTC, ETH, LTC = "BTC/USDT", "ETH/USDT", "LTC/USDT"
PATIENCE = 60.0
BLOCKED = "http://blocked.invalid"


def only_here(urls, base):
    """No address but the simulator's, however deep in ccxt's tree."""
    if isinstance(urls, dict):
        return {key: only_here(value, base) for key, value in urls.items()}
    return urls if isinstance(urls, str) and urls.startswith(base) else BLOCKED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ex(live, running_clock):
    sockets = live.url.replace("http", "ws")
    api = f"{live.url}/api/v3"
    ws = {"spot": f"{sockets}/stream.sim/ws", "ws-api": {"spot": f"{sockets}/ws-api/v3"}}
    client = ccxt.pro.binance(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "enableRateLimit": False,
            "newUpdates": True,
            "urls": {"api": {"public": api, "private": api, "ws": ws}},
            "options": {
                "fetchMarkets": {"types": ["spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }
    )
    ours = (live.url, sockets)
    client.urls["api"] = only_here(client.urls["api"], ours)
    client.number = Decimal
    client.timeout_on_exit = 0
    client.milliseconds = running_clock
    await client.load_markets()
    yield client
    await client.close()


def soon(awaitable):
    """Ccxt waits for ever where nothing comes."""
    return asyncio.wait_for(awaitable, PATIENCE)


async def subscribed(ex, *topics):
    """Until it waits for events of these, which it begins to when the exchange has agreed."""
    async with asyncio.timeout(PATIENCE):
        while True:
            awaited = {name for client in ex.clients.values() for name in client.futures}
            if all(any(topic in name for name in awaited) for topic in topics):
                return
            await asyncio.sleep(0.01)


async def test_trades_are_those_of_rest(ex) -> None:
    heard = [dict(trade) for trade in await soon(ex.watch_trades(BTC))]
    heard += [dict(trade) for trade in await soon(ex.watch_trades(BTC))]
    told = {trade["id"]: trade for trade in await ex.fetch_trades(BTC, limit=1_000)}
    assert [int(trade["id"]) for trade in heard] == sorted({int(t["id"]) for t in heard})
    for trade in heard:
        for field in ("price", "amount", "side", "timestamp", "symbol"):
            assert trade[field] == told[trade["id"]][field]


async def test_candles_grow_and_close_as_rest_has_them(ex) -> None:
    closed, running = {}, None
    while not closed:
        for candle in await soon(ex.watch_ohlcv(BTC, "1s")):
            if running is not None and candle[0] > running[0]:
                closed[running[0]] = running
            running = list(candle)
    told = {row[0]: list(map(float, row)) for row in await ex.fetch_ohlcv(BTC, "1s", limit=50)}
    assert closed == {time: told[time] for time in closed}


async def test_a_book_rebuilt_from_changes_is_the_one_of_rest(ex) -> None:
    book = await soon(ex.watch_order_book(BTC))
    for _ in range(4):
        book = await soon(ex.watch_order_book(BTC))
    while True:
        told = await ex.fetch_order_book(BTC, 1_000)
        while book["nonce"] < told["nonce"]:
            book = await soon(ex.watch_order_book(BTC))
        if book["nonce"] == told["nonce"]:
            break
    for side in ("bids", "asks"):
        assert [list(level) for level in book[side]][:1_000] == told[side]


async def test_best_prices_are_those_of_the_book(ex) -> None:
    best = dict((await soon(ex.watch_bids_asks([BTC, ETH])))[BTC])
    assert best["bid"] < best["ask"]
    assert min(best["bidVolume"], best["askVolume"]) > 0


@pytest.mark.parametrize("name", ["miniTicker", "ticker"])
async def test_tickers_are_about_those_of_rest(ex, name) -> None:
    heard = dict(await soon(ex.watch_ticker(LTC, {"name": name})))
    told = await ex.fetch_ticker(LTC)
    for field in ("open", "high", "low", "last"):
        assert abs(heard[field] / told[field] - 1) < Decimal("0.01")
    assert (heard["bid"] is None) == (name == "miniTicker")


async def test_all_tickers_come_in_one_stream(ex) -> None:
    heard = await soon(ex.watch_tickers())
    assert set(heard) <= set(ex.symbols)
    named = await soon(ex.watch_tickers([BTC, ETH]))
    assert set(named) <= {BTC, ETH}


async def test_an_order_is_pushed_to_its_owner(ex) -> None:
    """Placed and cancelled over the WebSocket API, the way of it heard on the user stream."""
    orders = asyncio.create_task(soon(ex.watch_orders(ETH)))
    balance = asyncio.create_task(soon(ex.watch_balance()))
    await subscribed(ex, "orders", "balance")
    price = ((await ex.fetch_ticker(ETH))["last"] * Decimal("0.8")).quantize(Decimal("0.01"))
    placed = await soon(ex.create_order_ws(ETH, "limit", "buy", Decimal("0.1"), price))
    heard = dict((await orders)[-1])
    assert (heard["id"], heard["status"], heard["filled"]) == (placed["id"], "open", 0)
    assert heard["price"] == placed["price"] == price
    locked = heard["price"] * heard["amount"]
    assert (await balance)["USDT"]["used"] == locked
    cancelling = asyncio.create_task(soon(ex.watch_orders(ETH)))
    cancelled = await soon(ex.cancel_order_ws(placed["id"], ETH))
    assert cancelled["status"] == "canceled"
    assert (await cancelling)[-1]["status"] == "canceled"


async def test_a_fill_is_pushed_with_its_price_and_fee(ex) -> None:
    fills = asyncio.create_task(soon(ex.watch_my_trades(ETH)))
    await subscribed(ex, "myTrades")
    placed = await soon(ex.create_order_ws(ETH, "market", "buy", Decimal("0.1")))
    heard = dict((await fills)[0])
    told = {trade["id"]: trade for trade in await ex.fetch_my_trades(ETH)}[heard["id"]]
    assert heard["order"] == placed["id"]
    for field in ("price", "amount", "cost", "side", "takerOrMaker", "timestamp"):
        assert heard[field] == told[field]
    assert (heard["fee"]["cost"], heard["fee"]["currency"]) == (
        told["fee"]["cost"],
        told["fee"]["currency"],
    )


async def test_a_refusal_over_the_socket_is_worded_as_rest_words_it(ex) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="Filter failure: PERCENT_PRICE_BY_SIDE"):
        await soon(ex.create_order_ws(ETH, "limit", "buy", Decimal("0.0001"), Decimal(2)))
