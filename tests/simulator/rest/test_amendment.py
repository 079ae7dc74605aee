"""Amendments and prevented matches as REST tells them, and what a call of them costs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.simulator.command_log import CommandLog

BTC = {"symbol": "BTCUSDT"}
AMEND = "order/amend/keepPriority"
HISTORY = "order/amendments"
PREVENTED = "myPreventedMatches"
COMBINATION = (400, -1128, "Combination of optional parameters invalid.")


def used(desk):
    return desk.headers["x-mbx-used-weight-1m"]


def test_an_amendment_is_answered_as_documented(desk):
    """Names and their order are those of rest-api.md's example."""
    placed = desk.buy(quantity="0.3", newClientOrderId="mine")
    told = desk.ask("PUT", AMEND, **BTC, orderId=1, newQty="0.1", newClientOrderId="less")
    assert told == {
        "transactTime": desk.now,
        "executionId": 2,
        "amendedOrder": {
            "symbol": "BTCUSDT",
            "orderId": 1,
            "orderListId": -1,
            "origClientOrderId": "mine",
            "clientOrderId": "less",
            "price": "50000.00000000",
            "qty": "0.10000000",
            "executedQty": "0.00000000",
            "preventedQty": "0.00000000",
            "quoteOrderQty": "0.00000000",
            "cumulativeQuoteQty": "0.00000000",
            "status": "NEW",
            "timeInForce": "GTC",
            "type": "LIMIT",
            "side": "BUY",
            "workingTime": placed["workingTime"],
            "selfTradePreventionMode": "EXPIRE_MAKER",
        },
    }
    assert list(told["amendedOrder"])[4:11] == [
        *("clientOrderId", "price", "qty", "executedQty", "preventedQty", "quoteOrderQty"),
        "cumulativeQuoteQty",
    ]
    found = desk.ask("GET", "order", **BTC, origClientOrderId="less")
    assert (found["orderId"], found["origQty"]) == (1, "0.10000000")


def test_of_an_order_in_a_list_the_list_is_told_too(desk):
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingTimeInForce": "GTC"}
    working |= {"workingPrice": "50000", "workingQuantity": "0.3"}
    pending = {"pendingType": "MARKET", "pendingSide": "SELL", "pendingQuantity": "0.2"}
    listed = desk.ask("POST", "orderList/oto", **BTC, **working, **pending)
    told = desk.ask("PUT", AMEND, **BTC, orderId=2, newQty="0.1", newClientOrderId="less")
    order = told["amendedOrder"]
    assert (order["orderListId"], order["status"], order["qty"]) == (1, "PENDING_NEW", "0.10000000")
    assert "workingTime" not in order
    assert told["listStatus"] == {
        "orderListId": 1,
        "contingencyType": "OTO",
        "listOrderStatus": "EXECUTING",
        "listClientOrderId": listed["listClientOrderId"],
        "symbol": "BTCUSDT",
        "orders": [
            listed["orders"][0],
            {"symbol": "BTCUSDT", "orderId": 2, "clientOrderId": "less"},
        ],
    }


def test_conditional_fields_are_told_of_an_amended_order_too(desk):
    desk.ask(
        "POST",
        "order",
        **BTC | {"side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC"},
        quantity="0.3",
        price="50000",
        stopPrice="51000",
        icebergQty="0.1",
        trailingDelta=100,
        strategyId=7,
    )
    told = desk.ask("PUT", AMEND, **BTC, orderId=1, newQty="0.2")["amendedOrder"]
    conditional = {"stopPrice", "icebergQty", "trailingDelta", "trailingTime", "strategyId"}
    assert conditional < told.keys()
    assert (told["trailingTime"], told["workingTime"]) == (-1, -1)


def test_it_weighs_four_and_counts_as_no_order(desk):
    desk.buy(quantity="0.3")
    desk.ask("PUT", AMEND, **BTC, orderId=1, newQty="0.2")
    assert used(desk) == "4"
    assert "x-mbx-order-count-10s" not in desk.headers
    desk.signed_refusal("PUT", AMEND, **BTC, orderId=1, newQty="0.2")
    assert used(desk) == "8"
    counts = desk.ask("GET", "rateLimit/order")
    assert {row["count"] for row in counts} == {1}
    desk.ask("GET", HISTORY, **BTC, orderId=1)
    assert used(desk) == str(8 + 40 + 4)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        (
            {"orderId": 1},
            (-1102, "Mandatory parameter 'newQty' was not sent, was empty/null, or malformed."),
        ),
        (
            {"newQty": "0.1"},
            (
                -1102,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            ),
        ),
        ({"orderId": 1, "newQty": "0"}, (-1013, "Invalid newQty.")),
        (
            {"orderId": 1, "newQty": "0.4"},
            (-2038, "Order amend (quantity increase) is not supported."),
        ),
        ({"orderId": 2, "newQty": "0.1"}, (-2038, "Unknown order sent.")),
    ],
)
def test_refusals_are_plain_400s(desk, fields, refusal):
    desk.buy(quantity="0.3")
    assert desk.signed_refusal("PUT", AMEND, **BTC, **fields) == (400, *refusal)


