"""What a client of market streams may ask for, without any I/O: a text in, a text back.

Source: Binance's web-socket-streams.md, "Live Subscribing/Unsubscribing to streams". An error goes
out in an "error" object, as the venue does today, and not bare as its page says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson

from trading_system.simulator.streams.names import StreamName, parse

MOST_STREAMS = 1_024
_LONGEST_ID = 36
_UNKNOWN_PROPERTY, _WRONG_TYPE, _INVALID_REQUEST, _INVALID_JSON = range(4)
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")

Json = dict[str, object]


class Wrong(Exception):
    """The request cannot be served: code and text as on the wire."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The text that goes back, and what to deliver from now on and what no longer."""

    text: str
    added: tuple[StreamName, ...] = ()
    removed: tuple[StreamName, ...] = ()


class Session:
    """One connection's streams, in the order of subscribing, and the form it wants them in.

    `read` reads the name of a stream; ValueError for what no stream is called.
    """

    def __init__(
        self,
        streams: Iterable[StreamName] = (),
        *,
        combined: bool,
        read: Callable[[str], StreamName] = parse,
    ) -> None:
        self.combined = combined
        self._read = read
        self._streams = {stream.text: stream for stream in streams}

    @property
    def streams(self) -> tuple[StreamName, ...]:
        return tuple(self._streams.values())

    def receive(self, text: str) -> Reply:
        """Answer one message."""
        number: object = None
        try:
            request = _read(text)
            number = _id(request)
            return self._serve(request, number)
        except Wrong as wrong:
            error = {"code": wrong.code, "msg": wrong.message}
            return Reply(text=_written({"error": error, "id": number}))

    def _serve(self, request: Json, number: object) -> Reply:
        method = _method(request)
        params = request.get("params", [])
        if not isinstance(params, list):
            raise Wrong(_INVALID_REQUEST, "Invalid request: params must be a list")
        added: tuple[StreamName, ...] = ()
        removed: tuple[StreamName, ...] = ()
        result: object = None
        match method:
            case "SUBSCRIBE":
                added = self._subscribe(self._names(params))
            case "UNSUBSCRIBE":
                removed = self._unsubscribe(self._names(params))
            case "LIST_SUBSCRIPTIONS":
                result = list(self._streams)
            case "SET_PROPERTY":
                self._set_property(params)
            case _:
                _require_property(params, 1)
                result = self.combined
        return Reply(text=_written({"result": result, "id": number}), added=added, removed=removed)

    def _subscribe(self, streams: list[StreamName]) -> tuple[StreamName, ...]:
        new = {stream.text: stream for stream in streams if stream.text not in self._streams}
        if len(self._streams) + len(new) > MOST_STREAMS:
            raise Wrong(_INVALID_REQUEST, "Invalid request: too many streams")
        self._streams |= new
        return tuple(new.values())

    def _unsubscribe(self, streams: list[StreamName]) -> tuple[StreamName, ...]:
        gone = [self._streams.pop(stream.text, None) for stream in streams]
        return tuple(stream for stream in gone if stream is not None)

    def _names(self, params: list[object]) -> list[StreamName]:
        try:
            return [self._read(str(text)) for text in params]
        except ValueError:
            raise Wrong(_INVALID_REQUEST, "Invalid request: invalid stream") from None

    def _set_property(self, params: list[object]) -> None:
        _require_property(params, 2)
        if not isinstance(params[1], bool):
            raise Wrong(_WRONG_TYPE, "Invalid value type: expected Boolean")
        self.combined = params[1]


def _read(text: str) -> Json:
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError as broken:
        where = f"line {broken.lineno} column {broken.colno}"
        raise Wrong(_INVALID_JSON, f"Invalid JSON: expected value at {where}") from None
    if not isinstance(request, dict):
        raise Wrong(_INVALID_REQUEST, "Invalid request: expected an object")
    return request


def _id(request: Json) -> object:
    number = request.get("id")
    fits = number is None or (isinstance(number, int) and not isinstance(number, bool))
    fits = fits or (isinstance(number, str) and len(number) <= _LONGEST_ID)
    if not fits or (isinstance(number, int) and not -(2**63) <= number < 2**63):
        raise Wrong(_INVALID_REQUEST, "Invalid request: request ID must be an unsigned integer")
    return number


def _method(request: Json) -> object:
    if "method" not in request:
        raise Wrong(_INVALID_REQUEST, "Invalid request: missing field `method`")
    method = request["method"]
    if method not in _METHODS:
        expected = ", ".join(f"`{each}`" for each in _METHODS)
        raise Wrong(
            _INVALID_REQUEST,
            f"Invalid request: unknown variant `{method}`, expected one of {expected}",
        )
    return method


def _require_property(params: list[object], count: int) -> None:
    """The one property there is."""
    if len(params) > count:
        raise Wrong(_INVALID_REQUEST, "Invalid request: too many parameters")
    if not params or not isinstance(params[0], str):
        raise Wrong(_INVALID_REQUEST, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise Wrong(_UNKNOWN_PROPERTY, "Unknown property")
    if len(params) < count:
        raise Wrong(_WRONG_TYPE, "Invalid value type: expected Boolean")


def _written(reply: Json) -> str:
    return orjson.dumps(reply).decode()
