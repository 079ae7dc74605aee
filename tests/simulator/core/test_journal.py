from __future__ import annotations

import pytest

from trading_system.simulator.events import OrderEvent
from trading_system.simulator.model import Advance, Refused, Status


def test_executions_are_numbered_over_all_accounts_and_orders(floor):
    events = [
        *floor.do(floor.command("BUY", "1", "99.95")),
        *floor.do(floor.command("SELL", "1", "99.95", account="bob")),
        *floor.do(floor.command("BUY", "1")),
    ]
    told = [(e.id, e.execution.value) for e in events if isinstance(e, OrderEvent)]
    assert told == [(1, "NEW"), (2, "NEW"), (3, "TRADE"), (4, "TRADE"), (5, "NEW"), (6, "TRADE")]


def test_a_refusal_is_an_event_only_where_a_cancel_went_before_it(floor, story):
    order = floor.buy("1", "90")
    dear = floor.command("BUY", "1000", "90", client_order_id="dear")
    with pytest.raises(Refused):
        floor.do(dear)
    assert floor.do(Advance()) == []
    with pytest.raises(Refused) as caught:
        floor.replace(order, dear)
    assert caught.value.code == -2021
    events = floor.do(Advance())
    assert story(events) == ["CANCELED 1", "REJECTED -1", "BALANCE ann BTC USDT"]
    assert events[1].refusal == "Account has insufficient balance for requested action."
    assert (events[1].order.client_order_id, events[1].order.status) == ("dear", Status.REJECTED)
    assert not events[1].order.status.is_open
