"""A venue on paper, a desk without a gate, and stops that are only there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from trading_system.domain.candles import Candle
from trading_system.domain.errors import NotFound, OrderNotFound
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import OrderType, Side
from trading_system.domain.reports import Fill, Report
from trading_system.domain.stops import Keeper, Stop, StopStatus
from trading_system.domain.timeframes import Timeframe
from trading_system.execution.desk import digest
from trading_system.execution.oms import OrderManager
from trading_system.storage.orders import Orders

D = Decimal
BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")
NOON = 1_767_268_800_000  # 2026-01-01T12:00Z
AT_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTES = Timeframe.parse("1m")


class PaperVenue:
    """Fills what crosses its price at once, at that price; all else rests until `trade`.

    A fee of 0.1 % is taken from what is received. `script` answers instead, once. What executed
    while it does not `tell_fills` is in `untold`, and its fills in no report before.
    """

    def __init__(self, clock) -> None:
        self.clock = clock
        self.price: dict[Symbol, Decimal] = {}
        self.orders: dict[str, object] = {}
        self.executed: dict[str, Decimal] = {}
        self.fills: dict[str, list[Fill]] = {}
        self.cancelled: set[str] = set()
        self.script: list[object] = []
        self.tell_fills = True
        self.untold: list[Report] = []

    async def place(self, order, *, still_wanted):
        still_wanted()
        assert order.client_order_id not in self.orders, "sent twice"
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
        self.orders[order.client_order_id] = order
        self.executed[order.client_order_id] = D(0)
        return self.matched(order)

    async def cancel(self, order):
        if order.client_order_id not in self.orders:
            raise OrderNotFound(-2013, "none")
        self.cancelled.add(order.client_order_id)
        return self.report(order)

    async def find(self, order):
        if order.client_order_id not in self.orders:
            raise OrderNotFound(-2013, "none")
        fills = self.fills.get(order.client_order_id, ()) if self.tell_fills else ()
        return self.report(order, tuple(fills))

    def matched(self, order):
        if self.crosses(order):
            price = self.price[order.request.symbol]
            return self.filled(order, order.request.quantity, price)
        return self.report(order)

    def filled(self, order, quantity, price):
        """Some of it, at that price."""
        done = self.executed[order.client_order_id]
        self.executed[order.client_order_id] = done + quantity
        buys = order.request.side is Side.BUY
        symbol, worth = order.request.symbol, quantity * price
        fill = Fill(
            trade_id=f"{list(self.orders).index(order.client_order_id)}-{done}",
            price=price,
            quantity=quantity,
            quote_quantity=worth,
            fee=(quantity if buys else worth) / 1000,
            fee_asset=symbol.base if buys else symbol.quote,
            maker=False,
            time=self.clock.now(),
        )
        self.fills.setdefault(order.client_order_id, []).append(fill)
        report = self.report(order, (fill,))
        if self.tell_fills:
            return report
        self.untold.append(report)
        return replace(report, fills=())

    def report(self, order, fills=()):
        name = order.client_order_id
        executed, asked = self.executed[name], order.request.quantity
        if executed == asked:
            status = "FILLED"
        elif name in self.cancelled:
            status = "CANCELED"
        elif order.request.time_in_force == "IOC":
            status = "EXPIRED"
        else:
            status = "PARTIALLY_FILLED" if executed else "NEW"
        return Report(
            client_order_id=name,
            venue_order_id=str(list(self.orders).index(name)),
            status=status,
            source="lookup",
            time=self.clock.now(),
            executed_quantity=executed,
            executed_quote=executed * self.price[order.request.symbol],
            fills=fills,
        )

    def crossed(self, symbol):
        """What rests and would fill at this price."""
        return [
            order
            for name, order in self.orders.items()
            if name not in self.cancelled
            and order.request.symbol == symbol
            and order.request.time_in_force == "GTC"
            and not self.executed[name]
            and self.crosses(order)
        ]

    def crosses(self, order):
        limit, price = order.request.price, self.price[order.request.symbol]
        if limit is None:
            return True
        return price <= limit if order.request.side is Side.BUY else price >= limit

    @property
    def sent(self):
        """What was sent: side, quantity and limit, in order."""
        return [
            (str(each.request.side), each.request.quantity, each.request.price)
            for each in self.orders.values()
        ]


class PaperStops:
    """Stops that do nothing but be there; `refuses` is raised instead of a new one."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Stop] = {}
        self.refuses: Exception | None = None
        self.lingers = False

    async def guard(self, wish):
        if wish.id in self.rows:
            return self.rows[wish.id]
        if self.refuses is not None:
            raise self.refuses
        self.rows[wish.id] = Stop(
            id=wish.id,
            symbol=wish.symbol,
            side=Side.SELL,
            kind=wish.kind,
            kept_by=Keeper.SYSTEM,
            created_at=AT_NOON,
            updated_at=AT_NOON,
            quantity=wish.quantity,
            trigger_price=wish.trigger_price,
            distance_bps=wish.distance_percent and int(wish.distance_percent * 100),
        )
        return self.rows[wish.id]

    async def cancel(self, stop_id):
        after = StopStatus.CANCELLING if self.lingers else StopStatus.CANCELLED
        self.rows[stop_id] = replace(self.rows[stop_id], status=after)
        return self.rows[stop_id]

    async def get(self, stop_id):
        if stop_id not in self.rows:
            raise NotFound(str(stop_id))
        return self.rows[stop_id]

    @property
    def active(self):
        return [each for each in self.rows.values() if not each.status.is_final]


@dataclass
class PaperDesk:
    """The desk without a gate; `refusals` are raised first, one for each call."""

    manager: OrderManager
    orders: Orders
    refusals: list[Exception] = field(default_factory=list)

    async def place(self, request, idempotency_key=None):
        if self.refusals:
            raise self.refusals.pop(0)
        order, is_new = await self.manager.save(
            request, idempotency_key=idempotency_key, digest=digest(request)
        )
        return await (self.manager.send(order) if is_new else self.manager.answered(order))


class Listing:
    """What the venue lists: two pairs with steps of 0.001 and ticks of 0.01."""

    def __init__(self) -> None:
        self.rows = {symbol: instrument(symbol) for symbol in (BTC, ETH)}

    async def instruments(self):
        return self.rows


def instrument(symbol: Symbol) -> Instrument:
    return Instrument(
        symbol=symbol,
        venue_id=symbol.base + symbol.quote,
        tradable=True,
        order_types=frozenset(OrderType),
        tick_size=D("0.01"),
        step_size=D("0.001"),
        min_quantity=D("0.001"),
        max_quantity=D(9000),
        min_notional=D(5),
        max_notional=None,
    )


def bar(open_time: int, price: float) -> Candle:
    return Candle(open_time, price, price, price, price, 1.0)


def mandate(now, **more) -> Mandate:
    known = {
        "id": UUID(int=77),
        "strategy": "above",
        "symbols": (BTC,),
        "timeframe": MINUTES,
        "parameters": {},
        "capital": D(1000),
        "created_at": now,
        "updated_at": now,
    }
    return Mandate(**(known | more))
