from __future__ import annotations

from decimal import Decimal

import pytest

from trading_system.domain.errors import CircuitOpen, RateLimited, Unreachable
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import OrderBook, PriceLevel

BTC = Symbol("BTC", "USDT")
NOW = 1_767_268_830_000  # where the test clock begins


def levels(*pairs: tuple[str, str]) -> tuple[PriceLevel, ...]:
    return tuple(PriceLevel(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


def book(**changes) -> OrderBook:
    return OrderBook(
        **{
            "symbol": BTC,
            "update_id": 89_123_456_789,
            "bids": levels(("99.50", "1.24530"), ("99.40", "0.00000001")),
            "asks": levels(("100.50", "2"), ("101", "0.5"), ("1E+2", "3")),
            "received_at": NOW - 41,
            "local": True,
        }
        | changes
    )


async def test_a_book_is_exact_and_tells_its_age(client, system):
    system.live.books[BTC] = book()
    response = await client.get("/book/BTC-USDT")
    assert response.status_code == 200
    assert response.json() == {
        "symbol": "BTC/USDT",
        "source": "local",
        "update_id": 89_123_456_789,
        "age_ms": 41,
        "mid": "100.00",
        "spread_bps": 100.0,
        "bids": [["99.50", "1.24530"], ["99.40", "0.00000001"]],
        "asks": [["100.50", "2"], ["101", "0.5"], ["100", "3"]],
    }


async def test_a_snapshot_says_that_it_is_one(client, system):
    system.live.books[BTC] = book(local=False)
    assert (await client.get("/book/BTC-USDT")).json()["source"] == "snapshot"


async def test_a_clock_that_was_set_back_makes_no_negative_age(client, system):
    system.live.books[BTC] = book(received_at=NOW + 5_000)
    assert (await client.get("/book/BTC-USDT")).json()["age_ms"] == 0


@pytest.mark.parametrize("empty", [{"bids": ()}, {"asks": ()}, {"bids": (), "asks": ()}])
async def test_a_one_sided_book_has_no_middle(client, system, empty):
    system.live.books[BTC] = book(**empty)
    told = (await client.get("/book/BTC-USDT")).json()
    assert told["mid"] is None
    assert told["spread_bps"] is None


@pytest.mark.parametrize(("query", "asked"), [("", 20), ("?levels=1", 1), ("?levels=5000", 5000)])
async def test_levels_are_asked_for(client, system, query, asked):
    system.live.books[BTC] = book()
    told = (await client.get(f"/book/btc-usdt{query}")).json()
    assert system.live.asked == [(BTC, asked)]
    assert len(told["bids"]) == min(asked, 2)


@pytest.mark.parametrize("levels_", ["0", "5001", "many"])
async def test_levels_the_venue_does_not_have_are_refused(client, levels_):
    assert (await client.get(f"/book/BTC-USDT?levels={levels_}")).status_code == 422


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (Unreachable("no route"), 503, "unreachable"),
        (CircuitOpen("market data has failed 5 times", retry_after=42), 503, "circuit-open"),
        (RateLimited("banned", retry_after=120), 503, "rate-limited"),
    ],
)
async def test_a_venue_that_cannot_be_asked_is_a_problem(client, system, failure, status, kind):
    system.live.failure = failure
    response = await client.get("/book/BTC-USDT")
    assert response.status_code == status
    assert response.json()["type"] == f"/docs#{kind}"
    assert int(response.headers["Retry-After"]) == getattr(failure, "retry_after", 5)


async def test_a_symbol_the_venue_does_not_list_is_404(client):
    assert (await client.get("/book/NO-USDT")).status_code == 404
