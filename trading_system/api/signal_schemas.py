"""What strategies decide, as it travels; prices and indicators are JSON numbers: they decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from trading_system.api.scalars import InstantOut, SymbolText
from trading_system.api.schemas import Out, example
from trading_system.domain.decisions import Decision, Outcome

_SIGNAL: Mapping[str, Any] = {
    "strategy_id": "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61",
    "symbol": "BTC/USDT",
    "bar": "2026-01-01T12:00:00Z",
    "price": 93000.1,
    "target": 1.0,
    "lines": {"fast": 92990.5, "slow": 92985.25},
    "outcome": "ordered",
    "reason": None,
    "order_id": "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f",
    "decided_at": "2026-01-01T12:01:05Z",
}


class SignalOut(Out):
    """What was decided at the close of a bar, and what came of it.

    `bar` is its open time, `price` its close, `target` the wanted exposure in [-1, 1], `lines` the
    indicators at that bar. outcome: pending (to be acted on, `reason` says what it waits for),
    ordered, fitted (nothing had to be traded), unchanged (the target stood), refused, missed (a
    newer bar had closed), kept (a grid, whose orders rest).
    """

    model_config = example(**_SIGNAL)

    strategy_id: UUID
    symbol: SymbolText
    bar: InstantOut
    price: float
    target: float
    lines: Mapping[str, float | None]
    outcome: Outcome
    reason: str | None
    order_id: UUID | None
    decided_at: InstantOut

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Made from a decision, which is none of the warm-up."""
        return cls(
            strategy_id=decision.mandate_id,
            symbol=decision.symbol,
            bar=decision.bar.open_time,
            price=decision.price,
            target=decision.target or 0.0,
            lines=decision.lines,
            outcome=decision.outcome,
            reason=decision.reason,
            order_id=decision.order_id,
            decided_at=decision.at,
        )


class SignalsOut(Out):
    """A page of signals, newest bar first; `next` is what to ask for `after`, null at the end."""

    model_config = example(signals=[_SIGNAL], next=None)

    signals: list[SignalOut]
    next: str | None
