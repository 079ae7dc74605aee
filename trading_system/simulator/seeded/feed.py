"""The seeded market of every listed symbol, in the words and the money of feeds.Feed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np

from trading_system.simulator.feeds import BOOK_IDS, KlineRow
from trading_system.simulator.model import Depth, Level, MarketTrade, SymbolRules
from trading_system.simulator.seeded.depth import LEVELS, Ladder, ladders
from trading_system.simulator.seeded.history import Origin
from trading_system.simulator.seeded.intervals import SECOND, Interval
from trading_system.simulator.seeded.levels import MINUTE
from trading_system.simulator.seeded.path import Caches, SeededPath
from trading_system.simulator.seeded.store import Store
from trading_system.simulator.seeded.tape import Tape
from trading_system.simulator.seeded.units import Units

_PATHS = 3_000  # 10 kB each
_SPLITS = 2_000  # 2 kB each, and eight more for every symbol: above this minute and yesterday's
_MINUTES = 1_000  # 10 to 40 kB each; and one of every symbol, as tickers of all want it
_CENT = Decimal("1e-8")


class SeededFeed:
    """A market that is the same wherever and whenever it is asked about.

    `origins` lets a symbol begin at another time and price than the venue's first day.
    """

    def __init__(
        self,
        seed: int,
        rules: Mapping[str, SymbolRules],
        *,
        origins: Mapping[str, Origin] | None = None,
    ) -> None:
        self._seed = seed
        self._rules = rules
        self._origins = origins or {}
        self._caches = Caches.of(splits=_SPLITS + 8 * len(rules), minutes=_MINUTES + len(rules))
        self._paths: Store[SeededPath] = Store(_PATHS)
        _keep_freed_memory()

    @property
    def symbols(self) -> Mapping[str, SymbolRules]:
        return self._rules

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
        """As feeds.Feed has it; KeyError for an unknown symbol or interval."""
        path, grid = self._path(symbol), Interval.named(interval, utc_offset)
        first, last = grid.number(path.start), grid.number(now)
        if end is not None:
            last = min(last, grid.number(end))
        if start is not None:
            first = max(first, grid.number(start - 1) + 1)
        else:
            first = max(first, last - limit + 1)
        page = path.page(grid, first, min(limit, last - first + 1), now)
        return path.units.rows(page.candles, page.ends - 1)

    def trades(self, symbol: str, *, start: int, end: int, now: int) -> list[MarketTrade]:
        path = self._path(symbol)
        return _told(path.trades_between(start, end, now), path.units)

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        path = self._path(symbol)
        return _told(path.trades_from(first_id, limit, now), path.units)

    def latest_trades(self, symbol: str, *, limit: int, now: int) -> list[MarketTrade]:
        path = self._path(symbol)
        last_id = int(path.last_trade(now).id[0])
        return _told(path.trades_from(last_id - limit + 1, limit, now), path.units)

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        path = self._path(symbol)
        if at_or_below is None and at_or_above is None:
            return None
        found = path.first_reaching(
            after=after,
            now=now,
            at_or_below=_ticks(at_or_below, path.units, ROUND_FLOOR),
            at_or_above=_ticks(at_or_above, path.units, ROUND_CEILING),
        )
        return None if found is None else _told(found, path.units)[0]

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        """The newest trade; LookupError in the first moments of a path, before there is one."""
        path = self._path(symbol)
        return _told(path.last_trade(now), path.units)[0]

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        path = self._path(symbol)
        trades = path.trades_between(now - minutes * MINUTE + 1, now + 1, now)
        if not len(trades.id):
            return self.last_trade(symbol, now=now).price
        amount = int((trades.price * trades.quantity).sum())
        average = path.units.tick * amount / int(trades.quantity.sum())
        return average.quantize(_CENT)

    def depth(self, symbol: str, *, now: int) -> Depth:
        return self._book(symbol, now, LEVELS)

    def quote(self, symbol: str, *, now: int) -> Depth:
        return self._book(symbol, now, 1)

    def _book(self, symbol: str, now: int, levels: int) -> Depth:
        """The best levels of this second's book; its id is the second's number."""
        path, second = self._path(symbol), now // SECOND
        last = path.last_trade(second * SECOND)
        price = int(last.price[0])
        sides = ladders(
            price,
            is_ask=bool(last.taker_buys[0]),
            usual=path.usual_quote / price,
            second=second,
            noise=path.noise,
            levels=levels,
        )
        bids, asks = (_levels(side, path.units) for side in sides)
        return Depth(second * BOOK_IDS, bids, asks)

    def _path(self, symbol: str) -> SeededPath:
        rules = self._rules[symbol]
        return self._paths.get(symbol, lambda: self._open(rules))

    def _open(self, rules: SymbolRules) -> SeededPath:
        origin = self._origins.get(rules.symbol, Origin())
        return SeededPath(self._seed, rules, origin=origin, caches=self._caches)


def _keep_freed_memory() -> None:
    """Save a fifth of the time of a page, which glibc would spend on giving memory back.

    It gives back what exceeds twice the largest block that was ever freed; so free a large one.
    """
    np.empty(1 << 18)


def _ticks(price: Decimal | None, units: Units, rounding: str) -> int | None:
    """A bound in whole ticks, from the side that no price between two ticks can reach."""
    return None if price is None else int((price / units.tick).to_integral_value(rounding))


def _told(trades: Tape, units: Units) -> list[MarketTrade]:
    columns = (column.tolist() for column in trades)
    return [
        MarketTrade(number, units.price(price), units.quantity(quantity), time, not taker_buys)
        for number, time, price, quantity, taker_buys in zip(*columns, strict=True)
    ]


def _levels(ladder: Ladder, units: Units) -> list[Level]:
    return [
        Level(units.price(price), units.quantity(quantity))
        for price, quantity in zip(ladder.price.tolist(), ladder.quantity.tolist(), strict=True)
    ]
