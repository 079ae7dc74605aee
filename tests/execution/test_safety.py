"""The parts that say no and that stop, put together: each hears of what the others know."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.fakes.safety import FakeCommitments, FakeDrawdown, FakeRefusals
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution.safety import safety
from trading_system.risk.gate import Approved
from trading_system.risk.limits import RiskLimits

D = Decimal
BUY = OrderRequest(
    symbol=Symbol("BTC", "USDT"),
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=D(2),
    price=D(100),
)


@pytest.fixture
def build(control, manager, trading, wallet, listing, holdings, prices, orders, clock, bus):
    trading.balances = wallet.balances

    def parts(*, resting=lambda: None, **limits):
        async def ready():
            return None

        async def nobody():
            return []

        return safety(
            control,
            manager,
            limits=RiskLimits(**limits),
            trading=trading,
            market_data=listing,
            holdings=holdings,
            live=prices,
            orders=orders,
            commitments=FakeCommitments(orders),
            refusals=FakeRefusals(),
            drawdown=FakeDrawdown(),
            clock=clock,
            bus=bus,
            is_pushed=lambda: True,
            resting=resting,
            currency="USDT",
            may_short=False,
            margin=None,
            ready=ready,
            stakes=nobody,
        )

    return parts


async def refused_by(gate):
    await gate.prepare(BUY)
    verdict = await gate.review(BUY)
    return None if isinstance(verdict, Approved) else verdict.refusal.check


async def test_what_is_free_a_rest_of_the_venue_and_losses_reach_the_gate(build, wallet, holdings):
    assert await refused_by(build().gate) is None
    assert await refused_by(build(resting=lambda: "it failed").gate) == "venue"
    wallet.free = {"USDT": D(199)}
    assert await refused_by(build().gate) == "balance"
    wallet.free = {"USDT": D(200)}
    holdings.total = D(900)
    parts = build(daily_loss_limit=D(50))
    assert await refused_by(parts.gate) == "daily loss"
    assert parts.losses.losses.equity.total == 900


async def test_a_kill_reaches_the_gate_and_the_orders(build, manager, orders, trading, says):
    parts = build()
    trading.answers += [says("NEW"), says("CANCELED")]
    order, _ = await manager.save(BUY, idempotency_key=None, digest="d")
    await manager.send(order)
    await parts.control.kill(reason="now", who="test", flatten=False)
    assert await refused_by(parts.gate) == "control"
    await parts.kill_switch.enforce()
    assert (await orders.get(order.id)).status is OrderStatus.CANCELED
    assert parts.kill_switch.progress.done
