"""Whether strategies may trade follows the control of the whole program."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from trading_system.domain.control import ControlState
from trading_system.trader.assembly import objection


@pytest.mark.parametrize(
    ("state", "armed", "kills", "reason"),
    [
        (ControlState.RUNNING, True, 2, None),
        (ControlState.RUNNING, True, 3, "trading was killed since it was started"),
        (ControlState.RUNNING, False, 2, "live trading is not armed"),
        (ControlState.PAUSED, True, 2, "trading is PAUSED: lunch"),
        (ControlState.KILLED, True, 3, "trading is KILLED: lunch"),
    ],
)
def test_strategies_trade_only_while_trading_runs_and_is_armed(state, armed, kills, reason):
    control = SimpleNamespace(
        state=state,
        armed=armed,
        entry=SimpleNamespace(reason="lunch"),
        kill_after=lambda count: None if kills <= count else "a kill",
    )
    assert objection(control, SimpleNamespace(kills=2)) == reason
