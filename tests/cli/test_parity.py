"""`trading-system parity` against a running API."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.api.conftest import FakeSystem
from tests.api.test_parity import ALONE, ME, REPORT, FakeParities
from tests.cli.test_live import Running
from tests.conftest import ManualClock
from trading_system.cli.running import console
from trading_system.trader.causes import Cause
from trading_system.trader.parity import DifferingLevel

CLEAN = replace(
    REPORT,
    differing=(),
    fills=(
        replace(ALONE, order_id=ME, price=100.0, delay_ms=5_250, slippage=1.5, fee=0.25),
        replace(ALONE, order_id=ME, price=100.0, is_stop=False, slippage=-0.5, fee=None),
    ),
    replayed_profit=-1.0,
)


@pytest.fixture
def parities(monkeypatch):
    parts = dict.fromkeys(
        ("symbols", "registry", "backfills", "prices", "orders", "desk", "order_manager", "trading")
    )
    system = FakeSystem(clock=ManualClock(), **parts)
    system.parities = FakeParities((CLEAN,))
    running = Running(system)
    monkeypatch.setenv("API_PORT", str(running.port))
    yield system.parities
    running.stop()


def cells(line):
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_a_clean_run_is_a_table_of_what_fills_cost_more(cli, parities):
    done = cli("parity", str(ME), "--fee", "0.002")
    assert done.exit_code == 0, done.output
    assert "BTC/USDT clean" in done.output
    assert "3 of 3 decisions equal, 1 not acted on; profit -1.2500, backtest -1.0000" in done.output
    rows = [cells(line) for line in done.output.splitlines() if line.startswith("│")]
    assert rows[0][1:5] == ["SELL stop", "100.0000", "99.0000", "0.0000"]
    assert (rows[0][5], rows[0][6], rows[0][9]) == ("1.5000", "0.2500", "5.2")
    assert (rows[1][1], rows[1][6], rows[1][9]) == ("SELL", "–", "–")
    assert (rows[2][0], rows[2][5], rows[2][6]) == ("all 2", "1.0000", "0.2500")
    assert parities.fees == [0.002]


def test_what_has_a_cause_says_so_and_what_that_means(cli, parities):
    """Of any strategy: somebody closed it, or the bar after is still to come."""
    unseen = replace(CLEAN.fills[0], cause=Cause.UNSEEN)
    parities.answer = (replace(CLEAN, fills=(CLEAN.fills[1], unseen)),)
    lines = cli("parity", str(ME)).output.splitlines()
    assert "1 of 2 fills as in the backtest, 1 unseen" in lines
    assert "  unseen: it lies in no bar that was seen to its end" in lines
    judged, told, _ = (cells(line) for line in lines if line.startswith("│"))
    assert (judged[0], judged[-1], told[-1]) == ("2026-01-01 12:00", "", "unseen")


def test_no_figure_is_cut_off_in_a_narrow_terminal(cli, parities, monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    assert "…" not in cli("parity", str(ME)).output


def test_a_run_that_differs_says_where_and_ends_with_1(cli, parities):
    parities.answer = (REPORT,)
    done = cli("parity", str(ME))
    assert done.exit_code == 1
    assert "BTC/USDT not clean" in done.output
    assert "2026-01-01T12:00:00Z: decided None, now 0.5" in done.output


def test_the_whole_report_is_there_as_json(cli, parities):
    (told,) = json.loads(cli("parity", str(ME), "--json").output)
    assert told["clean"] is True


GRID = replace(
    CLEAN,
    fills=(
        replace(ALONE, is_stop=False, cell=3, alone=-2.5, cause=Cause.TOUCHED),
        replace(
            ALONE, order_id=ME, is_stop=False, cell=3, number=7, maker=False, price=99.5, size=0.25
        ),
    ),
)


def test_of_a_grid_the_table_tells_cells_and_why_a_fill_is_alone(cli, parities):
    parities.answer = (GRID,)
    done = cli("parity", str(ME))
    assert done.exit_code == 0, done.output
    assert "1 of 2 fills as in the backtest, 1 touched" in done.output
    rows = [cells(line) for line in done.output.splitlines() if line[0] in "┃│"]
    header = next(line for line in done.output.splitlines() if line.startswith("┃"))
    assert [name.strip() for name in header.split("┃")[1:-1]] == [
        *("bar", "cell", "side", "price", "backtest", "size", "alone", "delay s", "why")
    ], "parts that are nothing throughout are left out"
    alone, both, total = (row for row in rows if len(row) > 1)
    assert alone[1:4] == ["3", "SELL", "–"]
    assert (alone[6], alone[8]) == ("-2.5000", "touched")
    assert both[1:6] == ["3 #7", "SELL taker", "99.5000", "99.0000", "0.2500"]
    assert total[5:7] == ["0.2500", "-2.5000"]


def test_a_fill_of_a_grid_that_contradicts_its_candle_is_named_and_so_is_a_level(cli, parities):
    through = replace(ALONE, cell=3, cause=Cause.THROUGH)
    level = DifferingLevel(level=2, stored=Decimal("99.01"), replayed=Decimal("99.00"))
    parities.answer = (replace(GRID, fills=(through,), levels=(level,)),)
    done = cli("parity", str(ME))
    assert done.exit_code == 1
    assert "level 2: laid at 99.01, now 99.00" in done.output
    assert "2026-01-01T12:00:00Z: SELL in cell 3: through" in done.output


def test_a_strategy_that_has_decided_nothing_is_nothing_to_complain_about(cli, parities):
    parities.answer = ()
    done = cli("parity", str(ME))
    assert (done.exit_code, done.output.strip()) == (0, "It has decided nothing yet.")
