"""Live prices, order books and the way to the venue, as they travel.

Prices are JSON numbers as candles are: they decide and never trade. Books are decimal strings,
since prices of orders are taken from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, Self, TypeVar

from pydantic import computed_field

from trading_system.api.scalars import DecimalOut, SymbolText
from trading_system.api.schemas import Out, example
from trading_system.domain.market import LivePrice, MarketState, OrderBook
from trading_system.domain.venues import VenueReport

_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z"
_BASIS_POINTS = 10_000

Number = TypeVar("Number", float, Decimal)


class TickerOut(Out):
    """The newest we know of a pair; null where nothing has been heard yet.

    Ages count from the moment a value reached us. `spread_bps` is of the mid price; `high`, `low`,
    the volumes and `change_percent` are of the last 24 hours.
    """

    model_config = example(
        symbol="BTC/USDT",
        last=93576.01,
        price_age_ms=212,
        bid=93576.0,
        ask=93576.01,
        quote_age_ms=35,
        spread_bps=0.0011,
        change_percent=1.8432,
        high=94210.5,
        low=91800.0,
        volume=15321.40712,
        quote_volume=1425863210.55,
        state="NORMAL",
    )

    symbol: SymbolText
    last: float | None
    price_age_ms: int | None
    bid: float | None
    ask: float | None
    quote_age_ms: int | None
    spread_bps: float | None
    change_percent: float | None
    high: float | None
    low: float | None
    volume: float | None
    quote_volume: float | None
    state: MarketState | None

    @classmethod
    def of(cls, price: LivePrice) -> Self:
        """Made from the live price."""
        return cls(
            symbol=price.symbol,
            last=price.last,
            price_age_ms=price.price_age_ms,
            bid=price.bid,
            ask=price.ask,
            quote_age_ms=price.quote_age_ms,
            spread_bps=_spread_bps(price.bid, price.ask),
            change_percent=_change_percent(price.day_open, price.last),
            high=price.day_high,
            low=price.day_low,
            volume=price.day_volume,
            quote_volume=price.day_quote_volume,
            state=price.state,
        )


class BookOut(Out):
    """The best levels of an order book, each [price, quantity], best first.

    `source` is "local" for a book kept in step with every change, "snapshot" for one the venue was
    asked for now. `mid` and `spread_bps` are null while one side is empty.
    """

    model_config = example(
        symbol="BTC/USDT",
        source="local",
        update_id=89_123_456_789,
        age_ms=41,
        mid="93576.005",
        spread_bps=0.0011,
        bids=[["93576.00", "1.24530"], ["93575.50", "0.03000"]],
        asks=[["93576.01", "0.52100"], ["93576.20", "2.00000"]],
    )

    symbol: SymbolText
    source: Literal["local", "snapshot"]
    update_id: int
    age_ms: int
    mid: DecimalOut | None
    spread_bps: float | None
    bids: list[tuple[DecimalOut, DecimalOut]]
    asks: list[tuple[DecimalOut, DecimalOut]]

    @classmethod
    def of(cls, book: OrderBook, *, now_ms: int) -> Self:
        """Made from the book; its age counts to `now_ms`."""
        bid = book.bids[0].price if book.bids else None
        ask = book.asks[0].price if book.asks else None
        return cls(
            symbol=book.symbol,
            source="local" if book.local else "snapshot",
            update_id=book.update_id,
            age_ms=max(0, now_ms - book.received_at),
            mid=None if bid is None or ask is None else (bid + ask) / 2,
            spread_bps=_spread_bps(bid, ask),
            bids=list(book.bids),
            asks=list(book.asks),
        )


class LimitOut(Out):
    """One limit of the venue: how much of it is used up now, and how many calls wait for it."""

    kind: str
    seconds: int
    limit: int
    used: int
    waiting: int

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def used_percent(self) -> float:
        """How much of the limit is used."""
        return round(100 * self.used / self.limit, 2) if self.limit else 100.0


class BreakerOut(Out):
    """A circuit breaker: closed, open or half-open; `opened` counts how often it has opened."""

    group: str
    state: str
    failures: int
    opened: int
    retry_at: datetime | None


class StreamOut(Out):
    """One streaming connection; lags are receipt minus the venue's time of the event, in ms.

    `streams` tells of each stream on it the lag of its last message, null before the first.
    """

    role: str
    state: str
    detail: str
    since: datetime
    url: str
    connects: int
    messages: int
    dropped: int
    last_message_age_ms: int | None
    lag_ms: float | None
    streams: Mapping[str, float | None]


class VenueOut(Out):
    """The way to a venue: its limits and what is used of them, breakers, streams, clock, ban."""

    model_config = example(
        url="https://api.binance.com",
        reachable=True,
        since=_NOON,
        detail="",
        clock_offset_ms=3,
        round_trip_ms=41.7,
        banned_until=None,
        limits=[
            {
                "kind": "weight",
                "seconds": 60,
                "limit": 6000,
                "used": 312,
                "used_percent": 5.2,
                "waiting": 0,
            }
        ],
        breakers=[
            {
                "group": "trading",
                "state": "open",
                "failures": 5,
                "opened": 1,
                "retry_at": _LATER,
            }
        ],
        streams=[
            {
                "role": "execution",
                "state": "connected",
                "detail": "",
                "since": _NOON,
                "url": "wss://stream.binance.com:9443/stream",
                "connects": 1,
                "messages": 48211,
                "dropped": 0,
                "last_message_age_ms": 12,
                "lag_ms": 18.5,
                "streams": {"btcusdt@bookTicker": 18.5, "btcusdt@trade": None},
            }
        ],
    )

    url: str
    reachable: bool
    since: datetime
    detail: str
    clock_offset_ms: int
    round_trip_ms: float | None
    banned_until: datetime | None
    limits: list[LimitOut]
    breakers: list[BreakerOut]
    streams: list[StreamOut]

    @classmethod
    def of(cls, report: VenueReport) -> Self:
        """Made from the report, whose members have the same names."""
        return cls.model_validate(report, from_attributes=True)


def _spread_bps(bid: Number | None, ask: Number | None) -> float | None:
    """Distance of bid and ask in 1/10,000 of the price between them."""
    if bid is None or ask is None:
        return None
    return round(float((ask - bid) / (ask + bid)) * 2 * _BASIS_POINTS, 4)


def _change_percent(before: float | None, now: float | None) -> float | None:
    if before is None or now is None:
        return None
    return round((now - before) / before * 100, 4)
