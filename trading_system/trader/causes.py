"""What is known of a fill of a grid that a backtest makes in another bar, or not at all.

A candle tells neither which way its price went nor whether a touch was a trade, and an order that
did not rest was not filled: such causes are innocent. What none of them explains is told as such.
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why a fill is one side's alone, or the other side's in another bar.

    touched: the price came to the level and no further. path: the candle reaches the level, but the
    way that it is taken to go turns less often, or more often, than the price did. placed: the
    order came into the book within that bar. away: no such order rested; it was stopped, paused,
    refused or left with less than can be traded. follows: it undoes the fill before it in its cell,
    which was one side's alone. unseen: it lies in no bar that the run has seen to the end. asked:
    somebody closed what was held.

    The last three contradict the candles. through: the price went past an order that rested all the
    bar. beyond: no price of that bar was at the order's level. worse: filled worse than its limit.
    """

    TOUCHED = "touched"
    PATH = "path"
    PLACED = "placed"
    AWAY = "away"
    FOLLOWS = "follows"
    UNSEEN = "unseen"
    ASKED = "asked"
    THROUGH = "through"
    BEYOND = "beyond"
    WORSE = "worse"

    @property
    def contradicts(self) -> bool:
        """Whether it could not have come of these candles."""
        return self in {Cause.THROUGH, Cause.BEYOND, Cause.WORSE}
