"""ccxt's Binance client with its own URLs, limiter and error mapping switched off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import aiohttp
import ccxt
import ccxt.async_support as ccxt_async
from pydantic import SecretStr

from trading_system.domain.errors import NotAllowed, TradingError
from trading_system.exchange.endpoints import Endpoints, url_tree
from trading_system.exchange.faults import fault, transport_fault
from trading_system.exchange.rest_api import SPOT, RestApi
from trading_system.exchange.venue_time import VenueTime
from trading_system.ports import Clock

_on_headers: ContextVar[Callable[[Mapping[str, str]], None]] = ContextVar("on_headers")

_OLD_TRADES = "historicalTrades"


class Client(ccxt_async.binance):  # type: ignore[misc]  # ccxt is untyped here
    """Signs, sends and decodes; every failure leaves as one of our own errors.

    `venue_time` is the venue's clock, which signed calls carry; `rest_api` the one API it speaks.
    """

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        clock: Clock,
        rest_api: RestApi = SPOT,
        api_key: SecretStr | None = None,
        secret: SecretStr | None = None,
        recv_window: int = 5_000,
        timeout_seconds: float = 10.0,
    ) -> None:
        super().__init__(
            {
                "apiKey": api_key.get_secret_value() if api_key else None,
                "secret": secret.get_secret_value() if secret else None,
                "enableRateLimit": False,
                "timeout": int(timeout_seconds * 1000),
                "timeout_on_exit": 0,  # of use only where aiohttp lets TLS say goodbye
                # Nothing of an answer is kept behind: a kept one may belong to another call.
                "enableLastHttpResponse": False,
                "enableLastJsonResponse": False,
                "enableLastResponseHeaders": False,
                "options": {"recvWindow": recv_window},
            }
        )
        self.rest_api = rest_api
        self.urls: dict[str, Any] = url_tree(
            self.describe()["urls"], endpoints, public=rest_api.public, private=rest_api.private
        )
        self.venue_time = VenueTime(clock)

    async def call(
        self,
        path: str,
        *,
        method: str = "GET",
        signed: bool = False,
        on_headers: Callable[[Mapping[str, str]], None] = lambda _: None,
        **params: object,
    ) -> Any:
        """The decoded answer; `on_headers` gets the headers of just this call's, if one comes.

        Raises ExchangeError, or UnknownSymbol; NotAllowed where keys are needed and there are none.
        """
        if signed and not (self.apiKey and self.secret):
            raise NotAllowed("this needs BINANCE_API_KEY and BINANCE_SECRET_KEY; nothing was sent")
        section = self.rest_api.section(path, signed=signed)
        # Of this task alone: ccxt hands a call's answer to `handle_errors` and tells not whose.
        token = _on_headers.set(on_headers)
        try:
            return await self.fetch2(path, [section], method, params)
        except TradingError:
            raise
        except (ccxt.BaseError, aiohttp.ClientError, OSError, TimeoutError) as failure:
            raise transport_fault(failure, state_changing=method != "GET") from failure
        finally:
            _on_headers.reset(token)

    def sign(
        self, path: str, api: Any = (), method: str = "GET", params: Any = MappingProxyType({})
    ) -> Any:
        """As ccxt does it, but for old trades, which need no key and get none."""
        if path != _OLD_TRADES:
            return super().sign(path, api, method, params)
        url = f"{self.urls['api']['public']}/{path}?{self.urlencode(params)}"
        return {"url": url, "method": method, "body": None, "headers": None}

    def nonce(self) -> int:
        """The venue's time."""
        return self.venue_time.milliseconds()

    def handle_errors(  # noqa: PLR0917 -- ccxt calls it with these positions
        self,
        code: int,
        reason: str,  # noqa: ARG002
        url: str,  # noqa: ARG002
        method: str,
        headers: dict[str, str],
        body: str,  # noqa: ARG002
        response: Any,
        request_headers: object,  # noqa: ARG002
        request_body: object,  # noqa: ARG002
    ) -> None:
        """Called by ccxt with every answer, so that status and headers are those of this call."""
        _on_headers.get()(headers)
        error = fault(
            code,
            headers,
            response,
            state_changing=method != "GET",
            now_ms=self.venue_time.milliseconds(),
            meanings=self.rest_api.meanings,
        )
        if error is not None:
            raise error

    def __repr__(self) -> str:
        # ccxt would print the keys' attributes
        return f"Client({self.urls['api'][self.rest_api.section('', signed=False)]})"
