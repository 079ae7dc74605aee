"""Commands as orders: what was asked for, not yet accepted and without an id."""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.futures.model import (
    AlgoOrder,
    FuturesOrder,
    OrderType,
    PlaceAlgo,
    PlaceOrder,
    TimeInForce,
)
from trading_system.simulator.model import OrderType as CoreType
from trading_system.simulator.model import TimeInForce as CoreTime
from trading_system.simulator.self_trades import SelfTradePrevention

_BIPS = 100  # a percent
_ZERO = Decimal(0)
_CONDITIONS = {
    OrderType.STOP: CoreType.STOP_LOSS,
    OrderType.STOP_MARKET: CoreType.STOP_LOSS,
    OrderType.TAKE_PROFIT: CoreType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_MARKET: CoreType.TAKE_PROFIT,
    # Followed from a price on that is better than today's, as take profits wait for.
    OrderType.TRAILING_STOP_MARKET: CoreType.TAKE_PROFIT,
}
"""What the spot core's triggers call such a condition."""


def order(command: PlaceOrder, now: int) -> FuturesOrder:
    """A LIMIT or MARKET order."""
    return FuturesOrder(
        order_id=0,
        client_order_id=command.client_order_id or "",
        account=command.account,
        symbol=command.symbol,
        side=command.side,
        type=CoreType(command.type),
        time_in_force=_core_time(command.time_in_force),
        post_only=command.time_in_force is TimeInForce.GTX,
        price=command.price or _ZERO,
        quantity=command.quantity or _ZERO,
        reduce_only=command.reduce_only,
        stp=command.stp or SelfTradePrevention.EXPIRE_MAKER,
        time=now,
        updated=now,
    )


def algo(command: PlaceAlgo, now: int) -> AlgoOrder:
    """An order that waits for its trigger."""
    rate = command.callback_rate
    return AlgoOrder(
        order_id=0,
        client_order_id=command.client_order_id or "",
        account=command.account,
        symbol=command.symbol,
        side=command.side,
        type=_CONDITIONS[command.type],
        kind=command.type,
        time_in_force=_core_time(command.time_in_force),
        post_only=command.time_in_force is TimeInForce.GTX,
        price=command.price or _ZERO,
        quantity=command.quantity or _ZERO,
        stop_price=command.trigger_price or command.activation,
        trailing_delta=None if rate is None else int(rate * _BIPS),
        callback_rate=rate,
        activation=command.activation,
        reduce_only=command.reduce_only,
        close_position=command.close_position,
        stp=command.stp or SelfTradePrevention.EXPIRE_MAKER,
        time=now,
        updated=now,
        is_working=False,
    )


def triggered(waiting: AlgoOrder, quantity: Decimal, now: int) -> FuturesOrder:
    """The order that an algo order places when its moment has come."""
    return FuturesOrder(
        order_id=0,
        client_order_id=waiting.client_order_id,
        account=waiting.account,
        symbol=waiting.symbol,
        side=waiting.side,
        type=CoreType.LIMIT if waiting.kind.has_price else CoreType.MARKET,
        time_in_force=waiting.time_in_force,
        post_only=waiting.post_only,
        price=waiting.price,
        quantity=quantity,
        reduce_only=waiting.reduce_only or waiting.close_position,
        close_position=waiting.close_position,
        algo_id=waiting.order_id,
        stp=waiting.stp,
        time=now,
        updated=now,
    )


def _core_time(asked: TimeInForce | None) -> CoreTime:
    """GTX rests like GTC; that it may not take is the order's `post_only`."""
    return CoreTime.GTC if asked in {None, TimeInForce.GTX} else CoreTime(str(asked))
