"""The venue's balances beside what our fills explain. Tells every difference, corrects none."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog

from trading_system.bus import Bus
from trading_system.domain.errors import StorageError
from trading_system.domain.events import BalancesChanged
from trading_system.domain.orders import Side
from trading_system.domain.reconciliations import BalanceDifference
from trading_system.domain.reports import Balance
from trading_system.ports import AccountRecords, BalanceRepository, Clock, RecordedFill

log = structlog.get_logger(__name__)

_LAST_DIGIT = Decimal("0.00000001")  # of every balance at Binance

Amounts = Mapping[str, Decimal]
Flows = Callable[[RecordedFill], Amounts]
"""What a fill adds to the account, asset by asset."""


def spot_flows(row: RecordedFill) -> Amounts:
    """A buy brings base for quote, a sale the other way round; the fee goes in its own asset."""
    flows: defaultdict[str, Decimal] = defaultdict(Decimal)
    sign = 1 if row.side == Side.BUY else -1
    flows[row.symbol.base] += sign * row.fill.quantity
    flows[row.symbol.quote] -= sign * row.fill.quote_quantity
    if row.fill.fee:
        flows[row.fill.fee_asset] -= row.fill.fee
    return flows


def no_flows(_: RecordedFill) -> Amounts:
    """Of a margin account, where fills earn by what was before them: every change is told."""
    return {}


def totals(balances: Iterable[Balance]) -> dict[str, Decimal]:
    """Free and locked together: placing an order moves money between the two."""
    return {each.asset: each.free + each.locked for each in balances}


def differences(
    before: Amounts, fills: Iterable[RecordedFill], actual: Amounts, *, flows: Flows, time: datetime
) -> tuple[BalanceDifference, ...]:
    """Where `before` and the fills since do not make what there is, sorted by asset.

    The answer to an order tells price and quantity of a fill, and the venue rounds their product to
    the last digit of a balance: so much may be missing or too much for each such fill.
    """
    expected, rounded = defaultdict(Decimal, before), defaultdict[str, Decimal](Decimal)
    for row in fills:
        for asset, amount in flows(row).items():
            expected[asset] += amount
        if row.fill.quote_quantity % _LAST_DIGIT:
            rounded[row.symbol.quote] += _LAST_DIGIT
    return tuple(
        BalanceDifference(asset=asset, expected=expected[asset], actual=held, time=time)
        for asset in sorted(expected.keys() | actual.keys())
        if abs((held := actual.get(asset, Decimal(0))) - expected[asset]) > rounded[asset]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the account holds, and the number of the last fill booked when that was asked.

    `quiet` says that nothing moved while orders and fills were read, so that the two belong
    together; `differences` are told of a quiet account alone.
    """

    balances: list[Balance]
    fills: int
    time: datetime
    quiet: bool
    differences: tuple[BalanceDifference, ...] = ()


class BalanceBook:
    """Keeps the venue's word on balances, and compares it with our fills when all is quiet."""

    def __init__(
        self,
        *,
        balances: BalanceRepository,
        clock: Clock,
        bus: Bus,
        flows: Flows = spot_flows,
    ) -> None:
        self._balances = balances
        self._clock = clock
        self._flows = flows
        self._told: asyncio.Queue[BalancesChanged] = asyncio.Queue()
        bus.subscribe(BalancesChanged, self._told.put_nowait)

    async def run(self) -> None:
        """Keep what is pushed, until cancelled."""
        while True:
            changed = await self._told.get()
            try:
                await self._balances.append(changed.balances, at=changed.time, source="stream")
            except StorageError as error:  # the next reconciliation keeps what is held then
                log.warning("balances could not be kept", error=str(error))

    async def look(self, records: AccountRecords) -> Amounts:
        """What the account holds now; raises ExchangeError."""
        return totals(await records.balances())

    async def assets(self, seen: Amounts) -> set[str]:
        """What is held now, or was when it was compared last."""
        last = await self._balances.last_check()
        return {*seen, *(totals(last.balances) if last else ())}

    def unexplained(self, findings: Findings) -> set[str]:
        """Assets that something unheard of may have moved; of a margin account nothing tells."""
        if self._flows is no_flows:
            return set()
        return {each.asset for each in findings.differences}

    async def fills_booked(self) -> int:
        """The number of the fill that was booked last."""
        return await self._balances.fills_booked()

    async def compare(self, records: AccountRecords, seen: Amounts) -> Findings:
        """What the account holds after orders and fills were read and booked.

        `seen` was read before that. What is the same before and after has not moved between, so
        that all fills behind it were there to be read.
        """
        fills, time = await self.fills_booked(), self._clock.now()
        balances = await records.balances()
        held = totals(balances)
        quiet = held == seen and await self.fills_booked() == fills
        last = await self._balances.last_check()
        found: tuple[BalanceDifference, ...] = ()
        if quiet and last is not None:
            since = await self._balances.fills_between(last.fills, fills)
            found = differences(totals(last.balances), since, held, flows=self._flows, time=time)
        return Findings(balances=balances, fills=fills, time=time, quiet=quiet, differences=found)

    async def keep(self, findings: Findings) -> None:
        """Write down what was found; what is quiet is what the next comparison begins from."""
        if findings.quiet:
            await self._balances.check(
                findings.balances, at=findings.time, source="reconciler", fills=findings.fills
            )
        else:
            await self._balances.append(findings.balances, at=findings.time, source="reconciler")
