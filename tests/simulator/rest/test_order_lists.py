"""Order lists over REST: what is answered, asked, counted and weighed, and done again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.command_log import CommandLog
from trading_system.simulator.exchange_info import exchange_filters
from trading_system.simulator.filters import ExchangeLimits

BTC = {"symbol": "BTCUSDT"}
STATUS = {
    *("orderListId", "contingencyType", "listStatusType", "listOrderStatus"),
    *("listClientOrderId", "transactionTime", "symbol", "orders"),
}
ACK = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
RESULT = ACK | {
    *("price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status"),
    *("timeInForce", "type", "side", "workingTime", "selfTradePreventionMode"),
}
CANCELLED = (RESULT | {"origClientOrderId"}) - {"workingTime"}


def at(desk, factor):
    """The last price times a factor, in whole units."""
    last = desk.feed.last_trade("BTCUSDT", now=desk.now).price
    return str((last * Decimal(factor)).quantize(Decimal(1)))


def pair(desk, prefix="", **more):
    """A sell high above the market and a stop loss far below it."""
    above, below = ("pendingAbove", "pendingBelow") if prefix else ("above", "below")
    return {
        f"{above}Type": "LIMIT_MAKER",
        f"{above}Price": at(desk, "1.5"),
        f"{below}Type": "STOP_LOSS_LIMIT",
        f"{below}Price": at(desk, "0.6"),
        f"{below}StopPrice": at(desk, "0.7"),
        f"{below}TimeInForce": "GTC",
        **more,
    }


def oco(desk, **more):
    return BTC | {"side": "SELL", "quantity": "0.01"} | pair(desk) | more


def working(desk, factor="0.8"):
    return {
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingPrice": at(desk, factor),
        "workingQuantity": "0.01",
        "workingTimeInForce": "GTC",
    }


def oto(desk, factor="0.8", **more):
    pending = {"pendingType": "MARKET", "pendingSide": "SELL", "pendingQuantity": "0.005"}
    return BTC | working(desk, factor) | pending | more


def otoco(desk, factor="0.8", **more):
    pending = {"pendingSide": "SELL", "pendingQuantity": "0.005"}
    return BTC | working(desk, factor) | pending | pair(desk, "pending") | more


def test_an_oco_is_answered_as_documented(desk):
    told = desk.ask("POST", "orderList/oco", **oco(desk), listClientOrderId="mine")
    stop, maker = told.pop("orderReports")
    assert told == {
        "orderListId": 1,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": "mine",
        "transactionTime": desk.now,
        "symbol": "BTCUSDT",
        "orders": [
            {"symbol": "BTCUSDT", "orderId": 1, "clientOrderId": stop["clientOrderId"]},
            {"symbol": "BTCUSDT", "orderId": 2, "clientOrderId": maker["clientOrderId"]},
        ],
    }
    assert stop.keys() == RESULT | {"stopPrice"}
    assert maker.keys() == RESULT
    assert (stop["type"], stop["status"], stop["workingTime"]) == ("STOP_LOSS_LIMIT", "NEW", -1)
    assert (maker["type"], maker["status"]) == ("LIMIT_MAKER", "NEW")
    assert maker["workingTime"] == desk.now
    assert stop["orderListId"] == maker["orderListId"] == 1


@pytest.mark.parametrize(
    ("kind", "fields"), [("ACK", ACK), ("RESULT", RESULT), ("FULL", RESULT | {"fills"})]
)
def test_reports_tell_as_much_as_is_asked_for(desk, kind, fields):
    told = desk.ask("POST", "orderList/oto", **oto(desk), newOrderRespType=kind)
    assert [report.keys() for report in told["orderReports"]] == [fields, fields]


def test_an_oto_that_fills_at_once_still_shows_its_second_order_as_waiting(desk):
    told = desk.ask("POST", "orderList/oto", **oto(desk, "1.1"), newOrderRespType="FULL")
    first, second = told["orderReports"]
    assert (first["status"], second["status"]) == ("FILLED", "PENDING_NEW")
    assert first["fills"]
    assert told["listOrderStatus"] == "EXECUTING"
    asked = desk.ask("GET", "order", **BTC, orderId=second["orderId"])
    assert (asked["status"], asked["orderListId"]) == ("FILLED", 1)
    assert desk.ask("GET", "orderList", orderListId=1)["listOrderStatus"] == "ALL_DONE"
    (trade,) = desk.ask("GET", "myTrades", **BTC, orderId=second["orderId"])
    assert trade["orderListId"] == 1


def test_an_otoco_has_three_orders_of_which_one_works(desk):
    told = desk.ask("POST", "orderList/otoco", **otoco(desk))
    assert told["contingencyType"] == "OTO"
    assert [(r["type"], r["status"]) for r in told["orderReports"]] == [
        ("LIMIT", "NEW"),
        ("STOP_LOSS_LIMIT", "PENDING_NEW"),
        ("LIMIT_MAKER", "PENDING_NEW"),
    ]
    opened = desk.ask("GET", "openOrders", **BTC)
    assert [(o["orderListId"], o["isWorking"]) for o in opened] == [
        (1, True),
        (1, False),
        (1, False),
    ]


@pytest.mark.parametrize(("side", "price", "stop"), [("SELL", "1.5", "0.7"), ("BUY", "0.7", "1.5")])
def test_the_deprecated_oco_is_the_same_in_other_words(desk, side, price, stop):
    order = BTC | {"side": side, "quantity": "0.01", "price": at(desk, price)}
    order |= {"stopPrice": at(desk, stop), "limitClientOrderId": "l", "stopClientOrderId": "s"}
    told = desk.ask("POST", "order/oco", **order)
    assert [(r["type"], r["clientOrderId"]) for r in told["orderReports"]] == [
        ("STOP_LOSS", "s"),
        ("LIMIT_MAKER", "l"),
    ]
    limit = {"stopLimitPrice": at(desk, stop), "stopLimitTimeInForce": "GTC"}
    again = order | {"limitClientOrderId": "l2", "stopClientOrderId": "s2"} | limit
    (stopped, _) = desk.ask("POST", "order/oco", **again)["orderReports"]
    assert stopped["type"] == "STOP_LOSS_LIMIT"
    del again["stopLimitTimeInForce"]
    assert desk.signed_refusal("POST", "order/oco", **again)[1:] == (
        -1102,
        "Mandatory parameter 'stopLimitTimeInForce' was not sent, was empty/null, or malformed.",
    )


def test_a_list_is_cancelled_whole_with_one_id(desk):
    placed = desk.ask("POST", "orderList/oco", **oco(desk))
    gone = desk.ask("DELETE", "orderList", **BTC, orderListId=1, newClientOrderId="bye")
    assert gone.keys() == STATUS | {"orderReports"}
    assert (gone["listStatusType"], gone["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert gone["orders"] == placed["orders"]
    stop, maker = gone["orderReports"]
    assert (stop.keys(), maker.keys()) == (CANCELLED | {"stopPrice"}, CANCELLED)
    assert [(r["status"], r["clientOrderId"], r["orderListId"]) for r in (stop, maker)] == [
        ("CANCELED", "bye", 1)
    ] * 2
    assert [r["origClientOrderId"] for r in (stop, maker)] == [
        o["clientOrderId"] for o in placed["orders"]
    ]
    assert desk.headers["x-mbx-used-weight"] == "0"


def test_cancelling_one_of_its_orders_answers_with_the_list(desk):
    desk.ask("POST", "orderList/oco", **oco(desk))
    gone = desk.ask("DELETE", "order", **BTC, orderId=2)
    assert (gone["orderListId"], len(gone["orderReports"])) == (1, 2)


def test_cancelling_everything_answers_with_orders_and_lists(desk):
    single = desk.buy()
    desk.ask("POST", "orderList/oto", **oto(desk))
    order, listed = desk.ask("DELETE", "openOrders", **BTC)
    assert (order["orderId"], order["orderListId"]) == (single["orderId"], -1)
    assert [r["status"] for r in listed["orderReports"]] == ["CANCELED"] * 2


def test_an_answer_about_a_new_order_is_not_mixed_up_with_what_it_sets_off(make_desk):
    """A market order fills a waiting list's first order, which lets the second go to market."""
    desk = make_desk()
    best = desk.feed.depth("BTCUSDT", now=desk.now)
    price = str(best.bids[0].price + Decimal("0.01"))
    desk.ask("POST", "orderList/oto", **oto(desk) | {"workingPrice": price})
    sell = BTC | {"side": "SELL", "type": "MARKET", "quantity": "0.01"}
    told = desk.ask("POST", "order", **sell, selfTradePreventionMode="NONE")
    assert (told["orderId"], told["orderListId"], told["status"]) == (3, -1, "FILLED")
    assert desk.ask("GET", "orderList", orderListId=1)["listOrderStatus"] == "ALL_DONE"


