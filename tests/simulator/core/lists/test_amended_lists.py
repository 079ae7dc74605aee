"""Orders of a list are made smaller: a pair together, one behind another on its own."""

from __future__ import annotations

from decimal import Decimal

import pytest

TOO_SMALL = (-2038, "Order amend (quantity not above executed) is not supported.")


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("side", "asset", "locked"), [("SELL", "BTC", "0.4"), ("BUY", "USDT", "44")]
)
def test_a_pair_shrinks_together_and_so_does_what_it_locks(
    desk, floor, told, fates, side, asset, locked, which
):
    pair = desk.oco(side, "1")
    names = [order.client_order_id for order in pair]
    first, second = pair[which], pair[1 - which]
    events = floor.amend(first, "0.4", new_client_order_id="less")
    assert told(events) == [
        f"{first.order_id} REPLACED NEW",
        f"{second.order_id} REPLACED NEW",
        "LIST 1 UPDATED",
    ]
    assert [order.quantity for order in pair] == [Decimal("0.4")] * 2
    assert (first.client_order_id, second.client_order_id) == ("less", names[1 - which])
    assert [len(order.amendments) for order in pair] == [1, 1]
    assert floor.balance(asset)[1] == Decimal(locked)
    floor.print("110" if side == "SELL" else "90", "9")
    assert sorted(fates(pair)) == ["EXPIRED OCO_TRIGGER", "FILLED"]
    assert floor.balance(asset)[1] == 0


def test_a_pair_is_judged_whole_before_either_shrinks(desk, floor):
    """At 110 the limit would be worth enough, at 90 the stop would not."""
    pair = desk.oco("SELL", "1")
    stop, limit = pair
    for order in (stop, limit):
        refusal = (-1013, "Filter failure: NOTIONAL")
        assert floor.refusal(floor.amend, order, "0.05") == refusal
    assert [order.quantity for order in pair] == [1, 1]


def test_a_partner_that_has_gone_stays_as_it_ended(desk, floor, told):
    limit, stop = sorted(desk.oco("SELL", "1"), key=lambda order: order.type)
    floor.print("110", "0.3")
    assert (limit.status, stop.status) == ("PARTIALLY_FILLED", "EXPIRED")
    assert floor.refusal(floor.amend, limit, "0.3") == TOO_SMALL
    events = floor.amend(limit, "0.5", new_client_order_id=limit.client_order_id)
    assert told(events) == [f"{limit.order_id} REPLACED PARTIALLY_FILLED"]
    assert (limit.remaining, stop.quantity) == (Decimal("0.2"), 1)


def test_a_list_is_told_only_when_a_name_has_changed(desk, floor, told):
    order, _ = desk.oco("SELL", "1")
    floor.now += 5
    kept = floor.amend(order, "0.8", new_client_order_id=order.client_order_id)
    assert not any(line.startswith("LIST") for line in told(kept))
    assert desk.list().time < floor.now
    assert told(floor.amend(order, "0.6"))[-1] == "LIST 1 UPDATED"
    assert (desk.list().status, desk.list().time) == ("EXEC_STARTED", floor.now)


def test_the_orders_of_an_oto_shrink_each_on_its_own(desk, floor, told):
    working, pending = desk.oto()
    assert told(floor.amend(pending, "0.5"))[0] == "2 REPLACED PENDING_NEW"
    assert (working.quantity, pending.quantity) == (1, Decimal("0.5"))
    assert floor.balance("BTC") == (10, 0)
    assert told(floor.amend(working, "0.6"))[0] == "1 REPLACED NEW"
    assert floor.balance("USDT")[1] == Decimal("59.4")
    floor.print("99")
    assert (working.executed, pending.status) == (Decimal("0.6"), "NEW")
    assert floor.balance("BTC")[1] == Decimal("0.5")
    floor.print("105")
    assert (pending.status, pending.executed) == ("FILLED", Decimal("0.5"))


def test_a_pair_that_waits_shrinks_together_and_goes_to_market_so(desk, floor):
    working, *pair = desk.otoco()
    floor.amend(pair[0], "0.4")
    assert [order.quantity for order in pair] == [Decimal("0.4")] * 2
    floor.print("99")
    assert working.status == "FILLED"
    assert floor.balance("BTC")[1] == Decimal("0.4")
