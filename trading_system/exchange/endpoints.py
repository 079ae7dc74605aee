"""Where a venue lives: one of the two places that tell simulator, testnet and live apart.

Every URL ccxt could ever use is replaced, so that nothing it knows by heart is reachable: what this
program does not use points at a name that cannot resolve (RFC 6761, `.invalid`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

BLOCKED = "http://blocked.invalid"
"""Where every URL points that must never be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The roots of a venue: REST, market streams, and where an account hears of itself.

    `private` and `user` are None where nothing signed may be sent.
    """

    public: str
    private: str | None
    streams: str
    user: str | None


class Hosts(NamedTuple):
    """Where one market is found; `at` is told the root of a venue that has everything under one."""

    testnet: Endpoints
    live: Endpoints
    live_data: Endpoints
    at: Callable[[str], Endpoints]


_TESTNET = Endpoints(
    public="https://testnet.binance.vision",
    private="https://testnet.binance.vision",
    streams="wss://stream.testnet.binance.vision/stream",
    user="wss://ws-api.testnet.binance.vision/ws-api/v3",
)
_LIVE = Endpoints(
    public="https://api.binance.com",
    private="https://api.binance.com",
    streams="wss://stream.binance.com:443/stream",
    user="wss://ws-api.binance.com:443/ws-api/v3",
)
_LIVE_DATA = Endpoints(
    public="https://data-api.binance.vision",
    private=None,
    streams="wss://data-stream.binance.vision/stream",
    user=None,
)


_FUTURES_TESTNET = Endpoints(
    public="https://demo-fapi.binance.com",
    private="https://demo-fapi.binance.com",
    streams="wss://fstream.binancefuture.com",
    user="wss://fstream.binancefuture.com/private/ws",
)
_FUTURES_LIVE = Endpoints(
    public="https://fapi.binance.com",
    private="https://fapi.binance.com",
    streams="wss://fstream.binance.com",
    user="wss://fstream.binance.com/private/ws",
)


def _spot_at(root: str) -> Endpoints:
    sockets = root.replace("http", "ws", 1)
    return Endpoints(
        public=root, private=root, streams=f"{sockets}/stream", user=f"{sockets}/ws-api/v3"
    )


def _futures_at(root: str) -> Endpoints:
    sockets = root.replace("http", "ws", 1)
    return Endpoints(public=root, private=root, streams=sockets, user=f"{sockets}/private/ws")


SPOT_HOSTS = Hosts(_TESTNET, _LIVE, _LIVE_DATA, _spot_at)
FUTURES_HOSTS = Hosts(_FUTURES_TESTNET, _FUTURES_LIVE, _FUTURES_LIVE, _futures_at)
"""Of futures `streams` is the root that the roads of `futures.market_frames` begin at."""


def trading_endpoints(venue: str, hosts: Hosts = SPOT_HOSTS) -> Endpoints:
    """Where orders go, and prices unless told otherwise: `testnet`, `live` or a base URL."""
    return {"testnet": hosts.testnet, "live": hosts.live}.get(venue) or hosts.at(venue)


def data_endpoints(venue: str, hosts: Hosts = SPOT_HOSTS) -> Endpoints:
    """Where prices come from when they come from elsewhere; nothing signed can be sent there."""
    known = {"testnet": hosts.testnet, "live": hosts.live_data}.get(venue) or hosts.at(venue)
    return replace(known, private=None, user=None)


def url_tree(
    defaults: dict[str, Any],
    endpoints: Endpoints,
    *,
    public: Mapping[str, str],
    private: Mapping[str, str],
) -> dict[str, Any]:
    """Ccxt's tree of URLs with every leaf replaced: ours where we speak, BLOCKED everywhere else.

    `public` and `private` are the sections this program speaks to, with their paths.
    """
    tree: dict[str, Any] = _blocked(defaults)
    tree["api"] |= {section: endpoints.public + path for section, path in public.items()}
    if endpoints.private is not None:
        tree["api"] |= {section: endpoints.private + path for section, path in private.items()}
    return tree


def _blocked(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _blocked(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_blocked(value) for value in tree]
    return BLOCKED
