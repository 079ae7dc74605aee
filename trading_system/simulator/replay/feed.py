"""A recorded market in the words of feeds.Feed, going on by itself where the recording ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Self

from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.model import Depth, Level, MarketTrade, SymbolRules
from trading_system.simulator.replay.history import History, Window
from trading_system.simulator.replay.loading import histories
from trading_system.simulator.replay.tape import Tape
from trading_system.simulator.seeded.depth import Ladder, ladders
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.history import Origin
from trading_system.simulator.seeded.intervals import SECOND, Interval
from trading_system.simulator.seeded.noise import Noise

_MINUTE = 60_000
_UPDATES = 40  # book updates a second, as the seeded market counts
_CENT = Decimal("1e-8")
_CLOSE_TIME = 6


class ReplayFeed:
    """What was recorded, then the seeded market from its last price on, symbol by symbol."""

    def __init__(self, histories: Mapping[str, History], *, seed: int) -> None:
        self._histories = histories
        self._rules = {symbol: history.rules for symbol, history in histories.items()}
        self._noise = {symbol: Noise(seed, symbol) for symbol in histories}
        self._sequel = SeededFeed(
            seed,
            self._rules,
            origins={symbol: _origin(history) for symbol, history in histories.items()},
        )

    @classmethod
    def from_paths(cls, paths: Iterable[Path], *, seed: int, shift: bool, now: int) -> Self:
        """The market of these files and folders; see loading.histories for what `shift` does.

        Raises ValueError that tells what is wrong with which file.
        """
        return cls(histories(paths, shift=shift, now=now), seed=seed)

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
        """As feeds.Feed has it; the candle in which the recording ends is joined from both."""
        history, grid = self._histories[symbol], Interval.named(interval, utc_offset)
        rows = history.rows(grid, Window(start, end, limit), now)
        enough = start is not None and len(rows) == limit
        if not _goes_on(history, now) or (enough and int(str(rows[-1][_CLOSE_TIME])) < history.end):
            return rows
        later = self._sequel.klines(
            symbol, interval, start=start, end=end, limit=limit, now=now, utc_offset=utc_offset
        )
        if rows and later and rows[-1][0] == later[0][0]:
            rows[-1:] = [_joined(rows[-1], later.pop(0))]
        rows += later
        return rows[-limit:] if start is None else rows[:limit]

    def trades(self, symbol: str, *, start: int, end: int, now: int) -> list[MarketTrade]:
        history = self._histories[symbol]
        trades = _told(history.trades_between(start, end, now), history)
        if _goes_on(history, now):
            trades += self._sequel.trades(symbol, start=start, end=end, now=now)
        return trades

    def trades_from(self, symbol: str, *, first_id: int, limit: int, now: int) -> list[MarketTrade]:
        history = self._histories[symbol]
        trades = _told(history.trades_from(first_id, limit, now), history)
        if len(trades) < limit and _goes_on(history, now):
            first_id = max(first_id, history.next_id)
            limit -= len(trades)
            trades += self._sequel.trades_from(symbol, first_id=first_id, limit=limit, now=now)
        return trades

    def latest_trades(self, symbol: str, *, limit: int, now: int) -> list[MarketTrade]:
        last = self.last_trade(symbol, now=now)
        return self.trades_from(symbol, first_id=last.id - limit + 1, limit=limit, now=now)

    def next_trade(
        self,
        symbol: str,
        *,
        after: int,
        now: int,
        at_or_below: Decimal | None,
        at_or_above: Decimal | None,
    ) -> MarketTrade | None:
        history = self._histories[symbol]
        found = None
        if after + 1 < history.next_id:
            found = history.first_reaching(
                after=after,
                now=now,
                at_or_below=_units(at_or_below, history, ROUND_FLOOR),
                at_or_above=_units(at_or_above, history, ROUND_CEILING),
            )
        if found is not None:
            return _told(found, history)[0]
        if not _goes_on(history, now):
            return None
        return self._sequel.next_trade(
            symbol, after=after, now=now, at_or_below=at_or_below, at_or_above=at_or_above
        )

    def last_trade(self, symbol: str, *, now: int) -> MarketTrade:
        """The newest trade; LookupError before the first one."""
        history = self._histories[symbol]
        if _goes_on(history, now):
            try:
                return self._sequel.last_trade(symbol, now=now)
            except LookupError:  # in its first moments
                pass
        return _told(history.last_trade(now), history)[0]

    def average_price(self, symbol: str, *, minutes: int, now: int) -> Decimal:
        trades = self.trades(symbol, start=now - minutes * _MINUTE + 1, end=now + 1, now=now)
        if not trades:
            return self.last_trade(symbol, now=now).price
        amount = sum((trade.price * trade.quantity for trade in trades), Decimal(0))
        return (amount / sum(trade.quantity for trade in trades)).quantize(_CENT)

    def depth(self, symbol: str, *, now: int) -> Depth:
        history, second = self._histories[symbol], now // SECOND
        last = self.last_trade(symbol, now=second * SECOND)
        price = int(last.price.scaleb(history.scale.price))
        sides = ladders(
            price,
            is_ask=not last.buyer_is_maker,
            usual=history.usual,
            second=second,
            noise=self._noise[symbol],
        )
        bids, asks = (_levels(side, history) for side in sides)
        return Depth((second - history.start // SECOND + 1) * _UPDATES, bids, asks)


def _origin(history: History) -> Origin:
    """Where the seeded market takes over: the first whole minute after the recording."""
    start = -(-history.end // _MINUTE) * _MINUTE
    return Origin(start=start, price=history.last_close, first_id=history.next_id)


def _goes_on(history: History, now: int) -> bool:
    return now >= _origin(history).start


def _joined(earlier: KlineRow, later: KlineRow) -> KlineRow:
    """One candle of which the recording has the first part."""
    one, two = ([Decimal(str(field)) for field in row] for row in (earlier, later))
    volume, quote, trades, bought, paid = (one[k] + two[k] for k in (5, 7, 8, 9, 10))
    high, low = max(one[2], two[2]), min(one[3], two[3])
    texts = [f"{number:f}" for number in (high, low, two[4], volume, quote, bought, paid)]
    return [*earlier[:2], *texts[:4], later[_CLOSE_TIME], texts[4], int(trades), *texts[5:], "0"]


def _units(price: Decimal | None, history: History, rounding: str) -> int | None:
    """A bound in whole units, from the side that no price between two units can reach."""
    if price is None:
        return None
    return int(price.scaleb(history.scale.price).to_integral_value(rounding))


def _told(trades: Tape, history: History) -> list[MarketTrade]:
    tick, lot = (Decimal(1).scaleb(-digits) for digits in history.scale)
    columns = (column.tolist() for column in trades)
    return [
        MarketTrade(number, tick * price, lot * quantity, time, not taker_buys)
        for number, time, price, quantity, taker_buys in zip(*columns, strict=True)
    ]


def _levels(ladder: Ladder, history: History) -> list[Level]:
    tick, lot = history.rules.tick_size, Decimal(1).scaleb(-history.scale.volume)
    return [
        Level(tick * price, lot * quantity)
        for price, quantity in zip(ladder.price.tolist(), ladder.quantity.tolist(), strict=True)
    ]
