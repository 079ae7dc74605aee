"""What one backtest is asked for, in the one form that two people who ask the same both write.

Refuses what no run could answer: a span that ends before it begins, a timeframe that is none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self, cast

from trading_system.backtest.rules import FillRule, Rules, Sizing
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.strategies.base import Strategy, Value, build, parameters
from trading_system.strategies.registry import Kinds, find

_ENUMS = {"fill": FillRule, "sizing": Sizing}
_FLOATS = tuple(each.name for each in dataclasses.fields(Rules) if each.type == "float")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Play `strategy` over the candles with `start` <= open time < `end`, by `rules`.

    `parameters` are texts that `base.build` reads; completed, they are all that the strategy has.
    """

    strategy: str
    parameters: Mapping[str, str]
    symbol: str
    timeframe: str
    start: datetime
    end: datetime
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        Timeframe.parse(self.timeframe)
        if str(Symbol.parse(self.symbol)) != self.symbol:
            raise InvalidRequest(f"{self.symbol!r} is written {Symbol.parse(self.symbol)}")
        if not self.start < self.end:
            raise InvalidRequest(f"start={iso(self.start)} must be before end={iso(self.end)}")

    @classmethod
    def of(
        cls,
        strategy: Strategy,
        *,
        symbol: str,
        timeframe: str,
        start: datetime,
        end: datetime,
        rules: Rules,
    ) -> Self:
        """The configuration of a strategy that was built; raises InvalidRequest."""
        return cls(
            strategy=strategy.name,
            parameters=written(strategy),
            symbol=str(Symbol.parse(symbol)),
            timeframe=timeframe,
            start=start,
            end=end,
            rules=rules,
        )

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises InvalidRequest for anything else."""
        try:
            rules: dict[str, Any] = dict(members["rules"])
            rules |= {name: kind(rules[name]) for name, kind in _ENUMS.items()}
            return cls(
                **{
                    **members,
                    "start": read_instant(members["start"]),
                    "end": read_instant(members["end"]),
                    "rules": Rules(**rules),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidRequest(f"no configuration of a backtest: {error}") from None

    def to_json(self) -> dict[str, Any]:
        """Plain values, the same for any two configurations that mean the same."""
        rules = dataclasses.asdict(self.rules)
        return {
            "strategy": self.strategy,
            "parameters": dict(self.parameters),
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "start": iso(self.start),
            "end": iso(self.end),
            "rules": rules | {name: float(rules[name]) for name in _FLOATS},
        }

    def completed(self, strategy: Strategy) -> Self:
        """With every parameter of the strategy, also those that nobody named."""
        return dataclasses.replace(self, parameters=written(strategy))

    def strategy_among(self, kinds: Kinds) -> Strategy:
        """The strategy, built; InvalidRequest when there is none or it refuses its parameters."""
        return build(find(kinds, self.strategy), self.parameters)


def written(strategy: Strategy) -> dict[str, str]:
    """Every parameter of a strategy as `base.build` reads it, equal texts for equal values."""
    texts = {}
    for each in parameters(type(strategy)):
        value: Value = getattr(strategy, each.name)
        if isinstance(each.default, float):
            value = float(cast("float", value))  # 20 and 20.0 are the same question
        text = dataclasses.replace(each, default=value).written
        texts[each.name] = f"{value.normalize():f}" if isinstance(value, Decimal) else text
    return texts


def parameter_text(value: bool | float | str) -> str:  # noqa: FBT001 -- any of these is a value
    """A value that came as JSON, as `base.build` reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def read_instant(text: str) -> datetime:
    """An instant from ISO 8601, UTC where it does not say otherwise; raises InvalidRequest."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is no instant; write it like 2025-06-01 or 2025-06-01T12:00Z"
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def iso(moment: datetime) -> str:
    """An instant as 2025-06-01T12:00:00Z."""
    return moment.isoformat().replace("+00:00", "Z")
