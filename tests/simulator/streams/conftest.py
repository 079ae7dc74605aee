"""An exchange on a seeded market, its hub, and somebody who listens."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial

import orjson
import pytest

from trading_system.simulator.arguments import Arguments
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.endpoints.request import Request
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.history import Origin
from trading_system.simulator.streams.hub import Hub
from trading_system.simulator.streams.names import parse
from trading_system.simulator.streams.sources import open_source

NOON = 1_767_614_400_000  # 2026-01-05 12:00:00 UTC


class Ear:
    """A subscriber that keeps what it hears."""

    def __init__(self, *, combined: bool = False, microseconds: bool = False) -> None:
        self.combined = combined
        self.microseconds = microseconds
        self.heard: list[tuple[str, str]] = []

    def deliver(self, text: str, stream: str) -> None:
        self.heard.append((stream, text))

    def frames(self, stream: str | None = None) -> list:
        return [orjson.loads(text) for name, text in self.heard if stream in {None, name}]


class Stage:
    """A hub whose time is moved by hand."""

    def __init__(self, exchange: Exchange, now: int = NOON) -> None:
        self.exchange = exchange
        self.now = now
        self.hub = Hub(partial(open_source, exchange), now)

    def listen(self, *names: str, **form: bool) -> Ear:
        ear = Ear(**form)
        for name in names:
            self.hub.subscribe(ear, parse(name))
        return ear

    def tick(self, now: int) -> None:
        self.now = now
        for _ in self.hub.tick(now):
            pass

    def run(self, seconds: float, step: int = 100) -> None:
        for now in range(self.now + step, self.now + round(seconds * 1000) + 1, step):
            self.tick(now)


def balances(assets: Iterable[str] = ("BTC", "ETH", "USDT")) -> dict[str, Decimal]:
    return {asset: Decimal(100_000) for asset in assets}


@pytest.fixture(scope="session")
def feed():
    """Six pairs; pure, so all tests may share it."""
    return SeededFeed(11, catalogue(6))


@pytest.fixture
def exchange(feed) -> Exchange:
    return Exchange(RememberedFeed(feed), {"ann": balances()})


@pytest.fixture
def stage(exchange) -> Stage:
    return Stage(exchange)


@pytest.fixture(scope="session")
def make_stage() -> type[Stage]:
    return Stage


@pytest.fixture(scope="session")
def make_feed_since():
    """A market of BTCUSDT alone that begins at a given time."""

    def make(start: int) -> SeededFeed:
        return SeededFeed(11, catalogue(1), origins={"BTCUSDT": Origin(start, 9_000_000, 1)})

    return make


@pytest.fixture
def ask_rest(exchange):
    """What an endpoint answers, without a server around it."""

    def ask(endpoint, query: str, now: int):
        return endpoint(Request(exchange, Arguments.parse(query), now, ""))

    return ask
