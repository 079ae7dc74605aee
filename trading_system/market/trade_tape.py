"""One symbol's public trades in the order of their ids, each exactly once.

Pure: it only knows which trades are missing; who fetches them is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence

from trading_system.domain.market import Trade

HELD = 10_000
"""Trades that may wait behind a gap; with one more all but that are let go, to be fetched too."""


class TradeTape:
    """Hands trades on without gap: what comes after missing ids waits until those have come.

    It begins with the first trade it is given. An id that lies behind while its time lies ahead
    says that the venue began to count anew (Binance's testnet does every month): so does the tape.
    """

    def __init__(self) -> None:
        self.next_id: int | None = None
        self._time = 0
        self._held: dict[int, Trade] = {}

    @property
    def is_waiting(self) -> bool:
        """Trades wait for others before them."""
        return bool(self._held)

    @property
    def missing(self) -> int:
        """How many ids are missing before the first trade that waits."""
        return min(self._held) - self.next_id if self._held and self.next_id is not None else 0

    def add(self, trade: Trade) -> list[Trade]:
        """Take a trade as a stream told it; returns those whose turn it is now, ascending."""
        if self.next_id is None or (trade.id < self.next_id and trade.time > self._time):
            self.next_id = trade.id
            self._held.clear()
        if trade.id > self.next_id and len(self._held) == HELD:
            self._held.clear()
        if trade.id >= self.next_id:
            self._held[trade.id] = trade
        return self._due()

    def fill(self, page: Sequence[Trade]) -> list[Trade]:
        """Take what the venue told from `next_id` on, ascending; returns those whose turn it is.

        Ids that it left out do not exist there.
        """
        due = []
        for trade in page:
            if self.next_id is None or trade.id >= self.next_id:
                self._held.pop(trade.id, None)
                self._pass(trade)
                due.append(trade)
        return due + self._due()

    def give_up(self) -> list[Trade]:
        """Go on without what is missing; returns those whose turn it is now."""
        if self._held:
            self.next_id = min(self._held)
        return self._due()

    def _due(self) -> list[Trade]:
        due = []
        while self.next_id is not None and (trade := self._held.pop(self.next_id, None)):
            self._pass(trade)
            due.append(trade)
        return due

    def _pass(self, trade: Trade) -> None:
        self.next_id = trade.id + 1
        self._time = max(self._time, trade.time)
