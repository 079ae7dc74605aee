"""The runs on the real simulator; system and exchange share a clock faster than the machine's."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.steady import FastClock
from trading_system.acceptance.acceptance import accept
from trading_system.acceptance.cable import cable
from trading_system.acceptance.report import write
from trading_system.config import Settings
from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.instruments import Symbol
from trading_system.simulator.mischief.rules import read_rule
from trading_system.simulator.server import SimulatorOptions, serve
from trading_system.system import opened

SPEED = 12.0
BEGIN = datetime(2026, 1, 4, 12, tzinfo=UTC)
BTC = Symbol("BTC", "USDT")


@pytest.fixture
async def taken(tmp_path):
    """Take these runs, with or without a cable, while this goes wrong at the exchange."""

    async def take(*only, minutes=0.2, symbol=BTC, encrypted=False, mischief=()):
        clock = FastClock(SPEED, BEGIN)
        options = SimulatorOptions(speed=SPEED, clock=clock.milliseconds)
        async with AsyncExitStack() as stack:
            exchange = await stack.enter_async_context(serve(options))
            exchange.mischief.add([read_rule(rule) for rule in mischief])
            line = await stack.enter_async_context(cable(exchange.url))
            wanted = Settings(
                _env_file=None,
                db_path=tmp_path / "acceptance.db",
                budget_dir=tmp_path,
                backfill_minutes=10,
                venue=line.url,
                binance_api_key=exchange.api_key,
                binance_secret_key=exchange.secret,
            )
            system = await stack.enter_async_context(opened(wanted, clock))
            told = []
            accepted = await accept(
                system,
                None if encrypted else line,
                venue="simulator",
                symbol=symbol,
                only=only,
                minutes=minutes,
                progress=told.append,
            )
            assert tuple(told) == accepted.runs
            return accepted

    return take


def unkept(accepted):
    """What was not as wanted, for a readable failure."""
    return [check for run in accepted.runs for check in run.checks if not check.kept]


async def test_orders_and_streams_are_as_wanted(taken):
    accepted = await taken("market", "limit", "streams")
    assert unkept(accepted) == []
    assert accepted.passed
    market, limit, _ = accepted.runs
    assert [order.request.side for order in market.orders] == ["BUY", "SELL", "BUY", "SELL", "BUY"]
    assert len(limit.checks) == 6
    assert all(order.status != "NEW" for order in limit.orders[3:])


@pytest.mark.slow
async def test_half_a_minute_without_a_network_is_recovered_from(taken):
    assert unkept(await taken("network")) == []


async def test_an_encrypted_way_cannot_be_cut_and_says_so(taken):
    [run] = (await taken("network", encrypted=True)).runs
    assert "left out" in run.checks[0].detail


async def test_a_venue_that_refuses_is_told_in_the_report(taken, tmp_path):
    refusal = {"kind": "error", "code": -2010, "calls": "POST /api/v3/order"}
    accepted = await taken("market", mischief=[refusal])
    assert not accepted.passed
    data, page = write(replace(accepted, venue="<here>"), tmp_path / "reports")
    told = json.loads(data.read_text())
    assert (told["passed"], told["runs"][0]["passed"]) == (False, False)
    assert "REJECTED" in page.read_text()
    assert "&lt;here&gt;" in page.read_text()


async def test_a_symbol_that_is_not_listed_is_an_error(taken):
    with pytest.raises(UnknownSymbol):
        await taken("market", symbol=Symbol("NO", "COIN"))
