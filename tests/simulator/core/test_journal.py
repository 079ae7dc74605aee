from __future__ import annotations

from trading_system.simulator.model import OrderEvent


def test_executions_are_numbered_over_all_accounts_and_orders(floor):
    events = [
        *floor.do(floor.command("BUY", "1", "99.95")),
        *floor.do(floor.command("SELL", "1", "99.95", account="bob")),
        *floor.do(floor.command("BUY", "1")),
    ]
    told = [(e.id, e.execution.value) for e in events if isinstance(e, OrderEvent)]
    assert told == [(1, "NEW"), (2, "NEW"), (3, "TRADE"), (4, "TRADE"), (5, "NEW"), (6, "TRADE")]
