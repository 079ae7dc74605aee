"""How far a kill got, in words that travel."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trading_system.api.control_schemas import ProgressOut
from trading_system.domain.control import ControlEntry, ControlState
from trading_system.domain.instruments import Symbol
from trading_system.execution.kill_switch import Progress

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
KILL = ControlEntry(
    state=ControlState.KILLED, reason="mad", who="ann", at=datetime(2026, 1, 1, tzinfo=UTC)
)


@pytest.mark.parametrize(
    ("progress", "done", "open_orders", "positions"),
    [
        (None, False, None, []),
        (Progress(kill=KILL), True, 0, []),
        (Progress(kill=KILL, open_orders=2), False, 2, []),
        (Progress(kill=KILL, positions=(BTC, ETH)), False, 0, ["BTC/USDT", "ETH/USDT"]),
        (Progress(kill=KILL, left_over={BTC: "too small"}), True, 0, []),
    ],
)
def test_a_kill_is_done_when_nothing_that_can_be_done_is_left(
    progress, done, open_orders, positions
):
    told = ProgressOut.of(progress).model_dump(mode="json")
    assert (told["done"], told["open_orders"], told["positions"]) == (done, open_orders, positions)


def test_why_something_stays_is_told_by_symbol():
    progress = Progress(kill=KILL, left_over={BTC: "too small"}, failed={ETH: "no answer"})
    told = ProgressOut.of(progress)
    assert (told.left_over, told.failed) == ({"BTC/USDT": "too small"}, {"ETH/USDT": "no answer"})
