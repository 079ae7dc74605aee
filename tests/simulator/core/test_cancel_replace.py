"""Cancel and replace: two halves, and every way they can end."""

import pytest

from trading_system.simulator.events import ReplaceEvent
from trading_system.simulator.model import Advance, Refused, Status


def test_both_halves_of_a_replacement_are_told(floor, story):
    order = floor.buy("100", "90")
    events = floor.replace(order, floor.command("BUY", "100", "91"), cancel_client_order_id="c")
    assert story(events) == ["CANCELED 1", "NEW 2", "REPLACED 1 by 2", "BALANCE ann BTC USDT"]
    assert events[0].cancel_client_order_id == "c"
    assert isinstance(events[2], ReplaceEvent)
    assert floor.balance("USDT") == (900, 9100)


def replaced(floor, order, place, **more):
    with pytest.raises(Refused) as caught:
        floor.replace(order, place, **more)
    refusal = caught.value
    data = refusal.data
    return (
        (refusal.code, refusal.message, refusal.status),
        (data["cancelResult"], data["newOrderResult"]),
        (data["cancelResponse"], data["newOrderResponse"]),
    )


PARTLY = (-2021, "Order cancel-replace partially failed.", 409)
FAILED = (-2022, "Order cancel-replace failed.", 400)
CANCEL_REFUSED = {"code": -2011, "msg": "Unknown order sent."}
PLACE_REFUSED = {"code": -2010, "msg": "Account has insufficient balance for requested action."}


@pytest.mark.parametrize("allow_failure", [False, True])
def test_a_cancel_that_succeeds_alone_is_done_all_the_same(floor, allow_failure):
    order = floor.buy("1", "90")
    too_dear = floor.command("BUY", "200", "90")
    head, results, responses = replaced(floor, order, too_dear, allow_failure=allow_failure)
    assert (head, results, responses) == (PARTLY, ("SUCCESS", "FAILURE"), (order, PLACE_REFUSED))
    assert order.status is Status.CANCELED
    assert floor.balance("USDT") == (10000, 0)


def test_a_failed_cancel_stops_the_new_order_unless_failure_is_allowed(floor, story):
    gone = floor.buy("1", "90")
    floor.cancel(gone)
    new, too_dear = floor.command("BUY", "1", "91"), floor.command("BUY", "200", "90")
    assert replaced(floor, gone, new) == (
        FAILED,
        ("FAILURE", "NOT_ATTEMPTED"),
        (CANCEL_REFUSED, None),
    )
    assert replaced(floor, gone, too_dear, allow_failure=True) == (
        FAILED,
        ("FAILURE", "FAILURE"),
        (CANCEL_REFUSED, PLACE_REFUSED),
    )
    assert floor.venue.open_orders("ann") == []
    head, results, (cancel, placed) = replaced(floor, gone, new, allow_failure=True)
    assert (head, results, cancel) == (PARTLY, ("FAILURE", "SUCCESS"), CANCEL_REFUSED)
    assert floor.venue.open_orders("ann") == [placed]
    assert story(floor.do(Advance())) == ["NEW 2", "BALANCE ann BTC USDT"]


def test_filters_are_asked_before_anything_is_cancelled(floor):
    order = floor.buy("1", "90")
    bad = floor.command("BUY", "1", "90.001")
    assert floor.refusal(floor.replace, order, bad) == (-1013, "Filter failure: PRICE_FILTER")
    good = floor.command("BUY", "1", "90")
    code, message = floor.refusal(floor.replace, order, good, order_id=None)
    assert (code, message[:31]) == (-1102, "Param 'cancelOrigClientOrderId'")
    assert order.status is Status.NEW


def test_a_replacement_may_take_over_the_client_id(floor):
    order = floor.buy("1", "90", client_order_id="mine")
    floor.replace(order, floor.command("BUY", "1", "91", client_order_id="mine"))
    assert floor.venue.order("ann", "BTCUSDT", client_order_id="mine").price == 91
