"""The runs: what is done, what must be true afterwards, and the figures that show it.

Whatever they place is small, and nothing of it stays open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal

from trading_system.acceptance.cable import Cable
from trading_system.domain.candles import MINUTE, Span, floor_minute
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.market import Trade
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.timeframes import Timeframe
from trading_system.soak.verdict import Check
from trading_system.system import System

_NOTIONAL = Decimal(50)
_FAR = Decimal("0.9")  # of the best bid: nobody sells that low in a minute
_NEARER = Decimal("0.91")
_GLANCE = 0.05
_UP = frozenset({"connected", "ready"})
_CUT_SECONDS = 30.0
_NOTICED_WITHIN_SECONDS = 15.0
_BACK_WITHIN_SECONDS = 60.0
_AFTER_THE_MINUTE_SECONDS = 12.0
_ONE_MINUTE = Timeframe.parse("1m")


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
        price = self.on_tick(await self.bid() * _FAR)
        return await self.system.desk.place(
            OrderRequest(
                symbol=self.symbol,
                side=Side.BUY,
                type=OrderType.LIMIT,
                quantity=2 * self.lots(price),
                price=price,
            )
        )

    async def is_live(self) -> bool:
        """Every connection is up and trades arrive."""
        return _connected(self.system) and bool(self.trades)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for it; False when it has not come true in time."""
        clock = self.system.clock
        deadline = clock.monotonic() + self.patience
        while clock.monotonic() < deadline:
            if await condition():
                return True
            await asyncio.sleep(_GLANCE)
        return False

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


async def market_orders(ground: Ground) -> Run:
    """Three buys and two sells at the market, all filled."""
    orders = []
    for side in (Side.BUY, Side.SELL, Side.BUY, Side.SELL, Side.BUY):
        request = OrderRequest(
            symbol=ground.symbol,
            side=side,
            type=OrderType.MARKET,
            quantity=ground.lots(await ground.bid()),
        )
        placed = await ground.system.desk.place(request)
        orders.append(await _settled(ground, placed, {OrderStatus.FILLED}))
    checks = [
        Check(
            promise=f"market {order.request.side.lower()} filled",
            kept=order.status is OrderStatus.FILLED
            and order.executed_quantity == order.request.quantity
            and await _fills_add_up(ground, order),
            detail=f"{order.status}: {order.executed_quantity} at {order.average_price}, "
            f"acknowledged in {order.latency_ms} ms",
        )
        for order in orders
    ]
    return Run(
        name="market orders",
        wanted="5 market orders, 3 buys and 2 sells, filled",
        checks=tuple(checks),
        orders=tuple(orders),
    )


async def limit_orders(ground: Ground) -> Run:
    """Three limit orders, two of them changed, one cancelled; the others cancelled afterwards."""
    placed = [await ground.rest() for _ in range(3)]
    price, quantity = placed[0].request.price, placed[1].request.quantity
    assert price is not None  # noqa: S101 -- limit orders have both
    assert quantity is not None  # noqa: S101
    nearer, smaller = ground.on_tick(price / _FAR * _NEARER), quantity / 2
    changed = [
        await ground.system.desk.modify(placed[0].id, price=nearer),
        await ground.system.desk.modify(placed[1].id, quantity=smaller),
    ]
    cancelled = await ground.system.order_manager.cancel(placed[2].id)
    cancelled = await _settled(ground, cancelled, {OrderStatus.CANCELED})
    checks = [
        Check(
            promise=f"limit order {number} rests",
            kept=order.status is OrderStatus.NEW,
            detail=f"{order.status}: {order.request.quantity} at {order.request.price}",
        )
        for number, order in enumerate(placed, 1)
    ]
    for what, order, wanted in (
        ("price", changed[0], (nearer, placed[0].request.quantity)),
        ("quantity", changed[1], (placed[1].request.price, smaller)),
    ):
        theirs = await ground.system.trading.find(order)
        got = order.request.price, order.request.quantity
        checks.append(
            Check(
                promise=f"its {what} changed",
                kept=got == wanted and theirs.status == OrderStatus.NEW,
                detail=f"{theirs.status} at the venue: {got[1]} at {got[0]}",
            )
        )
    checks.append(
        Check(
            promise="the third cancelled",
            kept=cancelled.status is OrderStatus.CANCELED,
            detail=str(cancelled.status),
        )
    )
    ended = [await ground.system.order_manager.cancel(order.id) for order in changed]
    return Run(
        name="limit orders",
        wanted="3 limit orders, 2 modified, 1 cancelled",
        checks=tuple(checks),
        orders=(*placed, *ended, cancelled),
    )


