"""Every row of the table of outcomes in Binance's rest-api.md, cancelReplace."""

from __future__ import annotations

import pytest

BTC = {"symbol": "BTCUSDT"}
NEW = BTC | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
GOOD = NEW | {"price": "49000"}
POOR = NEW | {"price": "49000", "quantity": "50"}
STOP, ALLOW = "STOP_ON_FAILURE", "ALLOW_FAILURE"


def replace(desk, order, *, cancels, mode, **more):
    fields = order | {"cancelOrderId": cancels, "cancelReplaceMode": mode} | more
    return desk.signed("POST", "order/cancelReplace", **fields)


@pytest.mark.parametrize(
    ("mode", "old_there", "order", "status", "code", "results"),
    [
        (STOP, True, GOOD, 200, None, ("SUCCESS", "SUCCESS")),
        (STOP, False, GOOD, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        (STOP, True, POOR, 409, -2021, ("SUCCESS", "FAILURE")),
        (ALLOW, True, GOOD, 200, None, ("SUCCESS", "SUCCESS")),
        (ALLOW, False, POOR, 400, -2022, ("FAILURE", "FAILURE")),
        (ALLOW, False, GOOD, 409, -2021, ("FAILURE", "SUCCESS")),
        (ALLOW, True, POOR, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)
def test_within_the_limits(desk, mode, old_there, order, status, code, results):
    old = desk.buy()["orderId"] if old_there else 77
    before = desk.exchange.limits.orders("main", desk.now)[0]
    answered, body = replace(desk, order, cancels=old, mode=mode)
    assert (answered, body.get("code")) == (status, code)
    told = body if code is None else body["data"]
    assert (told["cancelResult"], told["newOrderResult"]) == results
    words = {"SUCCESS": "orderId", "FAILURE": "code"}
    for result, response in zip(results, ("cancelResponse", "newOrderResponse"), strict=True):
        if result == "NOT_ATTEMPTED":
            assert told[response] is None
        else:
            assert words[result] in told[response]
    if results[0] == "SUCCESS":
        assert told["cancelResponse"]["status"] == "CANCELED"
    open_ids = [o["orderId"] for o in desk.ask("GET", "openOrders")]
    assert open_ids == ([told["newOrderResponse"]["orderId"]] if results[1] == "SUCCESS" else [])
    assert desk.exchange.limits.orders("main", desk.now)[0] == before + 1


@pytest.mark.parametrize(
    ("mode", "exceeded", "old_there", "status", "code", "results"),
    [
        (STOP, "DO_NOTHING", True, 429, -1015, None),
        (ALLOW, "DO_NOTHING", True, 429, -1015, None),
        (STOP, None, True, 429, -1015, None),
        (STOP, "CANCEL_ONLY", False, 429, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        (STOP, "CANCEL_ONLY", True, 429, -2021, ("SUCCESS", "FAILURE")),
        (ALLOW, "CANCEL_ONLY", False, 400, -2022, ("FAILURE", "FAILURE")),
        (ALLOW, "CANCEL_ONLY", True, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)
def test_with_too_many_unfilled_orders(make_desk, mode, exceeded, old_there, status, code, results):
    desk = make_desk(orders_per_10_seconds=1)
    placed = desk.buy()["orderId"]
    more = {} if exceeded is None else {"orderRateLimitExceededMode": exceeded}
    answered, body = replace(desk, GOOD, cancels=placed if old_there else 77, mode=mode, **more)
    assert (answered, body["code"]) == (status, code)
    there = [o["orderId"] for o in desk.ask("GET", "openOrders")]
    if results is None:
        assert "data" not in body
        assert there == [placed]
        return
    told = body["data"]
    assert (told["cancelResult"], told["newOrderResult"]) == results
    if results[1] == "FAILURE":
        assert told["newOrderResponse"]["code"] == -1015
    assert there == ([] if results[0] == "SUCCESS" else [placed])


def test_filters_are_asked_even_where_only_the_cancel_is_left(make_desk):
    desk = make_desk(orders_per_10_seconds=1)
    old = desk.buy()["orderId"]
    tiny, only = GOOD | {"quantity": "0.000001"}, {"orderRateLimitExceededMode": "CANCEL_ONLY"}
    _, body = replace(desk, tiny, cancels=old, mode=STOP, **only)
    assert body == {"code": -1013, "msg": "Filter failure: LOT_SIZE"}
    assert len(desk.ask("GET", "openOrders")) == 1


def test_filters_are_asked_before_anything_is_done(desk):
    old = desk.buy()["orderId"]
    tiny = GOOD | {"quantity": "0.000001"}
    assert replace(desk, tiny, cancels=old, mode=STOP) == (
        400,
        {"code": -1013, "msg": "Filter failure: LOT_SIZE"},
    )
    assert desk.headers["x-mbx-used-weight"] == "1"
    assert len(desk.ask("GET", "openOrders")) == 1
    assert desk.exchange.limits.orders("main", desk.now)[0] == 1


def test_both_halves_may_have_ids_of_their_own(desk):
    desk.buy(newClientOrderId="old")
    fields = GOOD | {"cancelOrigClientOrderId": "old", "cancelReplaceMode": STOP}
    told = desk.ask(
        "POST",
        "order/cancelReplace",
        **fields,
        cancelNewClientOrderId="bye",
        newClientOrderId="new",
        newOrderRespType="ACK",
    )
    assert told["cancelResponse"]["origClientOrderId"] == "old"
    assert told["cancelResponse"]["clientOrderId"] == "bye"
    assert told["newOrderResponse"]["clientOrderId"] == "new"
    assert "status" not in told["newOrderResponse"]
    assert desk.headers["x-mbx-order-count-10s"] == "2"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"cancelReplaceMode": "PERHAPS"}, -1130),
        ({"orderRateLimitExceededMode": "PERHAPS"}, -1130),
        ({"cancelOrderId": "x"}, -1100),
        ({"cancelRestrictions": "PERHAPS"}, -1145),
    ],
)
def test_what_is_refused_at_the_gate(desk, more, code):
    old = desk.buy()["orderId"]
    fields = GOOD | {"cancelOrderId": old, "cancelReplaceMode": STOP} | more
    assert desk.signed_refusal("POST", "order/cancelReplace", **fields)[1] == code
    assert len(desk.ask("GET", "openOrders")) == 1


def test_a_mode_and_an_order_must_be_named(desk):
    for fields in (GOOD | {"cancelOrderId": 1}, GOOD | {"cancelReplaceMode": STOP}):
        assert desk.signed_refusal("POST", "order/cancelReplace", **fields)[1] == -1102


def test_a_half_done_replacement_is_not_told_again_later(desk):
    old, second = desk.buy()["orderId"], desk.buy()["orderId"]
    replace(desk, POOR, cancels=old, mode=STOP)
    gone = desk.ask("DELETE", "openOrders", **BTC)
    assert [order["orderId"] for order in gone] == [second]
