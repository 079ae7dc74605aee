"""Listen keys: asked for with an API key, without a signature."""

from __future__ import annotations

from trading_system.simulator.futures.endpoints.request import Request
from trading_system.simulator.futures.wire import Json


def start_listening(request: Request) -> Json:
    """POST listenKey: the same key while it is valid, valid for another hour."""
    return {"listenKey": request.exchange.listen_keys.start(request.account, request.now)}


def keep_listening(request: Request) -> Json:
    """PUT listenKey."""
    return {"listenKey": request.exchange.listen_keys.extend(request.account, request.now)}


def stop_listening(request: Request) -> Json:
    """DELETE listenKey."""
    request.exchange.listen_keys.end(request.account)
    return {}
