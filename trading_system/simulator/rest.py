"""The REST API without any I/O: the text of a request in, status, headers and body out."""

from __future__ import annotations

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.auth import Keys, authenticate, payload
from trading_system.simulator.calls import (
    Answer,
    Call,
    Headers,
    Told,
    answered,
    carried_out,
    encoded,
    wants_microseconds,
)
from trading_system.simulator.endpoints.table import ENDPOINTS, LATER, RETIRED
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.model import Refused

__all__ = ["Answer", "Call", "RestApi"]

_HTML = {"Content-Type": "text/html"}
_GONE = (
    b"<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n<center><h1>410 Gone</h1>"
    b"</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_NOT_FOUND = b"<html><body><h2>404 Not found</h2></body></html>"


class RestApi:
    """Answers calls for one exchange."""

    def __init__(self, exchange: Exchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys

    def answer(self, call: Call, now: int, told: Told | None = None) -> Answer:
        """The answer to a call received at `now`, ms UTC; `told`: see calls.carried_out."""
        if call.path in RETIRED:
            return Answer(410, _GONE, _HTML)
        if (call.method, call.path) not in ENDPOINTS and call.path not in LATER:
            return Answer(404, _NOT_FOUND, _HTML)
        return answered(
            self._exchange, call, now, lambda headers: self._serve(call, now, headers, told)
        )

    def _serve(self, call: Call, now: int, headers: Headers, told: Told | None) -> bytes:
        endpoint = ENDPOINTS.get((call.method, call.path))
        if endpoint is None:
            raise Refused(-1020, "This operation is not supported.")
        arguments = Arguments.parse(call.query, call.body)
        in_microseconds = wants_microseconds(call.time_unit)

        def identify() -> str:
            key = self._keys.find(call.api_key)
            return authenticate(key, arguments, payload(call.query, call.body), now)

        result = carried_out(
            self._exchange,
            endpoint,
            arguments,
            address=call.address,
            now=now,
            identify=identify,
            headers=headers,
            told=told,
        )
        return encoded(result, in_microseconds=in_microseconds)
