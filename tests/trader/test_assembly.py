"""Whether strategies may trade follows the control of the whole program."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from trading_system.domain.control import ControlState
from trading_system.trader.assembly import objection


@pytest.mark.parametrize(
    ("state", "armed", "reason"),
    [
        (ControlState.RUNNING, True, None),
        (ControlState.RUNNING, False, "live trading is not armed"),
        (ControlState.PAUSED, True, "trading is PAUSED: lunch"),
        (ControlState.KILLED, True, "trading is KILLED: lunch"),
    ],
)
def test_strategies_trade_only_while_trading_runs_and_is_armed(state, armed, reason):
    control = SimpleNamespace(state=state, armed=armed, entry=SimpleNamespace(reason="lunch"))
    assert objection(control) == reason
