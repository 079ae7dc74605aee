"""The exchange as Binance's own SDK sees it: every answer must fit its models to the letter."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from contextlib import contextmanager
from decimal import Decimal

import binance_common.utils
from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import Error
from binance_sdk_spot.spot import Spot
from pydantic import BaseModel

from tests.simulator.judges.judge import Fill, Refusal, market, outcome

CONDITIONAL = {
    "icebergQty",
    "preventedMatchId",
    "preventedMatches",
    "preventedQuantity",
    "takerPreventedQuantity",
    "makerPreventedQuantity",
    "stopPrice",
    "strategyId",
    "strategyType",
    "trailingDelta",
    "trailingTime",
    "usedSor",
    "workingFloor",
    "pegPriceType",
    "pegOffsetType",
    "pegOffsetValue",
    "peggedPrice",
    "expiryReason",
}
"""Fields that appear in orders under conditions only; some of the SDK's models leave them out."""

NEVER_IN_JSON = {"priceExponent", "qtyExponent", "multiplierExponent"}
"""Fields of the binary encoding that its models share with JSON."""

SOMETIMES = {
    "ExchangeInfoResponse": {"sors"},
    "OrderAmendKeepPriorityResponse": {"listStatus"},
    "OrderAmendKeepPriorityResponseResult": {"listStatus"},
    "MyFiltersResponse": {"rateLimits"},
    "MyFiltersResponseRateLimitsInner": {"count"},
}
"""What the documentation calls optional."""

UNMODELLED = {
    "DeleteOrderListResponseOrderReportsInner": {"selfTradePreventionMode"},
    "OrderListOcoResponseOrderReportsInner": {"fills"},
    "OrderListOtoResponseOrderReportsInner": {"fills"},
    "OrderListOtocoResponseOrderReportsInner": {"fills"},
}
"""What the documentation has and the SDK's models forgot."""


