"""What a recorded market of one symbol has to tell, whatever it was recorded from."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from trading_system.simulator.model import Depth, Level, MarketTrade, SymbolRules
from trading_system.simulator.replay.reader import Ints
from trading_system.simulator.replay.tape import Tape

_LEVELS = 100


class Past(Protocol):
    """A market up to `end`, and of that nothing later than `now`. Times are ms UTC."""

    @property
    def rules(self) -> SymbolRules:
        """The symbol and what it trades in."""
        ...

    @property
    def end(self) -> int:
        """From then on, a whole minute, it goes on seeded."""
        ...

    @property
    def next_id(self) -> int:
        """The id of the first trade after all of these."""
        ...

    @property
    def last_price(self) -> Decimal:
        """What it goes on from."""
        ...

    def page(self, interval: str, utc_offset: int, now: int) -> tuple[Ints, Ints]:
        """Open times and values, as of reader.Recording with all columns, of every candle."""
        ...

    def between(self, start: int, end: int, now: int) -> Tape:
        """The trades with start <= time < end."""
        ...

    def from_id(self, first_id: int, limit: int, now: int) -> Tape:
        """The trades from this id on."""
        ...

    def first_reaching(
        self, after: int, now: int, below: int | None, above: int | None
    ) -> Tape | None:
        """The first trade after this id whose price reaches a bound, alone."""
        ...

    def last_trade(self, now: int) -> MarketTrade:
        """The newest trade; LookupError before there is one."""
        ...

    def depth(self, now: int) -> Depth:
        """The book; LookupError before there is one."""
        ...

    def quote(self, now: int) -> Depth:
        """Its best levels alone."""
        ...


def plain_book(rules: SymbolRules, last: MarketTrade, update_id: int) -> Depth:
    """A book of a hundred levels a side, one tick apart, sized after the last trade."""
    size = max(last.quantity // rules.step_size, Decimal(1)) * rules.step_size
    above = last.price if not last.buyer_is_maker else last.price + rules.tick_size
    asks = [
        Level(above + rules.tick_size * place, size * (1 + place % 7)) for place in range(_LEVELS)
    ]
    bids = [
        Level(above - rules.tick_size * (place + 1), size * (1 + place % 5))
        for place in range(_LEVELS)
        if above > rules.tick_size * (place + 1)
    ]
    return Depth(update_id, bids, asks)


def best_of(depth: Depth) -> Depth:
    """Its best level on either side."""
    return Depth(depth.last_update_id, depth.bids[:1], depth.asks[:1])
