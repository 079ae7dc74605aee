"""Finds the numbers that an advice on a refused order names; what cannot be found is left out."""

from __future__ import annotations

import structlog

from trading_system.domain.advice import Known, advice
from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderStatus
from trading_system.execution.gate import RiskGate
from trading_system.ports import Derivatives, MarketData

log = structlog.get_logger(__name__)

_ABOUT_LEVERAGE = frozenset({-2018, -2019, -2027, -2028})


class Adviser:
    """Says what to change about an order that the venue refused, as things stand now."""

    def __init__(
        self, *, gate: RiskGate, market_data: MarketData, derivatives: Derivatives
    ) -> None:
        self._gate = gate
        self._market_data = market_data
        self._derivatives = derivatives

    async def advice(self, order: Order) -> str | None:
        """What to change; None where it was not refused, or nothing is to be said."""
        if order.status is not OrderStatus.REJECTED or order.reject_code is None:
            return None
        return advice(
            order.reject_code, order.reject_reason or "", order.request, await self._known(order)
        )

    async def _known(self, order: Order) -> Known:
        symbol = order.request.symbol
        try:
            standing = await self._gate.standing()
            return Known(
                instrument=(await self._market_data.instruments()).get(symbol),
                price=self._gate.price(symbol),
                free=standing.free,
                leverage=await self._leverage(symbol, order.reject_code),
            )
        except TradingError as error:
            log.warning("advice without figures", order_id=str(order.id), error=str(error))
            return Known()

    async def _leverage(self, symbol: Symbol, code: int | None) -> int | None:
        if code not in _ABOUT_LEVERAGE:
            return None
        positions = await self._derivatives.positions()
        return next((each.leverage for each in positions if each.symbol == symbol), None)
