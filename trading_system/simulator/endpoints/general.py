"""Whether it is there, what time it is, and what the rules are."""

from __future__ import annotations

import re

import orjson

from trading_system.simulator.arguments import Arguments, invalid
from trading_system.simulator.endpoints.request import Request, combination
from trading_system.simulator.model import Refused
from trading_system.simulator.wire import Json

_PERMISSION = re.compile(r"(SPOT|MARGIN|LEVERAGED|TRD_GRP_\d{3})\Z", re.ASCII)


def ping(_: Request) -> Json:
    """GET ping."""
    return {}


def time(request: Request) -> Json:
    """GET time."""
    return {"serverTime": request.now}


def exchange_info(request: Request) -> bytes:
    """GET exchangeInfo, ready-made."""
    info, now = request.exchange.info, request.now
    named, permissions, status = request.named(), _permissions(request.arguments), request.status()
    permission_sets = request.arguments.flag("showPermissionSets", default=True)
    if named is not None:
        if permissions is not None or status is not None:
            raise combination()
        return info.some(named, now, permission_sets=permission_sets)
    if permissions is None and status is None and permission_sets:
        return info.whole(now)
    spot = permissions is None or "SPOT" in permissions
    return info.some(request.listed(status) if spot else (), now, permission_sets=permission_sets)


def execution_rules(request: Request) -> Json:
    """GET executionRules: no symbol here has a price range, so every list of rules is empty."""
    named, status = request.named(), request.status()
    if named is not None and status is not None:
        raise combination()
    chosen = request.listed(status) if named is None else named
    return {"symbolRules": [{"symbol": rules.symbol, "rules": []} for rules in chosen]}


def execution_rules_weight(arguments: Arguments) -> int:
    """2 a symbol, 40 at most and for all."""
    if arguments.symbol() is not None:
        return 2
    symbols = arguments.symbols()
    return 40 if symbols is None else min(2 * len(symbols), 40)


def reference_price(request: Request) -> Json:
    """GET referencePrice: never set for any symbol here."""
    request.rules()
    raise Refused(-2043, "This symbol doesn't have a reference price.")


def _permissions(arguments: Arguments) -> list[str] | None:
    """One permission as plain text, or several as a JSON array."""
    text = arguments.text("permissions")
    if text is None:
        return None
    names = [text]
    if text.startswith("["):
        try:
            names = orjson.loads(text)
        except ValueError:
            raise Refused(-1135, "JSON sent for parameter 'permissions' is not valid") from None
    if not all(isinstance(name, str) and _PERMISSION.match(name) for name in names):
        raise invalid("permissions")
    return names
