"""The embedded exchange: a child process with keys made up for it, dead when its parent is."""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from trading_system.config import Settings
from trading_system.domain.errors import ConfigurationError
from trading_system.exchange.endpoints import data_endpoints

_STOP_SECONDS = 3.0
_KEY_BYTES = 32
_EMBEDDED = frozenset({"sim", "paper"})


class EmbeddedExchange:
    """Starts with its construction, so that it comes up while the rest is still being imported.

    Keys go to the child through its stdin: no file, command line or environment ever holds them.
    The child ends at the end of that stdin, whichever way this process ends.
    """

    def __init__(self, settings: Settings, **more: object) -> None:
        """Start it with these settings; `more` are further options of the simulator.

        Raises ConfigurationError for settings that no exchange can be made of.
        """
        market = _paper(settings) if settings.venue == "paper" else _seeded(settings)
        # Its port is another one every time, and with it the file of its request budget.
        self._folder = tempfile.TemporaryDirectory(prefix="trading-system-")
        self.api_key = SecretStr(secrets.token_hex(_KEY_BYTES))
        self.secret = SecretStr(secrets.token_hex(_KEY_BYTES))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "trading_system.simulator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        options = {
            **market,
            "api_key": self.api_key.get_secret_value(),
            "secret": self.secret.get_secret_value(),
            **more,
        }
        assert self._process.stdin is not None  # noqa: S101 -- asked for above
        with suppress(BrokenPipeError):  # it ended at once; `url` says so
            self._process.stdin.write(json.dumps(options) + "\n")
            self._process.stdin.flush()

    @property
    def process_id(self) -> int:
        """Of the child."""
        return self._process.pid

    async def url(self) -> str:
        """Where it listens, once it does. Raises ConfigurationError when it could not start."""
        assert self._process.stdout is not None  # noqa: S101 -- asked for above
        line = await asyncio.to_thread(self._process.stdout.readline)
        if not line:
            raise ConfigurationError(
                "the embedded exchange did not start; what it said stands above this line"
            )
        return str(json.loads(line)["url"])

    async def settings(self, settings: Settings) -> Settings:
        """These settings with the exchange in the place of every `sim` and `paper`."""
        url = await self.url()
        changed: dict[str, object] = {}
        if settings.venue in _EMBEDDED:
            changed |= {
                "venue": url,
                "binance_api_key": self.api_key,
                "binance_secret_key": self.secret,
            }
        if settings.data_venue == "sim":
            changed["data_venue"] = url
        nowhere_else = {settings.venue, settings.data_venue} <= {*_EMBEDDED, None}
        if nowhere_else and settings.budget_dir is None:
            # Bans of other venues outlive this process; those of this exchange end with it.
            changed["budget_dir"] = Path(self._folder.name)
        return settings.found(**changed)

    async def ended(self) -> None:
        """Returns when the child has ended."""
        while self._process.poll() is None:  # noqa: ASYNC110 -- a process has no event to wait for
            await asyncio.sleep(1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its stdin, which ends it; kill it when it does not listen."""
        assert self._process.stdin is not None  # noqa: S101 -- asked for above
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()


@contextmanager
def beside(settings: Settings) -> Iterator[EmbeddedExchange | None]:
    """The exchange these settings ask for, as long as the block lasts; None where they do not."""
    if _EMBEDDED.isdisjoint({settings.venue, settings.data_venue}):
        yield None
        return
    with EmbeddedExchange(settings) as exchange:
        yield exchange


def _seeded(settings: Settings) -> dict[str, object]:
    return {
        "seed": settings.sim_seed,
        "market": settings.sim_market,
        "journal": str(settings.db_path.with_suffix(".exchange.jsonl")),
    }


def _paper(settings: Settings) -> dict[str, object]:
    """Accounts and orders of its own on the public market of another exchange."""
    if settings.market_type == "futures":
        raise ConfigurationError("VENUE=paper mirrors spot alone: set MARKET_TYPE=spot")
    there = data_endpoints(settings.paper_market)
    return {
        "mirrored": {"rest": there.public, "streams": there.streams},
        "funds": dict(each.split("=") for each in settings.paper_funds.split()),
        "journal": str(settings.db_path.with_suffix(".paper.jsonl")),
    }
