"""Another exchange's trades in one symbol, none missing, none twice.

Each has the time at which it was heard, so that nothing fills before its order came, however late
a trade that was missed is told. Aggregates count as trades, under the ids of aggregates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from trading_system.simulator.model import MarketTrade

MOST = 10_000
"""Trades kept; what is older than a minute besides has been shown to every order long ago."""

_SHOWN_AFTER = 60_000


class MirroredTape:
    """Begins with any trade and goes on with the one that follows."""

    def __init__(self) -> None:
        self._trades: list[MarketTrade] = []
        self._question: tuple[int, Decimal | None, Decimal | None] | None = None
        self._answered = -1

    @property
    def last(self) -> MarketTrade | None:
        """The newest trade."""
        return self._trades[-1] if self._trades else None

    def follow(self, trade: MarketTrade) -> bool:
        """Add a trade; False when one before it is missing, and then it is not added."""
        last = self.last
        if last is not None and trade.id > last.id + 1:
            return False
        self.extend([trade])
        return True

    def extend(self, trades: Iterable[MarketTrade]) -> None:
        """Add what the exchange's own record has, which is complete even where ids jump."""
        for trade in trades:
            if not self._trades or trade.id > self._trades[-1].id:
                self._trades.append(trade)
        if len(self._trades) > 2 * MOST:
            shown = self._trades[-1].time - _SHOWN_AFTER
            del self._trades[: min(bisect_right(self._trades, shown, key=_time), MOST)]

    def first_reaching(
        self, after: int, *, at_or_below: Decimal | None, at_or_above: Decimal | None
    ) -> MarketTrade | None:
        """The first trade with id > `after` whose price reaches either bound.

        The same question asked again goes on where it ended.
        """
        question = (after, at_or_below, at_or_above)
        if question != self._question:
            self._question, self._answered = question, after
        for trade in self._trades[bisect_right(self._trades, self._answered, key=_id) :]:
            if (at_or_below is not None and trade.price <= at_or_below) or (
                at_or_above is not None and trade.price >= at_or_above
            ):
                return trade
            self._answered = trade.id
        return None


def read_trade(row: Mapping[str, Any], *, heard: int) -> MarketTrade:
    """An aggregate trade as streams and GET aggTrades tell it, heard at this time (ms UTC)."""
    return MarketTrade(row["a"], Decimal(row["p"]), Decimal(row["q"]), heard, row["m"])


def _id(trade: MarketTrade) -> int:
    return trade.id


def _time(trade: MarketTrade) -> int:
    return trade.time
