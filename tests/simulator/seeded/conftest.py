import pytest

from tests.simulator.seeded.markets import LISTED
from trading_system.simulator.model import SymbolRules
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.seeded.path import SeededPath


@pytest.fixture(scope="session")
def listed() -> dict[str, SymbolRules]:
    return LISTED


@pytest.fixture(scope="session")
def feed() -> SeededFeed:
    return SeededFeed(7, LISTED)


@pytest.fixture(scope="session")
def path() -> SeededPath:
    return SeededPath(7, LISTED["BTCUSDT"])
