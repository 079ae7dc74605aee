"""A venue and a database on paper."""

from __future__ import annotations

import pytest

from tests.fakes.market import (
    BTC,
    ETH,
    FakeBackfills,
    FakeBeats,
    FakeMarketData,
    FakePrices,
    FakeSymbols,
)


@pytest.fixture
def symbols():
    return FakeSymbols()


@pytest.fixture
def prices(symbols):
    return FakePrices(symbols)


@pytest.fixture
def beats():
    return FakeBeats()


@pytest.fixture
def jobs(symbols):
    return FakeBackfills(symbols)


@pytest.fixture
def market_data():
    """Lists BTC/USDT and ETH/USDT since ever."""
    return FakeMarketData(BTC, ETH)
