from __future__ import annotations

import aiohttp
import pytest

from trading_system.simulator.endpoints.table import ENDPOINTS
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.ws_api.methods import EQUIVALENTS
from trading_system.simulator.ws_api.session import METHODS

NOON = 1_767_614_400_250
MINUTE = 60_000
BTC = {"symbol": "BTCUSDT"}
MORE = {
    "klines": {"interval": "1m"},
    "uiKlines": {"interval": "1m"},
    "order.test": {"side": "BUY", "type": "MARKET", "quantity": "0.01"},
}
SAME_ANSWER = [
    *("depth", "trades.recent", "trades.historical", "trades.aggregate", "klines", "uiKlines"),
    *("avgPrice", "ticker.24hr", "ticker.tradingDay", "ticker", "ticker.price", "ticker.book"),
    *("executionRules", "openOrders.status", "allOrders", "account.commission", "myTrades"),
    *("myFilters", "order.test"),
]


def used(answer):
    """Kind and length of each limit, and its count."""
    return {(row["rateLimitType"], row["interval"]): row["count"] for row in answer["rateLimits"]}


async def test_a_public_method_needs_no_key(client):
    assert await client.call("time") == {
        "id": 1,
        "status": 200,
        "result": {"serverTime": NOON},
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": 6000,
                "count": 3,  # connecting costs two
            }
        ],
    }
    assert (await client.call("v3/ping"))["result"] == {}


@pytest.mark.parametrize("method", SAME_ANSWER)
async def test_an_answer_is_that_of_rest(venue, client, method):
    verb, path = EQUIVALENTS[method]
    params = {**BTC, **MORE.get(method, {})}
    if ENDPOINTS[verb, path].signed:
        here = (await client.signed(method, **params))["result"]
        _, there = await venue.rest(verb, path.removeprefix("/api/v3/"), **params)
    else:
        here = (await client.call(method, **params))["result"]
        there = await venue.get(path, **params)
    assert here == there


@pytest.mark.parametrize("method", ["account.status", "account.rateLimits.orders"])
async def test_an_answer_about_the_account_is_that_of_rest(venue, client, method):
    verb, path = EQUIVALENTS[method]
    _, there = await venue.rest(verb, path.removeprefix("/api/v3/"))
    assert await client.result(method) == there


async def test_lists_of_symbols_are_json(client):
    answer = await client.call("ticker.price", symbols=["BTCUSDT", "ETHUSDT"])
    assert [row["symbol"] for row in answer["result"]] == ["BTCUSDT", "ETHUSDT"]


async def test_its_exchange_info_lists_connections_instead_of_raw_requests(venue, client):
    here = (await client.call("exchangeInfo", **BTC))["result"]
    there = await venue.get("/api/v3/exchangeInfo", **BTC)
    assert here["symbols"] == there["symbols"]
    assert here["rateLimits"] == [
        *there["rateLimits"][:3],
        {"rateLimitType": "CONNECTIONS", "interval": "MINUTE", "intervalNum": 5, "limit": 300},
    ]


@pytest.mark.parametrize(
    ("method", "code"),
    [("order.place", -1102), ("nonsense", -1020), ("orderList.place.opo", -1020), ("depth", -1102)],
)
async def test_what_cannot_be_done_is_refused(client, method, code):
    answer = await client.call(method)
    assert answer["status"] == 400
    assert answer["error"]["code"] == code
    assert answer["error"]["msg"]


async def test_what_is_no_request_is_answered_too(client):
    await client.send("ping")
    answer = await client.receive()
    assert (answer["id"], answer["status"]) == (None, 400)
    assert answer["error"] == {"code": -1135, "msg": "Invalid JSON Request"}
    await client.send('{"id":"x","method":5}')
    assert (await client.receive())["id"] == "x"
    assert (await client.call("ping"))["status"] == 200