def test_an_answer_about_a_new_list_is_not_mixed_up_with_what_the_tape_did_before(desk):
    bid = str(desk.feed.depth("BTCUSDT", now=desk.now).bids[0].price)
    desk.ask("POST", "orderList/oto", **oto(desk) | {"workingPrice": bid})
    desk.now += 3_600_000
    told = desk.ask("POST", "orderList/oco", **oco(desk))
    assert (told["orderListId"], told["listStatusType"]) == (2, "EXEC_STARTED")
    assert desk.ask("GET", "orderList", orderListId=1)["transactionTime"] < desk.now


def test_lists_are_asked_for_one_by_one_or_together(desk):
    first = desk.ask("POST", "orderList/oco", **oco(desk), listClientOrderId="mine")
    second = desk.ask("POST", "orderList/oto", **oto(desk))
    desk.now += 5
    desk.ask("DELETE", "orderList", **BTC, orderListId=1)
    found = desk.ask("GET", "orderList", origClientOrderId="mine")
    assert found.keys() == STATUS
    assert (found["orderListId"], found["listStatusType"]) == (1, "ALL_DONE")
    assert found["transactionTime"] == first["transactionTime"] + 5
    assert [each["orderListId"] for each in desk.ask("GET", "openOrderList")] == [2]
    everything = desk.ask("GET", "allOrderList")
    assert [each["orderListId"] for each in everything] == [1, 2]
    assert everything[1] == {name: second[name] for name in STATUS}


