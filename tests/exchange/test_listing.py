"""What is listed is asked for seldom, what is followed more often and alone."""

from __future__ import annotations

import pytest

from trading_system.domain.errors import UnknownSymbol, Unreadable
from trading_system.domain.instruments import Symbol
from trading_system.exchange.listing import Listing

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")


def entry(base, status="TRADING"):
    return {
        "symbol": f"{base}USDT",
        "status": status,
        "baseAsset": base,
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "stepSize": "0.1", "minQty": "0.1", "maxQty": "9"},
        ],
    }


def answer(*entries):
    return {"rateLimits": [], "symbols": list(entries)}


@pytest.fixture
def listing(gateway, clock):
    return Listing(gateway, clock)


async def test_everything_is_asked_for_once_an_hour(listing, venue, clock):
    venue.says(200, answer(entry("BTC")))
    await listing.instruments()
    await listing.instruments()
    assert len(venue.requests) == 1
    await clock.advance(3_601)
    venue.says(200, answer(entry("BTC"), entry("ETH")))
    assert set(await listing.instruments()) == {BTC, ETH}


async def test_a_halt_is_seen_by_asking_about_what_is_followed_alone(listing, venue):
    venue.says(200, answer(entry("BTC"), entry("ETH")))
    await listing.instruments()
    venue.says(200, answer(entry("BTC", "HALT")))
    await listing.recheck({BTC, Symbol("NO", "PE")})
    assert venue.requests[1][2]["symbols"] == '["BTCUSDT"]'
    instruments = await listing.instruments()
    assert (instruments[BTC].tradable, instruments[ETH].tradable) == (False, True)


async def test_nothing_is_asked_about_nothing(listing, venue):
    await listing.recheck(set())
    assert venue.requests == []


async def test_a_symbol_that_vanished_makes_everything_be_asked_for_again(listing, venue):
    venue.says(200, answer(entry("BTC"), entry("ETH")))
    await listing.instruments()
    venue.says(400, {"code": -1121, "msg": "Invalid symbol."})
    await listing.recheck({ETH})
    venue.says(200, answer(entry("BTC")))
    assert set(await listing.instruments()) == {BTC}
    assert listing.known_venue_id(ETH) is None
    with pytest.raises(UnknownSymbol):
        await listing.venue_id(ETH)


async def test_a_symbol_that_vanished_is_looked_for_every_five_minutes(listing, venue, clock):
    venue.says(200, answer(entry("BTC")))
    await listing.instruments()
    await listing.recheck({ETH})
    assert set(await listing.instruments()) == {BTC}
    await clock.advance(301)
    await listing.recheck({ETH})
    venue.says(200, answer(entry("BTC"), entry("ETH")))
    assert set(await listing.instruments()) == {BTC, ETH}


async def test_names_are_unknown_until_the_listing_was_read(listing):
    assert listing.known_venue_id(BTC) is None


async def test_a_listing_that_cannot_be_renewed_stays_and_is_asked_for_again(listing, venue, clock):
    venue.says(200, answer(entry("BTC")))
    await listing.instruments()
    await clock.advance(3_601)
    venue.says(200, {"status": 1})
    assert set(await listing.instruments()) == {BTC}
    await listing.instruments()
    assert len(venue.requests) == 2, "not again at once"
    await clock.advance(61)
    venue.says(200, answer(entry("ETH")))
    assert set(await listing.instruments()) == {ETH}


async def test_a_first_listing_that_makes_no_sense_is_an_error_of_the_venue(listing, venue):
    venue.says(200, {"status": 1})
    with pytest.raises(Unreadable):
        await listing.instruments()
