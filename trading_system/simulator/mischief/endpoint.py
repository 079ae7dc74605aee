"""/mischief, which Binance does not have: the rules in force, new ones, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from trading_system.simulator.mischief.rules import KINDS, read_rule

if TYPE_CHECKING:
    from trading_system.simulator.mischief.control import Mischief

PATH = "/mischief"


async def respond(mischief: Mischief, request: web.BaseRequest) -> web.Response:
    """GET tells, POST adds a rule or a list of them, DELETE ends ?id=... or all."""
    match request.method:
        case "GET":
            return _json(_state(mischief))
        case "POST":
            return _add(mischief, await request.read())
        case "DELETE":
            return _remove(mischief, request.query.get("id"))
    return _json({"error": "GET, POST or DELETE"}, status=405)


def _state(mischief: Mischief) -> dict[str, object]:
    return {
        "rules": [active.told() for active in mischief.rules],
        "done": dict(mischief.done),
        "refusals": mischief.refused.total(),
        "refused": {str(status): mischief.refused[status] for status in (418, 429)},
        "links": {kind: mischief.links[kind] for kind in ("streams", "ws-api")},
        "kinds": {name: kind.explanation for name, kind in KINDS.items()},
        "options": {name: kind.options for name, kind in KINDS.items()},
    }


def _add(mischief: Mischief, body: bytes) -> web.Response:
    """All of them or none."""
    try:
        given = orjson.loads(body)
        rules = [read_rule(each) for each in (given if isinstance(given, list) else [given])]
    except ValueError as wrong:
        return _json({"error": str(wrong)}, status=400)
    return _json({"rules": [active.told() for active in mischief.add(rules)]})


def _remove(mischief: Mischief, id_: str | None) -> web.Response:
    removed = mischief.remove(id_)
    if id_ is not None and not removed:
        return _json({"error": f"no rule {id_} is in force"}, status=404)
    return _json({"removed": removed})


def _json(content: dict[str, object], *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")
