"""After hundreds of orders our positions, fees and profit are what the exchange's ledger says.

The exchange is the simulator's core, its fills read in its own wire format by our translation. It
keeps balances and the fees it took and knows nothing of positions; ours come from the fills alone.
"""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.conftest import ManualClock
from tests.execution.test_ledger import Bench
from tests.fakes.portfolio import BTC, ETH, UUID, FakeAccount, FakeCandles, FakeLive, FakeMarks
from tests.simulator.core.conftest import START, Floor
from trading_system.domain.reports import Balance
from trading_system.exchange.record_rows import venue_fill
from trading_system.execution.portfolio import Portfolio
from trading_system.execution.valuation import Valuation
from trading_system.ports import RecordedFill
from trading_system.simulator import wire
from trading_system.simulator.model import Refused, SymbolRules

D = Decimal
ORDERS = 200
MONEY = D(10_000)
NAMES = {BTC: "BTCUSDT", ETH: "ETHUSDT"}


class Account(Bench):
    """An account that began with money alone: what the exchange says of it, and what we say."""

    def __init__(self, seed) -> None:
        super().__init__(ManualClock(datetime.fromtimestamp(START / 1000, UTC)))
        self.random = random.Random(seed)
        self.floor = Floor(
            *(
                SymbolRules(symbol=name, base=pair.base, quote="USDT")
                for pair, name in NAMES.items()
            ),
            balances={"USDT": str(MONEY)},
        )
        self.account, self.live = FakeAccount(), FakeLive(BTC=101.5, ETH=98.25)
        self.placed, self.numbers = [], set()
        self.portfolio = Portfolio(
            ledger=self.ledger,
            trading=self.account,
            valuation=Valuation(live=self.live, candles=FakeCandles(), clock=self.clock),
            marks=FakeMarks(),
            clock=self.clock,
            bus=self.bus,
            quote="USDT",
            margin=self.account,
        )

    def total(self, asset):
        return sum(self.floor.venue.balances("ann").get(asset, (D(0), D(0))))

    def trade(self) -> None:
        """Place an order at random, or cancel one as well, and let the market move."""
        pair = self.random.choice(list(NAMES))
        side = self.random.choice(["BUY", "BUY", "SELL"])
        lots = self.random.randint(10_000, 200_000) * D("0.00001")
        if side == "SELL":
            lots = min(lots, self.floor.venue.balances("ann").get(pair.base, (D(0),))[0])
            lots = lots.quantize(D("0.00001"), "ROUND_DOWN")
        ticks = self.random.randint(-60, 60)
        price = None if self.random.random() < 0.4 else str(100 + ticks * D("0.01"))
        self.floor.now += self.random.randint(1, 1500)
        order = self.floor.command(side, str(lots), price, symbol=NAMES[pair])
        self.placed.append(self.floor.place(order))
        if self.random.random() < 0.1:
            with suppress(Refused):
                self.floor.cancel(self.random.choice(self.placed))
        tape = str(100 + self.random.randint(-50, 50) * D("0.01"))
        self.floor.print(tape, "1", symbol=NAMES[self.random.choice(list(NAMES))])

    def booked_since(self):
        """What the exchange's record has that ours has not, mixed up."""
        rows = []
        for pair, name in NAMES.items():
            for there in self.floor.venue.fills("ann", name):
                told = venue_fill(wire.own_trade(there), pair)
                if (name, told.fill.trade_id) not in self.numbers:
                    self.numbers.add((name, told.fill.trade_id))
                    rows.append(
                        RecordedFill(
                            order_id=UUID(int=int(told.venue_order_id)),
                            symbol=pair,
                            side=told.side,
                            fill=told.fill,
                        )
                    )
        self.random.shuffle(rows)
        return rows


@pytest.fixture
async def account():
    """One that has traded; its fills were booked now and then, some of them late."""
    account = Account(seed=1)
    await account.positions()
    held_back = []
    while len(account.placed) < ORDERS:
        with suppress(Refused):
            account.trade()
        if len(account.placed) % 10 == 0:
            rows = held_back + account.booked_since()
            half = account.random.randint(0, len(rows))
            account.book(*rows[:half])
            held_back = rows[half:]
            await account.positions()
    account.book(*held_back, *account.booked_since())
    account.account.rows = [
        Balance(asset=asset, free=free, locked=locked)
        for asset, (free, locked) in account.floor.venue.balances("ann").items()
    ]
    return account


async def test_what_is_held_and_the_fees_are_what_the_exchange_says(account):
    btc, eth = await account.positions()
    assert min(btc.fills, eth.fills) > 40
    assert (btc.quantity, eth.quantity) == (account.total("BTC"), account.total("ETH"))
    assert (btc.from_before, eth.from_before) == (0, 0)
    fees = (await account.portfolio.summary()).fees.by_asset
    assert fees == account.floor.venue._accounts.fees
    assert fees.keys() == {"BTC", "ETH", "USDT"}
    assert all(fees.values())


async def test_what_was_realised_and_what_is_held_cost_as_much_as_the_money_that_moved(account):
    btc, eth = await account.positions()
    moved = account.total("USDT") - MONEY
    assert btc.realised + eth.realised - btc.cost - eth.cost == moved
    assert btc.realised != btc.realised_fifo  # they are two ways of counting the same


async def test_the_equity_is_what_there_was_and_all_that_was_earned(account):
    told = await account.portfolio.summary()
    coins = account.total("BTC") * D("101.5") + account.total("ETH") * D("98.25")
    assert told.equity.total == account.total("USDT") + coins
    assert told.equity.total == MONEY + told.realised.total + told.unrealised.total


async def test_each_fill_was_told_once_with_what_it_realised(account):
    positions = await account.positions()
    numbers = [(NAMES[told.position.symbol], told.trade_id) for told in account.told]
    assert len(numbers) == len(account.numbers)
    assert set(numbers) == account.numbers
    days = [sum(page.realised_on.values()) for page in await account.ledger.pages()]
    assert days == [position.realised for position in positions]
