"""The figures of a result in words, for terminals and pages alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trading_system.research.record import Record, number

NONE = "–"


class Unit(StrEnum):
    """How a figure is written."""

    SHARE = "share"
    RATIO = "ratio"
    COUNT = "count"
    BARS = "bars"
    MONEY = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A line of a table: its text for the strategy, and for holding where that has one."""

    label: str
    strategy: str
    holding: str


_FIGURES = (
    ("Total return", "total_return", Unit.SHARE),
    ("Annual return", "annual_return", Unit.SHARE),
    ("Volatility, annual", "volatility", Unit.SHARE),
    ("Sharpe", "sharpe", Unit.RATIO),
    ("P(Sharpe of days > 0)", "probabilistic_sharpe", Unit.SHARE),
    ("Sortino", "sortino", Unit.RATIO),
    ("Calmar", "calmar", Unit.RATIO),
    ("Maximum drawdown", "max_drawdown", Unit.SHARE),
    ("Longest drawdown", "max_drawdown_bars", Unit.BARS),
    ("Trades", "trades", Unit.COUNT),
    ("Win rate", "win_rate", Unit.SHARE),
    ("Profit factor", "profit_factor", Unit.RATIO),
    ("Expectancy", "expectancy", Unit.MONEY),
    ("Exposure time", "exposure_time", Unit.SHARE),
    ("Turnover / capital", "turnover", Unit.RATIO),
    ("Fees paid", "fees", Unit.MONEY),
    ("Final equity", "final_equity", Unit.MONEY),
)
_INTERVAL = "Sharpe of days, 95 %"
_GRID = (("Fills", "at the grid's own prices"),)


def figures(metrics: Mapping[str, Any], holding: Mapping[str, Any]) -> list[Figure]:
    """The lines of a result's table, in the order people read them."""
    lines = [
        Figure(
            label=label,
            strategy=text(unit, number(metrics[name])),
            holding=text(unit, number(holding[name])) if name in holding else "",
        )
        for label, name, unit in _FIGURES
    ]
    after = next(at for at, line in enumerate(lines, 1) if line.label == "Sharpe")
    lines.insert(after, Figure(label=_INTERVAL, strategy=interval(metrics), holding=""))
    return lines


def interval(metrics: Mapping[str, Any]) -> str:
    """Between which bounds the Sharpe of days lies; a dash of too few days to say."""
    low, high = (number(metrics[name]) for name in ("sharpe_low", "sharpe_high"))
    return NONE if math.isnan(low) else f"{low:.2f} .. {high:.2f}"


def question(record: Record) -> list[tuple[str, str]]:
    """What was asked, line by line: strategy, candles, and the rules that its engine keeps."""
    configuration, rules = record.configuration, record.configuration["rules"]
    parameters = (f"{name}={value}" for name, value in configuration["parameters"].items())
    return [
        ("Strategy", configuration["strategy"]),
        ("Parameters", " ".join(parameters) or NONE),
        ("Symbol", f"{configuration['symbol']} {configuration['timeframe']}"),
        ("From", configuration["start"]),
        ("To", configuration["end"]),
        ("Candles", _candles(record.data)),
        ("Capital", text(Unit.MONEY, rules["capital"])),
        ("Fees", f"{rules['fee_taker']:.3%} taker, {rules['fee_maker']:.3%} maker"),
        ("Costs", _costs(rules)),
        *(_GRID if record.engine == "grid" else _target_rules(configuration)),
    ]


def text(unit: Unit, value: float) -> str:
    """A figure as people read it; what does not exist is a dash, and no end is ∞."""
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    match unit:
        case Unit.SHARE:
            return f"{value:.2%}"
        case Unit.RATIO:
            return f"{value:,.2f}"
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.BARS:
            return f"{value:,.0f} bars"
        case Unit.MONEY:
            return f"{value:,.2f}"


def _target_rules(configuration: Mapping[str, Any]) -> list[tuple[str, str]]:
    rules = configuration["rules"]
    return [
        ("Fills", f"{rules['fill'].replace('_', ' ')}, {rules['sizing']}"),
        ("Sides", _sides(configuration["parameters"], short=rules["short"])),
        ("Stops", _stops(rules)),
        ("Orders", _lots(rules)),
    ]


def _sides(parameters: Mapping[str, str], *, short: bool) -> str:
    """Which sides the rules allow, and that a strategy would like more."""
    if short:
        return "long and short"
    return "long only: the rule short is off" if parameters.get("short") == "yes" else "long only"


def _candles(data: Mapping[str, Any]) -> str:
    missing = f", {data['missing']:,} missing" if data["missing"] else ""
    return f"{data['bars']:,} and {data['warmup']:,} before{missing}"


def _costs(rules: Mapping[str, Any]) -> str:
    costs = {"slippage": "slippage_bps", "spread": "spread_bps"}
    told = [f"{word} {rules[name]:g} bps" for word, name in costs.items() if rules[name]]
    told += [f"impact {rules['impact']:g}"] if rules["impact"] else []
    return ", ".join(told) or "no slippage"


def _lots(rules: Mapping[str, Any]) -> str:
    step = f"multiples of {rules['lot_step']:g}" if rules["lot_step"] else "of any size"
    least = f", worth {rules['min_notional']:g} or more" if rules["min_notional"] else ""
    return step + least


def _stops(rules: Mapping[str, Any]) -> str:
    names = ("stop_loss", "take_profit", "trailing_stop")
    stops = [f"{name.replace('_', ' ')} {rules[name]:.2%}" for name in names if rules[name]]
    return ", ".join(stops) or "none"
