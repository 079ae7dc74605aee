"""The exchange that the benchmarks speak to: a process of its own, as for a user."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import ccxt.async_support as ccxt

FREE = {
    "weight_per_minute": 10**9,
    "raw_requests_per_5_minutes": 10**9,
    "orders_per_10_seconds": 10**9,
    "orders_per_day": 10**9,
}


@dataclass(frozen=True)
class Venue:
    """Where it listens and the keys it takes."""

    url: str
    api_key: str
    secret: str

    def bare_ccxt(self) -> ccxt.binance:
        """A stock ccxt client of this venue, its own limiter off, spot markets only."""
        api = f"{self.url}/api/v3"
        return ccxt.binance(
            {
                "apiKey": self.api_key,
                "secret": self.secret,
                "enableRateLimit": False,
                "urls": {"api": {"public": api, "private": api}},
                "options": {
                    "fetchMarkets": {"types": ["spot"]},
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                },
            }
        )


@contextmanager
def venue(*, symbols: int = 24) -> Iterator[Venue]:
    """A seeded exchange without limits, ended with the block."""
    key, secret = secrets.token_hex(32), secrets.token_hex(32)
    options = {"seed": 42, "symbols": symbols, "api_key": key, "secret": secret, "limits": FREE}
    process = subprocess.Popen(
        [sys.executable, "-m", "trading_system.simulator"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(options) + "\n")
        process.stdin.flush()
        yield Venue(json.loads(process.stdout.readline())["url"], key, secret)
    finally:
        process.stdin.close()
        process.wait(5)
        process.stdout.close()
