"""The futures REST API: every endpoint's answer, its weight, and what is refused at the door."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.simulator.futures.conftest import NOON
from trading_system.simulator.calls import Call
from trading_system.simulator.futures.endpoints.table import ENDPOINTS

HOUR = 3_600_000


def last(desk, symbol="BTCUSDT"):
    return desk.exchange.feed.last_trade(symbol, now=desk.now).price


# Public


def test_ping_and_time(desk):
    assert desk.get("v1/ping") == {}
    assert desk.get("v1/time") == {"serverTime": NOON}


def test_exchange_info_lists_contracts_and_limits(desk):
    info = desk.get("v1/exchangeInfo")
    assert [each["symbol"] for each in info["symbols"]] == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    assert info["rateLimits"] == [
        {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
        for kind, interval, number, limit in (
            ("REQUEST_WEIGHT", "MINUTE", 1, 2_400),
            ("ORDERS", "MINUTE", 1, 1_200),
            ("ORDERS", "SECOND", 10, 300),
        )
    ]
    filters = {each["filterType"]: each for each in info["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001"
    assert filters["MIN_NOTIONAL"] == {"notional": "5", "filterType": "MIN_NOTIONAL"}


def test_a_book_has_as_many_levels_as_asked_for_of_those_allowed(desk):
    for limit in (5, 20, 100):
        book = desk.get("v1/depth", symbol="BTCUSDT", limit=limit)
        assert len(book["bids"]) == len(book["asks"]) == limit
    assert book["E"] == book["T"] == NOON
    assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert desk.call("GET", "v1/depth", "symbol=BTCUSDT&limit=7")[1]["code"] == -4021


def test_a_users_order_is_in_the_book(desk):
    best = Decimal(desk.get("v1/depth", symbol="BTCUSDT", limit=5)["bids"][0][0])
    desk.buy("0.01", str(best))
    desk.buy("0.01", str(best - Decimal("0.01")))
    ticker = desk.get("v1/ticker/bookTicker", symbol="BTCUSDT")
    book = desk.get("v1/depth", symbol="BTCUSDT", limit=5)
    assert [ticker["bidPrice"], ticker["bidQty"]] == book["bids"][0]
    theirs = desk.exchange.feed.depth("BTCUSDT", now=desk.now).bids[0].quantity
    assert Decimal(book["bids"][0][1]) == theirs + Decimal("0.01")


def test_trades_are_the_tape(desk):
    told = desk.get("v1/trades", symbol="BTCUSDT", limit=3)
    aggregates = desk.get("v1/aggTrades", symbol="BTCUSDT", limit=3)
    assert [each["id"] for each in told] == [each["a"] for each in aggregates]
    assert Decimal(told[-1]["price"]) == last(desk)
    first = told[0]["id"]
    again = desk.get("v1/aggTrades", symbol="BTCUSDT", limit=3, fromId=first)
    assert again == aggregates
    for end in (NOON, NOON + 9_000):  # nobody is told the future
        assert desk.get("v1/aggTrades", symbol="BTCUSDT", limit=3, endTime=end) == aggregates
    hour = desk.get("v1/aggTrades", symbol="BTCUSDT", limit=1_000, startTime=NOON - 60_000)
    assert hour[-3:] == aggregates
    assert hour[0]["T"] >= NOON - 60_000
    span = {"startTime": NOON - 60_000, "endTime": NOON - 30_000}
    part = desk.get("v1/aggTrades", symbol="BTCUSDT", **span)
    assert part == [each for each in hour if each["T"] <= NOON - 30_000]
    assert (
        desk.call("GET", "v1/aggTrades", "symbol=BTCUSDT&fromId=1&startTime=1")[1]["code"] == -1128
    )


def test_candles_are_the_pairs_own(desk):
    rows = desk.get("v1/klines", symbol="BTCUSDT", interval="1m", limit=3)
    feed = desk.exchange.feed
    assert rows == feed.klines("BTCUSDT", "1m", start=None, end=None, limit=3, now=NOON)
    span = {"startTime": NOON - HOUR, "endTime": NOON - HOUR // 2}
    assert len(desk.get("v1/klines", symbol="BTCUSDT", interval="1m", **span)) == 30
    assert len(desk.get("v1/klines", symbol="BTCUSDT", interval="1m", limit=1_500)) == 1_500
    for query, code in (
        ("interval=1s", -1120),
        ("interval=1m&startTime=1767614400000&endTime=1767614300000", -1023),
        ("", -1102),
    ):
        assert desk.call("GET", "v1/klines", f"symbol=BTCUSDT&{query}")[1]["code"] == code


TICKERS = (
    "v1/premiumIndex",
    "v1/ticker/24hr",
    "v1/ticker/price",
    "v2/ticker/price",
    "v1/ticker/bookTicker",
)


@pytest.mark.parametrize("path", TICKERS)
def test_tickers_are_of_one_symbol_or_of_all(desk, path):
    every = desk.get(path)
    assert [each["symbol"] for each in every] == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    assert desk.get(path, symbol="ETHUSDT") == every[1]


def test_prices_are_the_last_one(desk):
    assert Decimal(desk.get("v1/ticker/price", symbol="BTCUSDT")["price"]) == last(desk)
    assert Decimal(desk.get("v1/premiumIndex", symbol="BTCUSDT")["markPrice"]) == last(desk)
    day = desk.get("v1/ticker/24hr", symbol="BTCUSDT")
    assert Decimal(day["lastPrice"]) == last(desk)
    assert Decimal(day["priceChange"]) == last(desk) - Decimal(day["openPrice"])
    funding = desk.get("v1/premiumIndex", symbol="BTCUSDT")["nextFundingTime"]
    assert funding % (8 * HOUR) == 0
    assert 0 < funding - NOON <= 8 * HOUR


# Who asks, and how often


@pytest.mark.parametrize(
    ("query", "weight"),
    [
        ("v1/ping", 1),
        ("v1/depth?symbol=BTCUSDT&limit=5", 2),
        ("v1/depth?symbol=BTCUSDT", 10),
        ("v1/depth?symbol=BTCUSDT&limit=1000", 20),
        ("v1/klines?symbol=BTCUSDT&interval=1m&limit=99", 1),
        ("v1/klines?symbol=BTCUSDT&interval=1m&limit=100", 2),
        ("v1/klines?symbol=BTCUSDT&interval=1m", 5),
        ("v1/klines?symbol=BTCUSDT&interval=1m&limit=1001", 10),
        ("v1/ticker/24hr?symbol=BTCUSDT", 1),
        ("v1/ticker/24hr", 40),
    ],
)
def test_requests_weigh_what_is_documented(desk, query, weight):
    path, _, query = query.partition("?")
    assert desk.call("GET", path, query)[0] == 200
    assert desk.headers["x-mbx-used-weight-1m"] == str(weight)


def test_more_than_the_weight_of_a_minute_is_refused(desk):
    for _ in range(60):
        desk.get("v1/ticker/24hr")
    assert desk.call("GET", "v1/ping")[0] == 429
    assert desk.headers["Retry-After"] == "60"
    desk.now += 60_000
    assert desk.get("v1/ping") == {}


def test_orders_tell_how_many_were_placed_and_weigh_nothing(desk):
    desk.buy()
    desk.wait()
    ids = {"symbol": "BTCUSDT", "orderId": 1}
    desk.ask("PUT", "v1/order", **ids, side="BUY", price="70001", quantity="0.01")
    assert desk.headers["x-mbx-order-count-10s"] == desk.headers["x-mbx-order-count-1m"] == "3"
    assert desk.headers["x-mbx-used-weight-1m"] == "0"
    limits = desk.ask("GET", "v1/rateLimit/order")
    assert [each["limit"] for each in limits] == [300, 1_200]


def test_too_many_orders_are_refused(desk):
    for _ in range(300):
        desk.exchange.order_counts.add("main", desk.now)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    status, body = desk.signed("POST", "v1/order", **order)
    assert (status, body["code"]) == (429, -1015)
    assert (
        desk.refusal(
            "POST", "v1/algoOrder", algoType="CONDITIONAL", **order | {"type": "STOP_MARKET"}
        )
        == -1015
    )


def test_who_does_not_sign_is_refused(desk):
    assert desk.call("GET", "v3/account")[1]["code"] == -2014
    assert desk.call("GET", "v3/account", api_key="X" * 64)[1]["code"] == -2015
    status, body = desk.call("GET", "v3/account", api_key="K" * 64)
    assert (status, body["code"]) == (400, -1102)
    query = f"timestamp={NOON}&signature={'0' * 64}"
    assert desk.call("GET", "v3/account", query, api_key="K" * 64)[1]["code"] == -1022


def test_a_listen_key_needs_a_key_and_no_signature(desk):
    status, body = desk.call("POST", "v1/listenKey")
    assert (status, body["code"]) == (401, -2014)
    _, started = desk.call("POST", "v1/listenKey", api_key="K" * 64)
    assert desk.call("POST", "v1/listenKey", api_key="K" * 64) == (200, started)
    assert desk.call("PUT", "v1/listenKey", api_key="K" * 64) == (200, started)
    assert desk.call("DELETE", "v1/listenKey", api_key="K" * 64) == (200, {})
    status, body = desk.call("PUT", "v1/listenKey", api_key="K" * 64)
    assert (status, body["code"]) == (400, -1125)


def test_what_is_not_there_is_not_found(desk):
    for method, path in (("GET", "v1/nothing"), ("DELETE", "v1/time"), ("POST", "v1/batchOrders")):
        status, body = desk.call(method, path)
        assert (status, body.startswith("<html>")) == (404, True)


def test_what_nobody_reads_is_refused(desk):
    assert desk.call("GET", "v1/time", "symbol=BTCUSDT")[1]["code"] == -1101


def test_an_error_within_is_answered_and_told_nothing_of(desk, monkeypatch, caplog):
    monkeypatch.setattr(desk.exchange.venue, "handle", lambda *_: 1 / 0)
    status, body = desk.signed("GET", "v3/balance")
    assert (status, body["code"]) == (500, -1000)
    assert "signature" not in caplog.text


# Orders


def test_a_market_order_is_acknowledged_or_told_to_its_end(desk):
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    acknowledged = desk.ask("POST", "v1/order", **market)
    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0.00000")
    told = desk.ask("POST", "v1/order", **market, newOrderRespType="RESULT")
    assert (told["status"], told["executedQty"]) == ("FILLED", "0.01000")
    assert set(told) == set(acknowledged)
    found = desk.ask("GET", "v1/order", symbol="BTCUSDT", orderId=acknowledged["orderId"])
    assert found["status"] == "FILLED"
    assert Decimal(found["avgPrice"]) > 0


def test_the_life_of_a_limit_order(desk):
    order = desk.buy(newClientOrderId="x-cvBPrNm9:a.b/c")
    ids = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert (order["status"], order["price"]) == ("NEW", "70000.00")
    changed = desk.ask("PUT", "v1/order", **ids, side="BUY", price="70001", quantity="0.02")
    assert (changed["price"], changed["origQty"]) == ("70001.00", "0.02000")
    (open_,) = desk.ask("GET", "v1/openOrders", symbol="BTCUSDT")
    assert desk.ask("GET", "v1/openOrder", **ids) == open_
    assert desk.ask("GET", "v1/openOrders") == [open_]
    gone = desk.ask("DELETE", "v1/order", symbol="BTCUSDT", origClientOrderId="x-cvBPrNm9:a.b/c")
    assert gone["status"] == "CANCELED"
    assert desk.ask("GET", "v1/openOrders") == []
    assert desk.refusal("GET", "v1/openOrder", **ids) == -2013
    (told,) = desk.ask("GET", "v1/allOrders", symbol="BTCUSDT")
    assert told["status"] == "CANCELED"


def test_all_open_orders_are_cancelled(desk):
    desk.buy()
    desk.wait()
    done = {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert desk.ask("DELETE", "v1/allOpenOrders", symbol="BTCUSDT") == done
    assert desk.ask("GET", "v1/openOrders") == []
    assert len(desk.ask("GET", "v1/openAlgoOrders")) == 1
    assert desk.ask("DELETE", "v1/algoOpenOrders", symbol="BTCUSDT") == done
    assert desk.ask("GET", "v1/openAlgoOrders") == []


def test_an_order_can_be_rehearsed(desk):
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    assert desk.ask("POST", "v1/order/test", **order) == {}
    assert desk.refusal("POST", "v1/order/test", **order | {"quantity": "0"}) == -4003
    assert desk.ask("GET", "v1/allOrders", symbol="BTCUSDT") == []


def test_orders_and_fills_come_in_pages(desk):
    for _ in range(3):
        desk.buy(price=None)
        desk.now += 1_000
    orders = desk.ask("GET", "v1/allOrders", symbol="BTCUSDT")
    ids = [each["orderId"] for each in orders]
    paged = {
        "limit=2": ids[-2:],
        "orderId=2": ids[1:],
        f"startTime={NOON + 1_000}": ids[1:],
        f"startTime={NOON}&limit=1": ids[:1],
        f"endTime={NOON + 1_000}": ids[:2],
    }
    for query, expected in paged.items():
        fields = dict(pair.split("=") for pair in query.split("&"))
        told = desk.ask("GET", "v1/allOrders", symbol="BTCUSDT", **fields)
        assert [each["orderId"] for each in told] == expected
    week = {"startTime": NOON - 8 * 24 * HOUR, "endTime": NOON}
    assert desk.refusal("GET", "v1/allOrders", symbol="BTCUSDT", **week) == -4166
    fills = desk.ask("GET", "v1/userTrades", symbol="BTCUSDT")
    second = [fill for fill in fills if fill["orderId"] == ids[1]]
    assert desk.ask("GET", "v1/userTrades", symbol="BTCUSDT", orderId=ids[1]) == second
    first = second[0]["id"]
    assert desk.ask("GET", "v1/userTrades", symbol="BTCUSDT", fromId=first, limit=1) == second[:1]
    assert desk.ask("GET", "v1/userTrades", symbol="BTCUSDT", startTime=NOON + 2_000) == [
        fill for fill in fills if fill["orderId"] == ids[2]
    ]
    assert desk.ask("GET", "v1/userTrades", symbol="BTCUSDT", endTime=NOON) == [
        fill for fill in fills if fill["orderId"] == ids[0]
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"side": "LEFT"}, -1117),
        ({"type": "LIMIT_MAKER"}, -1116),
        ({"type": "STOP_MARKET"}, -4120),
        ({"timeInForce": "DAY"}, -1115),
        ({"newClientOrderId": "with blank"}, -4015),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"selfTradePreventionMode": "DECREMENT"}, -1130),
        ({"newOrderRespType": "FULL"}, -1130),
        ({"quantity": "-1"}, -1100),
        ({"symbol": "ETHBTC"}, -1121),
        ({"quantity": "900"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"stopPrice": "60000"}, -1106),
        ({"closePosition": "true"}, -1106),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(desk, fields, code):
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    order |= {"quantity": "0.01", "price": "70000", **fields}
    assert desk.refusal("POST", "v1/order", **order) == code


@pytest.mark.parametrize("path", ["v1/openOrders", "v1/openAlgoOrders", "v3/positionRisk"])
def test_nothing_is_listed_of_a_symbol_that_is_not(desk, path):
    assert desk.refusal("GET", path, symbol="ETHBTC") == -1121


def test_an_order_names_its_one_way_side_and_its_self_trade_mode(desk):
    order = desk.buy(positionSide="BOTH", selfTradePreventionMode="EXPIRE_TAKER", timeInForce="GTX")
    assert (order["positionSide"], order["selfTradePreventionMode"], order["timeInForce"]) == (
        "BOTH",
        "EXPIRE_TAKER",
        "GTX",
    )


def test_the_life_of_an_algo_order(desk):
    algo = desk.wait(clientAlgoId="mine")
    assert (algo["algoStatus"], algo["triggerPrice"]) == ("NEW", "60000.00")
    assert desk.ask("GET", "v1/algoOrder", clientAlgoId="mine") == algo
    assert desk.ask("GET", "v1/openAlgoOrders", symbol="BTCUSDT") == [algo]
    assert desk.ask("DELETE", "v1/algoOrder", algoId=algo["algoId"]) == {
        "algoId": algo["algoId"],
        "clientAlgoId": "mine",
        "code": "200",
        "msg": "success",
    }
    (told,) = desk.ask("GET", "v1/allAlgoOrders", symbol="BTCUSDT")
    assert told["algoStatus"] == "CANCELED"


def test_a_trailing_algo_order_tells_its_rate(desk):
    trailing = {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "TRAILING_STOP_MARKET",
        "quantity": "0.01",
    }
    algo = desk.ask("POST", "v1/algoOrder", **trailing, callbackRate="1.5", activatePrice="200000")
    assert (algo["callbackRate"], algo["activatePrice"]) == ("1.5", "200000.00")
    for wrong, code in (
        ({"algoType": "VP"}, -4500),
        ({"priceProtect": "true", "callbackRate": "1"}, -1014),
        ({"workingType": "MARK_PRICE", "callbackRate": "1"}, -4031),
        ({"callbackRate": "11"}, -2007),
    ):
        assert desk.refusal("POST", "v1/algoOrder", **trailing | wrong) == code


# The account


def test_a_position_and_what_it_binds_is_told_alike_everywhere(desk):
    assert desk.ask("GET", "v3/positionRisk") == []
    desk.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=10)
    desk.buy(price=None)
    (risk,) = desk.ask("GET", "v3/positionRisk")
    mark = last(desk)
    assert (risk["symbol"], risk["positionAmt"]) == ("BTCUSDT", "0.01000")
    assert Decimal(risk["notional"]) == mark * Decimal("0.01")
    assert Decimal(risk["initialMargin"]) == mark * Decimal("0.001")
    assert Decimal(risk["maintMargin"]) == (mark * Decimal("0.00004")).quantize(
        Decimal("0.00000001"), ROUND_HALF_UP
    )
    assert Decimal(risk["unRealizedProfit"]) == (
        (mark - Decimal(risk["entryPrice"])) * Decimal("0.01")
    ).quantize(Decimal("0.00000001"), ROUND_HALF_UP)
    assert desk.ask("GET", "v3/positionRisk", symbol="ETHUSDT") == []
    assert len(desk.ask("GET", "v2/positionRisk")) == 3
    (older,) = desk.ask("GET", "v2/positionRisk", symbol="BTCUSDT")
    for name in ("positionAmt", "entryPrice", "unRealizedProfit", "markPrice"):
        assert older[name] == risk[name]
    assert older["leverage"] == "10"
    account = desk.ask("GET", "v3/account")
    (position,), (asset,) = account["positions"], account["assets"]
    assert position["unrealizedProfit"] == risk["unRealizedProfit"]
    assert asset["initialMargin"] == account["totalInitialMargin"] == risk["initialMargin"]
    (balance,) = desk.ask("GET", "v3/balance")
    assert desk.ask("GET", "v2/balance") == [balance]
    assert balance["balance"] == account["totalWalletBalance"]
    assert balance["availableBalance"] == account["availableBalance"]
    available = Decimal(account["totalMarginBalance"]) - Decimal(account["totalInitialMargin"])
    assert Decimal(account["availableBalance"]) == available
    whole = desk.ask("GET", "v2/account")
    assert {name: whole[name] for name in account if name.startswith("total")} == {
        name: account[name] for name in account if name.startswith("total")
    }
    assert len(whole["positions"]) == 3


def test_nobody_is_told_of_less_than_nothing(make_desk):
    desk = make_desk(wallet="100")
    desk.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=125)
    desk.buy("0.05", None)
    account = desk.exchange.venue.accounts.account("main")
    account.balance = Decimal(1)
    (balance,) = desk.ask("GET", "v3/balance")
    assert balance["availableBalance"] == "0.00000000"


def test_leverage_is_set_and_told(desk):
    told = desk.ask("POST", "v1/leverage", symbol="BTCUSDT", leverage=50)
    assert told == {"leverage": 50, "maxNotionalValue": "12000000", "symbol": "BTCUSDT"}
    (config,) = desk.ask("GET", "v1/symbolConfig", symbol="BTCUSDT")
    assert (config["leverage"], config["marginType"]) == (50, "CROSSED")
    assert len(desk.ask("GET", "v1/symbolConfig")) == 3
    assert desk.refusal("POST", "v1/leverage", symbol="BTCUSDT", leverage=126) == -4028
    assert desk.refusal("POST", "v1/leverage", symbol="ETHBTC", leverage=2) == -1121
    assert desk.refusal("POST", "v1/leverage", symbol="BTCUSDT") == -1102
    (bracket,) = desk.ask("GET", "v1/leverageBracket", symbol="BTCUSDT")
    assert bracket["brackets"][0]["initialLeverage"] == 125
    assert bracket["brackets"][0]["notionalFloor"] == 0


def test_there_is_one_way_mode_and_cross_margin_only(desk):
    assert desk.ask("GET", "v1/positionSide/dual") == {"dualSidePosition": False}
    assert desk.ask("GET", "v1/multiAssetsMargin") == {"multiAssetsMargin": False}
    assert not desk.ask("GET", "v1/accountConfig")["dualSidePosition"]
    for path, fields, code in (
        ("v1/positionSide/dual", {"dualSidePosition": "false"}, -4059),
        ("v1/positionSide/dual", {"dualSidePosition": "true"}, -1020),
        ("v1/positionSide/dual", {}, -1102),
        ("v1/marginType", {"symbol": "BTCUSDT", "marginType": "CROSSED"}, -4046),
        ("v1/marginType", {"symbol": "BTCUSDT", "marginType": "ISOLATED"}, -1020),
        ("v1/marginType", {"symbol": "BTCUSDT", "marginType": "NONE"}, -1130),
    ):
        assert desk.refusal("POST", path, **fields) == code


def test_commission_rates_are_those_that_fills_pay(desk):
    rates = desk.ask("GET", "v1/commissionRate", symbol="BTCUSDT")
    desk.buy(price=None)
    fill = desk.ask("GET", "v1/userTrades", symbol="BTCUSDT")[0]
    paid = Decimal(fill["commission"]) / Decimal(fill["quoteQty"])
    assert paid.quantize(Decimal("0.0001")) == Decimal(rates["takerCommissionRate"])
    assert rates["makerCommissionRate"] == "0.0002"


def test_every_endpoint_refuses_parameters_nobody_reads(desk):
    for method, path in ENDPOINTS:
        call = Call(method=method, path=path, query="nonsense=1", api_key="K" * 64)
        assert desk.api.answer(call, desk.now).status in {400, 401}, path
