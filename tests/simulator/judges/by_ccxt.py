"""The exchange as stock ccxt sees it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from decimal import Decimal

import ccxt.async_support as ccxt

from tests.simulator.judges.judge import Fill, Market, Outcome, Refusal

_STATUS = {"closed": "FILLED", "canceled": "CANCELED", "expired": "EXPIRED"}
_UNIFIED = {"BTCUSDT": "BTC/USDT", "LTCUSDT": "LTC/USDT", "ETHUSDT": "ETH/USDT"}


class CcxtJudge:
    name = "ccxt"

    def __init__(self, url, api_key, secret, clock) -> None:
        api = f"{url}/api/v3"
        self._ex = ccxt.binance(
            {
                "apiKey": api_key,
                "secret": secret,
                "enableRateLimit": False,
                "urls": {"api": {"public": api, "private": api}},
                "options": {
                    "fetchMarkets": {"types": ["spot"]},
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                },
            }
        )
        self._ex.number = str
        self._ex.timeout_on_exit = 0
        self._ex.milliseconds = lambda: clock.now

    async def close(self):
        await self._ex.close()

    async def markets(self):
        markets = await self._ex.load_markets()
        return {
            m["id"]: Market(
                tick=Decimal(str(m["precision"]["price"])),
                step=Decimal(str(m["precision"]["amount"])),
                min_notional=Decimal(str(m["limits"]["cost"]["min"])),
                active=m["active"],
            )
            for m in markets.values()
        }

    async def server_time(self):
        return await self._ex.fetch_time()

    async def candles(self, symbol, interval, *, start, limit):
        with self._refusals():
            rows = await self._ex.fetch_ohlcv(_UNIFIED[symbol], interval, start, limit)
        return [(row[0], *map(Decimal, map(str, row[1:]))) for row in rows]

    async def last_price(self, symbol):
        return Decimal((await self._ex.fetch_ticker(_UNIFIED[symbol]))["last"])

    async def day(self, symbol):
        ticker = await self._ex.fetch_ticker(_UNIFIED[symbol])
        names = ("open", "high", "low", "last", "baseVolume")
        return tuple(Decimal(ticker[name]) for name in names)

    async def all_prices(self):
        tickers = await self._ex.fetch_last_prices()
        return {t["info"]["symbol"]: Decimal(str(t["price"])) for t in tickers.values()}

    async def book(self, symbol, limit):
        book = await self._ex.fetch_order_book(_UNIFIED[symbol], limit)
        return [[tuple(map(Decimal, map(str, row))) for row in book[s]] for s in ("bids", "asks")]

    async def trades(self, symbol, limit):
        trades = await self._ex.fetch_trades(_UNIFIED[symbol], limit=limit)
        return [(int(t["id"]), Decimal(t["price"]), Decimal(t["amount"])) for t in trades]

    async def balance(self, asset):
        account = (await self._ex.fetch_balance())[asset]
        return Decimal(account["free"]), Decimal(account["used"])

    async def place(self, symbol, side, type_, **more):
        more = dict(more)
        amount, price = more.pop("quantity", None), more.pop("price", None)
        with self._refusals():
            if "quoteOrderQty" in more or "trailingDelta" in more:
                # Unified create_order has its own idea of these two.
                fields = {"symbol": symbol, "side": side, "type": type_, **more}
                fields |= {k: v for k, v in (("quantity", amount), ("price", price)) if v}
                raw = await self._ex.private_post_order(fields | {"newOrderRespType": "FULL"})
                order = self._ex.parse_order(raw, self._ex.market(_UNIFIED[symbol]))
            else:
                order = await self._ex.create_order(
                    _UNIFIED[symbol], type_, side, amount, price, more
                )
        return self._outcome(order)

    async def send(self, **fields):
        """POST order as it stands: create_order rounds what a filter would refuse."""
        with self._refusals():
            return await self._ex.private_post_order(fields)

    async def rehearse(self, **fields):
        with self._refusals():
            return await self._ex.private_post_order_test(fields)

    async def find(self, symbol, order_id):
        with self._refusals():
            return self._outcome(await self._ex.fetch_order(str(order_id), _UNIFIED[symbol]))

    async def cancel(self, symbol, order_id):
        with self._refusals():
            return self._outcome(await self._ex.cancel_order(str(order_id), _UNIFIED[symbol]))

    async def cancel_all(self, symbol):
        with self._refusals():
            orders = await self._ex.cancel_all_orders(_UNIFIED[symbol])
        return [self._outcome(order) for order in orders]

    async def open_orders(self, symbol):
        return [self._outcome(o) for o in await self._ex.fetch_open_orders(_UNIFIED[symbol])]

    async def all_orders(self, symbol):
        return [self._outcome(o) for o in await self._ex.fetch_orders(_UNIFIED[symbol])]

    async def fills(self, symbol):
        return [_fill(trade) for trade in await self._ex.fetch_my_trades(_UNIFIED[symbol])]

    async def replace(self, symbol, order_id, *, side, quantity, price, allow_failure=False):
        with self._refusals():
            if allow_failure:
                raw = await self._ex.private_post_order_cancelreplace(
                    {
                        "symbol": symbol,
                        "side": side,
                        "type": "LIMIT",
                        "timeInForce": "GTC",
                        "quantity": quantity,
                        "price": price,
                        "cancelReplaceMode": "ALLOW_FAILURE",
                        "cancelOrderId": order_id,
                    }
                )
                market = self._ex.market(_UNIFIED[symbol])
                return self._outcome(self._ex.parse_order(raw["newOrderResponse"], market))
            order = await self._ex.edit_order(
                str(order_id), _UNIFIED[symbol], "limit", side, quantity, price
            )
        return self._outcome(order)

    async def amend(self, symbol, order_id, quantity):
        """It has no method of its own for this."""
        fields = {"symbol": symbol, "orderId": order_id, "newQty": quantity}
        with self._refusals():
            told = await self._ex.request("order/amend/keepPriority", ["private"], "PUT", fields)
        return told["amendedOrder"]

    async def amendments(self, symbol, order_id):
        fields = {"symbol": symbol, "orderId": order_id}
        with self._refusals():
            return await self._ex.request("order/amendments", ["private"], "GET", fields)

    async def prevented(self, symbol, order_id):
        with self._refusals():
            return await self._ex.private_get_mypreventedmatches(
                {"symbol": symbol, "orderId": order_id}
            )

    async def lists(self, question, **fields):
        """Order lists, which ccxt has no unified words for."""
        calls = {
            "oco": self._ex.private_post_orderlist_oco,
            "oto": self._ex.private_post_orderlist_oto,
            "otoco": self._ex.private_post_orderlist_otoco,
            "old oco": self._ex.private_post_order_oco,
            "cancel": self._ex.private_delete_orderlist,
            "one": self._ex.private_get_orderlist,
            "open": self._ex.private_get_openorderlist,
            "all": self._ex.private_get_allorderlist,
        }
        with self._refusals():
            return await calls[question](fields)

    @contextmanager
    def _refusals(self):
        """For some refusals ccxt's message is only the reason; the code stands in the answer."""
        try:
            yield
        except ccxt.BaseError as error:
            body = json.loads(self._ex.last_http_response)
            raise Refusal(body["code"], body["msg"]) from error

    def _outcome(self, order):
        filled = Decimal(order["filled"] or 0)
        status = _STATUS.get(order["status"], "PARTIALLY_FILLED" if filled else "NEW")
        return Outcome(
            id=int(order["id"]),
            client_id=order["info"].get("origClientOrderId") or order["clientOrderId"],
            status=status,
            executed=filled,
            quote=Decimal(order["cost"] or 0),
            fills=[_fill(trade) for trade in order["trades"]],
        )


def _fill(trade):
    return Fill(
        Decimal(trade["price"]),
        Decimal(trade["amount"]),
        Decimal(trade["fee"]["cost"]),
        trade["fee"]["currency"],
    )
