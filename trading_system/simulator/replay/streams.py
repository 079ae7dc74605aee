"""A market whose streams were recorded: its trades, its candles from them, and its book.

A pair that did not trade while it was recorded has the price of its best bid and no candles; one
of which not even that is known is not listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from trading_system.simulator.feeds import BOOK_IDS
from trading_system.simulator.model import Depth, MarketTrade, SymbolRules
from trading_system.simulator.replay.candles import first_of, folded, numbers_of, opens_of
from trading_system.simulator.replay.order_book import OrderBook, recorded_book
from trading_system.simulator.replay.past import best_of, plain_book
from trading_system.simulator.replay.reader import Ints, units_of
from trading_system.simulator.replay.recording import StreamRecording, Track
from trading_system.simulator.replay.rules import rules_of
from trading_system.simulator.replay.tape import CLOSE, VOLUME, Tape, products
from trading_system.simulator.replay.trades import recorded_trades
from trading_system.simulator.seeded.intervals import SECOND, Interval


class StreamedMarket:
    """One symbol of a recording, as past.Past; candles begin with the one of its first trade."""

    def __init__(
        self, rules: SymbolRules, trades: Tape, book: OrderBook | None, *, start: int, end: int
    ) -> None:
        self.rules = rules
        self.end = end
        self._start = start
        self._trades = trades
        self._book = book
        quotes, bought = products(trades.prices, trades.quantities), 1 - trades.buyer_is_maker
        sums = (trades.quantities, quotes, np.ones_like(bought))
        taken = (trades.quantities * bought, quotes * bought)
        self._values = np.column_stack((*(trades.prices,) * 4, *sums, *taken))

    @property
    def next_id(self) -> int:
        return int(self._trades.ids[-1]) + 1 if len(self._trades.ids) else 1

    @property
    def last_price(self) -> Decimal:
        return self.last_trade(self.end).price

    def page(self, interval: str, utc_offset: int, now: int) -> tuple[Ints, Ints]:
        """The running candle included; those in which nobody traded are flat."""
        grid, told = Interval.named(interval, utc_offset), self._told(now)
        if not told:
            return self._trades.times[:0], self._values[:0]
        times, values = folded(self._trades.times[:told], self._values[:told], grid)
        numbers = numbers_of(times, grid)
        every = np.arange(numbers[0], grid.number(min(now, self.end - 1)) + 1)
        filled = np.zeros((len(every), values.shape[1]), np.int64)
        latest = np.searchsorted(numbers, every, side="right") - 1
        filled[:, :VOLUME] = values[latest, CLOSE][:, None]
        filled[numbers - numbers[0]] = values
        return opens_of(every, grid), filled

    def between(self, start: int, end: int, now: int) -> Tape:
        first, past = np.searchsorted(self._trades.times, (start, end)).tolist()
        return self._trades.part(first, min(past, self._told(now)))

    def from_id(self, first_id: int, limit: int, now: int) -> Tape:
        first = int(np.searchsorted(self._trades.ids, first_id))
        return self._trades.part(first, min(first + limit, self._told(now)))

    def first_reaching(
        self, after: int, now: int, below: int | None, above: int | None
    ) -> Tape | None:
        return first_of(self.from_id(after + 1, len(self._values), now), after, below, above)

    def last_trade(self, now: int) -> MarketTrade:
        """Before the first one somebody would have to pay the best bid, where one is known."""
        told = self._told(now)
        if told:
            return self._trades.part(told - 1, told).told()[0]
        bids = self.quote(now).bids if self._book is not None else []
        if not bids:
            raise LookupError(f"nothing of {self.rules.symbol} is recorded before {now}")
        first_id = int(self._trades.ids[0]) if len(self._trades.ids) else 1
        return MarketTrade(
            id=first_id - 1,
            price=bids[0].price,
            quantity=Decimal(0),
            time=self._start,
            buyer_is_maker=True,
        )

    def depth(self, now: int) -> Depth:
        """As recorded, from change to change; a plain one where only trades were."""
        if self._book is None:
            second = now // SECOND
            return plain_book(self.rules, self.last_trade(second * SECOND), second * BOOK_IDS)
        self._require_begun(now)
        return self._book.depth(now)

    def quote(self, now: int) -> Depth:
        if self._book is None:
            return best_of(self.depth(now))
        self._require_begun(now)
        return self._book.quote(now)

    def _told(self, now: int) -> int:
        """How many trades there have been up to now."""
        return int(np.searchsorted(self._trades.times, now, side="right"))

    def _require_begun(self, now: int) -> None:
        if now < self._start:
            raise LookupError(f"nothing of {self.rules.symbol} is recorded before {now}")


def markets(recording: StreamRecording, *, end: int) -> list[StreamedMarket]:
    """Every symbol's market, for which the recording has a price; the seeded one begins at `end`.

    Raises ValueError where diffs of a book are missing.
    """
    found = (_market(recording, symbol, end) for symbol in recording.symbols)
    return [each for each in found if each is not None]


def _market(recording: StreamRecording, symbol: str, end: int) -> StreamedMarket | None:
    """A symbol's market, or None where it has no price."""
    told = set(_traded(recording, symbol)) or set(_offered(recording, symbol))
    if not told:
        return None
    prices, quantities = (
        np.array([units_of(text) for text in texts]) for texts in zip(*told, strict=True)
    )
    market = StreamedMarket(
        rules_of(symbol, prices, quantities),
        recorded_trades(recording, symbol),
        recorded_book(recording, symbol),
        start=recording.start,
        end=end,
    )
    return market if _has_price(market) else None


def _has_price(market: StreamedMarket) -> bool:
    try:
        return market.last_price > 0
    except LookupError:
        return False


def _traded(recording: StreamRecording, symbol: str) -> Iterator[tuple[str, str]]:
    """Prices and quantities that obey today's rules: of trades and of the best levels."""
    for data in _frames(recording.track(symbol, "trade", "aggTrade")):
        yield data["p"], data["q"]
    for data in _frames(recording.track(symbol, "bookTicker")):
        yield data["b"], data["B"]
        yield data["a"], data["A"]


def _offered(recording: StreamRecording, symbol: str) -> Iterator[tuple[str, str]]:
    """Those of the whole book, where orders from before a change of the rules still wait."""
    for data in _frames(recording.track(symbol, "depth@100ms", "depth")):
        yield from map(tuple, (*data["b"], *data["a"]))
    for snapshot in recording.snapshots:
        if snapshot.symbol == symbol:
            yield from map(tuple, (*snapshot.bids, *snapshot.asks))


def _frames(track: Track | None) -> Iterator[dict[str, Any]]:
    return map(orjson.loads, track.texts if track is not None else ())
