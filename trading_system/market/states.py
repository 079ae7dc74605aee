"""How a market behaves, from its figures alone: dead, normal, volatile, panicking or closed.

Pure. It refuses to flap: what a figure must reach to make a state is more than what it must fall
to before the state ends, and either must be seen several times in a row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.domain.candles import Candle
from trading_system.domain.errors import ConfigurationError
from trading_system.domain.market import MarketState, Quote

ATR_CANDLES = 14
"""Wilder's usual number of true ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A figure beyond `enter` makes a state, which ends only once it is back at `leave`.

    Beyond is above when `enter` is the larger of the two, else below.
    """

    enter: float
    leave: float

    def is_met(self, figure: float, *, already: bool) -> bool:
        """Whether the figure makes the state, or holds it when it is `already` there."""
        bound = self.leave if already else self.enter
        return figure > bound if self.enter >= self.leave else figure < bound


@dataclass(frozen=True, slots=True, kw_only=True)
class StateThresholds:
    """When a market is in which state. ATR in % of the price, spread in basis points of the middle.

    `half_*` are the figures that count one half in the liquidity score. A state that is worse is
    taken after `worsen_after` evaluations in a row, a better one after `improve_after`.
    """

    volatile_atr: Threshold = Threshold(enter=0.30, leave=0.20)
    panic_atr: Threshold = Threshold(enter=1.00, leave=0.70)
    volatile_spread: Threshold = Threshold(enter=30.0, leave=20.0)
    panic_spread: Threshold = Threshold(enter=150.0, leave=100.0)
    dead_quote_volume: Threshold = Threshold(enter=10_000.0, leave=15_000.0)
    dead_liquidity: Threshold = Threshold(enter=0.02, leave=0.04)
    dead_silence_seconds: Threshold = Threshold(enter=300.0, leave=60.0)
    half_depth: float = 5_000.0
    half_spread: float = 10.0
    half_quote_volume: float = 1_000_000.0
    worsen_after: int = 2
    improve_after: int = 6


def read_thresholds(text: str) -> StateThresholds:
    """The defaults with what the text changes: "panic_atr=1.5/1.0 worsen_after=3".

    Written are names of StateThresholds, each with enter/leave or a number. Raises
    ConfigurationError.
    """
    changes = {}
    for item in text.replace(",", " ").split():
        name, _, value = item.partition("=")
        try:
            changes[name] = _read_one(_DEFAULTS[name], value)
        except (KeyError, ValueError):
            raise ConfigurationError(
                f"MARKET_STATES: {item!r} is none of {', '.join(_DEFAULTS)}, written like "
                "panic_atr=1.5/1.0 (enter/leave) or worsen_after=3"
            ) from None
    return replace(StateThresholds(), **changes)


def _read_one(default: Any, value: str) -> Any:
    if not isinstance(default, Threshold):
        return type(default)(value)
    enter, leave = value.split("/")
    return Threshold(enter=float(enter), leave=float(leave))


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(StateThresholds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a state is judged by; None where nothing is known.

    `silence_seconds` since anything was heard of the symbol: None while nothing is heard of any,
    since then it says something of the stream and not of the market.
    """

    tradable: bool
    atr_percent: float | None = None
    spread_bps: float | None = None
    quote_volume: float | None = None
    liquidity: float | None = None
    silence_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of a market, and which other one it showed how many times in a row.

    `state` is None until enough evaluations agreed on a first one.
    """

    state: MarketState | None = None
    showing: MarketState | None = None
    times: int = 0
    reason: str = ""


def step(standing: Standing, figures: Figures, thresholds: StateThresholds) -> Standing:
    """The standing after one more evaluation.

    MAINTENANCE is the venue's own word, so it begins and ends with one evaluation.
    """
    judged = judge(standing.state, figures, thresholds)
    if judged is None:
        return standing
    shown, reason = judged
    if shown is standing.state:
        return replace(standing, showing=None, times=0, reason=reason)
    times = standing.times + 1 if shown is standing.showing else 1
    if times >= _needed(standing.state, shown, thresholds):
        return Standing(state=shown, reason=reason)
    return replace(standing, showing=shown, times=times)


def judge(
    now: MarketState | None, figures: Figures, thresholds: StateThresholds
) -> tuple[MarketState, str] | None:
    """Which state the figures show, given the one that is, and why; None while they show none.

    In this order: MAINTENANCE, DEAD (its other figures mean little), PANIC, VOLATILE, NORMAL.
    """
    if not figures.tradable:
        return MarketState.MAINTENANCE, "the venue does not trade it"
    for state, rules in _rules(figures, thresholds):
        already = now is state or (now is MarketState.PANIC and state is MarketState.VOLATILE)
        met = [
            f"{name} {figure:.4g}"
            for name, figure, threshold in rules
            if figure is not None and threshold.is_met(figure, already=already)
        ]
        if met:
            return state, ", ".join(met)
    if now is MarketState.MAINTENANCE:
        return MarketState.NORMAL, "the venue trades it again"
    if figures.atr_percent is None and figures.spread_bps is None:
        return None
    return MarketState.NORMAL, "no figure is out of bounds"


Rules = tuple[tuple[str, float | None, Threshold], ...]


def _rules(figures: Figures, thresholds: StateThresholds) -> tuple[tuple[MarketState, Rules], ...]:
    dead: Rules = (
        ("silent seconds", figures.silence_seconds, thresholds.dead_silence_seconds),
        ("24 h quote volume", figures.quote_volume, thresholds.dead_quote_volume),
        ("liquidity", figures.liquidity, thresholds.dead_liquidity),
    )
    panic: Rules = (
        ("ATR %", figures.atr_percent, thresholds.panic_atr),
        ("spread bps", figures.spread_bps, thresholds.panic_spread),
    )
    volatile: Rules = (
        ("ATR %", figures.atr_percent, thresholds.volatile_atr),
        ("spread bps", figures.spread_bps, thresholds.volatile_spread),
    )
    return (
        (MarketState.DEAD, dead),
        (MarketState.PANIC, panic),
        (MarketState.VOLATILE, volatile),
    )


_BADNESS = {
    None: -1,
    MarketState.NORMAL: 0,
    MarketState.VOLATILE: 1,
    MarketState.PANIC: 2,
    MarketState.DEAD: 3,
}


def _needed(now: MarketState | None, shown: MarketState, thresholds: StateThresholds) -> int:
    if MarketState.MAINTENANCE in {now, shown}:
        return 1
    worse = _BADNESS[shown] > _BADNESS[now]
    return thresholds.worsen_after if worse else thresholds.improve_after


def atr_percent(rows: NDArray[np.float64], running: Candle | None = None) -> float | None:
    """Average true range in % of the last close, the mean of the last 14 true ranges.

    `rows` of shape (n, 6) ascend, columns those of Candle; `running` is the minute that has not
    closed yet. A true range is max(high, close before) - min(low, close before); J. W. Wilder, New
    Concepts in Technical Trading Systems, 1978. None for less than two candles.
    """
    if running is not None and (not len(rows) or running.open_time > rows[-1, 0]):
        rows = np.vstack((rows, np.array(running, dtype=np.float64)))
    rows = rows[-ATR_CANDLES - 1 :]
    if len(rows) < 2:  # noqa: PLR2004 -- a range needs the close before
        return None
    before = rows[:-1, 4]
    ranges = np.maximum(rows[1:, 2], before) - np.minimum(rows[1:, 3], before)
    return float(100 * ranges.mean() / rows[-1, 4])


def spread_bps(quote: Quote) -> float:
    """Ask minus bid in basis points of their middle."""
    return 20_000 * (quote.ask - quote.bid) / (quote.ask + quote.bid)


def liquidity(
    quote: Quote | None, quote_volume: float | None, thresholds: StateThresholds
) -> float | None:
    """How easily it trades, 0 to 1: the geometric mean of three shares; None for unknown figures.

    depth / (depth + half_depth), the depth being the smaller of best bid and best ask in quote
    asset; half_spread / (half_spread + spread); volume / (volume + half_quote_volume) over 24 h.
    """
    if quote is None or quote_volume is None:
        return None
    depth = min(quote.bid * quote.bid_quantity, quote.ask * quote.ask_quantity)
    shares = (
        depth / (depth + thresholds.half_depth),
        thresholds.half_spread / (thresholds.half_spread + spread_bps(quote)),
        quote_volume / (quote_volume + thresholds.half_quote_volume),
    )
    return float(np.cbrt(np.prod(shares)))
