"""Texts of the WebSocket API: what a frame asks, and how an answer is framed.

Numbers keep the text they were written in, since that is what was signed. Source: Binance's
web-socket-api.md, "Request format" and "Response format".
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import orjson

from trading_system.simulator.calls import ORDERS, WEIGHT, Answer
from trading_system.simulator.limits import LimitSettings, used_limits
from trading_system.simulator.model import Refused

Id = int | str | None

_LONGEST_ID = 36
_LARGEST_ID = 2**63
_PREFIX = "v3/"
_REFUSED_FOR_NOW = {418, 429}
_OK = 200
_BROKEN = {"code": -1000, "msg": "An unknown error occurred while processing the request."}


class Malformed(Refused):
    """A frame that is no request; `id` is that of the frame as far as it could be read."""

    def __init__(self, message: str, id_: Id = None) -> None:
        super().__init__(-1135, message)
        self.id = id_


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request: `parameters` as they are signed, `show_limits` None where it does not say."""

    id: Id
    method: str
    parameters: dict[str, str]
    show_limits: bool | None = None


class _Number(str):
    """The text of a JSON number, to be told from a JSON string."""

    __slots__ = ()


def read(text: str) -> Ask:
    """The request in a frame; raises Malformed."""
    try:
        orjson.loads(text)  # stricter: no NaN, no half of a surrogate pair
        frame = json.loads(text, parse_int=_Number, parse_float=_Number)
    except (ValueError, RecursionError):
        raise Malformed("Invalid JSON Request") from None
    if not isinstance(frame, dict):
        raise Malformed("Invalid JSON Request")
    id_ = _id(frame)
    method, parameters = frame.get("method"), frame.get("params")
    if type(method) is not str:
        raise Malformed("Invalid 'method' in JSON request; expected a string.", id_)
    if parameters is not None and not isinstance(parameters, dict):
        raise Malformed("Invalid 'params' in JSON request; expected an object.", id_)
    texts = {name: _text(value) for name, value in (parameters or {}).items()}
    shown = texts.get("returnRateLimits", "").lower()
    return Ask(
        id=id_,
        method=method.removeprefix(_PREFIX),
        parameters=texts,
        show_limits={"true": True, "false": False}.get(shown),
    )


def reply(id_: Id, answer: Answer, *, now: int, limits: LimitSettings | None) -> str:
    """The frame that answers; `limits` None leaves out how much is used. `now` in ms.

    The body of a success goes out as it is, even where mischief has left only half of it.
    """
    head = f'{{"id":{orjson.dumps(id_).decode()},"status":{answer.status}'
    if answer.status == _OK:
        outcome = f'"result":{answer.body.decode(errors="replace")}'
    else:
        outcome = f'"error":{orjson.dumps(_error(answer, now)).decode()}'
    if limits is None:
        return f"{head},{outcome}}}"
    rows = orjson.dumps(_used(answer.headers, limits)).decode()
    return f'{head},{outcome},"rateLimits":{rows}}}'


def _error(answer: Answer, now: int) -> dict[str, object]:
    try:
        error = orjson.loads(answer.body)
    except ValueError:
        error = None
    if not isinstance(error, dict):
        error = dict(_BROKEN)  # a page of the firewall: this API has only JSON to tell it
    if answer.status in _REFUSED_FOR_NOW and "data" not in error:
        seconds = int(answer.headers.get("Retry-After", 0))
        error["data"] = {"serverTime": now, "retryAfter": now + seconds * 1000}
    return error


def _used(headers: dict[str, str], limits: LimitSettings) -> list[dict[str, str | int]]:
    if WEIGHT not in headers:
        return []
    orders = [int(headers[name]) for name in ORDERS if name in headers]
    return used_limits(limits, weight=int(headers[WEIGHT]), orders=orders)


def _id(frame: dict[str, object]) -> Id:
    value = frame.get("id", ...)
    if value is None:
        return None
    if isinstance(value, _Number) and value.lstrip("-").isdecimal():
        number = int(value)
        if -_LARGEST_ID <= number < _LARGEST_ID:
            return number
    elif type(value) is str and len(value) <= _LONGEST_ID:
        return value
    raise Malformed("Invalid 'id' in JSON request; expected an integer, a string, or null.")


def _text(value: object) -> str:
    """A parameter as it is signed: texts and numbers as written, flags in lower case."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
