"""A small market that can be read at a glance: a fixed book, and a tape a test writes itself."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from trading_system.simulator.amendments import AmendOrder
from trading_system.simulator.events import Event, Execution, OrderEvent
from trading_system.simulator.model import (
    Advance,
    CancelAll,
    CancelOrder,
    CancelReplace,
    Depth,
    Level,
    MarketTrade,
    Order,
    OrderType,
    PlaceOrder,
    Refused,
    Side,
    SymbolRules,
    TimeInForce,
)
from trading_system.simulator.self_trades import SelfTradePrevention
from trading_system.simulator.venue import Venue

BIDS = (("99.90", "1"), ("99.80", "2"), ("99.70", "5"))
ASKS = (("100.10", "1"), ("100.20", "2"), ("100.30", "5"))
START = 1_000_000


class FakeFeed:
    """A fixed book whose update id changes each second, and a tape that begins with 100.00."""

    def __init__(self, *rules: SymbolRules) -> None:
        self.symbols = {r.symbol: r for r in rules}
        self.tape = {s: [MarketTrade(1, Decimal(100), Decimal(1), 0, False)] for s in self.symbols}
        self.bids = [Level(Decimal(p), Decimal(q)) for p, q in BIDS]
        self.asks = [Level(Decimal(p), Decimal(q)) for p, q in ASKS]
        self.questions = 0

    def print(self, symbol: str, price: str, quantity: str, time: int) -> None:
        tape = self.tape[symbol]
        tape.append(MarketTrade(len(tape) + 1, Decimal(price), Decimal(quantity), time, False))

    def next_trade(self, symbol, *, after, now, at_or_below, at_or_above):
        self.questions += 1
        for trade in self.tape[symbol]:
            if trade.id <= after or trade.time > now:
                continue
            if at_or_below is not None and trade.price <= at_or_below:
                return trade
            if at_or_above is not None and trade.price >= at_or_above:
                return trade
        return None

    def last_trade(self, symbol, *, now):
        return [trade for trade in self.tape[symbol] if trade.time <= now][-1]

    def average_price(self, symbol, *, minutes, now):
        return self.last_trade(symbol, now=now).price

    def depth(self, symbol, *, now):
        return Depth(now // 1000, list(self.bids), list(self.asks))


class Floor:
    """A venue with two funded accounts and a clock, spoken to in short sentences."""

    def __init__(self, *rules: SymbolRules, balances: dict[str, str] | None = None) -> None:
        self.feed = FakeFeed(*(rules or (SymbolRules(symbol="BTCUSDT", base="BTC", quote="USDT"),)))
        self.symbol = next(iter(self.feed.symbols))
        self.venue = Venue(self.feed)
        self.now = START
        for account in ("ann", "bob"):
            self.venue.open_account(
                account,
                {a: Decimal(q) for a, q in (balances or {"BTC": "10", "USDT": "10000"}).items()},
            )

    def command(self, side: str, quantity: str | None, price: str | None = None, **more: Any):
        """A PlaceOrder from plain texts: LIMIT GTC with a price, MARKET without, unless told."""
        type_ = OrderType(more.pop("type", "LIMIT" if price else "MARKET"))
        if price and type_ is not OrderType.LIMIT_MAKER:
            more.setdefault("time_in_force", "GTC")
        readers = {
            "quote_quantity": Decimal,
            "stop_price": Decimal,
            "iceberg_quantity": Decimal,
            "time_in_force": TimeInForce,
            "stp": SelfTradePrevention,
        }
        for name, read in readers.items():
            if more.get(name) is not None:
                more[name] = read(more[name])
        return PlaceOrder(
            account=more.pop("account", "ann"),
            symbol=more.pop("symbol", self.symbol),
            side=Side(side),
            type=type_,
            quantity=None if quantity is None else Decimal(quantity),
            price=None if price is None else Decimal(price),
            **more,
        )

    def place(self, command: PlaceOrder) -> Order:
        events = self.do(command)
        new = [e for e in events if isinstance(e, OrderEvent) and e.execution is Execution.NEW]
        order = new[-1].order
        return self.venue.order(order.account, order.symbol, order_id=order.order_id)

    def buy(self, quantity: str | None = None, price: str | None = None, **more: Any) -> Order:
        return self.place(self.command("BUY", quantity, price, **more))

    def sell(self, quantity: str | None = None, price: str | None = None, **more: Any) -> Order:
        return self.place(self.command("SELL", quantity, price, **more))

    def cancel(self, order: Order, **more: Any) -> list[Event]:
        more.setdefault("order_id", order.order_id)
        return self.do(CancelOrder(account=order.account, symbol=order.symbol, **more))

    def cancel_all(self, account: str = "ann") -> list[Event]:
        return self.do(CancelAll(account=account, symbol=self.symbol))

    def replace(self, order: Order, place: PlaceOrder, *, allow_failure: bool = False, **more: Any):
        more.setdefault("order_id", order.order_id)
        cancel = CancelOrder(account=order.account, symbol=order.symbol, **more)
        return self.do(CancelReplace(cancel=cancel, place=place, allow_failure=allow_failure))

    def amend(self, order: Order, quantity: str, **more: Any) -> list[Event]:
        if not more.keys() & {"order_id", "client_order_id"}:
            more["order_id"] = order.order_id
        more.setdefault("symbol", order.symbol)
        return self.do(AmendOrder(account=order.account, quantity=Decimal(quantity), **more))

    def do(self, command) -> list[Event]:
        return self.venue.handle(command, self.now)

    def refusal(self, call, *args: Any, **more: Any) -> tuple[int, str]:
        """Call and be refused, with every balance as it was before."""
        before = self.money()
        with pytest.raises(Refused) as caught:
            call(*args, **more)
        assert self.money() == before
        return caught.value.code, caught.value.message

    def print(self, price: str, quantity: str = "100", *, symbol: str | None = None) -> list[Event]:
        """A public trade one millisecond later, and what it does."""
        self.now += 1
        self.feed.print(symbol or self.symbol, price, quantity, self.now)
        return self.do(Advance())

    def balance(self, asset: str, account: str = "ann") -> tuple[Decimal, Decimal]:
        return self.venue.balances(account)[asset]

    def money(self) -> dict[str, Any]:
        return {account: self.venue.balances(account) for account in ("ann", "bob")}


@pytest.fixture
def floor() -> Floor:
    """Bids 99.90 x 1, 99.80 x 2, 99.70 x 5; asks 100.10 x 1, 100.20 x 2, 100.30 x 5; last 100."""
    return Floor()


@pytest.fixture(scope="session")
def make_floor() -> type[Floor]:
    """The same with other rules or balances."""
    return Floor


@pytest.fixture
def story():
    """Events as short texts: NEW 1, TRADE 1 1@100.10, CANCELED 1, BALANCE ann BTC USDT."""

    def tell(events: Iterable[Event]) -> list[str]:
        return [_line(event) for event in events]

    return tell


def _line(event: Event) -> str:
    if isinstance(event, OrderEvent):
        line = f"{event.execution} {event.order.order_id}"
        return f"{line} {event.fill.quantity}@{event.fill.price}" if event.fill else line
    if hasattr(event, "balances"):
        return f"BALANCE {event.account} {' '.join(event.balances)}"
    return f"REPLACED {event.cancelled.order_id} by {event.placed.order_id}"
