from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.model import Refused

BTC = {"symbol": "BTCUSDT"}
BUY = BTC | {"side": "BUY"}
SELL = BTC | {"side": "SELL"}
LIMIT = BUY | {"type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "50000"}
MARKET = BUY | {"type": "MARKET", "quantity": "0.01"}


def test_a_market_order_is_told_in_full(desk):
    told = desk.ask("POST", "order", **MARKET)
    assert list(told) == [
        *("symbol", "orderId", "orderListId", "clientOrderId", "transactTime", "price"),
        *("origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status"),
        *("timeInForce", "type", "side", "workingTime", "fills", "selfTradePreventionMode"),
    ]
    assert told["status"] == "FILLED"
    assert told["executedQty"] == told["origQty"] == "0.01000000"
    assert told["transactTime"] == told["workingTime"] == desk.now
    assert sum(Decimal(fill["qty"]) for fill in told["fills"]) == Decimal("0.01")


@pytest.mark.parametrize(
    ("order", "kind", "tells"),
    [
        (LIMIT, None, "FULL"),
        (LIMIT, "RESULT", "RESULT"),
        (LIMIT, "ACK", "ACK"),
        (SELL | {"type": "LIMIT_MAKER", "quantity": "0.01", "price": "150000"}, None, "ACK"),
        (SELL | {"type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "50000"}, None, "ACK"),
        (SELL | {"type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "50000"}, "FULL", "FULL"),
    ],
)
def test_how_much_is_told_depends_on_type_and_wish(desk, order, kind, tells):
    more = {} if kind is None else {"newOrderRespType": kind}
    told = desk.ask("POST", "order", **order, **more)
    assert ("status" in told, "fills" in told) == (tells != "ACK", tells == "FULL")


def test_an_unknown_kind_of_answer_is_refused_and_nothing_is_placed(desk):
    refusal = desk.signed_refusal("POST", "order", **LIMIT, newOrderRespType="ALL")
    assert refusal == (400, -1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    assert desk.ask("GET", "openOrders") == []


def test_pegged_orders_are_refused(desk):
    refusal = desk.signed_refusal("POST", "order", **LIMIT, pegPriceType="PRIMARY_PEG")
    assert refusal[1:] == (-2010, "Pegged orders are not supported for this symbol.")


def test_parameters_may_stand_in_query_and_body_alike(desk, signature):
    query = f"timestamp={desk.now}&side=BUY"
    body = "symbol=BTCUSDT&type=MARKET&quantity=0.01&side=SELL"
    signed = f"{query}&signature={signature(query + body)}"
    status, told = desk.call("POST", "order", signed, body, api_key="K" * 64)
    assert (status, told["side"]) == (200, "BUY")


def test_an_unread_parameter_stops_an_order_before_it_is_placed(desk):
    status, code, _ = desk.signed_refusal("POST", "order", **LIMIT, reduceOnly="true")
    assert (status, code) == (400, -1104)
    assert desk.ask("GET", "openOrders") == []


def test_successful_orders_weigh_nothing_and_are_counted(desk):
    desk.ask("POST", "order", **LIMIT)
    assert desk.headers["x-mbx-used-weight"] == "0"
    assert desk.headers["x-mbx-order-count-10s"] == "1"
    assert desk.headers["x-mbx-order-count-1d"] == "1"
    desk.ask("POST", "order", **MARKET)
    assert desk.headers["x-mbx-order-count-10s"] == "1"


def test_refused_orders_weigh_and_are_not_counted(desk):
    desk.signed_refusal("POST", "order", **LIMIT | {"price": "0.001"})
    assert desk.headers["x-mbx-used-weight"] == "1"
    assert "x-mbx-order-count-10s" not in desk.headers
    desk.signed_refusal("DELETE", "order", **BTC, orderId=9)
    assert desk.headers["x-mbx-used-weight"] == "2"
    counts = desk.ask("GET", "rateLimit/order")
    assert [(row["interval"], row["count"]) for row in counts] == [("SECOND", 0), ("DAY", 0)]


def test_too_many_unfilled_orders_are_refused(make_desk):
    desk = make_desk(orders_per_10_seconds=1)
    desk.buy()
    status, code, message = desk.signed_refusal("POST", "order", **LIMIT)
    assert (status, code) == (429, -1015)
    assert message == "Too many new orders; current limit is 1 orders per 10 SECOND."
    assert desk.headers["Retry-After"] == "10"
    desk.now += 10_000
    desk.buy()


def test_only_the_first_fill_gives_an_order_back(desk):
    for _ in range(5):
        desk.buy()
    told = desk.ask("POST", "order", **MARKET | {"quantity": "1"})
    assert len(told["fills"]) > 1
    assert desk.headers["x-mbx-order-count-10s"] == "5"


def test_a_fill_as_maker_gives_orders_back(desk, feed):
    last = feed.last_trade("BTCUSDT", now=desk.now)
    for _ in range(3):
        desk.buy()
    price = last.price - Decimal(100)
    order = desk.buy(price=str(price))
    trade = feed.next_trade(
        "BTCUSDT", after=last.id, now=desk.now + 10**8, at_or_below=price, at_or_above=None
    )
    desk.now = trade.time
    desk.buy(price="40000")
    found = desk.ask("GET", "order", **BTC, orderId=order["orderId"])
    assert found["executedQty"] != "0.00000000"
    assert desk.exchange.limits.orders("main", desk.now)[1] == 0


@pytest.mark.parametrize(("fields", "weight"), [({}, 1), ({"computeCommissionRates": "true"}, 20)])
def test_a_rehearsal_is_judged_and_places_nothing(desk, fields, weight):
    told = desk.ask("POST", "order/test", **MARKET, **fields)
    assert desk.headers["x-mbx-used-weight"] == str(weight)
    assert bool(told) == bool(fields)
    assert desk.ask("GET", "allOrders", **BTC) == []
    refusal = desk.signed_refusal("POST", "order/test", **MARKET | {"quantity": "0.000001"})
    assert refusal == (400, -1013, "Filter failure: LOT_SIZE")


def test_an_order_is_found_by_either_id(desk):
    placed = desk.buy(newClientOrderId="mine")
    for ids in ({"orderId": placed["orderId"]}, {"origClientOrderId": "mine"}):
        assert desk.ask("GET", "order", **BTC, **ids)["orderId"] == placed["orderId"]
    both = {"orderId": placed["orderId"], "origClientOrderId": "yours"}
    assert desk.signed_refusal("GET", "order", **BTC, **both)[1] == -2039
    assert desk.signed_refusal("GET", "order", **BTC)[1] == -1102
    assert desk.signed_refusal("GET", "order", **BTC, orderId="x")[1] == -1100
    assert desk.signed_refusal("GET", "order", **BTC, orderId=5) == (
        400,
        -2013,
        "Order does not exist.",
    )


def test_asking_lets_the_market_catch_up(desk, feed):
    last = feed.last_trade("BTCUSDT", now=desk.now)
    price = last.price - Decimal(100)
    desk.buy(quantity="0.0001", price=str(price))
    trade = feed.next_trade(
        "BTCUSDT", after=last.id, now=desk.now + 10**8, at_or_below=price, at_or_above=None
    )
    desk.now = trade.time
    assert desk.ask("GET", "openOrders", **BTC) == []
    (fill,) = desk.ask("GET", "myTrades", **BTC)
    assert (fill["isMaker"], fill["isBuyer"], fill["time"]) == (True, True, trade.time)
    assert desk.ask("GET", "account")["updateTime"] == trade.time


def test_a_cancel_has_an_id_of_its_own(desk):
    placed = desk.buy(newClientOrderId="mine")
    gone = desk.ask(
        "DELETE", "order", **BTC, origClientOrderId="mine", newClientOrderId="away-with-it"
    )
    assert gone["orderId"] == placed["orderId"]
    assert (gone["origClientOrderId"], gone["clientOrderId"]) == ("mine", "away-with-it")
    assert gone["status"] == "CANCELED"
    assert "workingTime" not in gone
    assert "fills" not in gone


@pytest.mark.parametrize(
    ("restriction", "refusal"),
    [
        ("ONLY_NEW", None),
        ("ONLY_PARTIALLY_FILLED", (-2011, "Order was not canceled due to cancel restrictions.")),
        ("ONLY_OLD", -1145),
    ],
)
def test_a_cancel_may_be_restricted(desk, restriction, refusal):
    placed = desk.buy()
    fields = BTC | {"orderId": placed["orderId"], "cancelRestrictions": restriction}
    if refusal is None:
        assert desk.ask("DELETE", "order", **fields)["status"] == "CANCELED"
    else:
        _, code, message = desk.signed_refusal("DELETE", "order", **fields)
        assert refusal in (code, (code, message))


def test_open_orders_of_one_symbol_or_of_all(desk):
    desk.buy()
    other = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    desk.ask("POST", "order", **other, quantity="1", price="2000")
    before = int(desk.headers["x-mbx-used-weight"])
    assert len(desk.ask("GET", "openOrders")) == 2
    assert int(desk.headers["x-mbx-used-weight"]) == before + 80
    assert [o["symbol"] for o in desk.ask("GET", "openOrders", **BTC)] == ["BTCUSDT"]
    assert int(desk.headers["x-mbx-used-weight"]) == before + 86
    gone = desk.ask("DELETE", "openOrders", **BTC)
    assert [o["symbol"] for o in gone] == ["BTCUSDT"]
    assert len(desk.ask("GET", "openOrders")) == 1
    assert desk.signed_refusal("DELETE", "openOrders", **BTC)[1:] == (-2011, "Unknown order sent.")
    assert desk.signed_refusal("GET", "openOrders", symbol="NOPE")[1] == -1121


def test_all_orders_by_id_time_and_number(desk):
    start = desk.now
    ids = []
    for _ in range(4):
        ids.append(desk.buy()["orderId"])
        desk.now += 1_000

    def listed(**fields):
        return [o["orderId"] for o in desk.ask("GET", "allOrders", **BTC, **fields)]

    assert listed() == ids
    assert listed(limit=2) == ids[2:]
    assert listed(orderId=ids[1]) == ids[1:]
    assert listed(orderId=ids[1], limit=2) == ids[1:3]
    assert listed(startTime=start + 1_000, limit=2) == ids[1:3]
    assert listed(endTime=start + 2_000, limit=2) == ids[1:3]
    assert listed(startTime=start + 1_000, endTime=start + 1_000) == [ids[1]]
    refusal = desk.signed_refusal(
        "GET", "allOrders", **BTC, startTime=start - 86_400_001, endTime=start
    )
    assert refusal == (400, -1127, "More than 24 hours between startTime and endTime.")


def test_only_some_questions_about_fills_are_answered(desk):
    start = desk.now
    orders = []
    for _ in range(2):
        orders.append(desk.ask("POST", "order", **MARKET))
        desk.now += 1_000
    ids = [fill["tradeId"] for order in orders for fill in order["fills"]]

    def told(**fields):
        return [fill["id"] for fill in desk.ask("GET", "myTrades", **BTC, **fields)]

    second = orders[1]["orderId"]
    of_second = [fill["tradeId"] for fill in orders[1]["fills"]]
    assert told() == ids
    assert told(limit=1) == ids[-1:]
    assert told(orderId=second) == of_second
    assert told(orderId=second, fromId=of_second[0]) == of_second
    assert told(fromId=ids[0], limit=1) == ids[:1]
    assert told(startTime=start + 1) == of_second
    assert told(endTime=start) == [i for i in ids if i not in of_second]
    assert told(startTime=start, endTime=start) == [i for i in ids if i not in of_second]
    for fields in (
        {"orderId": second, "startTime": start},
        {"fromId": 1, "startTime": start},
        {"fromId": 1, "endTime": start},
        {"orderId": second, "startTime": start, "endTime": start},
    ):
        assert desk.signed_refusal("GET", "myTrades", **BTC, **fields)[1] == -1128


def test_one_orders_fills_are_cheap(desk):
    desk.ask("GET", "myTrades", **BTC, orderId=1)
    assert desk.headers["x-mbx-used-weight"] == "5"
    desk.ask("GET", "myTrades", **BTC)
    assert desk.headers["x-mbx-used-weight"] == "25"


def test_the_account_tells_what_is_free_and_locked(desk):
    desk.buy(quantity="0.02", price="50000")
    told = desk.ask("GET", "account")
    assert told["balances"] == [
        {"asset": "BTC", "free": "10.00000000", "locked": "0.00000000"},
        {"asset": "USDT", "free": "999000.00000000", "locked": "1000.00000000"},
        {"asset": "ETH", "free": "0.00000000", "locked": "0.00000000"},
    ]
    assert told["updateTime"] == desk.now
    told = desk.ask("GET", "account", omitZeroBalances="true")
    assert [b["asset"] for b in told["balances"]] == ["BTC", "USDT"]


def test_commission_and_filters_of_a_symbol(desk):
    told = desk.ask("GET", "account/commission", **BTC)
    assert told["standardCommission"]["taker"] == "0.00100000"
    told = desk.ask("GET", "myFilters", **BTC)
    listed = desk.get("exchangeInfo", "symbol=BTCUSDT")["symbols"][0]["filters"]
    assert told["symbolFilters"] == listed
    assert desk.signed_refusal("GET", "myFilters")[1] == -1102


def test_times_are_told_in_microseconds_where_asked_for(desk):
    status, told = desk.signed("POST", "order", **LIMIT, time_unit="microsecond")
    assert (status, told["transactTime"]) == (200, desk.now * 1000)
    status, told = desk.signed("GET", "account", time_unit="MILLISECOND")
    assert told["updateTime"] == desk.now
    status, told = desk.signed("GET", "account", time_unit="second")
    assert (status, told["code"]) == (400, -1194)


def test_a_stop_order_that_does_not_work_yet_keeps_its_minus_one(desk):
    stop = SELL | {"type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "50000"}
    _, told = desk.signed(
        "POST", "order", **stop, newOrderRespType="RESULT", time_unit="MICROSECOND"
    )
    assert told["workingTime"] == -1


def test_a_bug_is_an_unknown_error_and_no_end(desk, caplog):
    def broken(*_, **__):
        raise RuntimeError("boom")

    desk.exchange.venue.order = broken
    status, told = desk.signed("GET", "order", **BTC, orderId=1)
    assert (status, told["code"]) == (500, -1000)
    assert "boom" in caplog.text
    assert "signature" not in caplog.text
    assert desk.get("ping") == {}


def test_refusals_inside_a_cancel_keep_their_status(desk):
    desk.exchange.venue.order = lambda *_, **__: (_ for _ in ()).throw(
        Refused(-1008, "Busy.", status=503)
    )
    assert desk.signed_refusal("GET", "order", **BTC, orderId=1) == (503, -1008, "Busy.")
