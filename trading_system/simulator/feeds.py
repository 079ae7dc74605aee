"""What the simulator needs to know about the market around its users: a feed.

Seeded or replayed it is a pure function of time: the same question always gets the same answer,
whatever was asked before, and nothing later than `now` is ever told. A mirrored one tells what was
heard, so that what the venue saw of it is kept, see mirror.looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from trading_system.simulator.model import Depth, MarketTrade, SymbolRules

BOOK_IDS = 10_000
"""Ids a made-up book leaves to the next one, for what users change in between."""

KlineRow = list[object]
"""Twelve fields as on the wire: times and counts are ints, prices and volumes are texts."""


class Feed(Protocol):
    """The market of every listed symbol. Unknown symbols raise KeyError. Times are ms UTC."""

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        """Every listed symbol, by its wire name (BTCUSDT), in listing order."""
        ...

    def klines(
        self,
        symbol: str,
        interval: str,
        *,
        start: int | None,
        end: int | None,
        limit: int,
        now: int,
        utc_offset: int = 0,
    ) -> list[KlineRow]:
        """Candles by open time in [start, end], ascending, the running one included.

        No start and no end: the latest `limit`. Start: the oldest `limit` from there. End only:
        the newest `limit` up to there. Holes stay holes. `utc_offset` (ms) moves where candles
        of an hour and longer begin.
        """
        ...

    def trades(self, symbol: str, *, start: int, end: int, now: int) -> list[MarketTrade]:
        """The tape with start <= time < end, nothing after `now`; at most one hour."""
        ...

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        """The tape from this trade id on."""
        ...

    def latest_trades(self, symbol: str, *, limit: int, now: int) -> list[MarketTrade]:
        """The newest trades, ascending by id."""
        ...

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        """The first trade with id > `after` and time <= now whose price reaches either bound.

        Must be cheap over long spans: candles that cannot hold such a price are skipped whole.
        """
        ...

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        """The newest trade at or before now."""
        ...

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        """Volume-weighted average over the last minutes; 0 minutes: the last price."""
        ...

    def depth(self, symbol: str, *, now: int) -> Depth:
        """The book around the last price, without the users' orders: at least 100 levels a side.

        It stands still within one second and is consistent with the tape: best bid < best ask.
        Its id grows with every other book.
        """
        ...

    def quote(self, symbol: str, *, now: int) -> Depth:
        """The same book's id and the best level of either side alone, without building the rest."""
        ...


class RecordedFrames(Protocol):
    """Frames of market streams as they were recorded, to be sent in place of computed ones."""

    def has(self, stream: str, *, now: int) -> bool:
        """Whether this stream (btcusdt@trade) was recorded and the recording still goes on."""
        ...

    def due(self, stream: str, *, after: int, until: int) -> list[str]:
        """The frames with after < time <= until, oldest first: each the JSON text of its data."""
        ...
