"""The commands of positions, portfolio and stops against a running API."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.api.conftest import FakeSystem
from tests.cli.test_live import Running
from tests.conftest import ManualClock
from trading_system.cli.running import console
from trading_system.domain.instruments import Symbol
from trading_system.domain.portfolio import Asset, Money, Portfolio, Valued
from trading_system.domain.positions import Equity, Position
from trading_system.domain.stops import StopKind

D = Decimal
BTC = Symbol("BTC", "USDT")
NOTHING = Money(by_asset={}, total=D(0))


@pytest.fixture
def running(monkeypatch):
    parts = dict.fromkeys(
        ("symbols", "registry", "backfills", "prices", "orders", "desk", "order_manager", "trading")
    )
    running = Running(FakeSystem(clock=ManualClock(), **parts))
    monkeypatch.setenv("API_PORT", str(running.port))
    yield running
    running.stop()


def cells(line):
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_positions_are_a_table_of_what_is_held_and_earned(cli, running):
    assert "Nothing was traded yet" in cli("positions").output
    position = Position(
        symbol=BTC, quantity=D("0.50"), cost=D(50), realised=D("-1.50"), fees={"BNB": D("0.10")}
    )
    running.system.portfolio.rows = [
        Valued(position=position, price=D(110), price_age_ms=1_240, realised_today=D(0)),
        Valued(
            position=Position(symbol=BTC, quantity=D(1)),
            price=None,
            price_age_ms=None,
            realised_today=D(0),
        ),
    ]
    lines = cli("positions").output.splitlines()
    assert cells(lines[3]) == ["BTC/USDT", "0.5", "100", "110", "5", "-1.5", "0.1 BNB", "1.2 s"]
    assert cells(lines[4])[3:5] == ["–", "–"]
    assert cells(lines[4])[-1] == "–"


def test_what_a_division_left_is_told_as_fine_as_a_venue_knows_it(cli, running):
    position = Position(symbol=BTC, quantity=D("0.03"), cost=D(1000), realised=D("-2E-12"))
    valued = Valued(position=position, price=D(110), price_age_ms=0, realised_today=D(0))
    running.system.portfolio.rows = [valued]
    row = cells(cli("positions").output.splitlines()[3])
    assert row[2] == "33333.33333333"
    assert row[5] == "0"


def test_the_portfolio_names_what_it_cannot_value(cli, running):
    running.system.portfolio.whole = Portfolio(
        equity=Equity(
            total=D(90),
            quote="USDT",
            day_start=D(95),
            peak=D(100),
            at=datetime(2026, 1, 1, tzinfo=UTC),
            unvalued=("XYZ", "ABC"),
        ),
        assets=(Asset(name="BTC", free=D(1), locked=D(0), price=D(90), price_age_ms=7),),
        realised=Money(by_asset={"USDT": D("3.50"), "XYZ": D(1)}, total=None),
        realised_today=NOTHING,
        unrealised=NOTHING,
        fees=NOTHING,
    )
    shown = cli("portfolio").output
    assert "Portfolio in USDT" in shown
    assert "100, 10.0 % above" in shown
    assert "– (3.5 USDT, 1 XYZ)" in shown
    assert "No price is known of XYZ, ABC: not counted." in shown
    assert any(cells(line) == ["BTC", "1", "0", "90", "90", "0.0 s"] for line in shown.splitlines())
    whole = running.system.portfolio.whole
    running.system.portfolio.whole = Portfolio(
        **{name: getattr(whole, name) for name in whole.__slots__}
        | {
            "equity": Equity(
                total=D(1), quote="USDT", day_start=D(1), peak=D(1), at=whole.equity.at
            )
        }
    )
    assert "not counted" not in cli("portfolio").output


def test_a_stop_is_set_listed_and_taken_back(cli, running):
    assert "No stop loss was ever set" in cli("stops").output
    assert "90000" in cli("stops", "guard", "BTC/USDT", "--at", "90000").output
    (wish,) = running.system.stops.wishes
    assert (wish.kind, wish.trigger_price, wish.quantity) == (StopKind.FIXED, 90_000, None)
    cli("stops", "guard", "BTC/USDT", "--trail", "1.5", "--quantity", "0.1")
    assert running.system.stops.wishes[-1].distance_percent == D("1.5")
    cli("stops", "guard", "BTC/USDT", "--until", "2026-01-02T00:00:00Z")
    assert running.system.stops.wishes[-1].kind is StopKind.TIME
    assert "system" in cli("stops").output
    (first, *_) = running.system.stops.rows
    assert "cancelled" in cli("stops", "cancel", str(first)).output


def test_the_id_of_a_stop_can_be_copied_from_a_narrow_terminal(cli, running, monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    cli("stops", "guard", "BTC/USDT", "--at", "90000")
    (first,) = running.system.stops.rows
    assert str(first) in cli("stops").output


@pytest.mark.parametrize("where", [(), ("--at", "1", "--trail", "2")])
def test_one_way_to_guard_must_be_named(cli, where):
    result = cli("stops", "guard", "BTC/USDT", *where)
    assert result.exit_code == 2
    assert "name one of" in result.output
