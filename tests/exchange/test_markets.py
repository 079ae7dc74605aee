"""Each market has every part, and the parts are its own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

import trading_system
from trading_system.config import Settings
from trading_system.domain.errors import OrderNotFound
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.exchange.futures.listen_key import ListenKey
from trading_system.exchange.gateway import Gateway
from trading_system.exchange.markets import FUTURES, MARKETS, SPOT
from trading_system.exchange.record_pages import trades_of
from trading_system.exchange.streams.signed_subscription import SignedSubscription
from trading_system.exchange.streams.signing import HmacSigner
from trading_system.exchange.venue import Venue
from trading_system.resilience.limits import Priority
from trading_system.resilience.retry import RetryPolicy

ROOT = "http://127.0.0.1:9"


@pytest.fixture
async def venue(request, clock):
    market = request.param
    endpoints = trading_endpoints(ROOT, market.hosts)
    client = Client(endpoints=endpoints, clock=clock, rest_api=market.rest_api)
    gateway = Gateway(client=client, clock=clock, retry=RetryPolicy())
    yield Venue(endpoints=endpoints, gateway=gateway, listing=market.listing(gateway, clock))
    await gateway.close()


def test_every_market_that_can_be_set_is_there():
    wanted = Settings.model_fields["market_type"].annotation.__args__
    assert set(MARKETS) == set(wanted)
    assert MARKETS[Settings.model_fields["market_type"].default] is SPOT


@pytest.mark.parametrize(
    ("venue", "market", "access", "url", "told"),
    [
        (SPOT, SPOT, SignedSubscription, "ws://127.0.0.1:9/ws-api/v3", "executionReport"),
        (FUTURES, FUTURES, ListenKey, "ws://127.0.0.1:9/private/ws", "ORDER_TRADE_UPDATE"),
    ],
    ids=["spot", "futures"],
    indirect=["venue"],
)
async def test_an_account_hears_of_itself_as_its_market_lets_it(
    venue, market, access, url, told, clock
):
    signer = HmacSigner(SecretStr("key"), SecretStr("secret"))
    hearing = market.hearing(venue, clock, signer, 5_000)
    assert (type(hearing.access), hearing.access.url) == (access, url)
    assert told in hearing.events.told
    assert market.market_data(venue, clock, Priority.CANDLES)
    assert market.derivatives(venue.gateway, venue.listing)


def test_only_on_margin_may_be_held_less_than_nothing():
    assert (SPOT.on_margin, FUTURES.on_margin) == (False, True)


def test_which_market_it_is_asks_only_what_builds_the_system():
    """What is above the exchange layer is the same for all.

    The command line may show it, and a database is told by name where it is at home.
    """
    package = Path(trading_system.__file__).parent
    asking = [
        f"{file.relative_to(package)}: {line.strip()}"
        for file in package.rglob("*.py")
        if file.parent.name != "cli"
        for line in file.read_text().splitlines()
        if "market_type" in line
    ]
    assert sorted(asking) == [
        'config.py: market_type: Literal["spot", "futures"] = "spot"',
        'config.py: return f"VENUE={self._named or self.venue} MARKET_TYPE={self.market_type}"',
        "system.py: market = MARKETS[settings.market_type]",
    ]


class Asked:
    """A gateway that notes how urgent each question is; it knows of no order and of no balance."""

    def __init__(self) -> None:
        self.told = []

    async def read(self, path, *, priority=None, **_):
        self.told.append((path, priority))
        if path in {"order", "algoOrder"}:
            raise OrderNotFound(-2013, "Order does not exist.")
        return {"balances": []} if path == "account" else []


class Listed:
    """A listing of nothing."""

    async def instruments(self):
        return {}

    def known_venue_id(self, symbol):
        return f"{symbol.base}{symbol.quote}"


@pytest.mark.parametrize("priority", [Priority.ORDERS, Priority.CANDLES])
@pytest.mark.parametrize("market", [SPOT, FUTURES], ids=["spot", "futures"])
async def test_an_account_is_asked_as_urgently_as_whoever_built_it_wants(market, priority, clock):
    gateway = Asked()
    trading, records = market.account(
        Venue(endpoints=None, gateway=gateway, listing=Listed()), priority
    )
    for kind in (OrderType.LIMIT, OrderType.STOP_LOSS):
        order = Order(
            id=UUID(int=1),
            client_order_id="ts-1",
            request=OrderRequest(
                symbol=Symbol("BTC", "USDT"), side=Side.BUY, type=kind, quantity=Decimal(1)
            ),
            status=OrderStatus.NEW,
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        with pytest.raises(OrderNotFound):
            await trading.find(order)
    await trading.balances()
    await records.balances()
    await records.open_orders()
    await trades_of(gateway, "myTrades", "BTCUSDT", 1, priority=priority)
    asked = {path for path, _ in gateway.told}
    assert {"order", "openOrders", "myTrades"} < asked
    assert {told for _, told in gateway.told} == {priority}
