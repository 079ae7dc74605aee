"""Settings: defaults that need nothing, environment before file, one line for each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trading_system.config import Settings, read_settings
from trading_system.domain.errors import ConfigurationError

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_needs_to_be_set() -> None:
    settings = read_settings()
    assert (settings.venue, settings.api_host, settings.backfill_minutes) == (
        "sim",
        "127.0.0.1",
        1440,
    )


def test_the_environment_beats_the_file(monkeypatch, tmp_path) -> None:
    (tmp_path / ".env").write_text("API_PORT=1111\nSIM_SEED=7\n")
    monkeypatch.setenv("API_PORT", "2222")
    settings = read_settings()
    assert (settings.api_port, settings.sim_seed) == (2222, 7)


@pytest.mark.parametrize("venue", ["sim", "paper", "testnet", "live", "http://127.0.0.1:9000/"])
def test_a_venue_is_a_name_or_an_address(monkeypatch, venue) -> None:
    monkeypatch.setenv("VENUE", venue)
    assert read_settings().venue == venue.rstrip("/")


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"VENUE": "binance"}, "VENUE: 'binance' is none of sim, paper, testnet, live or a"),
        ({"DATA_VENUE": "paper"}, "DATA_VENUE cannot be paper"),
        ({"VENUE": "paper", "DATA_VENUE": "sim"}, "leave DATA_VENUE empty"),
        ({"PAPER_MARKET": "sim"}, "PAPER_MARKET: 'sim' is none of live, testnet or a URL"),
        ({"PAPER_FUNDS": "10000 USDT"}, "PAPER_FUNDS: String should match pattern"),
        ({"API_PORT": "eighty"}, "API_PORT: Input should be a valid integer"),
        ({"API_PORT": "99999"}, "API_PORT: Input should be less than"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL: Input should be 'DEBUG', 'INFO'"),
        ({"HEARTBEAT_BUFFER_SECONDS": "60"}, "HEARTBEAT_BUFFER_SECONDS: "),
        ({"API_HOST": "0.0.0.0"}, "set API_TOKEN, or use 127.0.0.1"),  # noqa: S104
        ({"API_HOST": "example.org"}, "set API_TOKEN, or use 127.0.0.1"),
        ({"BINANCE_API_KEY": "k"}, "BINANCE_API_KEY and BINANCE_SECRET_KEY together"),
        ({"LIVE_TRADING_ARMED": "maybe"}, "LIVE_TRADING_ARMED: Input should be 'yes' or 'no'"),
    ],
)
def test_a_wrong_setting_is_one_readable_line(monkeypatch, variables, line) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as wrong:
        read_settings()
    assert line in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_every_mistake_gets_its_line(monkeypatch) -> None:
    monkeypatch.setenv("VENUE", "x")
    monkeypatch.setenv("API_PORT", "y")
    with pytest.raises(ConfigurationError) as wrong:
        read_settings()
    assert len(str(wrong.value).splitlines()) == 2


LIMITS = ["max_open_orders", "max_price_deviation_percent", "max_price_age_seconds"]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_that_is_there_by_default_is_switched_off_by_an_empty_one(
    monkeypatch, tmp_path, limit
) -> None:
    assert read_settings().risk[limit] is not None
    (tmp_path / ".env").write_text(f"RISK_{limit.upper()}=\n")
    assert read_settings().risk[limit] is None
    monkeypatch.setenv(f"RISK_{limit.upper()}", "7")
    assert read_settings().risk[limit] == 7
    monkeypatch.setenv(f"RISK_{limit.upper()}", "")
    assert read_settings().risk[limit] is None


def test_every_other_setting_that_is_empty_is_as_if_it_were_not_set(monkeypatch) -> None:
    defaults = read_settings()
    for name in Settings.model_fields:
        if name.removeprefix("risk_") not in LIMITS:
            monkeypatch.setenv(name.upper(), "")
    assert read_settings() == defaults


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7"])  # noqa: S104
def test_with_a_token_the_api_may_listen_anywhere(monkeypatch, host) -> None:
    monkeypatch.setenv("API_HOST", host)
    monkeypatch.setenv("API_TOKEN", "t")
    assert read_settings().api_host == host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "127.9.9.9"])
def test_loopback_needs_no_token(monkeypatch, host) -> None:
    monkeypatch.setenv("API_HOST", host)
    assert read_settings().api_token is None


def test_no_secret_shows_in_a_printed_setting_or_a_mistake(monkeypatch) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", "KEY-1")
    monkeypatch.setenv("BINANCE_SECRET_KEY", "SECRET-2")
    monkeypatch.setenv("API_TOKEN", "TOKEN-3")
    printed = repr(read_settings())
    monkeypatch.setenv("API_PORT", "SECRET-2")
    with pytest.raises(ConfigurationError) as wrong:
        read_settings()
    for secret in ("KEY-1", "SECRET-2", "TOKEN-3"):
        assert secret not in printed + str(wrong.value)


def test_the_example_file_documents_every_setting_with_its_default(monkeypatch) -> None:
    text = (ROOT / ".env.example").read_text()
    documented = dict(re.findall(r"^([A-Z_0-9]+)=(.*)$", text, re.MULTILINE))
    assert set(documented) == {name.upper() for name in Settings.model_fields}
    defaults = read_settings()
    for name, value in documented.items():
        monkeypatch.setenv(name, value)
    assert read_settings() == defaults
