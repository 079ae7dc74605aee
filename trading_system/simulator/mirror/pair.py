"""What is known of one symbol: alive only while tape, book and average are all up to date."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from trading_system.simulator.mirror.order_book import MirroredBook
from trading_system.simulator.mirror.tape import MirroredTape, read_trade

TRADES, BOOK, AVERAGE = "aggTrade", "depth@100ms", "avgPrice"
_TOPICS = (TRADES, BOOK, AVERAGE)
_MOST_COMING = 10_000

Json = Mapping[str, Any]


class Pair:
    """Fed with frames by `hear`, with missed trades by `catch_up` and with snapshots of its book.

    `used` (ms UTC) is when somebody last looked; `changed` is set whenever something came.
    """

    def __init__(self, symbol: str, *, after: int | None = None, used: int = 0) -> None:
        """Open it; trades are told from the one after the id `after` on, or from the newest."""
        self.symbol = symbol
        self.after = after
        self.used = used
        self.tape = MirroredTape()
        self.book = MirroredBook()
        self.average: Decimal | None = None
        self.follows = False
        """Whether every trade up to now is on the tape."""
        self.is_lost = False
        """Whether it was heard once and is no longer."""
        self.changed = asyncio.Event()
        self._open: set[str] = set()
        self._coming: deque[Json] = deque(maxlen=_MOST_COMING)

    @property
    def streams(self) -> tuple[str, ...]:
        """What has to be listened to."""
        return tuple(f"{self.symbol.lower()}@{topic}" for topic in _TOPICS)

    @property
    def is_heard(self) -> bool:
        """Whether all its streams are open."""
        return self._open.issuperset(self.streams)

    @property
    def is_live(self) -> bool:
        """Whether orders can meet it."""
        return (
            self.is_heard
            and self.follows
            and self.book.is_whole
            and self.average is not None
            and self.tape.last is not None
        )

    @property
    def next_id(self) -> int | None:
        """Of the trade to ask for; None: whichever is the newest."""
        last = self.tape.last
        if last is not None:
            return last.id + 1
        return None if self.after is None else self.after + 1

    def open(self, streams: Iterable[str]) -> None:
        """These streams are heard from now on."""
        self._open.update(streams)
        self.is_lost = self.is_lost and not self.is_heard
        self.changed.set()

    def lose(self, streams: Iterable[str]) -> None:
        """They are gone: what comes next does not follow what came before."""
        self._open.difference_update(streams)
        self.follows = False
        self.is_lost = True
        self.book.lose()
        self._coming.clear()
        self.changed.set()

    def hear(self, topic: str, data: Json, now: int) -> bool:
        """Take a frame heard at `now`; False when one before it was missed."""
        if topic == AVERAGE:
            self.average = Decimal(data["w"])
            whole = True
        elif topic == BOOK:
            whole = self.book.apply(data)
        elif self.follows:
            whole = self.follows = self.tape.follow(read_trade(data, heard=now))
            if not whole:
                self._coming.append(data)
        else:
            self._coming.append(data)
            whole = True
        self.changed.set()
        return whole

    def catch_up(self, rows: list[Json], now: int, *, complete: bool) -> None:
        """Take trades that were asked for; `complete`: there are no later ones but those heard."""
        self.tape.extend(read_trade(row, heard=now) for row in rows)
        if not complete:
            return
        self.follows = True
        while self._coming and self.follows:
            if self.tape.follow(read_trade(self._coming[0], heard=now)):
                self._coming.popleft()
            else:
                self.follows = False
        self.changed.set()
