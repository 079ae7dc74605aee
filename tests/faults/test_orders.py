"""Whatever happens to orders, their answers and their events, in the end we know what is true.

A living system places and cancels while something is wrong; then that ends, and time passes.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.faults.rules import rule, sometimes
from trading_system.domain.errors import ExchangeError
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import Order, OrderRequest, OrderStatus, OrderType, Side
from trading_system.simulator.model import Refused

# What becomes of a market order that is placed while every call about orders fails like this. One
# that rests is then cancelled, and one that rested before, whose cancel fails, is cancelled in the
# end.
CALLS = """
fault                                     | order in the end
------------------------------------------+------------------
latency ms=2000                           | FILLED
server-error status=502 body=html         | REJECTED
server-error status=503                   | REJECTED
server-error status=500 executed=true     | FILLED
too-many-requests retry_after=5           | REJECTED
banned ban_seconds=20                     | REJECTED
forbidden                                 | REJECTED
error code=-1000                          | REJECTED
error code=-1001 executed=true            | FILLED
error code=-1003                          | REJECTED
error code=-1006                          | REJECTED
error code=-1006 executed=true            | FILLED
error code=-1007 executed=true            | FILLED
error code=-1008                          | REJECTED
error code=-1021                          | REJECTED
empty-body                                | FILLED
truncated-body                            | FILLED
answer-lost                               | FILLED
request-lost                              | REJECTED
answer-late after_seconds=30              | FILLED
"""

# What disturbs orders whose calls are answered, or their events: all is heard of in the end.
EVENTS = [
    "order-unknown hidden_seconds=30",
    "fill-first most_seconds=5",
    "cancel-crosses-fill most_seconds=300",
    "event-duplicated events=*",
    "event-reordered events=*",
    "event-reordered events=executionReport",
    "event-missed events=*",
    "event-missed events=executionReport",
    "drop links=ws-api",
    "drop links=ws-api seconds=20",
    "half-open links=ws-api",
    "shutdown grace_seconds=2",
]

BTC = Symbol("BTC", "USDT")
SPEED = 60.0
FASTER = {"forbidden": 120.0}  # five minutes to wait
TIMEOUT_MS = 300  # of the machine
FAR = Decimal(85_000)
RESENT = {"error code=-1021": 2}  # the exchange has said that it did nothing: once more is safe


SELDOM = {
    "server-error status=502 body=html",
    "error code=-1000",
    "error code=-1003",
    "error code=-1006",
    "error code=-1006 executed=true",
    "error code=-1008",
    "event-duplicated events=*",
    "event-missed events=*",
    "event-reordered events=*",
    "drop links=ws-api",
}
"""Much like others of the tables: left to the slow tests."""

ENDS = {
    fault.strip(): end.strip()
    for fault, end in (line.split("|") for line in CALLS.strip().splitlines()[2:])
}


@dataclass(frozen=True)
class Trader:
    """Places and cancels through the doors that everybody uses, and compares with the exchange."""

    world: object

    async def place(self, price: Decimal | None = None) -> Order:
        """A limit order at this price, or one that fills at once."""
        wanted = OrderRequest(
            symbol=BTC,
            side=Side.BUY,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            quantity=Decimal("0.002"),
            price=price,
        )
        return await self.world.system.desk.place(wanted)

    async def cancel(self, order: Order) -> bool:
        """Whether the exchange could be asked."""
        try:
            await self.world.system.order_manager.cancel(order.id)
        except ExchangeError:
            return False
        return True

    @property
    def refuses_to_send(self) -> bool:
        """Whether the venue has banned us, or failed so often that orders are kept from it."""
        [venue] = self.world.system.venue_reports()
        states = {breaker.group: breaker.state for breaker in venue.breakers}
        return venue.banned_until is not None or states["trading"] != "closed"

    async def near(self) -> Decimal:
        """A price that the next seller meets."""
        book = await self.world.system.market_data.book(BTC, levels=5)
        return book.bids[0].price

    async def ours(self) -> list[Order]:
        return await self.world.system.orders.all()

    async def agreed(self) -> bool:
        """Every order of ours, and every fill, is as the exchange has it; and no other exists."""
        orders = await self.ours()
        known = [order for order in orders if self.theirs(order) is not None]
        everything = self.world.exchange.exchange.venue.all_orders("main", "BTCUSDT")
        if len(known) != len(everything):
            return False
        return all([await self._equal(order) for order in orders])

    async def ended(self) -> bool:
        """Cancel what is open; whether nothing is, and all is agreed."""
        still = [order for order in await self.ours() if not order.status.is_final]
        for order in still:
            await self.cancel(order)
        return not still and await self.agreed()

    def theirs(self, order: Order):
        """The exchange's own record of it, None where there is none."""
        try:
            return self.world.exchange.exchange.venue.order(
                "main", "BTCUSDT", order_id=None, client_order_id=order.client_order_id
            )
        except Refused:
            return None

    async def _equal(self, order: Order) -> bool:
        theirs = self.theirs(order)
        fills = await self.world.system.orders.fills(order_id=order.id)
        if theirs is None:
            return order.status is OrderStatus.REJECTED and not fills
        return (
            order.status == theirs.status
            and order.venue_order_id == str(theirs.order_id)
            and order.executed_quantity == theirs.executed
            and sorted(_ours(row.fill) for row in fills) == sorted(map(_theirs, theirs.fills))
        )


