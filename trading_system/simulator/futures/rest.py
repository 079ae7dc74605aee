"""The futures REST API without any I/O: the text of a request in, status, headers and body out."""

from __future__ import annotations

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.auth import Keys, authenticate, payload
from trading_system.simulator.calls import Answer, Call, Headers, answered, encoded
from trading_system.simulator.futures.endpoints.request import Request
from trading_system.simulator.futures.endpoints.table import ENDPOINTS, ROOT, Access, Endpoint
from trading_system.simulator.futures.exchange import FuturesExchange

_NOT_FOUND = b"<html><body><h2>404 Not found</h2></body></html>"
_ORDERS = ("x-mbx-order-count-10s", "x-mbx-order-count-1m")


class FuturesApi:
    """Answers calls for one exchange."""

    def __init__(self, exchange: FuturesExchange, keys: Keys) -> None:
        self._exchange = exchange
        self._keys = keys

    @staticmethod
    def serves(path: str) -> bool:
        """Whether this path is one of futures."""
        return path.startswith(ROOT)

    def answer(self, call: Call, now: int) -> Answer:
        """The answer to a call received at `now`, ms UTC."""
        endpoint = ENDPOINTS.get((call.method, call.path))
        if endpoint is None:
            return Answer(404, _NOT_FOUND, {"Content-Type": "text/html"})
        return answered(
            self._exchange, call, now, lambda headers: self._serve(endpoint, call, now, headers)
        )

    def _serve(self, endpoint: Endpoint, call: Call, now: int, headers: Headers) -> bytes:
        arguments = Arguments.parse(call.query, call.body)
        self._exchange.limits.charge(call.address, endpoint.weigh(arguments), now)
        account = self._identify(endpoint, arguments, call, now)
        arguments.expect(endpoint.reads)
        result = endpoint.handle(Request(self._exchange, arguments, now, account))
        if endpoint.counted:
            counts = self._exchange.order_counts.at(account, now)
            headers.update(zip(_ORDERS, map(str, counts), strict=True))
        return encoded(result, in_microseconds=False)

    def _identify(self, endpoint: Endpoint, arguments: Arguments, call: Call, now: int) -> str:
        """The account that asks; empty where nobody needs to say."""
        if endpoint.access is Access.PUBLIC:
            return ""
        key = self._keys.find(call.api_key)
        if endpoint.access is Access.KEY:
            return key.account
        return authenticate(key, arguments, payload(call.query, call.body), now)
