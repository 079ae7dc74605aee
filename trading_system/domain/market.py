"""What a market says of itself at one moment, whichever way we heard of it.

Quotes, trades and tickers are float64: they decide and never trade. A book is Decimal, since prices
of orders are taken from it. Times are ms UTC: `time` is the venue's where it tells one,
`received_at` is ours. Values that no market can have raise ValueError when they are built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from trading_system.domain.candles import Candle
from trading_system.domain.instruments import Symbol


class PriceLevel(NamedTuple):
    """A price of the order book and how much of the base asset waits there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask; `update_id` grows with every change of the symbol's book."""

    symbol: Symbol
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    update_id: int
    received_at: int

    def __post_init__(self) -> None:
        if not 0 < self.bid <= self.ask < float("inf"):
            raise ValueError(f"no quote of {self.symbol}: {self.bid} / {self.ask}")


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade; ids of a symbol grow by one."""

    symbol: Symbol
    id: int
    price: float
    quantity: float
    buyer_is_maker: bool
    time: int
    received_at: int

    def __post_init__(self) -> None:
        _require_positive(self.symbol, (self.price, self.quantity))


@dataclass(frozen=True, slots=True)
class Ticker:
    """The last 24 hours; `last` is the last price."""

    symbol: Symbol
    last: float
    open: float
    high: float
    low: float
    volume: float
    quote_volume: float
    time: int
    received_at: int

    def __post_init__(self) -> None:
        _require_positive(self.symbol, (self.last, self.open, self.high, self.low))


@dataclass(frozen=True, slots=True)
class CandleUpdate:
    """A one-minute candle as it grows; `closed` with its last update.

    `last_trade_id` is that of the last trade in it, None where none is known.
    """

    symbol: Symbol
    candle: Candle
    closed: bool
    time: int
    received_at: int
    last_trade_id: int | None = None

    def __post_init__(self) -> None:
        _require_positive(self.symbol, self.candle[1:5])
        if not self.candle.low <= self.candle.close <= self.candle.high:
            raise ValueError(f"no candle of {self.symbol}: {self.candle}")


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """Levels of the book that changed, from update `first_id` to `last_id`; 0 removes a level."""

    symbol: Symbol
    first_id: int
    last_id: int
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    time: int
    received_at: int

    def __post_init__(self) -> None:
        if self.first_id > self.last_id:
            raise ValueError(f"updates of {self.symbol} go back: {self.first_id}, {self.last_id}")


MarketEvent = Quote | Trade | Ticker | CandleUpdate | BookUpdate


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The whole book at one moment, best levels first; `update_id` as in BookUpdate.

    `local` when it was kept in step here, and not asked of the venue.
    """

    symbol: Symbol
    update_id: int
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    received_at: int
    local: bool = False


class MarketState(StrEnum):
    """How a market behaves: DEAD barely trades, PANIC moves wildly, MAINTENANCE cannot trade."""

    DEAD = "DEAD"
    NORMAL = "NORMAL"
    VOLATILE = "VOLATILE"
    PANIC = "PANIC"
    MAINTENANCE = "MAINTENANCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePrice:
    """The newest we know of a symbol; None where nothing has been heard yet.

    `last` and the 24 hours' figures are of its last ticker or trade, bid and ask of its last quote.
    `price_age_ms` counts from the moment the last price reached us.
    """

    symbol: Symbol
    last: float | None = None
    price_age_ms: int | None = None
    bid: float | None = None
    ask: float | None = None
    quote_age_ms: int | None = None
    day_open: float | None = None
    day_high: float | None = None
    day_low: float | None = None
    day_volume: float | None = None
    day_quote_volume: float | None = None
    state: MarketState | None = None


def _require_positive(symbol: Symbol, numbers: Iterable[float]) -> None:
    for number in numbers:
        if not (isfinite(number) and number > 0):
            raise ValueError(f"no price of {symbol}: {number}")
