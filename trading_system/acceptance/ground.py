"""What a run stands on, and what comes of it; whatever is placed from here is small."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from trading_system.acceptance.cable import Cable
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import Trade
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.soak.verdict import Check
from trading_system.system import System

FAR = Decimal("0.9")  # of the best bid: nobody sells that low in a minute
_NOTIONAL = Decimal(50)
_GLANCE = 0.05
_UP = frozenset({"connected", "ready"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what was wanted, each check with its figures, and the orders it placed."""

    name: str
    wanted: str
    checks: tuple[Check, ...]
    orders: tuple[Order, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything was as wanted."""
        return all(check.kept for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the runs stand on; `cable` is the way to the venue, None where it cannot be cut.

    Streams are to be stable for so many `minutes`; `trades` are all that were pushed.
    """

    system: System
    instrument: Instrument
    cable: Cable | None
    minutes: float
    patience: float = 60.0
    trades: list[Trade] = field(default_factory=list)

    @property
    def symbol(self) -> Symbol:
        return self.instrument.symbol

    async def bid(self) -> Decimal:
        """What somebody would pay now."""
        book = await self.system.live.book(self.symbol, levels=5)
        return book.bids[0].price

    async def rest(self) -> Order:
        """A small buy far below the market."""
        price = self.on_tick(await self.bid() * FAR)
        return await self.system.desk.place(
            OrderRequest(
                symbol=self.symbol,
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=2 * self.lots(price),
                price=price,
            )
        )

    @property
    def is_connected(self) -> bool:
        """Whether every connection is up."""
        streams = self.system.venue_reports()[0].streams
        return bool(streams) and all(line.state in _UP for line in streams)

    async def is_live(self) -> bool:
        """Every connection is up and trades arrive."""
        return self.is_connected and bool(self.trades)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for it; False when it has not come true in time."""
        clock = self.system.clock
        deadline = clock.monotonic() + self.patience
        while clock.monotonic() < deadline:
            if await condition():
                return True
            await asyncio.sleep(_GLANCE)
        return False

    async def settled(self, order: Order, wanted: set[OrderStatus]) -> Order:
        """The order once it is in one of these states or has ended, else when patience does."""

        async def is_there() -> bool:
            status = (await self.system.orders.get(order.id)).status
            return status in wanted or status.is_final

        await self.until(is_there)
        return await self.system.orders.get(order.id)

    def lots(self, price: Decimal) -> Decimal:
        """A quantity worth a little more than the venue's smallest order."""
        step = self.instrument.step_size
        wanted = max(_NOTIONAL, 2 * (self.instrument.min_notional or Decimal(0))) / price
        lots = (wanted / step).to_integral_value(ROUND_UP) * step
        return max(lots, self.instrument.min_quantity)

    def on_tick(self, price: Decimal) -> Decimal:
        """The nearest price that can be asked for."""
        tick = self.instrument.tick_size
        return (price / tick).to_integral_value() * tick
