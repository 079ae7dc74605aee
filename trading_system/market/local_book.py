"""The venue's order book, rebuilt from one snapshot and every change after it.

Pure: it neither fetches nor waits. It refuses to guess: a change that does not follow raises
BookGap, and the book is worth nothing from then on.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal

from trading_system.domain.market import BookUpdate, OrderBook, PriceLevel


class BookGap(Exception):
    """Changes are missing between the book and this update; take a new snapshot."""


class LocalBook:
    """Built from a snapshot asked for `asked` levels a side; prices and amounts stay Decimal.

    A snapshot that came back full may hide levels further out. Those are learnt only when they
    change, so the book is certain no deeper than the snapshot went: see `certain_levels`.
    """

    def __init__(self, snapshot: OrderBook, *, asked: int) -> None:
        self.symbol = snapshot.symbol
        self.update_id = snapshot.update_id
        self._received_at = snapshot.received_at
        self._bids = _Side(snapshot.bids)
        self._asks = _Side(snapshot.asks)
        self._lowest_bid = snapshot.bids[-1].price if len(snapshot.bids) >= asked else None
        self._highest_ask = snapshot.asks[-1].price if len(snapshot.asks) >= asked else None

    def apply(self, update: BookUpdate) -> bool:
        """Take the change; False when it is older than the book, which then stays as it is.

        The rules are Binance's "How to manage a local order book correctly": what ends at or before
        the book is dropped, what begins after the next id is a gap. Quantities are absolute, so a
        change that begins earlier and ends later applies whole. A crossed book is a gap too: no
        venue has one.
        """
        if update.last_id <= self.update_id:
            return False
        if update.first_id > self.update_id + 1:
            raise BookGap(f"{self.symbol} {self.update_id} -> {update.first_id}")
        self._bids.take(update.bids)
        self._asks.take(update.asks)
        self.update_id = update.last_id
        self._received_at = update.received_at
        bids, asks = self._bids.prices, self._asks.prices
        if bids and asks and bids[-1] >= asks[0]:
            raise BookGap(f"{self.symbol} is crossed: bid {bids[-1]}, ask {asks[0]}")
        return True

    def best(self) -> tuple[PriceLevel | None, PriceLevel | None]:
        """Best bid and best ask; None for an empty side."""
        return self._bids.last(), self._asks.first()

    def top(self, levels: int) -> OrderBook:
        """The best levels of each side, best first; `received_at` is that of the last change."""
        return OrderBook(
            symbol=self.symbol,
            update_id=self.update_id,
            bids=self._bids.highest(levels),
            asks=self._asks.lowest(levels),
            received_at=self._received_at,
            local=True,
        )

    def certain_levels(self) -> int | None:
        """How many levels of either side are known for sure; None when all of both are."""
        depths = []
        if self._lowest_bid is not None:
            prices = self._bids.prices
            depths.append(len(prices) - bisect_left(prices, self._lowest_bid))
        if self._highest_ask is not None:
            prices = self._asks.prices
            beyond = bisect_left(prices, self._highest_ask)
            depths.append(beyond + (prices[beyond : beyond + 1] == [self._highest_ask]))
        return min(depths, default=None)


class _Side:
    """One side: prices ascending, with their quantities."""

    __slots__ = ("_quantities", "prices")

    def __init__(self, levels: Iterable[PriceLevel]) -> None:
        self._quantities = dict(levels)
        self.prices = sorted(self._quantities)

    def take(self, levels: Iterable[PriceLevel]) -> None:
        for price, quantity in levels:
            if quantity:
                if price not in self._quantities:
                    insort(self.prices, price)
                self._quantities[price] = quantity
            elif self._quantities.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]

    def first(self) -> PriceLevel | None:
        return self._level(self.prices[0]) if self.prices else None

    def last(self) -> PriceLevel | None:
        return self._level(self.prices[-1]) if self.prices else None

    def lowest(self, levels: int) -> tuple[PriceLevel, ...]:
        return tuple(map(self._level, self.prices[:levels]))

    def highest(self, levels: int) -> tuple[PriceLevel, ...]:
        return tuple(map(self._level, self.prices[: -levels - 1 : -1]))

    def _level(self, price: Decimal) -> PriceLevel:
        return PriceLevel(price, self._quantities[price])
