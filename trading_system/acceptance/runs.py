"""The runs by name: each does something, says what must be true afterwards, and shows figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from trading_system.acceptance.ground import Ground, Run
from trading_system.acceptance.network_runs import network_loss, stream_stability
from trading_system.acceptance.order_runs import limit_orders, market_orders

__all__ = ["RUNS", "Ground", "Run"]

RUNS: Mapping[str, Callable[[Ground], Awaitable[Run]]] = {
    "market": market_orders,
    "limit": limit_orders,
    "network": network_loss,
    "streams": stream_stability,
}
"""By the name that one asks for."""
