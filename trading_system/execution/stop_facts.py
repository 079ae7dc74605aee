"""How things stand for a stop: what is held, what became of its order, what the venue takes."""

from __future__ import annotations

from decimal import Decimal

from trading_system.domain.errors import UnknownSymbol
from trading_system.domain.orders import Order, Side
from trading_system.domain.stop_steps import Facts
from trading_system.domain.stops import Stop, Watched
from trading_system.execution.desk import digest
from trading_system.ports import Clock, Holdings, MarketData, OrderRepository

_MANY = 10_000


class StopFacts:
    """Gathers them; it decides nothing."""

    def __init__(
        self, *, orders: OrderRepository, holdings: Holdings, market_data: MarketData, clock: Clock
    ) -> None:
        self._orders = orders
        self._holdings = holdings
        self._market_data = market_data
        self._clock = clock

    async def of(self, stop: Stop, watched: Watched) -> Facts:
        """Raises UnknownSymbol, StorageError and ExchangeError."""
        # The order first: what it has closed is in the positions read after it.
        order = await self._order(stop)
        booked = order is None or await self._is_booked(order)
        held = await self.held(stop)
        instrument = (await self._market_data.instruments()).get(stop.symbol)
        if instrument is None:
            raise UnknownSymbol(f"the venue lists no {stop.symbol} any more")
        return Facts(
            held=held,
            step=max(instrument.step_size, instrument.market_step_size or instrument.step_size),
            now=self._clock.now(),
            watched=watched,
            order=order,
            booked=booked,
            least=max(instrument.min_quantity, instrument.market_min_quantity or Decimal(0)),
            most=min(instrument.max_quantity, instrument.market_max_quantity or Decimal("inf")),
        )

    async def held(self, stop: Stop) -> Decimal:
        """What its side could close, in base asset; raises StorageError."""
        held = {each.symbol: each.quantity for each in await self._holdings.positions()}
        quantity = held.get(stop.symbol, Decimal(0))
        return max(quantity if stop.side is Side.SELL else -quantity, Decimal(0))

    async def _order(self, stop: Stop) -> Order | None:
        """Its current one; where that was about to be sent, what is on record under its key."""
        if stop.order_id is not None:
            return await self._orders.get(stop.order_id)
        if stop.ordered is None:
            return None
        return await self._orders.by_key(stop.key, digest(stop.request()))

    async def _is_booked(self, order: Order) -> bool:
        """Whether our positions contain all that it has executed."""
        if not (order.status.is_final and order.executed_quantity):
            return True
        fills = await self._orders.fills(order_id=order.id, limit=_MANY)
        return sum(each.fill.quantity for each in fills) >= order.executed_quantity
