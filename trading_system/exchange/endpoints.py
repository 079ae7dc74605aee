"""Where a venue lives: one of the two places that tell simulator, testnet and live apart.

Every URL ccxt could ever use is replaced, so that nothing it knows by heart is reachable: what this
program does not use points at a name that cannot resolve (RFC 6761, `.invalid`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

BLOCKED = "http://blocked.invalid"
"""Where every URL points that must never be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The roots of a venue: REST, market streams and the WebSocket API.

    `private` and `ws_api` are None where nothing signed may be sent.
    """

    public: str
    private: str | None
    streams: str
    ws_api: str | None


_TESTNET = Endpoints(
    public="https://testnet.binance.vision",
    private="https://testnet.binance.vision",
    streams="wss://stream.testnet.binance.vision/stream",
    ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
)
_LIVE = Endpoints(
    public="https://api.binance.com",
    private="https://api.binance.com",
    streams="wss://stream.binance.com:443/stream",
    ws_api="wss://ws-api.binance.com:443/ws-api/v3",
)
_LIVE_DATA = Endpoints(
    public="https://data-api.binance.vision",
    private=None,
    streams="wss://data-stream.binance.vision/stream",
    ws_api=None,
)


def trading_endpoints(venue: str) -> Endpoints:
    """Where orders go, and prices unless told otherwise: `testnet`, `live` or a base URL."""
    return {"testnet": _TESTNET, "live": _LIVE}.get(venue) or _at(venue)


def data_endpoints(venue: str) -> Endpoints:
    """Where prices come from when they come from elsewhere; nothing signed can be sent there."""
    known = {"testnet": _TESTNET, "live": _LIVE_DATA}.get(venue) or _at(venue)
    return replace(known, private=None, ws_api=None)


def _at(root: str) -> Endpoints:
    """A venue with everything under one root, such as the simulator."""
    sockets = root.replace("http", "ws", 1)
    return Endpoints(
        public=root,
        private=root,
        streams=f"{sockets}/stream",
        ws_api=f"{sockets}/ws-api/v3",
    )


def url_tree(defaults: dict[str, Any], endpoints: Endpoints) -> dict[str, Any]:
    """Ccxt's tree of URLs with every leaf replaced: ours where we speak, BLOCKED everywhere else.

    Spot's public and private REST roots are the only two this program speaks to.
    """
    tree: dict[str, Any] = _blocked(defaults)
    tree["api"]["public"] = f"{endpoints.public}/api/v3"
    tree["api"]["private"] = f"{endpoints.private}/api/v3" if endpoints.private else BLOCKED
    return tree


def _blocked(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _blocked(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_blocked(value) for value in tree]
    return BLOCKED
