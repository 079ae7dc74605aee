"""The figures of an advice: what the gate, the listing and the account know at the moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from tests.fakes.safety import NOON
from trading_system.domain.errors import StorageError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import VenuePosition
from trading_system.execution.adviser import Adviser

BTC = Symbol("BTC", "USDT")
REFUSED = Order(
    id=None,
    client_order_id="ts-1",
    request=OrderRequest(
        symbol=BTC, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(20), price=Decimal(100)
    ),
    status=OrderStatus.REJECTED,
    reject_code=-2010,
    reject_reason="Account has insufficient balance for requested action.",
    created_at=NOON,
    updated_at=NOON,
)


@dataclass
class FakeDerivatives:
    held: list = field(default_factory=list)
    asked: int = 0

    async def positions(self):
        self.asked += 1
        return self.held


@pytest.fixture
def derivatives():
    return FakeDerivatives()


@pytest.fixture
async def adviser(make_gate, listing, derivatives):
    gate = make_gate()
    await gate.prepare(REFUSED.request)
    return Adviser(gate=gate, market_data=listing, derivatives=derivatives)


async def test_what_is_needed_and_free_is_named(adviser, derivatives):
    told = await adviser.advice(REFUSED)
    assert told.startswith("needs 2000 USDT, 1000 are free")
    assert derivatives.asked == 0


async def test_the_rules_and_the_price_are_named(adviser):
    steps = replace(REFUSED, reject_code=-1013, reject_reason="Filter failure: LOT_SIZE")
    assert "steps of 0.01" in await adviser.advice(steps)
    maker = replace(REFUSED, reject_reason="Order would immediately match and take.")
    assert "the market being at 100" in await adviser.advice(maker)


@pytest.mark.parametrize(("symbol", "text"), [(BTC, "leverage of 4"), (Symbol("A", "B"), "raise")])
async def test_the_leverage_is_asked_for_where_it_matters(adviser, derivatives, symbol, text):
    derivatives.held.append(
        VenuePosition(
            symbol=symbol,
            quantity=Decimal(1),
            entry_price=Decimal(1),
            unrealised=Decimal(0),
            leverage=4,
        )
    )
    margin = replace(REFUSED, reject_code=-2019, reject_reason="Margin is insufficient.")
    assert text in await adviser.advice(margin)
    assert derivatives.asked == 1


@pytest.mark.parametrize(
    "change", [{"status": OrderStatus.CANCELED}, {"reject_code": None}, {"reject_code": -1}]
)
async def test_what_was_not_refused_by_the_venue_gets_no_advice(adviser, change):
    assert await adviser.advice(replace(REFUSED, **change)) is None


async def test_advice_without_figures_is_still_given(make_gate, listing, derivatives, orders):
    class Broken:
        async def committed(self, **_):
            raise StorageError("disk full")

    gate = make_gate()
    gate._commitments = Broken()
    adviser = Adviser(gate=gate, market_data=listing, derivatives=derivatives)
    assert "needs 2000 USDT" in await adviser.advice(REFUSED)
    silent = replace(REFUSED, reject_reason=None)
    assert await adviser.advice(silent) is None
