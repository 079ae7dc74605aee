"""A copy of another exchange's order book, kept by its changes; it never shows a half one.

Source: Binance's web-socket-streams.md, "How to manage a local order book correctly".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Any

from trading_system.simulator.model import Depth, Level

LEVELS = 1_000
"""Of either side: as many as a snapshot brings, more is never shown."""

_MOST_WAITING = 3_000  # five minutes of changes, while no snapshot can be had

Json = Mapping[str, Any]
_Side = dict[Decimal, Decimal]


class MirroredBook:
    """`apply` every depthUpdate; `begin` with a snapshot asked for after the first of them."""

    def __init__(self) -> None:
        self.is_whole = False
        self._last = 0
        self._bids: _Side = {}
        self._asks: _Side = {}
        self._waiting: deque[Json] = deque(maxlen=_MOST_WAITING)
        self._told = Depth(-1, [], [])

    def lose(self) -> None:
        """Changes were missed: only another snapshot helps."""
        self.is_whole = False
        self._waiting.clear()

    def begin(self, snapshot: Json) -> bool:
        """Take a snapshot and the changes after it; False when it is older than what is needed."""
        self._last = snapshot["lastUpdateId"]
        self._bids, self._asks = {}, {}
        _change(self._bids, snapshot["bids"])
        _change(self._asks, snapshot["asks"])
        self.is_whole = True
        while self._waiting:
            update = self._waiting.popleft()
            if not self._follow(update):
                self._waiting.appendleft(update)
                self.is_whole = False
                break
        return self.is_whole

    def apply(self, update: Json) -> bool:
        """Take a change; False when one before it is missing, which loses the book."""
        if not self.is_whole:
            self._waiting.append(update)
            return True
        if self._follow(update):
            return True
        self.lose()
        self._waiting.append(update)
        return False

    def depth(self) -> Depth:
        """The best levels of a whole book; the same object until something changes."""
        if self._told.last_update_id != self._last:
            bids = nlargest(LEVELS, self._bids.items())
            asks = nsmallest(LEVELS, self._asks.items())
            self._told = Depth(self._last, _levels(bids), _levels(asks))
        return self._told

    def quote(self) -> Depth:
        """Its best level on either side, without sorting the rest."""
        bids = [max(self._bids.items())] if self._bids else []
        asks = [min(self._asks.items())] if self._asks else []
        return Depth(self._last, _levels(bids), _levels(asks))

    def _follow(self, update: Json) -> bool:
        """Carry out a change that is not in the book already; False when it comes too early."""
        if update["u"] <= self._last:
            return True
        if update["U"] > self._last + 1:
            return False
        _change(self._bids, update["b"])
        _change(self._asks, update["a"])
        self._last = update["u"]
        return True


def _change(side: _Side, levels: Iterable[Sequence[str]]) -> None:
    for price, quantity in levels:
        left = Decimal(quantity)
        if left:
            side[Decimal(price)] = left
        else:
            side.pop(Decimal(price), None)


def _levels(pairs: Iterable[tuple[Decimal, Decimal]]) -> list[Level]:
    return [Level(price, quantity) for price, quantity in pairs]
