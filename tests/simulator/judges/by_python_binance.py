"""The exchange as python-binance sees it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from decimal import Decimal

from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from tests.simulator.judges.judge import Fill, Refusal, market, outcome


class PythonBinanceJudge:
    name = "python-binance"

    def __init__(self, url, api_key, secret, clock) -> None:
        self._client = AsyncClient(api_key, secret)
        self._client.API_URL = f"{url}/api"
        self._clock = clock

    async def close(self):
        await self._client.close_connection()

    def _signing(self):
        self._client.timestamp_offset = self._clock.now - time.time() * 1000
        return self._client

    async def markets(self):
        info = await self._client.get_exchange_info()
        return {entry["symbol"]: market(entry) for entry in info["symbols"]}

    async def server_time(self):
        return (await self._client.get_server_time())["serverTime"]

    async def candles(self, symbol, interval, *, start, limit):
        with refusals():
            rows = await self._client.get_klines(
                symbol=symbol, interval=interval, startTime=start, limit=limit
            )
        return [(row[0], *map(Decimal, row[1:6])) for row in rows]

    async def last_price(self, symbol):
        return Decimal((await self._client.get_symbol_ticker(symbol=symbol))["price"])

    async def day(self, symbol):
        t = await self._client.get_ticker(symbol=symbol)
        names = ("openPrice", "highPrice", "lowPrice", "lastPrice", "volume")
        return tuple(Decimal(t[name]) for name in names)

    async def all_prices(self):
        return {t["symbol"]: Decimal(t["price"]) for t in await self._client.get_all_tickers()}

    async def book(self, symbol, limit):
        book = await self._client.get_order_book(symbol=symbol, limit=limit)
        return [[tuple(map(Decimal, row)) for row in book[side]] for side in ("bids", "asks")]

    async def trades(self, symbol, limit):
        trades = await self._client.get_recent_trades(symbol=symbol, limit=limit)
        return [(t["id"], Decimal(t["price"]), Decimal(t["qty"])) for t in trades]

    async def balance(self, asset):
        found = await self._signing().get_asset_balance(asset)
        return Decimal(found["free"]), Decimal(found["locked"])

    async def place(self, symbol, side, type_, **more):
        fields = {"symbol": symbol, "side": side, "type": type_, "newOrderRespType": "FULL", **more}
        if type_ == "LIMIT":
            fields.setdefault("timeInForce", "GTC")
        return outcome(await self.send(**fields))

    async def send(self, **fields):
        with refusals():
            return await self._signing().create_order(**fields)

    async def rehearse(self, **fields):
        with refusals():
            return await self._signing().create_test_order(**fields)

    async def find(self, symbol, order_id):
        with refusals():
            return outcome(await self._signing().get_order(symbol=symbol, orderId=order_id))

    async def cancel(self, symbol, order_id):
        with refusals():
            return outcome(await self._signing().cancel_order(symbol=symbol, orderId=order_id))

    async def cancel_all(self, symbol):
        with refusals():
            return [outcome(o) for o in await self._signing().cancel_all_open_orders(symbol=symbol)]

    async def open_orders(self, symbol):
        return [outcome(o) for o in await self._signing().get_open_orders(symbol=symbol)]

    async def all_orders(self, symbol):
        return [outcome(o) for o in await self._signing().get_all_orders(symbol=symbol)]

    async def fills(self, symbol):
        return [
            Fill(
                Decimal(t["price"]),
                Decimal(t["qty"]),
                Decimal(t["commission"]),
                t["commissionAsset"],
            )
            for t in await self._signing().get_my_trades(symbol=symbol)
        ]

    async def replace(self, symbol, order_id, *, side, quantity, price, allow_failure=False):
        with refusals():
            answer = await self._signing().cancel_replace_order(
                symbol=symbol,
                side=side,
                type="LIMIT",
                timeInForce="GTC",
                quantity=quantity,
                price=price,
                cancelOrderId=order_id,
                cancelReplaceMode="ALLOW_FAILURE" if allow_failure else "STOP_ON_FAILURE",
            )
        return outcome(answer["newOrderResponse"])

    async def amend(self, symbol, order_id, quantity):
        """It has no method of its own for this."""
        fields = {"symbol": symbol, "orderId": order_id, "newQty": quantity}
        with refusals():
            told = await self._signing()._put("order/amend/keepPriority", True, data=fields)
        return told["amendedOrder"]

    async def amendments(self, symbol, order_id):
        fields = {"symbol": symbol, "orderId": order_id}
        with refusals():
            return await self._signing()._get("order/amendments", True, data=fields)

    async def prevented(self, symbol, order_id):
        with refusals():
            return await self._signing().get_prevented_matches(symbol=symbol, orderId=order_id)

    async def lists(self, question, **fields):
        client = self._signing()
        calls = {
            "oco": client.create_oco_order,
            "oto": client.v3_post_order_list_oto,
            "otoco": client.v3_post_order_list_otoco,
            "cancel": client.v3_delete_order_list,
            "one": client.v3_get_order_list,
            "open": client.get_open_oco_orders,
            "all": client.v3_get_all_order_list,
        }
        with refusals():
            return await calls[question](**fields)


@contextmanager
def refusals():
    try:
        yield
    except BinanceAPIException as error:
        raise Refusal(error.code, error.message) from error
