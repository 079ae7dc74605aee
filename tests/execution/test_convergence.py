"""Whatever gets lost, repeated or mixed up: after a reconciliation our record is the exchange's.

The exchange is the simulator's core, told in its own wire format and read by our translation. On
our side everything is real but disk and sockets. What may happen is drawn by hypothesis: orders
whose sending, answer or booking is cut off, orders placed by somebody else on the same account,
trades, cancels, restarts, lists that are booked long after they were read, and reports that arrive
late, twice, in another order or never.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.conftest import ManualClock
from tests.fakes.account import FakeBalances, FakeListed, FakeReconciliations
from tests.fakes.execution import FakeOrders
from tests.simulator.core.conftest import START, Floor
from trading_system.bus import Bus
from trading_system.domain.errors import NotFound, OrderNotFound, OutcomeUnknown, Rejected
from trading_system.domain.instruments import Symbol
from trading_system.domain.orders import OrderRequest, OrderStatus, OrderType, Side
from trading_system.domain.reports import Balance
from trading_system.exchange import translate
from trading_system.exchange.record_rows import venue_fill, venue_order
from trading_system.exchange.streams import user_frames
from trading_system.execution.adoption import foreign_id
from trading_system.execution.balances import BalanceBook
from trading_system.execution.doubts import Doubts
from trading_system.execution.look_ups import LookUps
from trading_system.execution.news import Tally
from trading_system.execution.oms import OrderManager
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.survey import Survey
from trading_system.simulator import model, wire
from trading_system.simulator.events import OrderEvent
from trading_system.simulator.model import CancelOrder, PlaceOrder, Refused
from trading_system.simulator.ws_api.user_events import execution_report

BTC = Symbol("BTC", "USDT")
NAME = "BTCUSDT"
US, OTHER = "ann", "bob"


class Crash(BaseException):
    """The process ends here."""


class Exchange:
    """Trading and AccountRecords over the simulator's core; `fate` is what befalls the next call.

    Its events are kept as reports in `pushes`, for a test to deliver as it likes.
    """

    def __init__(self, clock) -> None:
        self.floor = Floor()
        self.clock = clock
        self.fate = "answered"
        self.pushes: list = []
        self.registered = [self]
        self.symbol = BTC

    # What happens there.

    def handle(self, command):
        self.floor.now = max(self.floor.now, self.clock.milliseconds())
        return self._heard(self.floor.do(command))

    def trade(self, price, quantity) -> None:
        self.floor.now = max(self.floor.now, self.clock.milliseconds())
        self._heard(self.floor.print(price, quantity))

    def _heard(self, events):
        self.pushes += [
            user_frames.report(execution_report(event, event.time))
            for event in events
            if isinstance(event, OrderEvent) and event.order.account == US
        ]
        return events

    # Trading

    async def _meets(self, act):
        fate, self.fate = self.fate, "answered"
        if fate == "lost on the way":
            raise OutcomeUnknown("no answer")
        if fate == "ended before":
            raise Crash
        try:
            result = act()
        except Refused as refused:
            raise _our_words(refused) from None
        if fate == "answer lost":
            raise OutcomeUnknown("no answer")
        if fate == "ended after":
            raise Crash
        return result

    async def place(self, order, **_):
        request = order.request

        def act():
            self.handle(
                PlaceOrder(
                    account=US,
                    symbol=NAME,
                    side=model.Side(request.side),
                    type=model.OrderType(request.type),
                    quantity=request.quantity,
                    price=request.price,
                    time_in_force=model.TimeInForce.GTC if request.price else None,
                    client_order_id=order.client_order_id,
                )
            )
            return translate.placed(wire.placed(self._there(order), wire.ResponseType.FULL), order)

        return await self._meets(act)

    async def cancel(self, order):
        def act():
            self.handle(CancelOrder(account=US, symbol=NAME, **self._identity(order)))
            return self._report(order)

        return await self._meets(act)

    async def find(self, order):
        return await self._meets(lambda: self._report(order))

    def _identity(self, order):
        if order.foreign:
            return {"order_id": int(order.venue_order_id)}
        return {"client_order_id": order.client_order_id}

    def _there(self, order):
        return self.floor.venue.order(US, NAME, **self._identity(order))

    def _report(self, order):
        there = self._there(order)
        trades = [wire.own_trade(fill) for fill in there.fills]
        return translate.looked_up(wire.queried(there), order, trades, source="lookup")

    # AccountRecords

    async def open_orders(self):
        rows = self.floor.venue.open_orders(US)
        return [venue_order(wire.queried(row), BTC) for row in rows]

    async def orders(self, symbol, *, since):
        return [each for each in self.all_orders() if each.created_at >= since]

    async def fills(self, symbol, *, since):
        return [each for each in self.all_fills() if each.fill.time >= since]

    async def balances(self):
        rows = self.floor.venue.balances(US).items()
        return [Balance(asset=asset, free=free, locked=locked) for asset, (free, locked) in rows]

    def all_orders(self):
        rows = self.floor.venue.all_orders(US, NAME)
        return [venue_order(wire.queried(row), BTC) for row in rows]

    def all_fills(self):
        rows = self.floor.venue.fills(US, NAME)
        return [venue_fill(wire.own_trade(row), BTC) for row in rows]

    async def all(self, *, active=None):
        """The registered symbols: this one."""
        return self.registered


def _our_words(refused):
    unknown = refused.code in {-2011, -2013}
    return (OrderNotFound if unknown else Rejected)(refused.code, refused.message)


sides = st.sampled_from(["BUY", "SELL"])
prices = st.integers(997, 1003).map(lambda ticks: Decimal(ticks) / 10)
quantities = st.integers(1, 30).map(lambda lots: Decimal(lots) / 10)
fates = st.sampled_from(
    ["answered", "answered", "answer lost", "lost on the way", "ended before", "ended after"]
)
numbers = st.integers(0, 10_000)


class Convergence(RuleBasedStateMachine):
    """One account, watched by us, used by us and by somebody else."""

    @initialize()
    def begin(self):
        self.runner = asyncio.Runner()
        self.clock = ManualClock(datetime.fromtimestamp(START / 1000, UTC))
        self.exchange = Exchange(self.clock)
        self.orders = FakeOrders()
        self.kept = FakeBalances(self.orders)
        self.done = FakeReconciliations()
        self.start()
        self.reconcile()

    def start(self):
        """Our side, with nothing left of the run before but what is on disk."""
        self.read = []
        bus = Bus()
        exchange, orders, clock = self.exchange, self.orders, self.clock
        self.manager = OrderManager(trading=exchange, orders=orders, clock=clock, bus=bus)
        survey = Survey(
            orders=orders, clock=clock, symbols=exchange, market_data=FakeListed({BTC}, clock)
        )
        look_ups = LookUps(
            manager=self.manager,
            orders=orders,
            records=exchange,
            trading=exchange,
            background=exchange,
            clock=clock,
        )
        self.doubts = Doubts(
            manager=self.manager,
            orders=orders,
            records=exchange,
            survey=survey,
            look_ups=look_ups,
            clock=clock,
        )
        self.reconciler = Reconciler(
            manager=self.manager,
            orders=orders,
            records=exchange,
            background=exchange,
            survey=survey,
            doubts=self.doubts,
            look_ups=look_ups,
            balances=BalanceBook(balances=self.kept, clock=clock, bus=bus),
            done=self.done,
            clock=clock,
            bus=bus,
        )

    def teardown(self):
        if hasattr(self, "runner"):
            self.converge_and_compare()
            self.runner.close()

    def run(self, work, seconds=0.01):
        """Do it, and let a little time pass; a crash takes everything that was in memory."""

        async def in_time():
            self.clock._move_to(self.clock.monotonic() + seconds)  # nobody sleeps here
            try:
                await work
            except Crash:
                return True
            return False

        if self.runner.run(in_time()):
            self.start()

    @rule(side=sides, quantity=quantities, price=st.none() | prices, fate=fates)
    def place(self, side, quantity, price, fate):
        request = OrderRequest(
            symbol=BTC,
            side=Side(side),
            type=OrderType.LIMIT if price else OrderType.MARKET,
            quantity=quantity,
            price=price,
        )

        async def save_and_send():
            order, _ = await self.manager.save(request, idempotency_key=None, digest="")
            self.exchange.fate = fate
            await self.manager.send(order)

        self.run(save_and_send())

    def some(self, rows, number):
        return rows[number % len(rows)] if rows else None

    def open_here(self):
        return [order for order in self.orders.rows.values() if not order.status.is_final]

    @precondition(lambda self: self.open_here())
    @rule(number=numbers, fate=fates)
    def cancel(self, number, fate):
        order = self.some(self.open_here(), number)

        async def ask():
            self.exchange.fate = fate
            with suppress(OutcomeUnknown, Rejected):
                await self.manager.cancel(order.id)

        self.run(ask())
        self.exchange.fate = "answered"

    @rule(
        account=st.sampled_from([US, OTHER]),
        side=sides,
        quantity=quantities,
        price=prices,
        name=st.sampled_from(["a", "b"]),
    )
    def somebody_places(self, account, side, quantity, price, name):
        with suppress(Refused):
            command = self.exchange.floor.command(
                side, str(quantity), str(price), account=account, client_order_id=name
            )
            self.exchange.handle(command)

    @rule(number=numbers)
    def somebody_cancels(self, number):
        order = self.some(self.exchange.floor.venue.open_orders(US), number)
        if order:
            self.exchange.handle(CancelOrder(account=US, symbol=NAME, order_id=order.order_id))

    @rule(price=prices, quantity=quantities)
    def the_market_trades(self, price, quantity):
        self.exchange.trade(str(price), str(quantity))

    @precondition(lambda self: self.exchange.pushes)
    @rule(number=numbers, again=st.booleans())
    def a_report_arrives(self, number, again):
        report = self.some(self.exchange.pushes, number)
        if not again:
            self.exchange.pushes.remove(report)
        self.run(self.hear(report))

    @precondition(lambda self: self.exchange.pushes)
    @rule(number=numbers)
    def a_report_gets_lost(self, number):
        self.exchange.pushes.remove(self.some(self.exchange.pushes, number))

    @rule()
    def we_start_again(self):
        self.start()

    @rule()
    def look_up(self):
        self.run(self.doubts.ask())

    @rule()
    def lists_are_read(self):
        """By a pass that takes its time, while everything else goes on."""
        began = datetime.fromtimestamp(START / 1000, UTC)

        async def read():
            self.read.append(await self.reconciler._survey.compare(self.exchange, began, {"BTC"}))

        self.run(read())

    @precondition(lambda self: self.read)
    @rule(number=numbers)
    def lists_are_booked(self, number):
        seen = self.some(self.read, number)
        self.read.remove(seen)

        async def book():
            with suppress(NotFound):  # as a pass breaks off, of a name that is another's by now
                await self.reconciler._news.book(seen, Tally())

        self.run(book())

    @rule()
    def reconcile(self):
        self.run(self.reconciler.reconcile())

    async def hear(self, report):
        with suppress(NotFound):
            await self.reconciler.hear(report)

    @rule(shuffled=st.randoms(use_true_random=False))
    def converge_with_reports_of_all_ages(self, shuffled):
        self.converge_and_compare()
        reports = self.exchange.pushes * 2
        shuffled.shuffle(reports)
        for report in reports:
            self.run(self.hear(report))
        self.compare()

    def converge_and_compare(self):
        for _ in range(4):  # as long as it takes to prove that an order never arrived
            self.run(self.reconciler.reconcile(), seconds=30)
        self.compare()
        done = self.done.rows[-1]
        assert (done.booked, done.fills, done.adopted, done.unknown_left) == (0, 0, 0, 0)
        assert all(each.balances_compared and not each.differences for each in self.done.rows)

    def compare(self):
        """Orders, fills and balances, each side as a whole."""
        ours = dict(self.orders.rows)
        for theirs in self.exchange.all_orders():
            report = theirs.report
            order = next(
                (o for o in ours.values() if o.client_order_id == report.client_order_id), None
            )
            if order is None or order.foreign:
                order = ours[foreign_id(theirs)]
            del ours[order.id]
            assert order.foreign == (not report.client_order_id.startswith("ts-"))
            assert (order.status, order.venue_order_id, order.request.side) == (
                report.status,
                report.venue_order_id,
                theirs.side,
            )
            assert order.executed_quantity == report.executed_quantity
            assert order.executed_quote == report.executed_quote
        assert {order.status for order in ours.values()} <= {OrderStatus.REJECTED}

        booked = {
            (self.orders.rows[row.order_id].venue_order_id, row.side, row.fill.trade_id): row.fill
            for row in self.orders.booked.values()
        }
        told = {
            (f.venue_order_id, f.side, f.fill.trade_id): f.fill for f in self.exchange.all_fills()
        }
        assert booked.keys() == told.keys()
        for key, fill in told.items():
            mine = booked[key]
            assert (mine.price, mine.quantity, mine.fee, mine.fee_asset) == (
                fill.price,
                fill.quantity,
                fill.fee,
                fill.fee_asset,
            )
            assert mine.time == fill.time


def machine(examples, steps):
    """The same stories in every run."""
    case = type(f"{examples} stories", (Convergence,), {}).TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        phases=(Phase.generate, Phase.shrink),
    )
    return case


class TestConvergence(machine(60, 25)):
    pass


@pytest.mark.slow
class TestManyStories(machine(2_000, 50)):
    pass