def _ours(fill):
    return fill.trade_id, fill.price, fill.quantity, fill.fee, fill.fee_asset


def _theirs(fill):
    return str(fill.trade_id), fill.price, fill.quantity, fill.commission, fill.commission_asset


@asynccontextmanager
async def trading(world, speed=SPEED):
    """A trader on a living system whose user stream is up."""
    async with world(speed) as running:

        async def heard() -> bool:
            lines = running.system.user_stream.status()
            return [line.state for line in lines] == ["connected"]

        await running.until(heard, "user stream")
        yield Trader(running)


@pytest.mark.parametrize("fault", sometimes(ENDS, SELDOM))
async def test_every_order_is_sent_once_and_known_in_the_end(world, fault):
    wanted = ENDS[fault]
    async with trading(world, FASTER.get(fault, SPEED)) as trader:
        system, mischief = trader.world.system, trader.world.exchange.mischief
        before = await trader.place(FAR)
        if fault.startswith("answer-late"):
            system.trading._gateway._client.timeout = TIMEOUT_MS
        new, cancels, _ = mischief.add(
            rule(fault, calls=f"{method} /api/v3/order") for method in ("POST", "DELETE", "GET")
        )
        # At once: look-ups of the one soon fail so often that the other would not be sent.
        bought, resting = await asyncio.gather(trader.place(), trader.place(FAR))
        assert await trader.cancel(before) == (rule(fault).kind == "latency")
        assert new.done <= 2 * RESENT.get(fault, 1)
        assert cancels.done or trader.refuses_to_send
        mischief.remove()

        await trader.world.until(trader.agreed, "the same orders here and there")
        await trader.world.until(trader.ended, "no order left")
        assert new.done <= 2 * RESENT.get(fault, 1), "sent again later"
        ends = {order.id: order.status for order in await trader.ours()}
        assert ends[bought.id] == wanted
        assert ends[resting.id] == {"FILLED": "CANCELED"}.get(wanted, "REJECTED")
        assert ends[before.id] is OrderStatus.CANCELED


@pytest.mark.parametrize("fault", sometimes(EVENTS, SELDOM))
async def test_every_fill_is_heard_of(world, fault):
    async with trading(world) as trader:
        mischief = trader.world.exchange.mischief
        mischief.add([rule(fault)])
        if fault.startswith("order-unknown"):  # which nobody sees who is told otherwise
            mischief.add([rule("empty-body", calls="POST *"), rule("event-missed")])
        await trader.place()
        crosses = fault.startswith("cancel-crosses-fill")
        while True:
            crossed = await trader.place(await trader.near())
            await trader.cancel(crossed)
            if not crosses or mischief.done["cancel-crosses-fill"]:
                break  # and has not filled before it could be cancelled
        met = await trader.place(await trader.near())

        async def filled() -> bool:
            return trader.theirs(met).status == "FILLED"

        await trader.world.until(filled, "a fill at the exchange")
        if not fault.startswith("event"):
            await trader.world.until(trader.agreed, "the same while it lasts")
        assert mischief.done[rule(fault).kind]
        if crosses:
            assert trader.theirs(crossed).status == "FILLED"
        mischief.remove()
        await trader.world.until(trader.agreed, "the same orders here and there")
        await trader.world.until(trader.ended, "no order left")
