from __future__ import annotations

from decimal import Decimal
from functools import partial

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.simulator import wire
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.exchange import Exchange
from trading_system.simulator.model import (
    CancelAll,
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    TimeInForce,
)
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.streams.hub import Hub
from trading_system.simulator.streams.names import parse
from trading_system.simulator.streams.sources import open_source

NOON = 1_767_614_400_000
SYMBOL = "BTCUSDT"
FEED = SeededFeed(11, catalogue(2))


class Client:
    """Keeps a book as Binance's documents tell: a snapshot, and the events that follow it."""

    combined = False
    microseconds = False

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.book: tuple[int, dict[str, str], dict[str, str]] | None = None

    def deliver(self, text: str, stream: str) -> None:
        self.events.append(orjson.loads(text))

    def take(self, snapshot: dict) -> None:
        self.book = (
            snapshot["lastUpdateId"],
            dict(snapshot["bids"]),
            dict(snapshot["asks"]),
        )

    def catch_up(self) -> None:
        """Apply what came since; any break of the sequence fails."""
        assert self.book is not None
        last, bids, asks = self.book
        for event in self.events:
            if event["u"] <= last:
                continue
            assert event["U"] <= last + 1, "an update is missing"
            for side, changes in ((bids, event["b"]), (asks, event["a"])):
                for price, quantity in changes:
                    side.pop(price, None)
                    if Decimal(quantity):
                        side[price] = quantity
            last = event["u"]
        self.events.clear()
        self.book = (last, bids, asks)


def snapshot(exchange: Exchange, now: int) -> dict:
    """What REST answers to depth?limit=5000."""
    return orjson.loads(orjson.dumps(wire.depth(exchange.venue.depth(SYMBOL, now), 5_000)))


def order(exchange: Exchange, now: int, side: Side, ticks: int, lots: int, *, far: bool) -> None:
    """A limit order around the best price: it takes, rests in front, in between or behind."""
    quote = exchange.venue.quote(SYMBOL, now)
    best = quote.bids[0].price if (side is Side.BUY) is far else quote.asks[0].price
    command = PlaceOrder(
        account="ann",
        symbol=SYMBOL,
        side=side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price=best + ticks * Decimal("0.01"),
        quantity=lots * Decimal("0.001"),
    )
    try:
        exchange.handle(command, now)
    except Refused as refusal:
        if refusal.code not in {-2010, -1013}:
            raise


def cancel(exchange: Exchange, now: int) -> None:
    try:
        exchange.handle(CancelAll(account="ann", symbol=SYMBOL), now)
    except Refused as refusal:
        if refusal.code != -2011:
            raise


steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([1, 37, 100, 450, 900, 2_300])),
        st.tuples(st.just("tick")),
        st.tuples(st.just("look")),
        st.tuples(st.just("cancel")),
        st.tuples(
            st.just("order"),
            st.sampled_from(Side),
            st.integers(-300, 300),
            st.sampled_from([1, 20, 5_000]),
            st.booleans(),
        ),
    ),
    max_size=40,
)


@pytest.mark.parametrize("stream", ["btcusdt@depth@100ms", "btcusdt@depth"])
@settings(max_examples=25, deadline=None)
@given(steps=steps)
def test_a_book_rebuilt_from_the_stream_equals_the_snapshot(stream, steps) -> None:
    """Whenever the snapshot was taken, and whatever users did before, between and after."""
    exchange = Exchange(
        RememberedFeed(FEED), {"ann": dict.fromkeys(("BTC", "USDT"), Decimal(10**6))}
    )
    hub, now = Hub(partial(open_source, exchange), NOON), NOON
    clients = [Client()]
    hub.subscribe(clients[0], parse(stream))
    clients[0].take(snapshot(exchange, now))
    for what, *more in [*steps, ("wait", 1_000), ("tick",)]:
        if what == "wait":
            now += more[0]
        elif what == "order":
            side, ticks, lots, far = more
            order(exchange, now, side, ticks, lots, far=far)
        elif what == "cancel":
            cancel(exchange, now)
        elif what == "look":
            clients.append(Client())
            hub.subscribe(clients[-1], parse(stream))
            clients[-1].take(snapshot(exchange, now))
        else:
            for _ in hub.tick(now):
                pass
    truth = snapshot(exchange, now // 1000 * 1000)
    for client in clients:
        client.catch_up()
        assert client.book == (truth["lastUpdateId"], dict(truth["bids"]), dict(truth["asks"]))


@settings(max_examples=25, deadline=None)
@given(steps=steps)
def test_equal_update_ids_mean_equal_books_and_ids_only_grow(steps) -> None:
    exchange = Exchange(
        RememberedFeed(FEED), {"ann": dict.fromkeys(("BTC", "USDT"), Decimal(10**6))}
    )
    now, last, books = NOON, 0, {}
    for what, *more in steps:
        if what == "wait":
            now += more[0]
        elif what == "order":
            side, ticks, lots, far = more
            order(exchange, now, side, ticks, lots, far=far)
        elif what == "cancel":
            cancel(exchange, now)
        for depth in (exchange.venue.quote(SYMBOL, now), exchange.venue.depth(SYMBOL, now)):
            assert last <= depth.last_update_id < 2**53
            last = depth.last_update_id
            book = (depth.bids, depth.asks) if len(depth.bids) > 1 else None
            if book is not None:
                assert books.setdefault(last, book) == book
        quote = exchange.venue.quote(SYMBOL, now)
        assert quote == (depth.last_update_id, depth.bids[:1], depth.asks[:1])
