"""Where a venue lives: one of the two places that tell simulator, testnet and live apart.

Every URL ccxt could ever use is replaced, so that nothing it knows by heart is reachable: what this
program does not use points at a name that cannot resolve (RFC 6761, `.invalid`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BLOCKED = "http://blocked.invalid"
"""Where every URL points that must never be called."""

_TESTNET = "https://testnet.binance.vision"
_LIVE = "https://api.binance.com"
_LIVE_DATA = "https://data-api.binance.vision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The REST roots of a venue; `private` is None where nothing signed may be sent."""

    public: str
    private: str | None


def trading_endpoints(venue: str) -> Endpoints:
    """Where orders go, and prices unless told otherwise: `testnet`, `live` or a base URL."""
    root = {"testnet": _TESTNET, "live": _LIVE}.get(venue, venue)
    return Endpoints(public=root, private=root)


def data_endpoints(venue: str) -> Endpoints:
    """Where prices come from when they come from elsewhere; nothing signed can be sent there."""
    root = {"testnet": _TESTNET, "live": _LIVE_DATA}.get(venue, venue)
    return Endpoints(public=root, private=None)


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
