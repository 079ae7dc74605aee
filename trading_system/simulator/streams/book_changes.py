"""A book told by its changes: what it was, what became of every level since it was last told."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from trading_system.simulator.model import Depth, Level

_GONE = Decimal(0)


class Changes(NamedTuple):
    """Updates `first` to `last`; levels with their new quantity, best price first, 0 for none."""

    first: int
    last: int
    bids: list[Level]
    asks: list[Level]


class BookChanges:
    """Sees every book that is shown to anybody; `take` gives what changed since the last time.

    A level that came and went in between is told too: somebody may have seen it.
    """

    def __init__(self, depth: Depth) -> None:
        self._last = self._told = depth.last_update_id
        self._sides = (dict(depth.bids), dict(depth.asks))
        self._touched: tuple[set[Decimal], set[Decimal]] = (set(), set())

    def see(self, depth: Depth) -> None:
        """This is the book now; one that is older than the last one seen is not looked at."""
        if depth.last_update_id <= self._last:
            return
        sides = (dict(depth.bids), dict(depth.asks))
        for touched, before, after in zip(self._touched, self._sides, sides, strict=True):
            touched.update(price for price, _ in before.items() ^ after.items())
        self._last, self._sides = depth.last_update_id, sides

    def take(self) -> Changes | None:
        """What changed since it was last asked; None for nothing."""
        if self._last == self._told:
            return None
        bids, asks = (
            [Level(price, side.get(price, _GONE)) for price in sorted(touched)]
            for touched, side in zip(self._touched, self._sides, strict=True)
        )
        changes = Changes(self._told + 1, self._last, bids[::-1], asks)
        self._told = self._last
        for touched in self._touched:
            touched.clear()
        return changes
