"""The stop of each position a mandate holds: set when it has one, taken away before it is changed.

Which stop is whose is written down before the stop exists, and a stop is asked for under that id,
so that a crash in between leaves neither an unknown stop nor two of them.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import ROUND_DOWN, Decimal
from typing import Protocol
from uuid import UUID, uuid4

from trading_system.domain.errors import NotFound, StopTooLate, TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, StopRule
from trading_system.domain.positions import Position
from trading_system.domain.stops import Stop, StopKind, StopStatus, StopWish
from trading_system.ports import MarketData, OwnOrders
from trading_system.trader.pauses import Pauses
from trading_system.trader.wallets import Wallets


class Stops(Protocol):
    """Who keeps stops."""

    async def guard(self, wish: StopWish, /) -> Stop: ...
    async def cancel(self, stop_id: UUID, /) -> Stop: ...
    async def get(self, stop_id: UUID, /) -> Stop: ...


class StopStands(TradingError):
    """The last stop stands in the way: it is still there, or was tried a moment ago."""


class Guards:
    """Sets and takes away the stops of mandates that have a rule for them."""

    def __init__(
        self,
        *,
        stops: Stops,
        own: OwnOrders,
        wallets: Wallets,
        market_data: MarketData,
        pauses: Pauses,
    ) -> None:
        self._stops = stops
        self._own = own
        self._wallets = wallets
        self._market_data = market_data
        self._pauses = pauses

    async def release(self, mandate: Mandate, symbol: Symbol) -> None:
        """Take the stop away; raises StopStands until it is gone, and its fills are booked."""
        stop = await self._stop(mandate, symbol)
        if stop is not None and not stop.status.is_final:
            stop = await self._stops.cancel(stop.id)
            if not stop.status.is_final:
                raise StopStands(f"stop {stop.id} is {stop.status}")
        self._pauses.end("stop", mandate.id, symbol)  # what is still held is guarded again at once
        for each in await self._own.unsettled():
            if each.mandate_id == mandate.id and each.order.request.symbol == symbol:
                raise StopStands(f"order {each.order.id} of its stop is {each.order.status}")

    async def ensure(self, mandate: Mandate) -> tuple[dict[str, str], list[Symbol]]:
        """Guard every position that is not guarded; by symbol, why one could not be so far.

        A stop of more than is held is taken away first. Then those whose price is beyond their
        stop already, which are to be closed at once.
        """
        if mandate.stop is None:
            return {}, []
        # Those of stops too: one that is over may have sold what is not booked yet.
        unsettled = {
            each.order.request.symbol
            for each in await self._own.unsettled()
            if each.mandate_id == mandate.id
        }
        failed, beyond = dict[str, str](), list[Symbol]()
        for position in (await self._wallets.of(mandate.id)).positions:
            if position.symbol not in unsettled:
                try:
                    await self._guard(mandate, mandate.stop, position)
                except StopTooLate:
                    beyond.append(position.symbol)
                except TradingError as error:
                    failed[str(position.symbol)] = f"not guarded: {error}"
        return failed, beyond

    async def _guard(self, mandate: Mandate, rule: StopRule, position: Position) -> None:
        symbol = position.symbol
        stop = await self._stop(mandate, symbol)
        lives = stop is not None and not stop.status.is_final
        if not position.quantity and not lives:
            return
        step = (await self._market_data.instruments())[symbol].step_size
        quantity = (abs(position.quantity) / step).to_integral_value(ROUND_DOWN) * step
        if stop is not None and lives:
            if stop.status is StopStatus.TRIGGERED or _left(stop) <= quantity:
                return
            await self.release(mandate, symbol)  # a kill has sold some: it would sell others' now
        if not quantity:
            return
        if self._pauses.lasts("stop", mandate.id, symbol):
            raise StopStands("a stop was tried just now, and is again after a while")
        self._pauses.begin("stop", mandate.id, symbol)
        linked = (await self._own.stops(mandate.id)).get(symbol)
        if linked is None or stop is not None:  # else it was linked and never begun
            linked = uuid4()
            await self._own.link_stop(mandate.id, symbol, linked)
        await self._stops.guard(_wish(linked, rule, position, quantity))

    async def _stop(self, mandate: Mandate, symbol: Symbol) -> Stop | None:
        """The stop linked last, if it was ever begun."""
        linked = (await self._own.stops(mandate.id)).get(symbol)
        if linked is not None:
            with suppress(NotFound):
                return await self._stops.get(linked)
        return None


def _left(stop: Stop) -> Decimal:
    """How much it may still close."""
    assert stop.quantity is not None  # noqa: S101 -- wished for like that
    return stop.quantity - stop.closed


def _wish(stop_id: UUID, rule: StopRule, position: Position, quantity: Decimal) -> StopWish:
    """A fixed one counts from what this mandate paid, not from the account's average."""
    if rule.kind is StopKind.TRAILING:
        return StopWish(
            kind=rule.kind,
            id=stop_id,
            symbol=position.symbol,
            quantity=quantity,
            distance_percent=rule.distance_percent,
        )
    assert position.average_price is not None  # noqa: S101 -- something is held
    away = rule.distance_percent / 100
    return StopWish(
        kind=rule.kind,
        id=stop_id,
        symbol=position.symbol,
        quantity=quantity,
        trigger_price=position.average_price * (1 - away if position.quantity > 0 else 1 + away),
    )
