"""Field names and JSON types against answers the real exchange has given.

The real one has added fields over the years, so every recorded field must be here, of the same
type, while ours may have the newer ones too.
"""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import binance_common.utils
import pytest

from tests.simulator.judges.judge import Refusal

RECORDED = Path(__file__).parents[4] / "shared/data/rest"

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the project"),
]

BTC = {"symbol": "BTCUSDT"}
FAR = BTC | {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
FAR |= {"price": "150000"}
NO_LONGER_SENT = {"/symbols[]/permissions[]"}
"""Fields that became empty: permissions moved into permissionSets."""


def recorded(name):
    return json.loads((RECORDED / name).read_text())


def cassettes(path, method="GET"):
    """Whole answers of the spot API, successful ones, newest fields or not."""
    for entry in recorded("http_cassettes.json"):
        url = entry["request"]["url"].partition("?")[0]
        if entry["request"]["method"] == method and url.endswith(f"/api/v3/{path}"):
            body = entry["response"]["body"]
            if entry["response"]["status"] == 200:
                yield json.loads(body) if isinstance(body, str) else body


def shape(value, path=""):
    """Every leaf's path and JSON type; list elements share one path."""
    if isinstance(value, dict):
        return {leaf for key, inner in value.items() for leaf in shape(inner, f"{path}/{key}")}
    if isinstance(value, list):
        return {leaf for inner in value for leaf in shape(inner, f"{path}[]")}
    return {(path, type(value).__name__)}


def missing(ours, theirs):
    return {leaf for leaf in shape(theirs) - shape(ours) if leaf[0] not in NO_LONGER_SENT}


@pytest.fixture
async def plain(official, exchange):
    """Unsigned GET, without any client in between."""
    async with aiohttp.ClientSession(exchange.url) as http:

        async def get(path):
            async with http.get(f"/api/v3/{path}") as answer:
                return await answer.json()

        yield get


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("ping", ""),
        ("time", ""),
        ("depth", "symbol=BTCUSDT&limit=5"),
        ("trades", "symbol=BTCUSDT&limit=5"),
        ("historicalTrades", "symbol=BTCUSDT&limit=5"),
        ("klines", "symbol=BTCUSDT&interval=1m&limit=5"),
        ("ticker/24hr", "symbol=BTCUSDT"),
        ("ticker/price", ""),
        ("exchangeInfo", ""),
    ],
)
async def test_public_answers_have_every_recorded_field(plain, path, query):
    ours = await plain(f"{path}?{query}")
    theirs = list(cassettes(path))
    assert theirs
    filters_of_then = {"PERCENT_PRICE", "MIN_NOTIONAL"}
    for body in theirs:
        for symbol in body.get("symbols", []) if isinstance(body, dict) else []:
            symbol["filters"] = [
                f for f in symbol["filters"] if f["filterType"] not in filters_of_then
            ]
        assert missing(ours, body) == set()


async def test_exchange_info_has_the_filters_of_today(plain):
    ours = (await plain("exchangeInfo?symbol=BTCUSDT"))["symbols"][0]
    for theirs in recorded("spot_exchangeInfo_symbols_ccxt.json"):
        # ccxt wrote these down as texts throughout; names and order are real.
        names = [entry["filterType"] for entry in theirs["filters"]]
        filters = {entry["filterType"]: entry for entry in ours["filters"]}
        assert [name for name in filters if name in names] == names
        for entry in theirs["filters"]:
            assert list(filters[entry["filterType"]]) == list(entry)
        assert theirs.keys() - ours.keys() == set()


async def test_account_has_every_recorded_field(official):
    ours = await official.ask("get_account")
    theirs = [*cassettes("account"), *(b for b in _basana() if "balances" in b)]
    for body in theirs:
        assert missing(ours, body) == set()


async def test_new_orders_have_every_recorded_field(official):
    ours = await official.ask("new_order", **FAR)
    filled = await official.ask("new_order", **BTC, side="BUY", type="MARKET", quantity="0.01")
    theirs = [*cassettes("order", "POST"), *(b for b in _basana() if "fills" in b)]
    assert theirs
    for body in theirs:
        assert missing(filled if body.get("fills") else ours, body) == set()