def test_the_history_of_an_order_is_told_from_an_execution_on(desk):
    desk.buy(quantity="0.4", newClientOrderId="a")
    for quantity, name in (("0.3", "b"), ("0.2", "b"), ("0.1", "c")):
        desk.now += 1_000
        desk.ask("PUT", AMEND, **BTC, orderId=1, newQty=quantity, newClientOrderId=name)
    desk.ask("DELETE", "order", **BTC, orderId=1)
    rows = desk.ask("GET", HISTORY, **BTC, orderId=1)
    assert rows[0] == {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "executionId": 2,
        "origClientOrderId": "a",
        "newClientOrderId": "b",
        "origQty": "0.40000000",
        "newQty": "0.30000000",
        "time": desk.now - 2_000,
    }
    names = [(row["origClientOrderId"], row["newClientOrderId"]) for row in rows]
    assert names == [("a", "b"), ("b", "b"), ("b", "c")]
    assert desk.ask("GET", HISTORY, **BTC, orderId=1, fromExecutionId=3) == rows[1:]
    assert desk.ask("GET", HISTORY, **BTC, orderId=1, fromExecutionId=3, limit=1) == rows[1:2]
    refusal = desk.signed_refusal("GET", HISTORY, **BTC, orderId=9)
    assert refusal == (400, -2013, "Order does not exist.")


def test_the_most_amendments_of_an_order_are_told_in_exchange_info(desk):
    (symbol,) = desk.get("exchangeInfo", **BTC)["symbols"]
    filters = {each["filterType"]: each for each in symbol["filters"]}
    most = filters["MAX_NUM_ORDER_AMENDS"]["maxNumOrderAmends"]
    assert (symbol["amendAllowed"], most) == (True, 10)
    assert "TRANSFER" in symbol["allowedSelfTradePreventionModes"]
    desk.buy(quantity="0.3")
    for number in range(most):
        desk.ask("PUT", AMEND, **BTC, orderId=1, newQty=f"0.{29 - number}")
    refusal = desk.signed_refusal("PUT", AMEND, **BTC, orderId=1, newQty="0.1")
    assert refusal[1:] == (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS")


@pytest.fixture
def between(desk):
    """A price that nobody but our own orders has."""
    ask = Decimal(desk.get("depth", **BTC, limit=1)["asks"][0][0])
    return f"{ask - Decimal('0.01'):.2f}"


def sell(desk, quantity, price, **more):
    order = BTC | {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC"} | more
    return desk.ask("POST", "order", **order, quantity=quantity, price=price)


def meet(desk, price, *, maker="NONE", taker="EXPIRE_MAKER", kind="FULL"):
    """A sale of 0.02 of ours and a purchase of 0.03; what is told of the purchase."""
    sell(desk, "0.02", price, selfTradePreventionMode=maker)
    more = {"selfTradePreventionMode": taker, "newOrderRespType": kind}
    return desk.buy("0.03", price, **more)


@pytest.mark.parametrize(
    ("maker", "taker", "told_mode", "off_taker", "off_maker", "status"),
    [
        ("NONE", "EXPIRE_TAKER", "EXPIRE_TAKER", "0.03", None, "EXPIRED_IN_MATCH"),
        ("NONE", "EXPIRE_MAKER", "EXPIRE_MAKER", None, "0.02", "NEW"),
        ("NONE", "EXPIRE_BOTH", "EXPIRE_BOTH", "0.03", "0.02", "EXPIRED_IN_MATCH"),
        ("NONE", "DECREMENT", "DECREMENT", "0.02", "0.02", "NEW"),
        ("NONE", "TRANSFER", "DECREMENT", "0.02", "0.02", "NEW"),
        ("TRANSFER", "TRANSFER", "TRANSFER", "0.02", "0.02", "NEW"),
        ("TRANSFER", "EXPIRE_TAKER", "EXPIRE_TAKER", "0.03", None, "EXPIRED_IN_MATCH"),
    ],
)
def test_a_prevented_match_is_told_in_the_answer_and_when_asked_for(
    desk, between, maker, taker, told_mode, off_taker, off_maker, status
):
    placed = meet(desk, between, maker=maker, taker=taker)
    lost = {"takerPreventedQuantity": off_taker, "makerPreventedQuantity": off_maker}
    lost = {name: f"{value}000000" for name, value in lost.items() if value}
    price = f"{between}000000"
    assert placed["status"] == status
    assert placed["preventedMatches"] == [
        {"preventedMatchId": 1, "makerSymbol": "BTCUSDT", "makerOrderId": 1, "price": price} | lost
    ]
    assert placed.get("preventedQuantity") == lost.get("takerPreventedQuantity")
    row = {
        "symbol": "BTCUSDT",
        "preventedMatchId": 1,
        "takerOrderId": 2,
        "makerSymbol": "BTCUSDT",
        "makerOrderId": 1,
        "tradeGroupId": -1,
        "selfTradePreventionMode": told_mode,
        "price": price,
        **lost,
        "transactTime": desk.now,
    }
    for wish in ({"preventedMatchId": 1}, {"orderId": 1}, {"orderId": 2}):
        assert desk.ask("GET", PREVENTED, **BTC, **wish) == [row]
    assert desk.ask("GET", "order", **BTC, orderId=2)["selfTradePreventionMode"] == taker


def test_an_acknowledgement_does_not_tell_it(desk, between):
    assert "preventedMatches" not in meet(desk, between, taker="EXPIRE_BOTH", kind="ACK")
    assert "preventedMatches" in meet(desk, between, taker="EXPIRE_BOTH", kind="RESULT")


def test_prevented_matches_are_told_oldest_first_from_an_id_on(desk, between):
    for _ in range(3):
        sell(desk, "0.02", between)
    placed = desk.buy("0.03", between)
    matches = placed["preventedMatches"]
    assert [match["makerOrderId"] for match in matches] == [1, 2, 3]
    rows = desk.ask("GET", PREVENTED, **BTC, orderId=4)
    assert [row["preventedMatchId"] for row in rows] == [1, 2, 3]
    assert desk.ask("GET", PREVENTED, **BTC, orderId=4, fromPreventedMatchId=2) == rows[1:]
    more = {"fromPreventedMatchId": 2, "limit": 1}
    assert desk.ask("GET", PREVENTED, **BTC, orderId=4, **more) == rows[1:2]
    assert desk.ask("GET", PREVENTED, **BTC, orderId=2) == rows[1:2]
    assert desk.ask("GET", PREVENTED, **BTC, preventedMatchId=3) == rows[2:]
    assert desk.ask("GET", PREVENTED, **BTC, preventedMatchId=9) == []
    assert desk.ask("GET", PREVENTED, symbol="ETHUSDT", preventedMatchId=1) == []


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"fromPreventedMatchId": 1},
        {"orderId": 1, "preventedMatchId": 1},
        {"preventedMatchId": 1, "fromPreventedMatchId": 1},
    ],
)
def test_only_documented_questions_are_answered(desk, wish):
    assert desk.signed_refusal("GET", PREVENTED, **BTC, **wish) == COMBINATION


