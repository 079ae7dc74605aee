"""What a strategy was worth at the close of each of its bars: for charts, so in float64; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from trading_system.domain.decisions import Decision
from trading_system.domain.mandates import Mandate, Terms, as_of
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import OwnFill
from trading_system.trader.wallets import Wallet


def equity_curve(
    mandate: Mandate,
    decisions: Iterable[Decision],
    fills: Sequence[OwnFill],
    terms: Sequence[Terms] = (),
) -> list[tuple[int, float]]:
    """(ms UTC, quote asset) at the close of each bar, ascending; fills in the order of booking.

    Its capital is that of then, by the `terms` of before each change. Of a symbol whose bar is
    missing at a close the last close before it counts.
    """
    wallet, booked = Wallet(may_short=True), 0
    by_time = sorted(fills, key=lambda each: each.recorded.fill.time)
    prices: dict[object, float] = {}
    curve = []
    bars = sorted(decisions, key=lambda each: each.bar.open_time)
    for open_time, several in groupby(bars, key=lambda each: each.bar.open_time):
        closed = _close(open_time, mandate.timeframe)
        prices |= {each.symbol: each.price for each in several}
        while booked < len(by_time) and _at(by_time[booked]) <= closed:
            wallet.add(by_time[booked])
            booked += 1
        held = sum(float(each.quantity) * prices.get(each.symbol, 0.0) for each in wallet.positions)
        capital = as_of(mandate, terms, closed).capital
        curve.append((closed, float(capital - wallet.spent) + held))
    return curve


def _close(open_time: int, timeframe: Timeframe) -> int:
    return open_time + timeframe.length


def _at(fill: OwnFill) -> int:
    return round(fill.recorded.fill.time.timestamp() * 1000)