def test_pages_of_lists(desk):
    for _ in range(3):
        desk.ask("POST", "orderList/oco", **oco(desk))
        desk.now += 1_000
    start = desk.now - 2_000

    def ids(**fields):
        return [each["orderListId"] for each in desk.ask("GET", "allOrderList", **fields)]

    assert ids(limit=2) == [2, 3]
    assert ids(fromId=1, limit=2) == [1, 2]
    assert ids(startTime=start, limit=1) == [2]
    assert ids(endTime=start, limit=1) == [2]
    refusal = desk.signed_refusal("GET", "allOrderList", fromId=1, startTime=start)
    assert refusal[:2] == (400, -1128)
    day = {"startTime": start - 86_400_001, "endTime": start}
    assert desk.signed_refusal("GET", "allOrderList", **day)[1] == -1127


@pytest.mark.parametrize(
    ("method", "path", "fields", "code"),
    [
        ("GET", "orderList", {}, -1102),
        ("GET", "orderList", {"orderListId": 7}, -2013),
        ("GET", "orderList", {"origClientOrderId": "nobody"}, -2013),
        ("DELETE", "orderList", BTC, -1102),
        ("DELETE", "orderList", BTC | {"orderListId": 7}, -2011),
        ("DELETE", "orderList", {"orderListId": 7}, -1102),
    ],
)
def test_what_is_not_there_is_refused(desk, method, path, fields, code):
    assert desk.signed_refusal(method, path, **fields)[1] == code


@pytest.mark.parametrize(
    ("path", "make", "change", "refusal"),
    [
        ("oco", oco, {"quantity": None}, "Mandatory parameter 'quantity'"),
        ("oco", oco, {"aboveType": None}, "Mandatory parameter 'aboveType'"),
        ("oco", oco, {"aboveType": "DREAM"}, "Invalid orderType."),
        ("oco", oco, {"aboveType": "LIMIT"}, "Order type not supported in OCO."),
        ("oco", oco, {"belowTimeInForce": None}, "Mandatory parameter 'belowTimeInForce'"),
        ("oco", oco, {"belowTimeInForce": "SOON"}, "Invalid timeInForce."),
        ("oco", oco, {"belowStopPrice": None}, "Param 'belowStopPrice' or 'belowTrailingDelta'"),
        ("oco", oco, {"abovePegPriceType": "MARKET_PEG"}, "Pegged orders are not supported"),
        ("oco", oco, {"aboveIcebergQty": "0.02"}, "IcebergQty exceeds QTY."),
        ("oco", oco, {"quantity": "0.010000001"}, "Parameter 'quantity' has too much"),
        ("oco", oco, {"side": "UP"}, "Invalid side."),
        ("oco", oco, {"workingPrice": "1"}, "Not all sent parameters were read"),
        ("oto", oto, {"workingType": "MARKET"}, "Data sent for parameter 'workingType'"),
        ("oto", oto, {"workingTimeInForce": None}, "Mandatory parameter 'workingTimeInForce'"),
        ("oto", oto, {"pendingPrice": "60000"}, "Parameter 'pendingPrice' sent when not"),
        ("oto", oto, {"pendingSide": None}, "Mandatory parameter 'pendingSide'"),
        ("oto", oto, {"pendingQuantity": None}, "Mandatory parameter 'pendingQuantity'"),
        ("otoco", otoco, {"pendingBelowType": None}, "Mandatory parameter 'pendingBelowType'"),
        ("otoco", otoco, {"pendingAbovePrice": None}, "Mandatory parameter 'pendingAbovePrice'"),
        ("otoco", otoco, {"pendingQuantity": "0"}, "Invalid pendingQuantity."),
    ],
)
def test_malformed_lists_are_refused_by_the_names_of_their_parameters(
    desk, path, make, change, refusal
):
    fields = {k: v for k, v in (make(desk) | change).items() if v is not None}
    status, _, message = desk.signed_refusal("POST", f"orderList/{path}", **fields)
    assert status == 400
    assert message.startswith(refusal)
    assert desk.ask("GET", "openOrders") == []