async def test_queried_orders_have_every_recorded_field(official):
    placed = await official.ask("new_order", **FAR)
    ours = await official.ask("get_order", **BTC, orderId=placed["orderId"])
    opened = await official.ask("get_open_orders")
    theirs = [*cassettes("order"), *(b for b in _basana() if "isWorking" in b)]
    assert theirs
    for body in theirs:
        assert missing(ours, body) == set()
    for body in [*cassettes("openOrders"), *(b for b in _basana() if isinstance(b, list))]:
        if body and "isWorking" in body[0]:
            assert missing(opened, body) == set()


async def test_cancelled_orders_have_every_recorded_field(official):
    placed = await official.ask("new_order", **FAR)
    ours = await official.ask("delete_order", **BTC, orderId=placed["orderId"])
    theirs = list(cassettes("order", "DELETE"))
    theirs += [b for b in _basana() if "origClientOrderId" in b]
    assert theirs
    for body in theirs:
        assert missing(ours, body) == set()


async def test_fills_have_every_recorded_field(official):
    await official.ask("new_order", **BTC, side="BUY", type="MARKET", quantity="0.01")
    ours = await official.ask("my_trades", **BTC)
    theirs = [b for b in _basana() if isinstance(b, list) and "isBuyer" in b[0]]
    assert theirs
    for body in theirs:
        assert missing(ours, body) == set()


async def test_todays_answers_have_exactly_the_recorded_fields(official, plain):
    """Of 2023 to 2025; ccxt kept them with whole numbers as texts, so only names count."""
    placed = await official.ask("new_order", **FAR, icebergQty="0.005")
    await official.ask("new_order", **BTC, side="BUY", type="MARKET", quantity="0.01")
    ours = {
        "POST /api/v3/order": placed,
        "GET /api/v3/order": await official.ask("get_order", **BTC, orderId=placed["orderId"]),
        "GET /api/v3/openOrders": await official.ask("get_open_orders"),
        "GET /api/v3/allOrders": await official.ask("all_orders", **BTC),
        "GET /api/v3/myTrades": await official.ask("my_trades", **BTC),
        "GET /api/v3/account": await official.ask("get_account"),
        "GET /api/v3/aggTrades": await plain("aggTrades?symbol=BTCUSDT"),
        "GET /api/v3/ticker/24hr": await plain("ticker/24hr?symbol=BTCUSDT"),
    }
    seen = set()
    for entry in recorded("ccxt_recorded_responses.json"):
        endpoint = entry["endpoint_guess"]
        if endpoint in ours:
            seen.add(endpoint)
            assert _names(ours[endpoint]) == _names(entry["httpResponse"]), endpoint
    assert seen == ours.keys()


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("new_order", FAR | {"quantity": "5000"}),
        ("new_order", FAR | {"quantity": "0.000001"}),
        ("new_order", FAR | {"quantity": "0.00001"}),
        (
            "new_order",
            BTC | {"side": "SELL", "type": "LIMIT_MAKER", "quantity": "1", "price": "60000"},
        ),
        ("get_order", BTC | {"orderId": 5}),
        ("get_account", {"recvWindow": 0}),
    ],
)
async def test_refusals_are_worded_as_recorded(official, clock, method, fields):
    known = [json.loads(e["body"]) for e in recorded("errors_seen_in_issues.json")[:-3]]
    binance_common.utils.get_timestamp = lambda: clock.now - 1
    with pytest.raises(Refusal) as refusal:
        await official.ask(method, **fields)
    assert {"code": refusal.value.code, "msg": refusal.value.message} in known


def _basana():
    return [
        entry["body"]
        for entry in recorded("spot_orders_basana.json")
        if not (isinstance(entry["body"], dict) and "contingencyType" in entry["body"])
    ]


def _names(body):
    return {path for path, _ in shape(body)}
