"""What an asset is worth in another, from the youngest prices known, with their age.

It guesses nothing: an asset that no known price leads to has no worth here, not even a stable coin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from trading_system.domain.candles import MINUTE, Span
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import LivePrice
from trading_system.domain.timeframes import Timeframe
from trading_system.ports import Clock, Live, PriceRepository, RecordedFill

_MINUTES = Timeframe.parse("1m")
_FRESH_MS = 5_000  # an older quote is not what an order met


class Priced(NamedTuple):
    """A price in quote asset, and how long ago it was heard or traded."""

    price: Decimal
    age_ms: int


Prices = Mapping[Symbol, Priced]


class Valuation:
    """Collects prices: what streams tell, else the last stored candle, else our own last trade."""

    def __init__(self, *, live: Live, candles: PriceRepository, clock: Clock) -> None:
        self._live = live
        self._candles = candles
        self._clock = clock

    async def prices(self, fills: Iterable[RecordedFill] = ()) -> dict[Symbol, Priced]:
        """The youngest price of every symbol that has one; raises StorageError."""
        now = self._clock.milliseconds()
        known = {
            row.symbol: Priced(row.fill.price, now - round(row.fill.time.timestamp() * 1000))
            for row in fills
        }
        heard = {
            each.symbol: Priced(exact(each.last), each.price_age_ms)
            for each in self._live.prices()
            if each.last is not None and each.price_age_ms is not None
        }
        for symbol, minute in (await self._candles.last_open_times()).items():
            if symbol not in heard:
                (candle,) = await self._candles.candles(
                    symbol, Span(minute, minute + MINUTE), _MINUTES
                )
                closed = Priced(exact(candle.close), now - minute - MINUTE)
                known[symbol] = min(closed, known.get(symbol, closed), key=_age)
        return known | heard


def worth(asset: str, quote: str, prices: Prices) -> Priced | None:
    """One unit of the asset in quote: by their own market, or by way of a third asset."""
    if asset == quote:
        return Priced(Decimal(1), 0)
    direct = _between(asset, quote, prices)
    if direct is not None:
        return direct
    thirds = {name for symbol in prices for name in (symbol.base, symbol.quote)}
    ways = []
    for third in sorted(thirds - {asset, quote}):
        there, on = _between(asset, third, prices), _between(third, quote, prices)
        if there is not None and on is not None:
            ways.append(Priced(there.price * on.price, max(there.age_ms, on.age_ms)))
    return min(ways, key=_age, default=None)


def middles(live: Live) -> Callable[[Symbol], Decimal | None]:
    """Tells the middle between best bid and best ask, None where no fresh quote is known."""

    def middle(symbol: Symbol) -> Decimal | None:
        match live.price(symbol):
            case LivePrice(bid=float(bid), ask=float(ask), quote_age_ms=int(age)) if (
                age < _FRESH_MS
            ):
                return (exact(bid) + exact(ask)) / 2
        return None

    return middle


def exact(price: float) -> Decimal:
    """The digits the venue sent: they are the shortest that make this float64."""
    return Decimal(repr(price))


def _between(asset: str, quote: str, prices: Prices) -> Priced | None:
    straight = prices.get(Symbol(asset, quote))
    if straight is not None:
        return straight
    turned = prices.get(Symbol(quote, asset))
    return None if turned is None else Priced(1 / turned.price, turned.age_ms)


def _age(priced: Priced) -> int:
    return priced.age_ms