@pytest.mark.parametrize(("wish", "weight"), [("preventedMatchId", "2"), ("orderId", "20")])
def test_the_weight_depends_on_the_question(desk, wish, weight):
    desk.ask("GET", PREVENTED, **BTC, **{wish: 1})
    assert used(desk) == weight


def test_both_are_there_after_a_restart(make_desk, tmp_path, between):
    def opened():
        return make_desk(log=CommandLog(tmp_path / "kept.jsonl", {"seed": 7}))

    def told(desk):
        return [
            desk.ask("GET", HISTORY, **BTC, orderId=3),
            desk.ask("GET", PREVENTED, **BTC, orderId=1),
            desk.ask("GET", "allOrders", **BTC),
            desk.ask("GET", "account"),
        ]

    desk = opened()
    meet(desk, between, taker="TRANSFER", maker="TRANSFER")
    desk.buy("0.3")
    desk.ask("PUT", AMEND, **BTC, orderId=3, newQty="0.2")
    desk.ask("PUT", AMEND, **BTC, orderId=3, newQty="0.1", newClientOrderId="less")
    desk.signed_refusal("PUT", AMEND, **BTC, orderId=3, newQty="0.1")
    before = told(desk)
    assert [len(each) for each in before[:3]] == [2, 1, 3]
    desk.exchange.close()
    again = opened()
    assert told(again) == before
    again.exchange.close()


def test_their_times_may_be_microseconds(desk, between):
    meet(desk, between)
    desk.buy("0.3")
    told = desk.ask("PUT", AMEND, **BTC, orderId=3, newQty="0.2", time_unit="MICROSECOND")
    assert (told["transactTime"], told["executionId"]) == (desk.now * 1_000, 5)
    assert told["amendedOrder"]["workingTime"] == desk.now * 1_000
    (row,) = desk.ask("GET", HISTORY, **BTC, orderId=3, time_unit="MICROSECOND")
    assert row["time"] == desk.now * 1_000
    (row,) = desk.ask("GET", PREVENTED, **BTC, orderId=1, time_unit="MICROSECOND")
    assert row["transactTime"] == desk.now * 1_000
