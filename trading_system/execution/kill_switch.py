"""Carries a kill out: cancels until the venue has confirmed each, then closes what is held.

It needs nothing to cancel but the record of orders: what cannot be done now is tried again, after a
restart as well. Nothing is closed while an order is open, a fill unheard of or our record not known
to be the venue's, so that what is sold is what is there, once; what the venue does not list any
more, and can neither cancel nor tell of, keeps nothing waiting. On margin the venue itself says
what is there.

What strategies hold is closed by an order each, which is theirs, and the rest by one that is
nobody's: so what they believe to hold is what is there, and what they earned is known. One order
for all, its fills shared out, was rejected: half a step is nobody's, and an order has one owner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import structlog

from trading_system.bus import Bus
from trading_system.domain.control import ControlEntry
from trading_system.domain.errors import StorageError, TradingError
from trading_system.domain.events import ControlChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Stake
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.execution.control import Control
from trading_system.execution.desk import digest
from trading_system.execution.oms import OrderManager
from trading_system.ports import (
    Clock,
    Derivatives,
    Holdings,
    MarketData,
    OrderRepository,
    Trading,
)
from trading_system.risk.sizing import fitted
from trading_system.waiting import set_within

log = structlog.get_logger(__name__)

_OPEN = frozenset(status for status in OrderStatus if not status.is_final)
_LOOKS_BACK = timedelta(days=1)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a pass left of a kill to do: open orders, positions, and why some of these must stay.

    `failed` says why positions could not be closed just now: they are tried again. `kill` is the
    decision that the pass went by.
    """

    kill: ControlEntry
    open_orders: int = 0
    positions: tuple[Symbol, ...] = ()
    left_over: dict[Symbol, str] = field(default_factory=dict)
    failed: dict[Symbol, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Nothing is left that can be done."""
        return not self.open_orders and not self.positions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A position, or the part of it that is a strategy's: less than nothing when short.

    `price` is what a unit of it cost.
    """

    symbol: Symbol
    quantity: Decimal
    price: Decimal
    stake: Stake | None = None


class KillSwitch:
    """Works while killed and while `run` runs.

    `ready` returns once our record is known to be the venue's; `margin` tells what the venue holds,
    where that is not what our fills say: where more can be sold than is held. `stakes` tells what
    of it strategies hold.
    """

    def __init__(
        self,
        *,
        control: Control,
        manager: OrderManager,
        orders: OrderRepository,
        holdings: Holdings,
        trading: Trading,
        market_data: MarketData,
        clock: Clock,
        bus: Bus,
        may_short: bool,
        margin: Derivatives,
        ready: Callable[[], Awaitable[None]],
        stakes: Callable[[], Awaitable[Sequence[Stake]]],
    ) -> None:
        self._control = control
        self._manager = manager
        self._orders = orders
        self._holdings = holdings
        self._trading = trading
        self._market_data = market_data
        self._clock = clock
        self._may_short = may_short
        self._margin = margin
        self._ready = ready
        self._stakes = stakes
        self._progress: Progress | None = None
        self._changed = asyncio.Event()
        bus.subscribe(ControlChanged, lambda _event: self._changed.set())

    @property
    def progress(self) -> Progress | None:
        """What the last pass left of the kill that counts now; None before its first."""
        progress = self._progress
        return progress if progress and progress.kill == self._control.entry else None

    async def run(self) -> None:
        """Until cancelled; at once at each kill, then again and again until armed."""
        pause = _FIRST_PAUSE
        while True:
            await self._control.killed.wait()
            self._changed.clear()
            try:
                await self.enforce()
            except TradingError as error:
                log.warning("a kill is not carried out yet", error=str(error))
            if await set_within(self._clock, pause, self._changed):  # killed anew, or armed
                pause = _FIRST_PAUSE
            else:
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def enforce(self) -> None:
        """One pass; raises TradingError when it had to stop."""
        kill = self._control.entry
        try:
            await self._control.write_down()
        except StorageError as error:  # orders are cancelled all the same
            log.warning("a kill is not on disk yet", error=str(error))
        await self._manager.cancel_all(foreign=True)
        still = await self._open()
        if not kill.flatten or await self._listed(still):
            self._progress = Progress(kill=kill, open_orders=len(still))
            return
        await self._ready()
        short = await self._orders.short_of_fills(self._clock.now() - _LOOKS_BACK)
        if await self._listed(short):
            log.info("nothing is closed before all fills are known")
            held = tuple(each.symbol for each in await self._held())
            self._progress = Progress(kill=kill, open_orders=len(still), positions=held)
        else:
            self._progress = await self._flatten(kill)

    async def _open(self) -> list[Order]:
        return await self._orders.all(statuses=_OPEN, limit=10_000)

    async def _listed(self, orders: list[Order]) -> bool:
        """Whether one of these is of a symbol that the venue still lists."""
        if not orders:
            return False
        listed = await self._market_data.instruments()
        return any(order.request.symbol in listed for order in orders)

    async def _held(self) -> list[_Held]:
        if self._may_short:
            return [
                _Held(symbol=each.symbol, quantity=each.quantity, price=each.entry_price)
                for each in await self._margin.positions()
            ]
        return [
            _Held(
                symbol=each.symbol, quantity=each.quantity, price=each.average_price or Decimal(0)
            )
            for each in await self._holdings.positions()
            if each.quantity
        ]

    async def _parts(self) -> list[_Held]:
        """What is held, taken apart by whose it is; of more than is there nobody has a part."""
        rest = {each.symbol: each for each in await self._held()}
        parts = []
        for stake in await self._stakes():
            whole = rest.get(stake.symbol)
            if whole is None or whole.quantity * stake.quantity <= 0:
                continue
            quantity = min(stake.quantity, whole.quantity, key=abs)
            parts.append(replace(whole, quantity=quantity, stake=stake))
            rest[stake.symbol] = replace(whole, quantity=whole.quantity - quantity)
        return parts + [each for each in rest.values() if each.quantity]

    async def _flatten(self, kill: ControlEntry) -> Progress:
        left_over, failed = {}, {}
        under_way = set()
        for part in await self._parts():
            try:
                reason = await self._close(part)
            except TradingError as error:  # the others must not wait for it
                log.warning("not closed yet", symbol=str(part.symbol), error=str(error))
                failed[part.symbol] = str(error)
                continue
            if reason:
                left_over[part.symbol] = reason
            else:
                under_way.add(part.symbol)
        for symbol in under_way | failed.keys():  # the next pass sees what is left of it
            left_over.pop(symbol, None)
        return Progress(
            kill=kill,
            open_orders=len(await self._open()),
            positions=tuple(
                each.symbol for each in await self._held() if each.symbol not in left_over
            ),
            left_over=left_over,
            failed=failed,
        )

    async def _close(self, position: _Held) -> str:
        """Sell it, or buy it back, at the market; why not, where that cannot be done."""
        instrument = (await self._market_data.instruments()).get(position.symbol)
        if instrument is None:
            return "the venue does not list it"
        quantity = abs(position.quantity)
        if not self._may_short:
            quantity = min(quantity, await self._free(position.symbol.base))
        size = fitted(quantity, instrument, await self._price(position))
        if not size.quantity or not self._control.entry.flatten:  # armed, or killed anew
            return size.reason
        request = OrderRequest(
            symbol=position.symbol,
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            type=OrderType.MARKET,
            quantity=size.quantity,
            reduce_only=True,
        )
        key = None if position.stake is None else position.stake.key(f"kill:{uuid4().hex}")
        order, _ = await self._manager.save(request, idempotency_key=key, digest=digest(request))
        self._control.exempt(order.id)
        await self._manager.send(order)
        return ""

    async def _free(self, asset: str) -> Decimal:
        """By the venue's word now: fees may have been paid in what was bought."""
        balances = await self._trading.balances()
        return sum((each.free for each in balances if each.asset == asset), Decimal(0))

    async def _price(self, position: _Held) -> Decimal:
        book = await self._market_data.book(position.symbol, levels=5)
        best = book.bids if position.quantity > 0 else book.asks
        return best[0].price if best else position.price
