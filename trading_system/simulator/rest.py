"""The REST API without any I/O: the text of a request in, status, headers and body out."""

from __future__ import annotations

import logging
from typing import NamedTuple
from uuid import uuid4

import orjson

from trading_system.simulator import exchange_info, wire
from trading_system.simulator.arguments import Arguments
from trading_system.simulator.auth import Keys, authenticate
from trading_system.simulator.endpoints.request import Request
from trading_system.simulator.endpoints.table import ENDPOINTS, LATER, RETIRED
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.limits import TooMuch
from trading_system.simulator.model import Refused

_log = logging.getLogger(__name__)

_JSON = "application/json;charset=UTF-8"
_HTML = {"Content-Type": "text/html"}
_GONE = (
    b"<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n<center><h1>410 Gone</h1>"
    b"</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_NOT_FOUND = b"<html><body><h2>404 Not found</h2></body></html>"
_UNKNOWN = Refused(-1000, "An unknown error occurred while processing the request.")
_UNITS = {"MILLISECOND": False, "millisecond": False, "MICROSECOND": True, "microsecond": True}


class Call(NamedTuple):
    """A request as received: `query` and `body` are raw text, never decoded before."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    time_unit: str | None = None
    address: str = ""


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str]


class RestApi:
    """Answers calls for one exchange."""

    def __init__(self, exchange: Exchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys

    def answer(self, call: Call, now: int) -> Answer:
        """The answer to a call received at `now`, ms UTC."""
        if call.path in RETIRED:
            return Answer(410, _GONE, _HTML)
        if (call.method, call.path) not in ENDPOINTS and call.path not in LATER:
            return Answer(404, _NOT_FOUND, _HTML)
        headers = {"Content-Type": _JSON, "x-mbx-uuid": str(uuid4())}
        try:
            status, body = 200, self._serve(call, now, headers)
        except Refused as refusal:
            status, body = refusal.status, orjson.dumps(wire.error(refusal))
            if isinstance(refusal, TooMuch):
                headers["Retry-After"] = str(refusal.retry_after)
        except Exception:  # noqa: BLE001 -- one request's bug must not end the exchange
            # The query stays out of the log: a signature is in it.
            _log.exception("%s %s failed", call.method, call.path)
            status, body = 500, orjson.dumps(wire.error(_UNKNOWN))
        used = str(self._exchange.limits.used(call.address, now))
        headers["x-mbx-used-weight"] = headers["x-mbx-used-weight-1m"] = used
        return Answer(status, body, headers)

    def _serve(self, call: Call, now: int, headers: dict[str, str]) -> bytes:
        limits = self._exchange.limits
        limits.admit(call.address, now)
        endpoint = ENDPOINTS.get((call.method, call.path))
        if endpoint is None:
            raise Refused(-1020, "This operation is not supported.")
        arguments = Arguments.parse(call.query, call.body)
        weight = endpoint.weigh(arguments)
        if not endpoint.free:
            limits.charge(call.address, weight, now)
        try:
            in_microseconds = _in_microseconds(call.time_unit)
            account = ""
            if endpoint.signed:
                key = self._keys.find(call.api_key)
                account = authenticate(key, arguments, call.query, call.body, now)
            arguments.expect(endpoint.reads)
            result = endpoint.handle(Request(self._exchange, arguments, now, account))
        except Refused:
            if endpoint.free:
                limits.add(call.address, weight, now)
            raise
        if endpoint.counted:
            short, day = limits.orders(account, now)
            headers["x-mbx-order-count-10s"] = str(short)
            headers["x-mbx-order-count-1d"] = str(day)
        if isinstance(result, bytes):
            return exchange_info.in_microseconds(result) if in_microseconds else result
        return orjson.dumps(wire.in_microseconds(result) if in_microseconds else result)


def _in_microseconds(unit: str | None) -> bool:
    if unit is None:
        return False
    if unit not in _UNITS:
        raise Refused(
            -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
        )
    return _UNITS[unit]
