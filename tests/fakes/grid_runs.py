"""Grids that traded on paper: orders and fills as a record has them, told in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import numpy as np

from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Fill
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame
from trading_system.trader.fill_pairs import Execution
from trading_system.trader.grid_record import GridRecord

D = Decimal
BTC = Symbol("BTC", "USDT")
MINUTE = 60_000
START = 1_760_000_040_000
BARS = Timeframe.parse("1m")
FEE = D("0.001")
ONE = D(1)


def at(minute: float) -> int:
    """So many minutes after the first bar opened, in ms UTC."""
    return START + round(minute * MINUTE)


def frame(*candles: Sequence[float]) -> Frame:
    """Bars in a row, each (open, high, low, close), or a price that stands still."""
    rows = [each if isinstance(each, tuple) else (each,) * 4 for each in candles]
    return Frame.from_array(np.array([(at(row), *each, 1.0) for row, each in enumerate(rows)]))


def mandate(levels: Sequence[int] = (80, 90, 100), quantity: str = "1") -> Mandate:
    """Of a grid with these levels, which are equally far apart."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Mandate(
        id=uuid4(),
        strategy="grid",
        symbols=(BTC,),
        timeframe=BARS,
        parameters={
            "low": str(levels[0]),
            "high": str(levels[-1]),
            "levels": str(len(levels)),
            "quantity": quantity,
        },
        capital=D(10_000),
        created_at=now,
        updated_at=now,
    )


def kept(seen: Frame, targets: np.ndarray, owner: Mandate) -> list[Decision]:
    """The decisions of a run that was always there."""
    return [
        Decision(
            mandate_id=owner.id,
            symbol=BTC,
            bar=Candle(*(getattr(seen, name)[row].item() for name in Candle._fields)),
            target=target,
            at=0,
            outcome=Outcome.KEPT,
        )
        for row, target in enumerate(targets.tolist())
    ]


@dataclass
class GridRun:
    """Each cell's orders so far; a fee of 0.1 % is taken from what is received."""

    levels: Sequence[int] = (80, 90, 100)
    quantity: Decimal = ONE
    orders: list[list[Order]] = field(default_factory=list)
    executions: dict[UUID, Execution] = field(default_factory=dict)
    held: list[Decimal] = field(default_factory=list)

    def begin(self, minute: float = 1.0) -> GridRun:
        """Place a purchase in every cell."""
        self.held = [D(0)] * (len(self.levels) - 1)
        if not self.orders:
            self.orders = [[] for _ in self.held]
        for cell in range(len(self.held)):
            self.place(cell, minute)
        return self

    def place(self, cell: int, minute: float, **more) -> Order:
        """The next order of a cell, which goes by what it holds."""
        sells = bool(self.held[cell])
        request = OrderRequest(
            symbol=BTC,
            side=Side.SELL if sells else Side.BUY,
            type=OrderType.LIMIT,
            quantity=self.held[cell] if sells else self.quantity,
            price=D(self.levels[cell + sells]),
        )
        order = self._order(request, minute, OrderStatus.NEW, **more)
        self.orders[cell].append(order)
        return order

    def fill(
        self, cell: int, minute: float, price: object = None, *, next_after: float = 0.0, **more
    ) -> Execution:
        """All of a cell's order is filled, at its limit or at that price; the next one is placed.

        `next_after` so many minutes, never where that is below nothing.
        """
        order = self.orders[cell][-1]
        order = replace(order, status=OrderStatus.FILLED, updated_at=moment(at(minute)))
        self.orders[cell][-1] = order
        done = self._execute(order, minute, order.request.quantity, price, **more)
        fee = sum(each.fee for each in done.fills if each.fee_asset == BTC.base)
        buys = order.request.side is Side.BUY
        self.held[cell] = order.request.quantity - fee if buys else D(0)
        if next_after >= 0:
            self.place(cell, minute + next_after)
        return done

    def part(self, cell: int, minute: float, quantity: str, **more) -> Execution:
        """Some of a cell's order is filled; it goes on resting."""
        return self._execute(self.orders[cell][-1], minute, D(quantity), **more)

    def end(self, cell: int, minute: float, status: OrderStatus = OrderStatus.CANCELED) -> None:
        """A cell's order is withdrawn."""
        ended = replace(self.orders[cell][-1], status=status, updated_at=moment(at(minute)))
        self.orders[cell][-1] = ended

    def close(self, minute: float, quantity: str, price: object) -> Execution:
        """Somebody closes all that is held."""
        request = OrderRequest(
            symbol=BTC, side=Side.SELL, type=OrderType.MARKET, quantity=D(quantity)
        )
        order = self._order(request, minute, OrderStatus.FILLED)
        return self._execute(order, minute, D(quantity), price, maker=False)

    @property
    def record(self) -> GridRecord:
        return GridRecord(
            prices=tuple(map(D, self.levels)),
            quantity=self.quantity,
            orders=tuple(map(tuple, self.orders)),
        )

    def _order(self, request: OrderRequest, minute: float, status: OrderStatus, **more) -> Order:
        sent = moment(at(minute))
        known = {"id": uuid4(), "client_order_id": "", "created_at": sent, "updated_at": sent}
        return Order(**known | {"request": request, "status": status} | more)

    def _execute(
        self,
        order: Order,
        minute: float,
        quantity: Decimal,
        price: object = None,
        *,
        maker: bool | None = True,
        fee_asset: str | None = None,
    ) -> Execution:
        buys = order.request.side is Side.BUY
        paid = order.request.price if price is None else D(str(price))
        worth = quantity * paid
        asset = fee_asset or (BTC.base if buys else BTC.quote)
        before = self.executions.get(order.id)
        fill = Fill(
            trade_id=str(minute),
            price=paid,
            quantity=quantity,
            quote_quantity=worth,
            fee=(quantity if asset == BTC.base else worth) * FEE,
            fee_asset=asset,
            maker=maker,
            time=moment(at(minute)),
        )
        fills = (*(before.fills if before else ()), fill)
        self.executions[order.id] = Execution(bar=None, order=order, fills=fills)
        return self.executions[order.id]


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
