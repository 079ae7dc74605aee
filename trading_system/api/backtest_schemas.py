"""What backtests look like over the API. Their numbers are floats: they decide and never trade."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from trading_system.api.scalars import Instant, SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.backtest.rules import FillRule, Rules, Sizing
from trading_system.research.backtest_queue import Backtest, BacktestState
from trading_system.research.configuration import Configuration, parameter_text

_ID = "20260101T120000123Z"
_RUN = "3f2a9c0d5e8b4716a1c2d3e4f5061728394a5b6c7d8e9f00112233445566778f"
_QUESTION = {
    "strategy": "sma_cross",
    "parameters": {"fast": "20", "slow": "50", "short": "no"},
    "symbol": "BTC/USDT",
    "timeframe": "1h",
    "start": "2025-06-01T00:00:00Z",
    "end": "2025-08-01T00:00:00Z",
    "rules": dataclasses.asdict(Rules()),
}
_FIGURES = {"total_return": 0.0421, "sharpe": 1.31, "max_drawdown": 0.0712, "trades": 20}

FigureOut = float | int | str | None
"""A figure; null where there is none, "inf" and "-inf" where it has no end."""


class RulesIn(In):
    """What a backtest takes for granted; see the command's help for each."""

    capital: float = 10_000.0
    fee_taker: float = 0.001
    fee_maker: float = 0.001
    slippage_bps: float = 0.0
    spread_bps: float = 0.0
    impact: float = 0.0
    fill: FillRule = FillRule.NEXT_OPEN
    sizing: Sizing = Sizing.COMPOUNDING
    lot_step: float = 0.0
    min_notional: float = 0.0
    stop_loss: float = 0.0
    take_profit: float = 0.0
    trailing_stop: float = 0.0
    short: bool = False


class BacktestIn(In):
    """Play a strategy over the candles with start <= open time < end."""

    model_config = example(
        strategy="sma_cross",
        parameters={"fast": 20, "slow": 50},
        symbol="BTC/USDT",
        timeframe="1h",
        start="2025-06-01T00:00:00Z",
        end="2025-08-01T00:00:00Z",
        rules={"fee_taker": 0.001, "slippage_bps": 2},
    )

    strategy: Annotated[str, Field(min_length=1, max_length=100)]
    parameters: Annotated[dict[str, bool | int | float | str], Field(default_factory=dict)]
    symbol: SymbolText
    timeframe: str = "1h"
    start: Instant
    end: Instant
    rules: RulesIn = RulesIn()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self

    def configuration(self) -> Configuration:
        """As research knows it; raises InvalidRequest for a timeframe or rules that cannot be."""
        return Configuration(
            strategy=self.strategy,
            parameters={name: parameter_text(value) for name, value in self.parameters.items()},
            symbol=str(self.symbol),
            timeframe=self.timeframe,
            start=datetime.fromtimestamp(self.start / 1000, UTC),
            end=datetime.fromtimestamp(self.end / 1000, UTC),
            rules=Rules(**dict(self.rules)),
        )


class BacktestOut(Out):
    """One that was asked for; from `run_id` on only what is done has anything to say.

    `progress`, 0 to 1, is that of its candles. `metrics` are the strategy's and `holding` those of
    the same money in the asset all the time; null where there is none, "inf" where it has no end.
    """

    model_config = example(
        id=_ID,
        state="done",
        progress=1.0,
        error=None,
        configuration=_QUESTION,
        run_id=_RUN,
        code={"package": "0.1.0", "sources": "1f0c", "engine": "77ab", "own_file": None},
        data={"digest": "9b1d", "bars": 1464, "warmup": 49, "missing": 0},
        metrics=_FIGURES,
        holding={"total_return": 0.1068},
        circumstances={"asked_at": "2026-01-01T12:00:00.123Z", "seconds": 0.8},
        result=f"/backtests/{_ID}/result",
        plot=f"/plot/backtests/{_ID}",
    )

    id: str
    state: BacktestState
    progress: float
    error: str | None
    configuration: dict[str, Any]
    run_id: str | None = None
    code: dict[str, str | None] | None = None
    data: dict[str, Any] | None = None
    metrics: dict[str, FigureOut] | None = None
    holding: dict[str, FigureOut] | None = None
    circumstances: dict[str, Any] | None = None
    result: str | None = None
    plot: str | None = None

    @classmethod
    def of(cls, job: Backtest) -> Self:
        """Made from the job, with what its file says first."""
        return cls(
            id=job.id,
            state=job.state,
            progress=job.progress,
            error=job.error,
            configuration=dict(job.configuration),
            **_outcome(job),
        )


def _outcome(job: Backtest) -> dict[str, Any]:
    if job.head is None:
        return {}
    result: Mapping[str, Any] = job.head.result
    return {
        **{name: result[name] for name in ("run_id", "code", "data", "metrics", "holding")},
        "circumstances": job.head.circumstances,
        "result": f"/backtests/{job.id}/result",
        "plot": f"/plot/backtests/{job.id}",
    }