@pytest.mark.parametrize(
    ("path", "make", "orders"), [("oco", oco, 2), ("oto", oto, 2), ("otoco", otoco, 3)]
)
def test_every_order_of_a_list_counts_as_unfilled(make_desk, path, make, orders):
    desk = make_desk(orders_per_10_seconds=orders)
    desk.ask("POST", f"orderList/{path}", **make(desk))
    assert desk.headers["x-mbx-order-count-10s"] == str(orders)
    assert desk.headers["x-mbx-used-weight"] == "0"
    narrow = make_desk(orders_per_10_seconds=orders - 1)
    assert narrow.signed_refusal("POST", f"orderList/{path}", **make(narrow))[:2] == (429, -1015)
    assert narrow.ask("GET", "openOrders") == []
    short = make_desk(orders_per_day=orders - 1)
    assert short.signed_refusal("POST", f"orderList/{path}", **make(short))[:2] == (429, -1015)


@pytest.mark.parametrize(
    ("path", "weight"), [("orderList?orderListId=1", 4), ("openOrderList", 6), ("allOrderList", 20)]
)
def test_questions_weigh_what_is_documented(desk, path, weight):
    desk.ask("POST", "orderList/oco", **oco(desk))
    path, _, query = path.partition("?")
    desk.ask("GET", path, **dict([query.split("=")] if query else []))
    assert desk.headers["x-mbx-used-weight"] == str(weight)


def test_times_of_lists_may_be_microseconds(desk):
    _, told = desk.signed("POST", "orderList/oco", time_unit="MICROSECOND", **oco(desk))
    assert told["transactionTime"] == desk.now * 1000


def test_lists_outlive_the_process(make_desk, tmp_path):
    path = tmp_path / "kept.jsonl"
    first = make_desk(log=CommandLog(path, {"seed": 7}))
    first.ask("POST", "orderList/oco", **oco(first), listClientOrderId="mine")
    first.ask("POST", "orderList/otoco", **otoco(first))
    first.ask("POST", "orderList/oto", **oto(first, "1.1"))
    first.ask("DELETE", "orderList", **BTC, orderListId=2)
    first.exchange.close()
    second = make_desk(log=CommandLog(path, {"seed": 7}))
    for method, path, fields in (
        ("GET", "allOrderList", {}),
        ("GET", "openOrderList", {}),
        ("GET", "allOrders", BTC),
        ("GET", "account", {}),
        ("GET", "orderList", {"origClientOrderId": "mine"}),
    ):
        assert second.ask(method, path, **fields) == first.ask(method, path, **fields)


def test_what_a_symbol_allows_and_how_many_lists_is_told(make_desk):
    (told,) = make_desk().get("exchangeInfo", **BTC)["symbols"]
    assert (told["ocoAllowed"], told["otoAllowed"], told["opoAllowed"]) == (True, True, False)
    assert {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20} in told["filters"]


def test_how_many_lists_the_exchange_allows_is_told_where_it_is_limited():
    told = exchange_filters(ExchangeLimits(max_num_order_lists=3))
    assert told == [{"filterType": "EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 3}]
    assert exchange_filters(ExchangeLimits()) == []
