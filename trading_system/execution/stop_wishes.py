"""From what somebody asks of a stop loss to the stop: side, quantity, prices, and who keeps it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import uuid4

from trading_system.domain.errors import InvalidRequest, StopTooLate, UnknownSymbol
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.positions import Position
from trading_system.domain.stops import Keeper, Stop, StopKind, StopWish
from trading_system.ports import Holdings, Live, MarketData, OrderRepository

Volatility = Callable[[Symbol], Awaitable[Decimal | None]]
"""The average true range in percent of the price; None where too few candles are stored."""

_PERCENT = Decimal(100)
_BASIS_POINTS = Decimal(10_000)
_GIVES_WAY = Decimal("0.01")  # a stop limit order may fill this far beyond its trigger
_FARTHEST = 9_999  # basis points: all but the whole price


class StopWishes:
    """Turns wishes into stops; nothing is saved or sent here."""

    def __init__(
        self,
        *,
        holdings: Holdings,
        orders: OrderRepository,
        market_data: MarketData,
        live: Live,
        volatility: Volatility,
    ) -> None:
        self._holdings = holdings
        self._orders = orders
        self._market_data = market_data
        self._live = live
        self._volatility = volatility

    async def stop(self, wish: StopWish, now: datetime) -> Stop:
        """Raises InvalidRequest, NotFound and UnknownSymbol with what is wrong with the wish."""
        symbol, quantity = await self._subject(wish)
        instruments = await self._market_data.instruments()
        if symbol not in instruments:
            raise UnknownSymbol(f"the venue lists no {symbol}")
        position = await self._position(symbol, quantity)
        side = Side.SELL if position.quantity > 0 else Side.BUY
        trigger, distance = await self._where(wish, position, side, instruments[symbol])
        if wish.kind is StopKind.TIME and (wish.deadline is None or wish.deadline <= now):
            raise InvalidRequest("a stop by time needs a deadline that is still to come")
        if trigger is not None:
            self._refuse_beyond(symbol, side, trigger)
        venue_type = _venue_type(wish.kind, side, distance, instruments[symbol])
        limit = None
        if venue_type is OrderType.STOP_LOSS_LIMIT and trigger is not None:
            give = -_GIVES_WAY if side is Side.SELL else _GIVES_WAY
            limit = _rounded(trigger * (1 + give), instruments[symbol].tick_size)
        return Stop(
            id=wish.id or uuid4(),
            symbol=symbol,
            side=side,
            kind=wish.kind,
            kept_by=Keeper.SYSTEM if venue_type is None else Keeper.VENUE,
            created_at=now,
            updated_at=now,
            quantity=quantity,
            trigger_price=trigger,
            distance_bps=distance,
            deadline=wish.deadline,
            venue_type=venue_type,
            limit_price=limit,
        )

    async def _subject(self, wish: StopWish) -> tuple[Symbol, Decimal | None]:
        """The symbol, and how much of its position; None for the whole of it."""
        if wish.order_id is None:
            if wish.symbol is None:
                raise InvalidRequest("a stop needs a symbol or an order_id")
            return wish.symbol, wish.quantity
        order = await self._orders.get(wish.order_id)
        if not order.executed_quantity:
            raise InvalidRequest(f"order {order.id} has no fills yet, so there is nothing to guard")
        return order.request.symbol, wish.quantity or order.executed_quantity

    async def _position(self, symbol: Symbol, quantity: Decimal | None) -> Position:
        held = {position.symbol: position for position in await self._holdings.positions()}
        position = held.get(symbol)
        if position is None or not position.quantity:
            raise InvalidRequest(f"there is no position of {symbol} to guard")
        if quantity is not None and quantity > abs(position.quantity):
            raise InvalidRequest(
                f"the position of {symbol} is {abs(position.quantity)}, less than {quantity}"
            )
        return position

    async def _where(
        self, wish: StopWish, position: Position, side: Side, instrument: Instrument
    ) -> tuple[Decimal | None, int | None]:
        """The trigger price of a fixed stop, the distance of a trailing one."""
        if wish.kind is StopKind.TIME:
            return None, None
        if wish.kind is StopKind.FIXED and wish.trigger_price is not None:
            return _rounded(wish.trigger_price, instrument.tick_size), None
        distance = await self._distance(wish, position.symbol)
        if wish.kind is StopKind.TRAILING:
            return None, distance
        share = distance / _BASIS_POINTS
        entry = position.cost / position.quantity
        at = entry * (1 - share if side is Side.SELL else 1 + share)
        return _rounded(at, instrument.tick_size), None

    def _refuse_beyond(self, symbol: Symbol, side: Side, trigger: Decimal) -> None:
        """One whose price is reached already would close the position at once."""
        prices = {each.symbol: each.last for each in self._live.prices()}
        last = prices.get(symbol)
        if last is not None and (last <= trigger if side is Side.SELL else last >= trigger):
            raise StopTooLate(f"a stop at {trigger} would trigger at once: the price is {last}")

    async def _distance(self, wish: StopWish, symbol: Symbol) -> int:
        """In whole basis points."""
        percent = wish.distance_percent
        if percent is None and wish.distance_atr is not None:
            average = await self._volatility(symbol)
            if average is None:
                raise InvalidRequest(
                    f"too few candles of {symbol} are stored for an average true range: "
                    "register it first, or give the distance in percent"
                )
            percent = average * wish.distance_atr
        if percent is None:
            raise InvalidRequest(f"a {wish.kind} stop needs a price or a distance")
        distance = int((percent * _PERCENT).to_integral_value(ROUND_HALF_EVEN))
        if not 1 <= distance <= _FARTHEST:
            raise InvalidRequest(f"a distance of {percent} % is none: from 0.01 to 99.99")
        return distance


def _venue_type(
    kind: StopKind, side: Side, distance: int | None, instrument: Instrument
) -> OrderType | None:
    """How the venue would keep it; None when it cannot.

    A trailing stop limit order has a limit that does not follow, so that is none.
    """
    if kind is StopKind.TRAILING and distance is not None:
        least, most = instrument.trailing_below if side is Side.SELL else instrument.trailing_above
        fits = least <= distance <= most and OrderType.STOP_LOSS in instrument.order_types
        return OrderType.STOP_LOSS if fits else None
    if kind is StopKind.FIXED:
        for wanted in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT):
            if wanted in instrument.order_types:
                return wanted
    return None


def _rounded(price: Decimal, tick: Decimal) -> Decimal:
    return (price / tick).to_integral_value(ROUND_HALF_EVEN) * tick
