"""Spot and USD-M futures, each as the parts that speak to it: the one place that knows both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from trading_system.domain.errors import NotAllowed
from trading_system.domain.instruments import Symbol
from trading_system.domain.order_lists import OrderList
from trading_system.domain.reports import Report, VenuePosition
from trading_system.exchange.endpoints import FUTURES_HOSTS, SPOT_HOSTS, Hosts
from trading_system.exchange.futures.derivatives import FuturesDerivatives
from trading_system.exchange.futures.listen_key import ListenKey
from trading_system.exchange.futures.market_data import CALLS as FUTURES_CALLS
from trading_system.exchange.futures.market_data import instruments
from trading_system.exchange.futures.market_frames import ROADS
from trading_system.exchange.futures.records import FuturesRecords
from trading_system.exchange.futures.rest_api import FUTURES as FUTURES_API
from trading_system.exchange.futures.trading import FuturesTrading
from trading_system.exchange.futures.user_frames import futures_events
from trading_system.exchange.gateway import Gateway, always
from trading_system.exchange.listing import Listing
from trading_system.exchange.market_data import SPOT_CALLS, BinanceMarketData, PublicCalls
from trading_system.exchange.order_lists import BinanceOrderLists
from trading_system.exchange.records import BinanceRecords
from trading_system.exchange.rest_api import SPOT as SPOT_API
from trading_system.exchange.rest_api import RestApi
from trading_system.exchange.streams.roles import SPOT_ROAD, Road
from trading_system.exchange.streams.signed_subscription import SignedSubscription
from trading_system.exchange.streams.signing import HmacSigner
from trading_system.exchange.streams.user_frames import SPOT_EVENTS, UserEvents
from trading_system.exchange.streams.user_stream import Access
from trading_system.exchange.trading import BinanceTrading
from trading_system.exchange.venue import Venue
from trading_system.ports import AccountRecords, Clock, Derivatives, OrderLists, Trading
from trading_system.resilience.limits import Priority


class Account(NamedTuple):
    """What may be done with an account, and what it has on record."""

    trading: Trading
    records: AccountRecords


class Hearing(NamedTuple):
    """How an account hears of itself, and what it may hear."""

    access: Access
    events: UserEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One of Binance's markets; each part of it is built over a gateway that speaks its API.

    `on_margin`: quantities may be held that are below zero, and what is bought or sold is not paid
    for, but backed.
    """

    rest_api: RestApi
    on_margin: bool
    hosts: Hosts
    listing: Callable[[Gateway, Clock], Listing]
    public_calls: PublicCalls
    roads: tuple[Road, ...]
    trading: Callable[[Gateway, Listing, Priority], Trading]
    records: Callable[[Gateway, Listing, Priority], AccountRecords]
    derivatives: Callable[[Gateway, Listing], Derivatives]
    order_lists: Callable[[Gateway, Listing], OrderLists]
    hearing: Callable[[Venue, Clock, HmacSigner, int], Hearing]
    """Of a venue that trades, with what signs and the window in ms that signatures are good for."""

    def market_data(self, venue: Venue, clock: Clock, priority: Priority) -> BinanceMarketData:
        """The venue's public data, asked for with this priority."""
        return BinanceMarketData(
            venue.gateway,
            clock,
            listing=venue.listing,
            priority=priority,
            calls=self.public_calls,
        )

    def account(self, venue: Venue, priority: Priority) -> Account:
        """The account at the venue, asked with this priority; what changes it goes first."""
        way = venue.gateway, venue.listing, priority
        return Account(self.trading(*way), self.records(*way))


class SpotHasNone:
    """Derivatives of a spot account."""

    async def positions(self) -> list[VenuePosition]:
        """What spot holds are balances."""
        return []

    async def set_leverage(self, symbol: Symbol, leverage: int) -> int:  # noqa: ARG002 -- of no use
        """Raises NotAllowed."""
        raise NotAllowed("spot has no leverage: set MARKET_TYPE=futures")


class FuturesHaveNone:
    """Order lists of a futures account."""

    async def place_list(
        self,
        order_list: OrderList,
        *,
        still_wanted: Callable[[], None] = always,  # noqa: ARG002 -- the port's
    ) -> list[Report]:
        """Raises NotAllowed."""
        raise NotAllowed(f"futures have no {order_list.kind} lists: place the orders one by one")

    async def cancel_list(self, order_list: OrderList) -> list[Report]:
        """Raises NotAllowed."""
        raise NotAllowed(f"futures have no {order_list.kind} lists: cancel the orders one by one")


def _spot_hearing(venue: Venue, _clock: Clock, sign: HmacSigner, recv_window: int) -> Hearing:
    assert venue.endpoints.user is not None  # noqa: S101 -- the venue that trades has one
    access = SignedSubscription(
        venue.endpoints.user,
        venue_milliseconds=venue.gateway.venue_milliseconds,
        sign=sign,
        resynchronize=venue.gateway.synchronize,
        count=venue.gateway.count,
        on_limited=venue.gateway.heed,
        recv_window=recv_window,
    )
    return Hearing(access, SPOT_EVENTS)


def _futures_hearing(venue: Venue, clock: Clock, _sign: HmacSigner, _window: int) -> Hearing:
    assert venue.endpoints.user is not None  # noqa: S101 -- the venue that trades has one
    access = ListenKey(venue.endpoints.user, gateway=venue.gateway, clock=clock)
    return Hearing(access, futures_events(venue.listing.known_symbol))


SPOT = Market(
    rest_api=SPOT_API,
    on_margin=False,
    hosts=SPOT_HOSTS,
    listing=Listing,
    public_calls=SPOT_CALLS,
    roads=(SPOT_ROAD,),
    trading=BinanceTrading,
    records=BinanceRecords,
    derivatives=lambda _gateway, _listing: SpotHasNone(),
    order_lists=BinanceOrderLists,
    hearing=_spot_hearing,
)
FUTURES = Market(
    rest_api=FUTURES_API,
    on_margin=True,
    hosts=FUTURES_HOSTS,
    listing=partial(Listing, read=instruments, selects=False),
    public_calls=FUTURES_CALLS,
    roads=ROADS,
    trading=FuturesTrading,
    records=FuturesRecords,
    derivatives=FuturesDerivatives,
    order_lists=lambda _gateway, _listing: FuturesHaveNone(),
    hearing=_futures_hearing,
)
MARKETS: Mapping[str, Market] = {"spot": SPOT, "futures": FUTURES}
"""By the setting MARKET_TYPE."""
