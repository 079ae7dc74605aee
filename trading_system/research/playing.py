"""A strategy over its candles: which of the two loops plays it, and what may go wrong on the way.

A grid is played order by order against highs and lows; every other strategy by its targets.
"""

from __future__ import annotations

from collections.abc import Callable

from trading_system.backtest import engine, grid
from trading_system.backtest.engine import Result
from trading_system.backtest.metrics import Metrics
from trading_system.backtest.rules import Rules
from trading_system.domain.errors import InvalidRequest, TradingError
from trading_system.frames import Column
from trading_system.research.history import History
from trading_system.strategies.base import Strategy, Targets, targets_on
from trading_system.strategies.grid import Grid

_GRID_IGNORES = (
    *("fill", "sizing", "lot_step", "min_notional"),
    *("stop_loss", "take_profit", "trailing_stop", "short"),
)
_STANDARD = Rules()


def play(strategy: Strategy, history: History, rules: Rules) -> Result:
    """The backtest of a strategy, over the candles after the warm-up.

    Raises InvalidRequest for rules or candles that the strategy cannot be played with, and when it
    fails; ConfigurationError without the extra that compiles.
    """
    frame, timeframe, warmup = history.frame, history.timeframe, history.warmup
    if isinstance(strategy, Grid):
        levels, each = _levels(strategy, history, rules), float(strategy.quantity)
        return grid.run(frame, levels, each, rules, timeframe, warmup=warmup)
    targets = _targets(strategy, lambda asked: asked.targets(frame))
    return engine.run(frame, targets, rules, timeframe, warmup=warmup)


def summaries(
    kind: type[Strategy], history: History, rules: Rules
) -> Callable[[Strategy], Metrics]:
    """A function that gives the metrics of `play`, to the last bit, of strategies of one kind.

    What they share is computed once, here. It may be called in several threads, and raises what
    `play` raises.
    """
    frame, timeframe, warmup = history.frame, history.timeframe, history.warmup
    shared = targets_on(kind, frame)

    def summarized(strategy: Strategy) -> Metrics:
        if isinstance(strategy, Grid):
            levels, each = _levels(strategy, history, rules), float(strategy.quantity)
            return grid.summarize(frame, levels, each, rules, timeframe, warmup=warmup)
        targets = _targets(strategy, shared)
        return engine.summarize(frame, targets, rules, timeframe, warmup=warmup)

    return summarized


def _targets(strategy: Strategy, targets: Callable[[Strategy], Targets]) -> Targets:
    try:
        found = engine.readable(targets(strategy))
    except TradingError:
        raise
    except Exception as error:  # whatever somebody's own code may raise
        raise InvalidRequest(
            f"{strategy.name} failed on these candles: {type(error).__name__}: {error}"
        ) from error
    return found


def _levels(strategy: Grid, history: History, rules: Rules) -> Column:
    """The prices a grid rests at; InvalidRequest for rules or candles that it has none for."""
    for name in _GRID_IGNORES:
        if getattr(rules, name) != getattr(_STANDARD, name):
            raise InvalidRequest(f"a grid has its own prices and sizes: leave out {name}")
    if history.warmup < strategy.warmup:
        raise InvalidRequest(
            f"a range from the ATR needs {strategy.warmup} candles before the start, and there are "
            f"{history.warmup}: start later, or name the range: --param low=… --param high=…"
        )
    levels = strategy.prices(history.frame)
    if not len(levels):
        raise InvalidRequest("the price did not move before the start: name the grid's range")
    return levels
