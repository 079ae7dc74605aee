"""The embedded exchange takes the place of `sim` in the settings, and of nothing else."""

from __future__ import annotations

import asyncio

import pytest

from trading_system.cli.embedded import EmbeddedExchange, beside
from trading_system.config import Settings
from trading_system.domain.errors import ConfigurationError


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    wanted = Settings(_env_file=None, db_path=tmp_path_factory.mktemp("embedded") / "t.db")
    with EmbeddedExchange(wanted) as running:
        running.address = running_url(running)
        yield running


def running_url(exchange) -> str:
    """Its one line, read once for all tests."""
    url = asyncio.run(exchange.url())

    async def known() -> str:
        return url

    exchange.url = known
    return url


@pytest.mark.parametrize(
    ("venue", "data_venue", "trades_here", "prices_here", "forgets"),
    [
        ("sim", None, True, False, True),
        ("sim", "sim", True, True, True),
        ("sim", "live", True, False, False),
        ("testnet", "sim", False, True, False),
        ("paper", None, True, False, True),
        ("paper", "live", True, False, False),
    ],
)
async def test_only_sim_is_replaced(exchange, venue, data_venue, trades_here, prices_here, forgets):
    """Its request budget is forgotten with it; that of any other venue is kept."""
    before = Settings(_env_file=None, venue=venue, data_venue=data_venue)
    after = await exchange.settings(before)
    assert (after.venue == exchange.address) is trades_here
    assert (after.binance_api_key is exchange.api_key) is trades_here
    assert (after.data_venue == exchange.address) is prices_here
    assert (after.budget_dir is not None) is forgets
    assert after.home == f"VENUE={venue} MARKET_TYPE=spot"


async def test_a_budget_folder_of_ones_own_is_kept(exchange, tmp_path):
    wanted = Settings(_env_file=None, budget_dir=tmp_path)
    assert (await exchange.settings(wanted)).budget_dir == tmp_path


async def test_paper_without_its_market_does_not_start_and_says_why(tmp_path, capfd) -> None:
    wanted = Settings(
        _env_file=None,
        venue="paper",
        paper_market="http://127.0.0.1:9",
        db_path=tmp_path / "t.db",
    )
    with beside(wanted) as exchange:
        assert exchange is not None
        with pytest.raises(ConfigurationError, match="did not start"):
            await exchange.settings(wanted)
    assert "http://127.0.0.1:9 cannot be mirrored" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_paper_has_no_futures_and_says_so_before_anything_is_started() -> None:
    wanted = Settings(_env_file=None, venue="paper", market_type="futures")
    with pytest.raises(ConfigurationError, match="mirrors spot alone"), beside(wanted):
        pass
