"""Keeps trading a little of everything, so that order events never stop coming."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_UP, Decimal
from itertools import count

import structlog

from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Instrument
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.system import System

log = structlog.get_logger(__name__)

_NOTIONAL = Decimal(50)
_LEVELS = 5
_OPEN = frozenset(status for status in OrderStatus if not status.is_final)


class Trader:
    """One order after the other: market buys and sells, orders that rest, and their cancels."""

    def __init__(
        self, system: System, instruments: Sequence[Instrument], *, pause_seconds: float
    ) -> None:
        self._system = system
        self._instruments = instruments
        self._pause = pause_seconds
        self.failed = 0

    async def run(self) -> None:
        """Until cancelled."""
        for number in count():
            instrument = self._instruments[number // 4 % len(self._instruments)]
            try:
                await self._trade(instrument, number % 4)
            except TradingError as error:
                self.failed += 1
                log.warning("soak order failed", error=str(error))
            await self._system.clock.sleep(self._pause)

    async def cancel_all(self) -> None:
        """End every order that still rests."""
        for order in await self._system.orders.all(statuses=_OPEN, limit=10_000):
            try:
                await self._system.order_manager.cancel(order.id)
            except TradingError as error:
                log.warning("soak cancel failed", error=str(error))

    async def _trade(self, instrument: Instrument, turn: int) -> None:
        match turn:
            case 0:
                await self._market(instrument, Side.BUY)
            case 1:
                await self._market(instrument, Side.SELL)
            case 2:
                await self._rest(instrument, discount=Decimal("0.9"))
            case _:
                await self._rest(instrument, discount=Decimal(1))
                await self._cancel_oldest(instrument)

    async def _market(self, instrument: Instrument, side: Side) -> None:
        book = await self._system.live.book(instrument.symbol, levels=_LEVELS)
        await self._system.desk.place(
            OrderRequest(
                symbol=instrument.symbol,
                side=side,
                type=OrderType.MARKET,
                quantity=_lots(instrument, book.asks[0].price),
            )
        )

    async def _rest(self, instrument: Instrument, *, discount: Decimal) -> None:
        """A limit buy at the best bid, which soon fills, or well below it, which does not."""
        book = await self._system.live.book(instrument.symbol, levels=_LEVELS)
        tick = instrument.tick_size
        price = (book.bids[0].price * discount / tick).to_integral_value() * tick
        await self._system.desk.place(
            OrderRequest(
                symbol=instrument.symbol,
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=_lots(instrument, price),
                price=price,
            )
        )

    async def _cancel_oldest(self, instrument: Instrument) -> None:
        resting = await self._system.orders.all(statuses=_OPEN, symbol=instrument.symbol)
        if len(resting) > 1:
            await self._system.order_manager.cancel(resting[-1].id)


def _lots(instrument: Instrument, price: Decimal) -> Decimal:
    """As many whole lots as are worth a little more than the venue's smallest order."""
    step = instrument.step_size
    wanted = max(_NOTIONAL, 2 * (instrument.min_notional or Decimal(0))) / price
    return max((wanted / step).to_integral_value(ROUND_UP) * step, instrument.min_quantity)
