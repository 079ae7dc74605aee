"""What a venue has on record of an account, and what is kept of it here: on paper."""

from __future__ import annotations

from dataclasses import dataclass, field

from trading_system.domain.errors import UnknownSymbol
from trading_system.ports import BalanceCheck


@dataclass
class FakeRecords:
    """AccountRecords as a test writes them; `failures` are raised first, one a call.

    What is asked about one of the `delisted` symbols raises UnknownSymbol.
    """

    open: list = field(default_factory=list)
    placed: list = field(default_factory=list)
    traded: list = field(default_factory=list)
    held: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    delisted: set = field(default_factory=set)

    def _count(self, *call):
        self.asked.append(call)
        if self.failures:
            raise self.failures.pop(0)
        if self.delisted & set(call):
            raise UnknownSymbol("the venue lists no such symbol")

    async def open_orders(self):
        self._count("open_orders")
        return list(self.open)

    async def orders(self, symbol, *, since):
        self._count("orders", symbol, since)
        return [each for each in self.placed if each.symbol == symbol and each.created_at >= since]

    async def fills(self, symbol, *, since):
        self._count("fills", symbol, since)
        return [each for each in self.traded if each.symbol == symbol and each.fill.time >= since]

    async def balances(self):
        self._count("balances")
        return list(self.held)


class FakeBalances:
    """BalanceRepository over the fills of a FakeOrders."""

    def __init__(self, orders) -> None:
        self._orders = orders
        self.kept: list = []
        self.checks: list = []

    async def append(self, balances, *, at, source):
        self.kept += [(source, each) for each in balances]

    async def check(self, balances, *, at, source, fills):
        self.checks.append(BalanceCheck(at=at, balances=tuple(balances), fills=fills))

    async def last_check(self):
        return self.checks[-1] if self.checks else None

    async def fills_booked(self):
        return len(self._orders.booked)

    async def fills_between(self, after, last):
        return list(self._orders.booked.values())[after:last]


class FakeReconciliations:
    """ReconciliationRepository in memory."""

    def __init__(self) -> None:
        self.rows: list = []

    async def add(self, done):
        self.rows.append(done)

    async def latest(self, limit=1):
        return self.rows[::-1][:limit]


@dataclass
class FakeRegistered:
    """The registered symbols."""

    rows: list = field(default_factory=list)

    async def all(self, *, active=None):
        return self.rows


@dataclass
class FakeListed:
    """MarketData of the venue that trades, as far as what it lists goes."""

    symbols: set
    clock: object

    async def instruments(self):
        return dict.fromkeys(self.symbols)

    async def server_time(self):
        return self.clock.milliseconds()