class OfficialJudge:
    name = "binance-sdk-spot"

    def __init__(self, url, api_key, secret, clock, *, time_unit=None) -> None:
        configuration = ConfigurationRestAPI(
            api_key=api_key,
            api_secret=secret,
            base_path=url,
            timeout=10_000,
            retries=0,
            time_unit=time_unit,
        )
        self._api = Spot(config_rest_api=configuration).rest_api
        self._heard = threading.local()
        self._api._session.hooks["response"] = [self._hear]
        self._time_of_day = binance_common.utils.get_timestamp
        binance_common.utils.get_timestamp = clock
        self.complaints: list[str] = []

    async def close(self):
        binance_common.utils.get_timestamp = self._time_of_day
        self._api._session.close()

    def _hear(self, response, *_, **__):
        self._heard.answer = response

    async def ask(self, name, **fields):
        """Call a method of the SDK; the plain JSON of its answer, checked against its model."""
        return await asyncio.to_thread(self._ask, name, fields)

    def _ask(self, name, fields):
        with self._logged(), refusals():
            answer = getattr(self._api, name)(**{_snake(k): v for k, v in fields.items()})
            model = answer.data()
        plain = self._heard.answer.json()
        optional = LACKING.get(fields.get("newOrderRespType"), CONDITIONAL)
        if name == "new_order" and "status" not in plain:
            optional = LACKING["ACK"]
        if fields.get("type") != "MINI":
            self.complaints += compare(model, plain, optional=optional)
        return plain

    @contextmanager
    def _logged(self):
        """Whatever the SDK logs is a complaint."""
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: self.complaints.append(record.getMessage())
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)

    async def markets(self):
        info = await self.ask("exchange_info")
        return {entry["symbol"]: market(entry) for entry in info["symbols"]}

    async def server_time(self):
        return (await self.ask("time"))["serverTime"]

    async def candles(self, symbol, interval, *, start, limit):
        rows = await self.ask(
            "klines", symbol=symbol, interval=interval, startTime=start, limit=limit
        )
        return [(row[0], *map(Decimal, row[1:6])) for row in rows]

    async def last_price(self, symbol):
        return Decimal((await self.ask("ticker_price", symbol=symbol))["price"])

    async def day(self, symbol):
        t = await self.ask("ticker24hr", symbol=symbol)
        names = ("openPrice", "highPrice", "lowPrice", "lastPrice", "volume")
        return tuple(Decimal(t[name]) for name in names)

    async def all_prices(self):
        return {t["symbol"]: Decimal(t["price"]) for t in await self.ask("ticker_price")}

    async def book(self, symbol, limit):
        book = await self.ask("depth", symbol=symbol, limit=limit)
        return [[tuple(map(Decimal, row)) for row in book[side]] for side in ("bids", "asks")]

    async def trades(self, symbol, limit):
        trades = await self.ask("get_trades", symbol=symbol, limit=limit)
        return [(t["id"], Decimal(t["price"]), Decimal(t["qty"])) for t in trades]

    async def balance(self, asset):
        account = await self.ask("get_account")
        found = next(b for b in account["balances"] if b["asset"] == asset)
        return Decimal(found["free"]), Decimal(found["locked"])

    async def place(self, symbol, side, type_, **more):
        fields = {"symbol": symbol, "side": side, "type": type_, "newOrderRespType": "FULL", **more}
        if type_ == "LIMIT":
            fields.setdefault("timeInForce", "GTC")
        return outcome(await self.send(**fields))

    async def send(self, **fields):
        return await self.ask("new_order", **fields)

    async def rehearse(self, **fields):
        return await self.ask("order_test", **fields)

    async def find(self, symbol, order_id):
        return outcome(await self.ask("get_order", symbol=symbol, orderId=order_id))

    async def cancel(self, symbol, order_id):
        return outcome(await self.ask("delete_order", symbol=symbol, orderId=order_id))

    async def cancel_all(self, symbol):
        return [outcome(order) for order in await self.ask("delete_open_orders", symbol=symbol)]

    async def open_orders(self, symbol):
        return [outcome(order) for order in await self.ask("get_open_orders", symbol=symbol)]

    async def all_orders(self, symbol):
        return [outcome(order) for order in await self.ask("all_orders", symbol=symbol)]

    async def fills(self, symbol):
        return [
            Fill(
                Decimal(t["price"]),
                Decimal(t["qty"]),
                Decimal(t["commission"]),
                t["commissionAsset"],
            )
            for t in await self.ask("my_trades", symbol=symbol)
        ]

    async def replace(self, symbol, order_id, *, side, quantity, price, allow_failure=False):
        answer = await self.ask(
            "order_cancel_replace",
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
        told = await self.ask(
            "order_amend_keep_priority", symbol=symbol, orderId=order_id, newQty=quantity
        )
        return told["amendedOrder"]

    async def amendments(self, symbol, order_id):
        return await self.ask("order_amendments", symbol=symbol, orderId=order_id)

    async def prevented(self, symbol, order_id):
        return await self.ask("my_prevented_matches", symbol=symbol, orderId=order_id)

    async def lists(self, question, **fields):
        names = {
            "oco": "order_list_oco",
            "oto": "order_list_oto",
            "otoco": "order_list_otoco",
            "old oco": "order_oco",
            "cancel": "delete_order_list",
            "one": "get_order_list",
            "open": "open_order_list",
            "all": "all_order_list",
        }
        return await self.ask(names[question], **fields)


LACKING = {
    "ACK": CONDITIONAL
    | {
        *("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status"),
        *("timeInForce", "type", "side", "workingTime", "selfTradePreventionMode", "fills"),
    },
    "RESULT": CONDITIONAL | {"fills"},
}
"""What the shorter answers about a new order do not tell."""


def compare(model, plain, *, optional=CONDITIONAL, path=""):
    """Every field of the plain answer that its model lacks, and of the model that it lacks."""
    model = getattr(model, "actual_instance", None) or model
    if isinstance(plain, list):
        if not isinstance(model, list):
            return [f"{path}: a list where {type(model).__name__} was expected"]
        pairs = enumerate(zip(model, plain, strict=True))
        return [
            c for i, (m, p) in pairs for c in compare(m, p, optional=optional, path=f"{path}[{i}]")
        ]
    if not isinstance(plain, dict) or not plain:
        return []
    if not isinstance(model, BaseModel):
        return [f"{path}: {type(model).__name__} where a model was expected"]
    name = type(model).__name__
    fields = {info.alias or key: key for key, info in type(model).model_fields.items()}
    fields.pop("additional_properties", None)
    lacking = fields.keys() - plain.keys() - optional - NEVER_IN_JSON - SOMETIMES.get(name, set())
    found = [f"{path}: {name} lacks {field}" for field in sorted(lacking)]
    known = CONDITIONAL | UNMODELLED.get(name, set())
    for field, value in plain.items():
        if field not in fields:
            found += [] if field in known else [f"{path}: {name} has unknown {field}"]
        else:
            inner = getattr(model, fields[field])
            found += compare(inner, value, optional=optional, path=f"{path}.{field}")
    return found


def _snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@contextmanager
def refusals():
    try:
        yield
    except Error as error:
        raise Refusal(error.status_code, error.error_message) from error