async def test_an_order_lives_its_whole_life_here(client):
    order = await client.buy(newClientOrderId="mine")
    assert order["status"] == "NEW"
    found = await client.result("order.status", **BTC, origClientOrderId="mine")
    assert found["orderId"] == order["orderId"]
    gone = await client.result("order.cancel", **BTC, orderId=order["orderId"])
    assert gone["status"] == "CANCELED"
    assert await client.refusal("order.cancel", **BTC, orderId=1) == (400, -2011)


async def test_numbers_and_flags_are_signed_as_written(client):
    """A flag as ccxt signs it, and a quantity as binance-connector sends it."""
    params = client.sign(
        {**BTC, "side": "BUY", "type": "MARKET", "quantity": 0.01, "returnRateLimits": False}
    )
    answer = await client.call_with("order.place", params)
    assert answer["status"] == 200
    assert "rateLimits" not in answer


async def test_a_wrong_signature_is_refused(client):
    params = client.sign(BTC)
    assert (await client.call_with("allOrders", params | {"limit": 5}))["error"]["code"] == -1022


async def test_cancel_all_and_cancel_replace(client):
    order = await client.buy()
    both = await client.result(
        "order.cancelReplace",
        **BTC,
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=order["orderId"],
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price="40000",
    )
    assert (both["cancelResult"], both["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    gone = await client.result("openOrders.cancelAll", **BTC)
    assert [each["status"] for each in gone] == ["CANCELED"]
    failed = await client.signed(
        "order.cancelReplace",
        **BTC,
        cancelReplaceMode="ALLOW_FAILURE",
        cancelOrderId=order["orderId"],
        side="BUY",
        type="LIMIT",
        timeInForce="GTC",
        quantity="0.01",
        price="40000",
    )
    assert (failed["status"], failed["error"]["code"]) == (409, -2021)
    assert failed["error"]["data"]["newOrderResult"] == "SUCCESS"


class TestLimits:
    async def test_an_order_that_succeeds_is_free_and_counted(self, venue, client):
        await client.buy()
        placed = client.frames[-1]
        assert used(placed) == {
            ("ORDERS", "SECOND"): 1,
            ("ORDERS", "DAY"): 1,
            ("REQUEST_WEIGHT", "MINUTE"): 2,
        }
        status, _ = await venue.rest("POST", "order", **BTC, side="BUY", type="MARKET", quantity=1)
        assert status == 200
        await client.buy()
        assert used(client.frames[-1])["ORDERS", "DAY"] == 2  # the market order filled: given back
        refused = await client.signed("order.place", **BTC, side="BUY", type="LIMIT")
        assert used(refused) == {("REQUEST_WEIGHT", "MINUTE"): 3}

    async def test_weight_is_one_with_that_of_rest_and_of_other_connections(self, venue, client):
        await venue.get("/api/v3/depth", **BTC)
        other = await venue.connect()
        await other.call("klines", **BTC, interval="1m")
        assert used(await client.call("ping")) == {("REQUEST_WEIGHT", "MINUTE"): 2 + 5 + 2 + 2 + 1}

    async def test_the_methods_of_a_session_weigh_two(self, client):
        before = used(await client.call("ping"))["REQUEST_WEIGHT", "MINUTE"]
        for method in ("session.status", "session.subscriptions", "session.logout"):
            await client.call(method)
        after = used(await client.call("ping"))["REQUEST_WEIGHT", "MINUTE"]
        assert after == before + 3 * 2 + 1

    @pytest.mark.parametrize(
        ("url", "param", "shown"),
        [
            ("", None, True),
            ("", False, False),
            ("?returnRateLimits=false", None, False),
            ("?returnRateLimits=false", True, True),
        ],
    )
    async def test_limits_are_shown_unless_unwanted(self, venue, url, param, shown):
        client = await venue.connect(url)
        params = {} if param is None else {"returnRateLimits": param}
        assert ("rateLimits" in await client.call("ping", **params)) is shown
        status = (await client.call("session.status"))["result"]
        assert status["returnRateLimits"] is not bool(url)

    async def test_too_much_weight_is_refused_until_the_minute_is_over(self, open_venue):
        async with open_venue(limits=LimitSettings(weight_per_minute=10)) as venue:
            client = await venue.connect()
            assert (await client.call("depth", **BTC))["status"] == 200
            refused = await client.call("depth", **BTC)
            assert refused["status"] == 429
            assert refused["error"]["code"] == -1003
            retry = refused["error"]["data"]
            assert retry["serverTime"] == NOON
            assert NOON + MINUTE - 250 <= retry["retryAfter"] < NOON + MINUTE + 1_000
            venue.clock.now = retry["retryAfter"]
            assert (await client.call("ping"))["status"] == 200

    async def test_a_ban_is_told_and_ends_the_connection(self, open_venue):
        limits = LimitSettings(weight_per_minute=5, refusals_before_ban=1)
        async with open_venue(limits=limits) as venue:
            client = await venue.connect()
            statuses = [(await client.call("depth", **BTC))["status"] for _ in range(2)]
            assert statuses == [429, 418]
            assert client.frames[1]["error"]["data"]["retryAfter"] >= NOON + 120_000
            assert await client.ended() == 1008
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await venue.connect()
            assert caught.value.status == 418
            assert int(caught.value.headers["Retry-After"]) == 120

    async def test_too_many_connections_are_refused(self, open_venue):
        limits = LimitSettings(connections_per_5_minutes=2)
        async with open_venue(limits=limits) as venue:
            client = await venue.connect()
            listed = (await client.call("exchangeInfo", **BTC))["result"]["rateLimits"]
            assert listed[-1]["limit"] == 2
            await venue.connect()
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await venue.connect()
            assert caught.value.status == 429
            assert int(caught.value.headers["Retry-After"]) <= 300

    async def test_too_many_orders_are_refused(self, open_venue):
        async with open_venue(limits=LimitSettings(orders_per_10_seconds=1)) as venue:
            client = await venue.connect()
            await client.buy()
            order = {**BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
            refused = await client.signed("order.place", **order, quantity="0.01", price="50000")
            assert (refused["status"], refused["error"]["code"]) == (429, -1015)
            assert refused["error"]["data"]["retryAfter"] == NOON + 10_000


async def test_a_connection_may_ask_often(client):
    """The five messages a second are a rule of the market streams, not of this API."""
    for number in range(50):
        await client.send({"id": number, "method": "ping"})
    assert [(await client.receive())["id"] for _ in range(50)] == list(range(50))


async def test_times_may_be_microseconds(venue):
    client = await venue.connect("?timeUnit=MICROSECOND")
    assert (await client.call("time"))["result"]["serverTime"] == NOON * 1000
    assert (await client.call("session.status"))["result"]["serverTime"] == NOON * 1000
    await client.result("userDataStream.subscribe.signature")
    await client.buy()
    assert (await client.event(0))["T"] == NOON * 1000


async def test_a_unit_of_time_that_is_none_is_refused_at_the_door(venue):
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await venue.connect("?timeUnit=fortnight")
    assert caught.value.status == 400


async def test_every_method_has_an_answer(client):
    """Whatever is sent, a frame comes back that says what is wrong with it."""
    for method in [*EQUIVALENTS, *METHODS]:
        answer = await client.call(method)
        assert answer["status"] in {200, 400, 401}, (method, answer)
        assert ("result" in answer) is (answer["status"] == 200)


async def test_a_bug_ends_one_request_and_not_the_exchange(venue, client, caplog):
    def fail(*_):
        raise ZeroDivisionError

    venue.running.exchange.handle = fail
    answer = await client.signed("openOrders.cancelAll", **BTC)
    assert (answer["status"], answer["error"]["code"]) == (500, -1000)
    assert "ZeroDivisionError" in caplog.text
    assert "signature" not in caplog.text
    assert (await client.call("ping"))["status"] == 200
