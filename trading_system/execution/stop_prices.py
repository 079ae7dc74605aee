"""What the market has done to each stop since it is watched; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from trading_system.domain.instruments import Symbol
from trading_system.domain.stops import Stop, Watched
from trading_system.execution.valuation import exact
from trading_system.ports import Live

_OUT_OF_ORDER_MS = 5_000


class StopPrices:
    """Remembers, for each stop, the best price and whether it was hit."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._watched: dict[UUID, Watched] = {}
        self._newest: dict[Symbol, int] = {}  # the venue's time of the last price heard

    def of(self, stop: Stop) -> Watched:
        """What has become of it."""
        return self._watched.get(stop.id, Watched(stop.best))

    def begin(self, stop: Stop) -> None:
        """From the best price remembered and the newest one known; it was not hit before."""
        last = {each.symbol: each.last for each in self._live.prices()}.get(stop.symbol)
        watched = Watched(self.of(stop).best)
        self._watched[stop.id] = watched if last is None else watched.after(stop, exact(last))

    def forget(self, stop: Stop) -> None:
        """It has ended."""
        self._watched.pop(stop.id, None)

    def hear(self, symbol: Symbol, price: float, time: int, stops: Iterable[Stop]) -> list[Stop]:
        """One more price, `time` in ms by the venue; those of these stops that it is first to hit.

        Two streams may tell out of order; what is much older says that the venue set its clock.
        """
        if 0 < self._newest.get(symbol, 0) - time <= _OUT_OF_ORDER_MS:
            return []
        self._newest[symbol] = time
        hit = []
        for stop in stops:
            if stop.symbol == symbol:
                before = self.of(stop)
                self._watched[stop.id] = before.after(stop, exact(price))
                if self._watched[stop.id].hit and not before.hit:
                    hit.append(stop)
        return hit
