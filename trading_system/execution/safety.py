"""What says no and what stops: the gate, control and the kill switch, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trading_system.bus import Bus
from trading_system.domain.mandates import Stake
from trading_system.execution.control import Control
from trading_system.execution.gate import RiskGate
from trading_system.execution.kill_switch import KillSwitch
from trading_system.execution.loss_watch import LossWatch
from trading_system.execution.oms import OrderManager
from trading_system.execution.purse import Purse
from trading_system.ports import (
    Clock,
    CommitmentRepository,
    Derivatives,
    DrawdownRecord,
    Holdings,
    Live,
    MarketData,
    OrderRepository,
    RefusalRepository,
    Trading,
)
from trading_system.risk.limits import RiskLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """The parts that whoever watches over trading speaks to."""

    control: Control
    gate: RiskGate
    losses: LossWatch
    kill_switch: KillSwitch
    refusals: RefusalRepository


def safety(
    control: Control,
    manager: OrderManager,
    *,
    limits: RiskLimits,
    trading: Trading,
    market_data: MarketData,
    holdings: Holdings,
    live: Live,
    orders: OrderRepository,
    commitments: CommitmentRepository,
    refusals: RefusalRepository,
    drawdown: DrawdownRecord,
    clock: Clock,
    bus: Bus,
    is_pushed: Callable[[], bool],
    resting: Callable[[], str | None],
    currency: str,
    may_short: bool,
    margin: Derivatives,
    ready: Callable[[], Awaitable[None]],
    stakes: Callable[[], Awaitable[Sequence[Stake]]],
) -> Safety:
    """Build it; `resting` says why the venue is not asked, `currency` is what limits are set in.

    `ready` returns once our record is known to be the venue's, `stakes` what of it is strategies'.
    """
    losses = LossWatch(holdings=holdings, record=drawdown, limits=limits, clock=clock)
    gate = RiskGate(
        limits=limits,
        control=control,
        purse=Purse(balances=trading.balances, is_pushed=is_pushed, clock=clock, bus=bus),
        losses=losses,
        commitments=commitments,
        holdings=holdings,
        live=live,
        market_data=market_data,
        clock=clock,
        breaker=resting,
        currency=currency,
        may_short=may_short,
    )
    kill_switch = KillSwitch(
        control=control,
        manager=manager,
        orders=orders,
        holdings=holdings,
        trading=trading,
        market_data=market_data,
        clock=clock,
        bus=bus,
        may_short=may_short,
        margin=margin,
        ready=ready,
        stakes=stakes,
    )
    return Safety(
        control=control, gate=gate, losses=losses, kill_switch=kill_switch, refusals=refusals
    )
