"""The second half of the composition root: what keeps the system live to the second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trading_system.bus import Bus
from trading_system.domain.instruments import Symbol
from trading_system.domain.reports import Report
from trading_system.exchange.market_data import BinanceMarketData
from trading_system.exchange.markets import Hearing
from trading_system.exchange.streams.market_stream import MarketStream
from trading_system.exchange.streams.roles import Road
from trading_system.exchange.streams.user_stream import UserStream
from trading_system.exchange.venue import Streams, Venue
from trading_system.exchange.watch import VenueWatch
from trading_system.market.candle_gaps import CandleGaps
from trading_system.market.fetcher import PriceFetcher
from trading_system.market.following import Following
from trading_system.market.live import LiveMarket
from trading_system.market.live_candles import LiveCandles
from trading_system.market.market_states import MarketStates
from trading_system.market.order_books import OrderBooks
from trading_system.market.states import StateThresholds
from trading_system.market.trade_tapes import TradeTapes
from trading_system.market.watchlist import Watchlist
from trading_system.ports import Clock, OrderRepository, PriceRepository, SymbolRepository
from trading_system.resilience.retry import RetryPolicy

Run = Callable[[], Coroutine[None, None, None]]


def tasks(venues: Mapping[Venue, Sequence[Streams]], clock: Clock) -> Mapping[str, Run]:
    """The watch of each venue, and all the streams there are."""
    streams = [each for several in venues.values() for each in several]
    return {
        f"watch of {each.endpoints.public}": VenueWatch(gateway=each.gateway, clock=clock).run
        for each in venues
    } | {f"stream {number}": stream.run for number, stream in enumerate(streams)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePrices:
    """Prices and books by push, and the tasks that keep them coming."""

    live: LiveMarket
    streams: tuple[MarketStream, ...]
    watchlist: Watchlist
    states: MarketStates
    following: Following

    @property
    def tasks(self) -> Mapping[str, Run]:
        """What must run, but for the streams themselves."""
        return {
            "live market": self.live.run,
            "following": self.following.run,
            "watchlist": self.watchlist.run,
            "market states": self.states.run,
        }


def live_prices(
    venue: Venue,
    market_data: BinanceMarketData,
    history: BinanceMarketData,
    fetcher: PriceFetcher,
    candles: LiveCandles,
    *,
    roads: Sequence[Road],
    symbols: SymbolRepository,
    prices: PriceRepository,
    orders: OrderRepository,
    clock: Clock,
    bus: Bus,
    retry: RetryPolicy,
    thresholds: StateThresholds,
    held: Callable[[], frozenset[Symbol]],
) -> LivePrices:
    """Build what turns the venue's streams, one a road, into prices, books and candles.

    What is `held` is followed like what is traded.
    """
    live = LiveMarket(
        market_data=market_data,
        books=OrderBooks(market_data=market_data, clock=clock, bus=bus),
        candles=candles,
        candle_gaps=CandleGaps(collect=fetcher.collect, clock=clock),
        trades=TradeTapes(market_data=history, clock=clock, bus=bus),
        clock=clock,
        bus=bus,
    )
    streams = tuple(
        MarketStream(
            url=venue.endpoints.streams,
            road=road,
            clock=clock,
            venue_milliseconds=venue.gateway.venue_milliseconds,
            venue_id=venue.listing.known_venue_id,
            on_event=live.on_event,
            on_gap=live.on_gap,
            on_drop=live.on_drop,
            on_change=bus.publish,
            retry=retry,
        )
        for road in roads
    )
    following = Following(
        market_data=market_data,
        clock=clock,
        followers=[live.follow, *(stream.follow for stream in streams)],
    )
    return LivePrices(
        live=live,
        streams=streams,
        following=following,
        watchlist=Watchlist(
            symbols=symbols,
            orders=orders,
            clock=clock,
            bus=bus,
            follow=following.follow,
            held=held,
        ),
        states=MarketStates(
            live=live,
            prices=prices,
            market_data=market_data,
            clock=clock,
            bus=bus,
            thresholds=thresholds,
        ),
    )


def user_stream(
    venue: Venue,
    hearing: Hearing,
    on_report: Callable[[Report, datetime, int], Awaitable[object]],
    *,
    on_gap: Callable[[], None],
    clock: Clock,
    bus: Bus,
    retry: RetryPolicy,
) -> UserStream:
    """Build what listens to our own orders; `on_gap` is called when some may have gone unheard."""
    return UserStream(
        access=hearing.access,
        events=hearing.events,
        clock=clock,
        venue_milliseconds=venue.gateway.venue_milliseconds,
        on_report=on_report,
        on_account=bus.publish,
        on_gap=on_gap,
        on_change=bus.publish,
        retry=retry,
    )
