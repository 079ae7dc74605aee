"""ccxt's Binance client with its own URLs, limiter and error mapping switched off."""

from __future__ import annotations

from typing import Any

import aiohttp
import ccxt
import ccxt.async_support as ccxt_async
from pydantic import SecretStr

from trading_system.domain.errors import TradingError
from trading_system.exchange.endpoints import Endpoints, url_tree
from trading_system.exchange.faults import fault, transport_fault
from trading_system.ports import Clock


class Client(ccxt_async.binance):  # type: ignore[misc]  # ccxt is untyped here
    """Signs, sends and decodes; every failure leaves as one of our own errors.

    `offset_ms` is added to our clock to get the venue's.
    """

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        clock: Clock,
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
                # Nothing of an answer is kept behind: a kept one may belong to another call.
                "enableLastHttpResponse": False,
                "enableLastJsonResponse": False,
                "enableLastResponseHeaders": False,
                "options": {"recvWindow": recv_window},
            }
        )
        self.urls: dict[str, Any] = url_tree(self.describe()["urls"], endpoints)
        self.offset_ms = 0
        self._clock = clock

    async def call(
        self, path: str, *, method: str = "GET", signed: bool = False, **params: object
    ) -> Any:
        """The decoded answer. Raises ExchangeError, or UnknownSymbol."""
        section = "private" if signed else "public"
        try:
            return await self.fetch2(path, [section], method, params)
        except TradingError:
            raise
        except (ccxt.BaseError, aiohttp.ClientError, OSError, TimeoutError) as failure:
            raise transport_fault(failure, state_changing=method != "GET") from failure

    def nonce(self) -> int:
        """The venue's time, by our clock and the measured offset."""
        return self._clock.milliseconds() + self.offset_ms

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
        error = fault(
            code,
            headers,
            response,
            state_changing=method != "GET",
            now_ms=self._clock.milliseconds(),
        )
        if error is not None:
            raise error

    def __repr__(self) -> str:
        return f"Client({self.urls['api']['public']})"  # ccxt would print the keys' attributes
