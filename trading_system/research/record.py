"""What is kept of a backtest: all that the same question must answer again, byte by byte.

The run id is a hash over the question (code, configuration, candles, engine); when and where it was
asked, and how long it took, are circumstances and stand outside of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from trading_system.backtest.engine import Result
from trading_system.backtest.records import Reason
from trading_system.domain.errors import InvalidRequest
from trading_system.research.code_version import code_version
from trading_system.research.configuration import Configuration
from trading_system.research.curve import curve
from trading_system.research.history import History, part
from trading_system.research.holding import holding
from trading_system.strategies.base import Strategy
from trading_system.strategies.grid import Grid

SHORT = 12
"""So many digits of a run id are told to people."""

_IDENTITY = ("code", "engine", "configuration", "data")
_INFINITE = {"inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A backtest as plain values, ready for JSON; see docs/backtests.md for every member.

    `metrics` and `holding` (the same money in the asset all the time): figures by name. `curve`
    and `trades`: columns by name.
    """

    run_id: str
    code: Mapping[str, Any]
    engine: str
    configuration: Mapping[str, Any]
    data: Mapping[str, Any]
    metrics: Mapping[str, Any]
    holding: Mapping[str, Any]
    every: str
    curve: Mapping[str, list[Any]]
    trades: Mapping[str, list[Any]]

    @classmethod
    def of(
        cls, result: Result, strategy: Strategy, configuration: Configuration, history: History
    ) -> Self:
        """The record of what was played."""
        frame = part(history.frame, history.warmup, len(history.frame))
        every, points = curve(result, frame, history.timeframe)
        question: dict[str, Any] = {
            "code": code_version(type(strategy)).to_json(),
            "engine": "grid" if isinstance(strategy, Grid) else "targets",
            "configuration": configuration.to_json(),
            "data": {
                "digest": history.digest,
                "bars": len(frame),
                "warmup": history.warmup,
                "missing": history.missing,
            },
        }
        return cls(
            run_id=_identified(question),
            **question,
            metrics=_metrics(result),
            holding=_plain(holding(frame, history.timeframe)),
            every=every,
            curve=points,
            trades=_trades(result),
        )

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave; raises InvalidRequest for anything else."""
        try:
            return cls(**members)
        except TypeError as error:
            raise InvalidRequest(f"no result of a backtest: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """Plain values; the columns come last."""
        return {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}

    @property
    def is_whole(self) -> bool:
        """Whether the run id is the one of this question: nobody has changed it by hand."""
        return self.run_id == _identified({name: getattr(self, name) for name in _IDENTITY})


def canonical(value: Any) -> str:
    """JSON without a choice: keys in order, no spaces, floats as their shortest text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def number(value: Any) -> float:
    """A figure as it is kept, as a float: null is NaN, "inf" and "-inf" are what they say."""
    return math.nan if value is None else float(_INFINITE.get(value, value))


def _identified(question: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(question).encode()).hexdigest()


def _metrics(result: Result) -> dict[str, Any]:
    low, high = result.sharpe_interval
    return _plain(
        dataclasses.asdict(result.metrics)
        | {
            "sharpe_low": low,
            "sharpe_high": high,
            "probabilistic_sharpe": result.probabilistic_sharpe,
            "final_equity": float(result.equity[-1]),
        }
    )


def _trades(result: Result) -> dict[str, list[Any]]:
    rows, times = result.trades, result.open_time
    return {
        "entry_time": times[rows.entry_bar].tolist(),
        "exit_time": times[rows.exit_bar].tolist(),
        "side": ["long" if side > 0 else "short" for side in rows.side],
        "quantity": rows.quantity.tolist(),
        "entry_price": rows.entry_price.tolist(),
        "exit_price": rows.exit_price.tolist(),
        "pnl": rows.pnl.tolist(),
        "fees": rows.fees.tolist(),
        "reason": [Reason(reason).name.lower() for reason in rows.reason],
    }


def _plain(figures: Mapping[str, float]) -> dict[str, Any]:
    """Figures that JSON can hold."""
    return {name: _figure(value) for name, value in figures.items()}


def _figure(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value