async def network_loss(ground: Ground) -> Run:
    """Half a minute without a network: streams back within a minute of its return, no gap."""
    wanted = f"{_CUT_SECONDS:g} s of network loss recovered within {_BACK_WITHIN_SECONDS:g} s"
    if ground.cable is None:
        # Its certificate is for a name, so nothing of ours can stand in between.
        untold = Check(promise=wanted, kept=True, detail="left out: this venue's way is encrypted")
        return Run(name="network loss", wanted=wanted, checks=(untold,))
    clock, system = ground.system.clock, ground.system
    resting = await ground.rest()  # of what is traded every single trade is followed
    if not await ground.until(ground.is_live):
        heard = Check(promise="trades arrive by push", kept=False, detail="none did")
        return Run(name="network loss", wanted=wanted, checks=(heard,))
    began = floor_minute(clock.milliseconds())
    ground.cable.cut(silent=True)
    cut = clock.monotonic()

    async def is_noticed() -> bool:
        return not _connected(system)

    await ground.until(is_noticed)
    noticed = clock.monotonic() - cut
    await clock.sleep(_CUT_SECONDS - noticed)
    before = len(ground.trades)
    ground.cable.mend()
    mended = clock.monotonic()

    async def is_back() -> bool:
        return _connected(system) and len(ground.trades) > before

    back = await ground.until(is_back)
    seconds = clock.monotonic() - mended

    async def is_whole() -> bool:
        figures = system.live.figures()
        return not figures["trade_gaps_open"] and not figures["candle_gaps_open"]

    whole = await ground.until(is_whole)
    ids = sorted({trade.id for trade in ground.trades})
    missing = ids[-1] - ids[0] + 1 - len(ids) if ids else 0
    end = floor_minute(clock.milliseconds()) + MINUTE
    await clock.sleep((end - clock.milliseconds()) / 1000 + _AFTER_THE_MINUTE_SECONDS)
    span = Span(began, end)
    ours = await system.prices.candles(ground.symbol, span, _ONE_MINUTE)
    theirs = await system.market_data.candles(ground.symbol, span)
    ended = await system.order_manager.cancel(resting.id)
    return Run(
        name="network loss",
        wanted=wanted,
        orders=(ended,),
        checks=(
            Check(
                promise="the silence noticed",
                kept=noticed <= _NOTICED_WITHIN_SECONDS,
                detail=f"after {noticed:.1f} s",
            ),
            Check(
                promise="streams back and subscribed again",
                kept=back and seconds <= _BACK_WITHIN_SECONDS,
                detail=f"{seconds:.2f} s after the network returned",
            ),
            Check(
                promise="no trade missed",
                kept=whole and not missing and bool(ids),
                detail=f"{len(ids)} trades in a row, {missing} missing",
            ),
            Check(
                promise="no candle missed",
                kept=ours == theirs and len(ours) == span.minutes,
                detail=f"{len(ours)} of {span.minutes} minutes equal to the venue's",
            ),
        ),
    )


async def stream_stability(ground: Ground) -> Run:
    """For so long, by the clock: every connection stays, nothing is dropped, all keep talking."""
    system, minutes = ground.system, ground.minutes

    async def is_up() -> bool:
        return _connected(system)

    await ground.until(is_up)
    before = _lines(system)
    await system.clock.sleep(minutes * 60)
    checks = []
    for role, (connects, messages, dropped) in _lines(system).items():
        was = before.get(role, (connects, 0, 0))
        checks.append(
            Check(
                promise=f"{role} stays connected",
                kept=connects == was[0] and dropped == was[2],
                detail=f"{messages - was[1]} messages, {connects - was[0]} reconnections, "
                f"{dropped - was[2]} dropped",
            )
        )
    said = sum(now[1] for now in _lines(system).values()) - sum(was[1] for was in before.values())
    checks.append(Check(promise="messages keep coming", kept=said > 0, detail=f"{said} messages"))
    return Run(
        name="stream stability",
        wanted=f"streams stable for {minutes:g} minutes",
        checks=tuple(checks),
    )


RUNS: Mapping[str, Callable[[Ground], Awaitable[Run]]] = {
    "market": market_orders,
    "limit": limit_orders,
    "network": network_loss,
    "streams": stream_stability,
}
"""By the name that one asks for."""


async def _settled(ground: Ground, order: Order, wanted: set[OrderStatus]) -> Order:
    """The order once it is in one of these states or has ended, else when patience does."""

    async def is_there() -> bool:
        status = (await ground.system.orders.get(order.id)).status
        return status in wanted or status.is_final

    await ground.until(is_there)
    return await ground.system.orders.get(order.id)


async def _fills_add_up(ground: Ground, order: Order) -> bool:
    fills = await ground.system.orders.fills(order_id=order.id)
    return sum(row.fill.quantity for row in fills) == order.executed_quantity


def _connected(system: System) -> bool:
    streams = system.venue_reports()[0].streams
    return bool(streams) and all(line.state in _UP for line in streams)


def _lines(system: System) -> dict[str, tuple[int, int, int]]:
    return {
        line.role: (line.connects, line.messages, line.dropped)
        for report in system.venue_reports()
        for line in report.streams
    }
