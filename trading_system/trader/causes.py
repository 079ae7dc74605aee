"""What is known of a fill of a grid that a backtest makes in another bar, or not at all.

A candle tells neither which way its price went nor whether a touch was a trade, and an order that
did not rest was not filled: such causes are innocent. What none of them explains is told as such.
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why a fill is one side's alone, or the other side's in another bar: see `meaning`.

    The last three contradict the candles.
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
    def meaning(self) -> str:
        """In words, to be shown beside it."""
        return _MEANINGS[self]

    @property
    def contradicts(self) -> bool:
        """Whether it could not have come of these candles."""
        return self in {Cause.THROUGH, Cause.BEYOND, Cause.WORSE}


_MEANINGS = {
    Cause.TOUCHED: "the price came to the level and no further",
    Cause.PATH: "the candle reaches the level, but the price turned more or less often in it than "
    "the way that it is taken to go",
    Cause.PLACED: "the order came into the book within that bar",
    Cause.AWAY: "no such order rested: it was stopped, paused, refused or left with less than can "
    "be traded",
    Cause.FOLLOWS: "it goes on from a fill that was one side's alone",
    Cause.UNSEEN: "it lies in no bar that was seen to its end",
    Cause.ASKED: "somebody closed what was held",
    Cause.THROUGH: "the price went past an order that rested all the bar",
    Cause.BEYOND: "no price of that bar was at the order's level",
    Cause.WORSE: "it was filled worse than its limit",
}
