"""A backtest: targets over candles by rules.

`run` tells everything, `summarize` only the figures, in a fixed amount of memory; both come from
one and the same loop and agree to the last bit. Targets may come from anywhere: nothing here knows
strategies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_system.backtest import metrics, records
from trading_system.backtest.compiled import compiled
from trading_system.backtest.metrics import Metrics
from trading_system.backtest.playback import Played, play
from trading_system.backtest.records import TRADE, Rows
from trading_system.backtest.rules import Rules
from trading_system.domain.errors import InvalidRequest
from trading_system.frames import Column, Frame

Targets = Column | NDArray[np.int8]
"""One exposure a bar in [-1, 1]; int8 where all of them are whole, which is read faster."""

_DAY = 86_400_000
_FEWEST_DAYS = 10  # of fewer, resamples are nearly the same and no interval is wide enough
_DECISIONS = 16_384  # at once


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What happened, bar by bar; bars count from the first after the warm-up, shape (n,).

    `fills`: rows of records.FILL. All else is worked out when somebody asks.
    """

    open_time: NDArray[np.int64]
    close: Column
    capital: float
    fills: Rows
    list_trades: Callable[[], Rows]
    metrics: Metrics

    @cached_property
    def trades(self) -> Rows:
        """From flat to flat, each a row of records.TRADE."""
        return self.list_trades()

    @cached_property
    def equity(self) -> Column:
        """What all is worth at each close, in quote asset."""
        cash, units = self._holdings
        return cash + units * self.close

    @cached_property
    def exposure(self) -> Column:
        """The value of the position by equity at each close; negative when short."""
        _, units = self._holdings
        return units * self.close / self.equity

    @cached_property
    def daily_returns(self) -> Column:
        """The return of each day (UTC) that has candles, from its last close to the one before."""
        first, last = (int(self.open_time[bar]) // _DAY for bar in (0, -1))
        equity = np.empty(last - first + 1)
        table = self.open_time, self.close, self.fills
        days = compiled().daily_equity(*table, self.capital, equity)
        return metrics.returns(equity[:days], self.capital)

    @cached_property
    def sharpe_interval(self) -> tuple[float, float]:
        """The bounds of the Sharpe with 95 % confidence, by its daily returns; NaN of too few."""
        return metrics.sharpe_interval(self._days_to_judge, 365)

    @cached_property
    def probabilistic_sharpe(self) -> float:
        """The probability that the true Sharpe is above 0, by its daily returns; NaN of too few."""
        return metrics.probabilistic_sharpe(self._days_to_judge)

    @property
    def _days_to_judge(self) -> Column:
        """The daily returns; none when they are too few to tell luck from skill."""
        days = self.daily_returns
        return days if len(days) >= _FEWEST_DAYS else days[:0]

    @property
    def _holdings(self) -> tuple[Column, Column]:
        """Cash and units at each close: what the last fill up to it left."""
        filled = np.searchsorted(self.fills.bar, np.arange(len(self.close)), side="right")
        cash, units = np.append(self.capital, self.fills.cash), np.append(0.0, self.fills.units)
        return cash[filled], units[filled]


def run(frame: Frame, targets: Targets, rules: Rules, timeframe: str, *, warmup: int = 0) -> Result:
    """Play `targets`, shape (n,) in [-1, 1], over the n candles of `frame`.

    The first `warmup` bars came before the start: nothing is decided at their closes. Raises
    InvalidRequest for targets or a timeframe that cannot be, ConfigurationError without numba.
    """
    played = play_targets(frame, targets, rules, warmup, keep=True)

    def trades() -> Rows:
        rows = np.empty(len(played.fills), TRADE)
        close = frame.close[warmup:]
        count = compiled().list_trades(played.fills, records.packed(rules), close, rows)
        return rows[:count].view(np.recarray)

    return told(played, frame, rules, timeframe, warmup=warmup, trades=trades)


def summarize(
    frame: Frame, targets: Targets, rules: Rules, timeframe: str, *, warmup: int = 0
) -> Metrics:
    """The metrics of `run` to the last bit, without writing anything down by bar or by trade."""
    return judge(
        play_targets(frame, targets, rules, warmup, keep=False), frame, rules, timeframe, warmup
    )


def after(frame: Frame, warmup: int) -> tuple[Column, ...]:
    """The columns that kernels read, without the warm-up; InvalidRequest when nothing is left."""
    if not 0 <= warmup < len(frame):
        raise InvalidRequest(f"{len(frame)} candles leave none after a warm-up of {warmup}")
    columns = (frame.open, frame.high, frame.low, frame.close, frame.volume)
    return tuple(column[warmup:] for column in columns)


def readable(targets: Any) -> Targets:
    """Targets as kernels read them: int8 as they are, all else as float64 or a ValueError."""
    found = np.asarray(targets)
    return found if found.dtype == np.int8 else np.asarray(found, np.float64)


def play_targets(
    frame: Frame,
    targets: Targets,
    rules: Rules,
    warmup: int,
    *,
    keep: bool,
    at_once: int = _DECISIONS,
) -> Played:
    """Trade and measure; it does not matter how many decisions are taken `at_once`."""
    if targets.shape != (len(frame),):
        raise InvalidRequest(f"{len(frame)} candles need as many targets, not {targets.shape}")
    kernels = compiled()
    bars, packed = after(frame, warmup), records.packed(rules)
    exposures = readable(targets)[warmup:]
    places, wanted = np.empty(at_once, np.int64), np.empty(at_once)
    bar = 0

    def advance(account: Rows, fills: Rows, tally: Rows) -> bool:
        nonlocal bar
        found, bar = kernels.decide(exposures, bar, places, wanted)
        if found < 0:
            raise InvalidRequest(
                f"the target of bar {warmup + bar} is {exposures[bar]}, not within [-1, 1]"
            )
        over = bar == len(exposures)
        decided = places[:found], wanted[:found]
        kernels.simulate(bars, *decided, over, packed, account, fills, tally)
        return not over

    return play(advance, bars[3], rules.capital, rows=kernels.FILLS_EACH * at_once, keep=keep)


def told(
    played: Played,
    frame: Frame,
    rules: Rules,
    timeframe: str,
    *,
    warmup: int,
    trades: Callable[[], Rows],
) -> Result:
    """All that is known of a run; `trades` are listed when somebody asks."""
    return Result(
        open_time=frame.open_time[warmup:],
        close=frame.close[warmup:],
        capital=rules.capital,
        fills=played.fills,
        list_trades=trades,
        metrics=judge(played, frame, rules, timeframe, warmup),
    )


def judge(played: Played, frame: Frame, rules: Rules, timeframe: str, warmup: int) -> Metrics:
    """The metrics of a run."""
    tally, curve = played.tally, played.curve
    periods = metrics.periods_per_year(timeframe)
    bars, trades, drawdown = curve["bar"], tally["trades"], curve["drawdown"]
    total = curve["equity"] / rules.capital - 1
    annual = metrics.annual_return(total, bars, periods)
    mean = curve["returns"] / bars
    deviated = metrics.deviation(curve["returns"], curve["squares"], bars)
    profit, loss = tally["gross_profit"], tally["gross_loss"]
    return Metrics(
        bars=bars,
        total_return=total,
        annual_return=annual,
        volatility=deviated * periods**0.5,
        sharpe=metrics.sharpe(mean, deviated, periods),
        sortino=metrics.sortino(mean, curve["downside"] / bars, periods),
        calmar=metrics.ratio(annual, drawdown),
        max_drawdown=drawdown,
        max_drawdown_bars=curve["drawdown_bars"],
        trades=trades,
        win_rate=metrics.ratio(tally["wins"], trades),
        profit_factor=metrics.ratio(profit, loss),
        expectancy=metrics.ratio(profit - loss, trades),
        exposure_time=curve["bars_held"] / bars,
        turnover=tally["turnover"] / rules.capital,
        fees=tally["fees"],
        buy_and_hold=float(frame.close[-1] / frame.open[warmup]) - 1,
    )
