"""A futures core over the fixed book and the hand-written tape of the spot core's tests."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.simulator.core.conftest import START, FakeFeed
from trading_system.simulator.auth import ApiKey, Keys
from trading_system.simulator.calls import Call
from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.futures.events import AccountEvent, AlgoEvent, Event, OrderEvent
from trading_system.simulator.futures.exchange import FuturesExchange
from trading_system.simulator.futures.model import (
    Advance,
    AlgoOrder,
    CancelAlgo,
    CancelAll,
    CancelOrder,
    FuturesOrder,
    ModifyOrder,
    OrderType,
    PlaceAlgo,
    PlaceOrder,
    SetLeverage,
    TimeInForce,
)
from trading_system.simulator.futures.rest import FuturesApi
from trading_system.simulator.futures.venue import FuturesVenue
from trading_system.simulator.model import Refused, Side, SymbolRules
from trading_system.simulator.remembered import RememberedFeed
from trading_system.simulator.seeded.feed import SeededFeed
from trading_system.simulator.self_trades import SelfTradePrevention

BTC = SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT")
ETH = SymbolRules(symbol="ETHUSDT", base="ETH", quote="USDT")
_READERS = {
    "type": OrderType,
    "time_in_force": TimeInForce,
    "stp": SelfTradePrevention,
    "quantity": Decimal,
    "price": Decimal,
    "trigger_price": Decimal,
    "activation": Decimal,
    "callback_rate": Decimal,
}


class Pit:
    """Two accounts of 1,000 USDT and a clock, spoken to in short sentences.

    Bids 99.90 x 1, 99.80 x 2, 99.70 x 5; asks 100.10 x 1, 100.20 x 2, 100.30 x 5; last 100.
    """

    def __init__(self, *rules: SymbolRules, wallet: str = "1000") -> None:
        self.feed = FakeFeed(*(rules or (BTC, ETH)))
        self.venue = FuturesVenue(self.feed)
        self.now = START
        self.told: list[Event] = []
        for account in ("ann", "bob"):
            self.venue.open_account(account, Decimal(wallet))

    def buy(self, quantity: str, price: str | None = None, **more: Any) -> FuturesOrder:
        return self.place(side="BUY", quantity=quantity, price=price, **more)

    def sell(self, quantity: str, price: str | None = None, **more: Any) -> FuturesOrder:
        return self.place(side="SELL", quantity=quantity, price=price, **more)

    def place(self, **more: Any) -> FuturesOrder:
        """A LIMIT GTC order with a price, MARKET without, unless told."""
        more.setdefault("type", "LIMIT" if more.get("price") else "MARKET")
        if more.get("price"):
            more.setdefault("time_in_force", "GTC")
        wanted = command(PlaceOrder, more)
        before = {order.order_id for order in self.all_orders(wanted.account, wanted.symbol)}
        self.do(wanted)
        placed = self.all_orders(wanted.account, wanted.symbol)
        return next(order for order in reversed(placed) if order.order_id not in before)

    def wait(self, side: str, type_: str, **more: Any) -> AlgoOrder:
        """An algo order."""
        wanted = command(PlaceAlgo, {"side": side, "type": type_, **more})
        self.do(wanted)
        return self.venue.all_algos(wanted.account, wanted.symbol)[-1]

    def modify(self, order: FuturesOrder, price: str, quantity: str, **more: Any) -> list[Event]:
        return self.do(
            ModifyOrder(
                account=order.account,
                symbol=order.symbol,
                side=Side(more.pop("side", order.side)),
                price=Decimal(price),
                quantity=Decimal(quantity),
                order_id=order.order_id,
            )
        )

    def cancel(self, order: FuturesOrder, **more: Any) -> list[Event]:
        more.setdefault("order_id", order.order_id)
        return self.do(CancelOrder(account=order.account, symbol=order.symbol, **more))

    def cancel_all(self, symbol: str = "BTCUSDT") -> list[Event]:
        return self.do(CancelAll(account="ann", symbol=symbol))

    def give_up(self, algo: AlgoOrder) -> list[Event]:
        return self.do(CancelAlgo(account=algo.account, order_id=algo.order_id))

    def leverage(self, leverage: int, symbol: str = "BTCUSDT") -> list[Event]:
        return self.do(SetLeverage(account="ann", symbol=symbol, leverage=leverage))

    def do(self, command: Any) -> list[Event]:
        self.told = self.venue.handle(command, self.now)
        return self.told

    def print(self, price: str, quantity: str = "100", *, symbol: str = "BTCUSDT") -> list[Event]:
        """A public trade one millisecond later, and what it does."""
        self.now += 1
        self.feed.print(symbol, price, quantity, self.now)
        return self.do(Advance())

    def refusal(self, call: Any, *args: Any, **more: Any) -> tuple[int, str]:
        """Call and be refused, with everything as it was before."""
        before = self.state()
        with pytest.raises(Refused) as caught:
            call(*args, **more)
        assert self.state() == before
        return caught.value.code, caught.value.message

    def code(self, call: Any, *args: Any, **more: Any) -> int:
        return self.refusal(call, *args, **more)[0]

    def all_orders(self, account: str, symbol: str) -> list[FuturesOrder]:
        return self.venue.all_orders(account, symbol)

    def position(self, account: str = "ann", symbol: str = "BTCUSDT") -> tuple[str, str]:
        """Amount and entry price."""
        held = self.venue.accounts.position(account, symbol)
        return f"{held.amount.normalize():f}", f"{held.entry_price.normalize():f}"

    def wallet(self, account: str = "ann") -> Decimal:
        return self.venue.accounts.account(account).balance

    def available(self, account: str = "ann") -> Decimal:
        return self.venue.accounts.available(account, self.now)

    def state(self) -> object:
        """Everything that a refused command must leave alone."""
        return [
            (
                self.wallet(account),
                dict(self.venue.accounts.account(account).leverages),
                [_state(each) for each in self.venue.all_orders(account, "BTCUSDT")],
                [_state(each) for each in self.venue.all_algos(account, "BTCUSDT")],
            )
            for account in ("ann", "bob")
        ]


def _state(order: object) -> list[object]:
    return [getattr(order, field.name) for field in fields(order)]  # type: ignore[arg-type]


def command(kind: Any, more: dict[str, Any]) -> Any:
    """A command from plain texts, of ann and in BTCUSDT unless told."""
    values = {"account": "ann", "symbol": "BTCUSDT", **more}
    values["side"] = Side(values["side"])
    for name, read in _READERS.items():
        if values.get(name) is not None:
            values[name] = read(values[name])
    return kind(**values)


@pytest.fixture
def pit() -> Pit:
    return Pit()


@pytest.fixture(scope="session")
def make_pit() -> type[Pit]:
    """The same with other contracts or wallets."""
    return Pit


@pytest.fixture
def story():
    """Events as short texts: NEW 1, ACCOUNT ann 1@100.10, TRADE 1 1@100.10, ALGO 1 TRIGGERED."""

    def tell(events: Iterable[Event]) -> list[str]:
        return [_line(event) for event in events]

    return tell


def _line(event: Event) -> str:
    match event:
        case OrderEvent(fill=None):
            return f"{event.execution} {event.order.order_id}"
        case OrderEvent():
            fill = event.fill
            return f"{event.execution} {event.order.order_id} {fill.quantity}@{fill.price}"
        case AccountEvent():
            return f"ACCOUNT {event.account} {event.position.amount}"
        case AlgoEvent():
            return f"ALGO {event.order.order_id % 1000} {event.order.state}"
    return f"LEVERAGE {event.symbol} {event.leverage}"


NOON = 1_767_614_400_250  # 2026-01-05 12:00:00.250 UTC
KEY, SECRET = "K" * 64, "a secret of any length"


class Desk:
    """The futures REST API without sockets, asked in short sentences; `now` is its time, ms UTC."""

    def __init__(self, feed, *, log=None, wallet: str = "10000") -> None:
        self.now = NOON
        self.exchange = FuturesExchange(feed, {"main": Decimal(wallet)}, log=log)
        self.api = FuturesApi(self.exchange, Keys([ApiKey(key=KEY, secret=SECRET, account="main")]))
        self.headers: dict[str, str] = {}

    def call(self, method, path, query="", **more):
        """The status and the decoded body of one raw call."""
        answer = self.api.answer(
            Call(method=method, path=f"/fapi/{path}", query=query, **more), self.now
        )
        self.headers = answer.headers
        if not answer.headers["Content-Type"].startswith("application/json"):
            return answer.status, answer.body.decode()
        return answer.status, json.loads(answer.body)

    def get(self, path, **fields):
        """A public GET that must succeed."""
        status, body = self.call("GET", path, urlencode(fields))
        assert status == 200, body
        return body

    def signed(self, method, path, *, key=KEY, **fields):
        """A signed call: (status, body)."""
        query = urlencode({"timestamp": self.now, **fields})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.call(method, path, f"{query}&signature={signature}", api_key=key)

    def ask(self, method, path, **fields):
        """A signed call that must succeed."""
        status, body = self.signed(method, path, **fields)
        assert status == 200, body
        return body

    def refusal(self, method, path, **fields):
        """A signed call that must be refused: its code."""
        status, body = self.signed(method, path, **fields)
        assert status >= 400, body
        return body["code"]

    def buy(self, quantity="0.01", price="70000", **more):
        """A limit order far below the market, unless told otherwise; market without a price."""
        kind = {"type": "LIMIT", "timeInForce": "GTC", "price": price} if price else MARKET
        order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": quantity, **kind, **more}
        return self.ask("POST", "v1/order", **order)

    def wait(self, **more):
        """A stop far below the market."""
        algo = {
            "algoType": "CONDITIONAL",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
            "quantity": "0.01",
            "triggerPrice": "60000",
        }
        return self.ask("POST", "v1/algoOrder", **algo, **more)


MARKET = {"type": "MARKET", "newOrderRespType": "RESULT"}


@pytest.fixture(scope="session")
def seeded():
    """Three pairs quoted in USDT and one that is not."""
    rules = catalogue(21)
    names = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "ETHBTC")
    return RememberedFeed(SeededFeed(7, {name: rules[name] for name in names}))


@pytest.fixture
def desk(seeded):
    return Desk(seeded)


@pytest.fixture(scope="session")
def make_desk(seeded):
    """The same with a log or another wallet."""
    return lambda **more: Desk(seeded, **more)
