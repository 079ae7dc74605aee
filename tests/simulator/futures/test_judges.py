"""Two independent clients trade perpetuals, knowing nothing of this exchange but its URL."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket
from ccxt import ExchangeError, async_support, pro

from tests.simulator.futures.conftest import KEY, NOON, SECRET
from trading_system.simulator.server import SimulatorOptions, serve

SYMBOL = "BTC/USDT:USDT"
PATIENCE = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def exchange(seeded, clock):
    options = SimulatorOptions(api_key=KEY, secret=SECRET, clock=clock)
    async with serve(options, seeded) as running:
        yield running


def _urls(url: str) -> dict:
    roots = {"Public": "v1", "Private": "v1", "PublicV2": "v2", "PrivateV2": "v2"}
    roots |= {"PublicV3": "v3", "PrivateV3": "v3"}
    api = {f"fapi{name}": f"{url}/fapi/{version}" for name, version in roots.items()}
    return {"api": {**api, "ws": {"linear": f"{url.replace('http', 'ws')}/ws"}}}


@pytest.fixture(params=[async_support.binanceusdm, pro.binanceusdm], ids=["ccxt", "ccxt.pro"])
async def usdm(request, exchange, clock):
    client = request.param(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "enableRateLimit": False,
            "urls": _urls(exchange.url),
            "options": {"fetchMarkets": {"types": ["linear"]}, "fetchCurrencies": False},
        }
    )
    client.milliseconds = lambda: clock.now
    client.timeout_on_exit = 0
    await client.load_markets()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def refused(client, code):
    """What ccxt was refused with, read from the answer itself."""
    with pytest.raises(ExchangeError):
        yield
    assert json.loads(client.last_http_response)["code"] == code


async def test_ccxt_understands_the_contracts(usdm):
    market = usdm.market(SYMBOL)
    assert (market["swap"], market["linear"], market["active"]) == (True, True, True)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert market["limits"]["cost"]["min"] == 5
    assert set(usdm.symbols) == {SYMBOL, "ETH/USDT:USDT", "BNB/USDT:USDT"}


async def test_ccxt_reads_market_data(usdm, exchange):
    feed = exchange.futures.feed
    last = float(feed.last_trade("BTCUSDT", now=NOON).price)
    assert (await usdm.fetch_ticker(SYMBOL))["last"] == last
    assert (await usdm.fetch_funding_rate(SYMBOL))["markPrice"] == last
    book = await usdm.fetch_order_book(SYMBOL, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    rows = await usdm.fetch_ohlcv(SYMBOL, "1m", limit=3)
    theirs = feed.klines("BTCUSDT", "1m", start=None, end=None, limit=3, now=NOON)
    assert [row[0] for row in rows] == [row[0] for row in theirs]
    assert (await usdm.fetch_trades(SYMBOL, limit=3))[-1]["price"] == last
    assert await usdm.fetch_time() == NOON
    assert (await usdm.fetch_bids_asks([SYMBOL]))[SYMBOL]["bid"] == book["bids"][0][0]


async def test_ccxt_opens_and_closes_a_position(usdm):
    assert (await usdm.set_leverage(5, SYMBOL))["leverage"] == 5
    bought = await usdm.create_order(SYMBOL, "market", "buy", 0.01)
    assert (bought["status"], bought["filled"]) == ("closed", 0.01)
    (position,) = await usdm.fetch_positions()
    assert (position["symbol"], position["side"], position["contracts"]) == (SYMBOL, "long", 0.01)
    assert position["entryPrice"] == pytest.approx(bought["average"])
    assert position["initialMargin"] == pytest.approx(position["notional"] / 5)
    balance = (await usdm.fetch_balance())["USDT"]
    worth = 10_000 - 0.0005 * bought["cost"] + position["unrealizedPnl"]
    assert balance["total"] == pytest.approx(worth)
    sold = await usdm.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert sold["status"] == "closed"
    assert await usdm.fetch_positions() == []
    trades = await usdm.fetch_my_trades(SYMBOL)
    assert sum(t["amount"] for t in trades if t["side"] == "sell") == pytest.approx(0.01)
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}


async def test_ccxt_lives_through_a_limit_order(usdm):
    order = await usdm.create_order(SYMBOL, "limit", "buy", 0.01, 70_000, {"postOnly": True})
    assert (order["status"], order["timeInForce"], order["postOnly"]) == ("open", "PO", True)
    changed = await usdm.edit_order(order["id"], SYMBOL, "limit", "buy", 0.02, 70_100)
    assert (changed["id"], changed["price"], changed["amount"]) == (order["id"], 70_100, 0.02)
    (listed,) = await usdm.fetch_open_orders(SYMBOL)
    assert listed["id"] == order["id"]
    assert (await usdm.cancel_order(order["id"], SYMBOL))["status"] == "canceled"
    assert (await usdm.fetch_order(order["id"], SYMBOL))["status"] == "canceled"
    async with refused(usdm, -2011):
        await usdm.cancel_order(order["id"], SYMBOL)
    await usdm.create_order(SYMBOL, "limit", "buy", 0.01, 70_000)
    await usdm.cancel_all_orders(SYMBOL)
    assert await usdm.fetch_open_orders(SYMBOL) == []
    assert len(await usdm.fetch_orders(SYMBOL)) == 2


async def test_ccxt_places_and_cancels_a_stop(usdm):
    more = {"stopLossPrice": 60_000, "reduceOnly": True}
    stop = await usdm.create_order(SYMBOL, "market", "sell", 0.01, None, more)
    assert stop["triggerPrice"] == 60_000
    (listed,) = await usdm.fetch_open_orders(SYMBOL, params={"trigger": True})
    assert listed["id"] == stop["id"]
    found = await usdm.fetch_order(stop["id"], SYMBOL, {"trigger": True})
    assert found["status"] == "open"
    await usdm.cancel_order(stop["id"], SYMBOL, {"trigger": True})
    assert await usdm.fetch_open_orders(SYMBOL, params={"trigger": True}) == []


async def test_ccxt_is_refused_by_number(usdm):
    async with refused(usdm, -2019):
        await usdm.create_order(SYMBOL, "limit", "buy", 9, 70_000)
    async with refused(usdm, -2022):
        await usdm.create_order(SYMBOL, "market", "sell", 0.01, None, {"reduceOnly": True})
    async with refused(usdm, -4028):
        await usdm.fapiPrivatePostLeverage({"symbol": "BTCUSDT", "leverage": 126})
    async with refused(usdm, -4164):
        await usdm.create_order(SYMBOL, "limit", "buy", 0.00005, 70_000)
    async with refused(usdm, -4046):
        await usdm.set_margin_mode("cross", SYMBOL)
    assert (await usdm.fetch_position_mode(SYMBOL))["hedged"] is False
    assert (await usdm.fetch_leverage_tiers([SYMBOL]))[SYMBOL][0]["maxLeverage"] == 125
    assert (await usdm.fetch_trading_fee(SYMBOL))["taker"] == 0.0005


@pytest.mark.parametrize("usdm", [pro.binanceusdm], indirect=True, ids=["ccxt.pro"])
async def test_ccxt_pro_hears_its_orders_positions_and_the_market(usdm, clock):
    usdm.options["watchPositions"] = {"fetchPositionsSnapshot": False}
    watched = [
        asyncio.create_task(watching)
        for watching in (
            usdm.watch_orders(SYMBOL),
            usdm.watch_positions([SYMBOL]),
            usdm.watch_order_book(SYMBOL),
            usdm.watch_ohlcv(SYMBOL, "1m"),
            usdm.watch_bids_asks([SYMBOL]),
        )
    ]
    async with asyncio.timeout(PATIENCE):
        # Orders go on until somebody listens: a client does not say when it begins to.
        while not all(task.done() for task in watched):
            await usdm.create_order(SYMBOL, "market", "buy", 0.001)
            clock.now += 1_000
            await asyncio.sleep(0.05)
    orders, positions, book, candles, quotes = (task.result() for task in watched)
    assert orders[-1]["symbol"] == SYMBOL
    assert positions[0]["contracts"] > 0
    assert book["bids"][0][0] < book["asks"][0][0]
    assert candles[-1][0] in range(NOON // 60_000 * 60_000, clock.now, 60_000)
    assert quotes[SYMBOL]["bid"] > 0


# python-binance


@pytest.fixture
async def client(exchange, clock, monkeypatch):
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 0.2)  # closing waits as long for a frame
    client = AsyncClient(KEY, SECRET)
    client.FUTURES_URL = f"{exchange.url}/fapi"
    client.timestamp_offset = clock.now - time.time() * 1_000
    try:
        yield client
    finally:
        await client.close_connection()


async def test_python_binance_trades_and_reads_its_account(client):
    info = await client.futures_exchange_info()
    assert len(info["symbols"]) == 3
    assert len(await client.futures_klines(symbol="BTCUSDT", interval="1m", limit=4)) == 4
    assert (await client.futures_change_leverage(symbol="BTCUSDT", leverage=4))["leverage"] == 4
    order = await client.futures_create_order(
        symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.01", newOrderRespType="RESULT"
    )
    assert order["status"] == "FILLED"
    (position,) = await client.futures_position_information(symbol="BTCUSDT")
    assert Decimal(position["positionAmt"]) == Decimal("-0.01")
    assert (await client.futures_account_balance())[0]["asset"] == "USDT"
    assert len((await client.futures_account())["positions"]) >= 1
    assert (await client.futures_account_trades(symbol="BTCUSDT"))[0]["buyer"] is False
    brackets = await client.futures_leverage_bracket(symbol="BTCUSDT")
    assert brackets[0]["brackets"][0]["bracket"] == 1
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_change_margin_type(symbol="BTCUSDT", marginType="CROSSED")
    assert caught.value.code == -4046


async def test_python_binance_lives_through_limit_and_stop_orders(client):
    order = await client.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=70_000
    )
    ids = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    changed = await client.futures_modify_order(**ids, side="BUY", quantity="0.02", price=70_001)
    assert changed["origQty"] == "0.02000"
    assert (await client.futures_get_order(**ids))["status"] == "NEW"
    assert len(await client.futures_get_open_orders(symbol="BTCUSDT")) == 1
    assert (await client.futures_cancel_order(**ids))["status"] == "CANCELED"
    stop = await client.futures_create_order(
        symbol="BTCUSDT", side="SELL", type="STOP_MARKET", quantity="0.01", triggerPrice=60_000
    )
    assert stop["algoStatus"] == "NEW"
    assert (await client.futures_get_algo_order(algoId=stop["algoId"]))["symbol"] == "BTCUSDT"
    assert (await client.futures_cancel_algo_order(algoId=stop["algoId"]))["code"] == "200"
    await client.futures_cancel_all_open_orders(symbol="BTCUSDT")


async def test_python_binance_hears_its_account_and_the_market(client, exchange, clock):
    sockets = BinanceSocketManager(client)
    sockets.FSTREAM_URL = f"{exchange.url.replace('http', 'ws')}/"
    candles = sockets.futures_multiplex_socket(["btcusdt@kline_1m"])
    async with sockets.futures_user_socket() as user, candles as market:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}
        await client.futures_create_order(**order)
        heard = [(await asyncio.wait_for(user.recv(), PATIENCE))["e"] for _ in range(3)]
        assert heard == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
        clock.now += 1_000
        assert (await asyncio.wait_for(market.recv(), PATIENCE))["data"]["k"]["i"] == "1m"
