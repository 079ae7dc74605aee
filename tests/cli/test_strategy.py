"""The commands of strategies that trade, against a running API."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.api.conftest import FakeSystem
from tests.cli.test_live import Running
from tests.conftest import ManualClock
from trading_system.cli.running import console
from trading_system.cli.strategy import _money
from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.errors import NotAllowed
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import MandateState
from trading_system.trader.views import StrategyView

BTC = Symbol("BTC", "USDT")
NOON = 1_767_268_800_000


class FakeStrategies:
    """Mandates in memory; what was asked of them is in `asked`."""

    def __init__(self) -> None:
        self.rows: dict[UUID, object] = {}
        self.asked: list[tuple[str, UUID, bool]] = []
        self.signals: list[Decision] = []
        self.views = SimpleNamespace(
            all=self.all, of=self.of, decisions=SimpleNamespace(all=self.found)
        )

    async def create(self, mandate):
        self.rows[mandate.id] = mandate
        return mandate

    async def start(self, mandate_id):
        return self._change("start", mandate_id, MandateState.RUNNING)

    async def stop(self, mandate_id, *, flatten=False):
        return self._change("stop", mandate_id, MandateState.STOPPING, flatten=flatten)

    async def delete(self, mandate_id, *, flatten=False):
        return self._change("delete", mandate_id, MandateState.ENDING, flatten=flatten)

    def _change(self, verb, mandate_id, state, *, flatten=False):
        self.asked.append((verb, mandate_id, flatten))
        self.rows[mandate_id] = replace(self.rows[mandate_id], state=state)
        return self.rows[mandate_id]

    async def of(self, mandate):
        equity = None if mandate.state is MandateState.ENDING else Decimal("1002.50")
        return StrategyView(mandate=mandate, positions=(), cash=Decimal(1), equity=equity)

    async def all(self):
        return [await self.of(each) for each in self.rows.values()]

    async def found(self, *, mandate_id, limit, **_):
        wanted = [each for each in self.signals if mandate_id in {None, each.mandate_id}]
        return wanted[:limit]


@pytest.fixture
def running(monkeypatch):
    parts = dict.fromkeys(
        ("symbols", "registry", "backfills", "prices", "orders", "desk", "order_manager", "trading")
    )
    system = FakeSystem(clock=ManualClock(), **parts)
    system.strategies = FakeStrategies()
    running = Running(system)
    monkeypatch.setenv("API_PORT", str(running.port))
    yield running
    running.stop()


def cells(line):
    return [cell.strip() for cell in line.split("│")[1:-1]]


WISH = ("strategy", "run", "sma_cross", "--symbol", "BTC/USDT", "--capital", "1000")


def test_a_strategy_is_made_and_started_with_one_command(cli, running):
    told = cli(
        *WISH,
        *("--symbol", "ETH/USDT", "--timeframe", "15m", "--param", "fast=5"),
        *("--percent", "50", "--trail", "2.5"),
    )
    (made,) = running.system.strategies.rows.values()
    assert (made.strategy, [str(each) for each in made.symbols]) == (
        "sma_cross",
        ["BTC/USDT", "ETH/USDT"],
    )
    assert (made.timeframe.name, made.parameters) == ("15m", {"fast": "5"})
    assert (made.sizing.amount, made.stop.kind, made.stop.distance_percent) == (
        Decimal(50),
        "trailing",
        Decimal("2.5"),
    )
    first, second = told.output.splitlines()[3:5]
    assert cells(second)[2] == "ETH/USDT"
    assert cells(first)[2:7] == [
        "BTC/USDT",
        "15m",
        "1000",
        "2.50",
        "running",
    ]


def test_one_that_cannot_be_started_is_shown_with_its_id(cli, running, monkeypatch):
    """It is made already, and has its capital."""

    async def refused(_mandate_id):
        raise NotAllowed("trading was killed: arm it, then start the strategy")

    monkeypatch.setattr(running.system.strategies, "start", refused)
    told = cli(*WISH)
    (made,) = running.system.strategies.rows
    assert told.exit_code == 1
    assert str(made) in told.output
    assert "trading was killed" in told.stderr


@pytest.mark.parametrize("runs", [True, False])
def test_started_while_nothing_runs_it_says_when_it_will_trade(cli, running, monkeypatch, runs):
    async def is_running(_settings):
        return runs

    monkeypatch.setattr("trading_system.cli.strategy.is_running", is_running)
    assert ("Nothing runs now" in cli(*WISH).output) is not runs
    (made,) = running.system.strategies.rows
    assert ("Nothing runs now" in cli("strategy", "start", str(made)).output) is not runs


def test_a_stop_below_the_price_paid_is_fixed_and_two_stops_are_refused(cli, running):
    cli(*WISH, "--stop", "4")
    (made,) = running.system.strategies.rows.values()
    assert made.stop.kind == "fixed"
    refused = cli(*WISH, "--stop", "4", "--trail", "4")
    assert refused.exit_code == 2
    assert len(running.system.strategies.rows) == 1


def test_without_options_it_invests_all_and_has_no_stop(cli, running):
    cli(*WISH)
    (made,) = running.system.strategies.rows.values()
    assert (made.timeframe.name, made.stop, made.sizing.amount) == ("1m", None, Decimal(100))


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("start",), ("start", False)),
        (("stop",), ("stop", False)),
        (("stop", "--flatten"), ("stop", True)),
        (("delete",), ("delete", False)),
        (("delete", "--flatten"), ("delete", True)),
    ],
)
def test_it_is_started_stopped_and_deleted(cli, running, words, asked):
    cli(*WISH)
    (made,) = running.system.strategies.rows.values()
    verb, *options = words
    told = cli("strategy", verb, str(made.id), *options)
    assert told.exit_code == 0
    assert running.system.strategies.asked[-1] == (asked[0], made.id, asked[1])
    assert ("–" in told.output) is (verb == "delete"), "its equity is not known"


def test_the_list_says_what_each_waits_for_or_failed_of(cli, running):
    assert "None yet" in cli("strategy", "list").output
    cli(*WISH)
    cli(*WISH)
    rows = running.system.strategies.rows
    one, two = rows
    rows[one] = replace(rows[one], waiting={"BTC/USDT": "a candle is missing"})
    rows[two] = replace(rows[two], state=MandateState.FAILED, reason="took longer than 10 s")
    told = cli("strategy", "list").output.splitlines()
    assert f"{str(one)[:8]} sma_cross, running: BTC/USDT: a candle is missing" in told
    assert f"{str(two)[:8]} sma_cross, failed: took longer than 10 s" in told


def test_a_long_reason_is_a_line_of_its_own_in_a_narrow_terminal(cli, running, monkeypatch):
    cli(*WISH)
    rows = running.system.strategies.rows
    (one,) = rows
    why = "all cells of BTC/USDT cost 1967.81 USDT, more than its 1000: take fewer levels"
    monkeypatch.setattr(console, "width", 80)
    before = cli("strategy", "list").output.splitlines()
    rows[one] = replace(rows[one], reason=why)
    *table, told = cli("strategy", "list").output.splitlines()
    assert told == f"{str(one)[:8]} sma_cross, running: {why}"
    assert table == before


def test_the_id_can_be_copied_from_a_narrow_terminal(cli, running, monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    cli(*WISH)
    (made,) = running.system.strategies.rows
    assert str(made) in cli("strategy", "list").output


def test_a_profit_has_as_many_places_as_a_venue_knows():
    assert [_money(each) for each in ("-0.3575039249900", "2.50", "7", None)] == [
        "-0.35750392",
        "2.50",
        "7",
        "–",
    ]


def test_signals_are_a_table_newest_first(cli, running):
    running.system.strategies.signals = [
        Decision(
            mandate_id=UUID(int=7),
            symbol=BTC,
            bar=Candle(NOON, 1.0, 1.0, 1.0, 93000.5, 1.0),
            target=1.0,
            at=NOON,
            lines={"fast": 2.5},
            outcome=Outcome.REFUSED,
            reason="too much",
        )
    ]
    who = ["2026-01-01T12:00:00Z", "00000000", "BTC/USDT"]
    expected = [*who, "93000.5", "1", "fast 2.5", "refused"]
    for words in ((), (str(UUID(int=7)),)):
        told = cli("strategy", "signals", *words).output
        assert cells(told.splitlines()[3]) == [*expected, "too much"]
    other = cli("strategy", "signals", str(UUID(int=8))).output
    assert other.strip() == "Nothing was decided yet."


def test_every_outcome_is_explained_by_the_help(cli):
    told = cli("strategy", "signals", "--help").output
    assert [outcome for outcome in Outcome if outcome not in told] == []
