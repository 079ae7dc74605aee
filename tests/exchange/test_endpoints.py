"""No URL of the client may reach a live host for a signed call unless the venue is live."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from trading_system.clock import SystemClock
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import BLOCKED, data_endpoints, trading_endpoints


def leaves(tree, path=()):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value, path)
    else:
        yield path, tree


def urls(endpoints):
    return dict(leaves(Client(endpoints=endpoints, clock=SystemClock()).urls))


def is_live(url):
    host = urlsplit(url).hostname or ""
    return "binance" in host and "testnet" not in host


@pytest.mark.parametrize("venue", ["testnet", "http://127.0.0.1:9000"])
def test_away_from_live_no_url_at_all_holds_a_live_host(venue) -> None:
    tree = urls(trading_endpoints(venue))
    assert len(tree) > 20
    assert [path for path, url in tree.items() if is_live(url)] == []


def test_live_speaks_to_spot_and_to_nothing_else() -> None:
    tree = urls(trading_endpoints("live"))
    assert {path for path, url in tree.items() if is_live(url)} == {
        ("api", "public"),
        ("api", "private"),
    }


@pytest.mark.parametrize("venue", ["live", "testnet", "http://127.0.0.1:9000"])
def test_a_venue_for_data_has_no_signed_side(venue) -> None:
    tree = urls(data_endpoints(venue))
    assert tree["api", "private"] == BLOCKED
    assert [path for path, url in tree.items() if url != BLOCKED] == [("api", "public")]


def test_the_blocked_name_can_never_resolve() -> None:
    assert urlsplit(BLOCKED).hostname.endswith(".invalid")


def test_a_client_shows_neither_key_nor_secret() -> None:
    from pydantic import SecretStr

    client = Client(
        endpoints=trading_endpoints("testnet"),
        clock=SystemClock(),
        api_key=SecretStr("KEY-123"),
        secret=SecretStr("SECRET-456"),
    )
    assert "KEY" not in repr(client)
    assert "SECRET" not in repr(client)
