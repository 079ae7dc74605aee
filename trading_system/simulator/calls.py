"""A call and its answer, whatever they travel on: counted, weighed, judged, and told as JSON.

REST and the WebSocket API share everything here; what differs is how they name an endpoint, how
they carry parameters and how they prove who is asking.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol
from uuid import uuid4

import orjson

from trading_system.simulator import exchange_info, wire, wire_times
from trading_system.simulator.arguments import Arguments
from trading_system.simulator.endpoints.request import Request
from trading_system.simulator.endpoints.table import Endpoint
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.limits import Limits, TooMuch
from trading_system.simulator.model import Refused

_log = logging.getLogger(__name__)

_JSON = "application/json;charset=UTF-8"
_UNKNOWN = Refused(-1000, "An unknown error occurred while processing the request.")
_OK = 200
_UNITS = {"MILLISECOND": False, "millisecond": False, "MICROSECOND": True, "microsecond": True}

WEIGHT = "x-mbx-used-weight-1m"
ORDERS = ("x-mbx-order-count-10s", "x-mbx-order-count-1d")
"""Headers that tell how much is used; the WebSocket API tells the same in a field."""


class Call(NamedTuple):
    """A request as received: `query` and `body` are raw text, never decoded before.

    Of the WebSocket API it is the equivalent REST request, its parameters in the query.
    """

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


Headers = dict[str, str]


class Away(Refused):
    """Another exchange does not answer; told on as an error of this one, which depends on it."""

    def __init__(self) -> None:
        super().__init__(
            -1001, "Internal error; unable to process your request. Please try again.", status=503
        )


class Told(NamedTuple):
    """What another exchange said to a call that was passed on to it."""

    status: int
    body: bytes
    retry_after: int = 0

    def result(self) -> object:
        """What it says, read; Refused or TooMuch where it refuses, Away for what is no answer."""
        try:
            said = orjson.loads(self.body)
            if self.status == _OK:
                return said
            code, message = said["code"], said["msg"]
        except (ValueError, KeyError, TypeError) as garbled:
            raise Away from garbled
        if self.retry_after:
            raise TooMuch(code, message, status=self.status, retry_after=self.retry_after)
        raise Refused(code, message, status=self.status)


def refused(refusal: Refused) -> Told:
    """The same as if another exchange had refused."""
    retry_after = refusal.retry_after if isinstance(refusal, TooMuch) else 0
    return Told(refusal.status, orjson.dumps(wire.error(refusal)), retry_after)


Prepare = Callable[[Call], Awaitable[Told | None]]
"""Asks another exchange where a call needs that, before it is answered."""


class Limited(Protocol):
    """An exchange as far as it counts who asks how much."""

    limits: Limits


def answered(exchange: Limited, call: Call, now: int, write: Callable[[Headers], bytes]) -> Answer:
    """The answer whose body `write` makes, or the words for why it cannot; `now` in ms UTC."""
    headers = {"Content-Type": _JSON, "x-mbx-uuid": str(uuid4())}
    try:
        exchange.limits.admit(call.address, now)
        status, body = 200, write(headers)
    except Refused as refusal:
        status, body = refusal.status, orjson.dumps(wire.error(refusal))
        if isinstance(refusal, TooMuch):
            headers["Retry-After"] = str(refusal.retry_after)
            exchange.limits.refused[status] += 1
    except Exception:  # noqa: BLE001 -- one request's bug must not end the exchange
        # The query stays out of the log: a signature is in it.
        _log.exception("%s %s failed", call.method, call.path)
        status, body = 500, orjson.dumps(wire.error(_UNKNOWN))
    used = str(exchange.limits.used(call.address, now))
    headers["x-mbx-used-weight"] = headers[WEIGHT] = used
    return Answer(status, body, headers)


def carried_out(
    exchange: Exchange,
    endpoint: Endpoint,
    arguments: Arguments,
    *,
    address: str,
    now: int,
    identify: Callable[[], str],
    headers: Headers,
    told: Told | None = None,
) -> object:
    """What the endpoint says; it is paid for, and a signed one is told whose account it is.

    `identify` gives the account that signed. What another exchange `told` is said in place of the
    endpoint. Raises Refused.
    """
    limits = exchange.limits
    weight = endpoint.weigh(arguments)
    if not endpoint.free:
        limits.charge(address, weight, now)
    try:
        account = identify() if endpoint.signed else ""
        arguments.expect(endpoint.reads)
        if told is not None:
            return told.result()
        result = endpoint.handle(Request(exchange, arguments, now, account))
    except Refused:
        if endpoint.free:
            limits.add(address, weight, now)
        raise
    if endpoint.counted:
        counts = limits.orders(account, now)
        headers.update(zip(ORDERS, map(str, counts), strict=True))
    return result


def encoded(result: object, *, in_microseconds: bool) -> bytes:
    """A result as JSON; an exchangeInfo is JSON already."""
    if isinstance(result, bytes):
        return exchange_info.in_microseconds(result) if in_microseconds else result
    return orjson.dumps(wire_times.in_microseconds(result) if in_microseconds else result)


def wants_microseconds(unit: str | None) -> bool:
    """Whether times are asked for in us; Refused for a unit that is none."""
    if unit is None:
        return False
    if unit not in _UNITS:
        raise Refused(
            -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
        )
    return _UNITS[unit]
