"""Asks the exchange itself, past everything of ours that is on trial: own signing, own sockets."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp

from trading_system.domain.candles import MINUTE, Candle

_PAGE = 1_000
_WINDOW = 60_000

Json = dict[str, Any]


class Witness:
    """What the exchange says of candles and orders, and every event it pushed, as it came."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        api_key: str,
        secret: str,
        clock: Callable[[], int],
    ) -> None:
        self._session = session
        self._url = url
        self._api_key = api_key
        self._secret = secret
        self._clock = clock
        self.heard = 0
        """How many executionReports have arrived: kept whole they would count as our memory."""
        self.listening = asyncio.Event()

    async def candles(self, venue_id: str, start: int, end: int) -> list[Candle]:
        """The exchange's one-minute candles that open in [start, end), ms UTC."""
        found: list[Candle] = []
        while start < end:
            rows = await self._get(
                "klines",
                symbol=venue_id,
                interval="1m",
                startTime=start,
                endTime=end - 1,
                limit=_PAGE,
            )
            found += [Candle(row[0], *(float(text) for text in row[1:6])) for row in rows]
            if len(rows) < _PAGE:
                break
            start = rows[-1][0] + MINUTE
        return found

    async def orders(self, venue_id: str) -> dict[str, Json]:
        """Every order of the account in this symbol, by client order id; the first 1000."""
        rows = await self._get("allOrders", signed=True, symbol=venue_id, orderId=0, limit=_PAGE)
        return {row["clientOrderId"]: row for row in rows}

    async def trades(self, venue_id: str) -> dict[str, Json]:
        """Every fill of the account in this symbol, by trade id; the first 1000."""
        rows = await self._get("myTrades", signed=True, symbol=venue_id, fromId=0, limit=_PAGE)
        return {str(row["id"]): row for row in rows}

    async def listen(self) -> None:
        """Collect every executionReport until cancelled."""
        url = self._url.replace("http", "ws", 1) + "/ws-api/v3"
        async with self._session.ws_connect(url) as socket:
            params = {"apiKey": self._api_key, "timestamp": self._clock(), "recvWindow": _WINDOW}
            text = "&".join(f"{name}={params[name]}" for name in sorted(params))
            await socket.send_json(
                {
                    "id": 1,
                    "method": "userDataStream.subscribe.signature",
                    "params": {**params, "signature": self._sign(text)},
                }
            )
            async for message in socket:
                told = json.loads(message.data)
                if told.get("id") == 1:
                    self.listening.set()
                elif told.get("event", {}).get("e") == "executionReport":
                    self.heard += 1

    async def refusals(self) -> int:
        """How often the exchange has answered 429 or 418 since it began."""
        async with self._session.get(f"{self._url}/mischief") as response:
            return int((await response.json())["refusals"])

    async def _get(self, path: str, *, signed: bool = False, **params: object) -> Any:
        if signed:
            params |= {"timestamp": self._clock(), "recvWindow": _WINDOW}
        query = urlencode(params)
        if signed:
            query += f"&signature={self._sign(query)}"
        headers = {"X-MBX-APIKEY": self._api_key} if signed else {}
        async with self._session.get(
            f"{self._url}/api/v3/{path}?{query}", headers=headers
        ) as answer:
            answer.raise_for_status()
            return await answer.json()

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()
