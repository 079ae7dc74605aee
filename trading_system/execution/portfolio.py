"""What we hold and what it is worth: positions by our fills, cash and coins by the venue's word.

Equity is marked once a minute and after each fill. An asset without a price is named, not guessed;
while one misses that had a price at the last mark nothing is marked, since nothing was lost.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import structlog

from trading_system.bus import Bus
from trading_system.domain import portfolio as values
from trading_system.domain.candles import MINUTE
from trading_system.domain.errors import TradingError
from trading_system.domain.events import BalancesChanged, PositionChanged
from trading_system.domain.portfolio import Asset, Money, Valued, following
from trading_system.domain.positions import Equity, Position
from trading_system.domain.reports import Balance
from trading_system.execution.ledger import Ledger, Page
from trading_system.execution.valuation import Prices, Valuation, worth
from trading_system.ports import Clock, Derivatives, EquityRepository, Trading

log = structlog.get_logger(__name__)

_KEPT_MINUTELY = timedelta(days=30)
_BALANCES_SECONDS = 60.0  # pushes keep them true in between; this is for what no push told
_ZERO = Decimal(0)


class Portfolio:
    """Holdings for whoever decides by them; `margin` tells what the venue itself calls positions.

    Their unrealised profit is part of the equity; on a spot account coins are, and it has none.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        trading: Trading,
        valuation: Valuation,
        marks: EquityRepository,
        clock: Clock,
        bus: Bus,
        quote: str,
        margin: Derivatives,
    ) -> None:
        self._ledger = ledger
        self._trading = trading
        self._valuation = valuation
        self._marks = marks
        self._clock = clock
        self._quote = quote
        self._margin = margin
        self._balances: dict[str, Balance] | None = None
        self._asked_at = float("-inf")
        self._last: Equity | None = None
        self._marking = asyncio.Lock()
        self._due = asyncio.Event()
        bus.subscribe(BalancesChanged, self._on_balances)
        bus.subscribe(PositionChanged, lambda _: self._due.set())

    async def run(self) -> None:
        """Mark the equity with every minute and after each fill, until cancelled."""
        while True:
            try:
                await self.mark()
            except TradingError as error:  # without keys there is nothing to value
                log.warning("equity not marked", error=str(error))
            await self._pause()

    async def positions(self) -> list[Position]:
        """What our fills have made of each symbol ever traded here, sorted; raises StorageError."""
        return [page.position for page in await self._ledger.pages()]

    async def valued(self) -> list[Valued]:
        """The positions with the newest prices of their symbols, ours beside the venue's own.

        Raises StorageError, and ExchangeError where a venue that keeps positions cannot be asked.
        """
        pages = await self._ledger.pages()
        ours = {
            each.position.symbol: each for each in self._valued(pages, await self._prices(pages))
        }
        for told in await self._margin.positions():
            known = ours.get(told.symbol) or Valued(
                position=Position(symbol=told.symbol),
                price=None,
                price_age_ms=None,
                realised_today=_ZERO,
            )
            ours[told.symbol] = replace(known, venue=told)
        return [ours[symbol] for symbol in sorted(ours)]

    async def equity(self) -> Equity:
        """What the account is worth now, by balances at most a minute old; raises ExchangeError."""
        prices = await self._prices(await self._ledger.pages())
        return await self._equity(await self._assets(prices), prices)

    async def summary(self) -> values.Portfolio:
        """Everything at once, from one set of prices; raises ExchangeError and StorageError."""
        pages = await self._ledger.pages()
        prices = await self._prices(pages)
        assets = await self._assets(prices)
        valued = self._valued(pages, prices)
        return values.Portfolio(
            equity=await self._equity(assets, prices),
            assets=tuple(assets),
            realised=self._money(
                ((each.position.symbol.quote, each.position.realised) for each in valued), prices
            ),
            realised_today=self._money(
                ((each.position.symbol.quote, each.realised_today) for each in valued), prices
            ),
            unrealised=self._money(
                ((each.position.symbol.quote, each.unrealised) for each in valued), prices
            ),
            fees=self._money(
                (fee for each in valued for fee in each.position.fees.items()), prices
            ),
        )

    async def mark(self) -> Equity:
        """Record the equity, by balances asked of the venue now; one that misses something is not.

        So the last mark has what every later one is to be compared with, over a restart too.
        """
        self._asked_at = float("-inf")
        async with self._marking:
            equity = await self.equity()
            if equity.missing:
                log.warning("equity not marked: no price", assets=equity.missing)
                return equity
            await self._marks.record(equity)
            before, self._last = self._last, equity
        if before is None or before.at.date() != equity.at.date():
            await self._marks.thin(equity.at - _KEPT_MINUTELY)
        return equity

    async def history(self, start: int | None, end: int | None, *, points: int) -> list[Equity]:
        """The marks from start to before end, ms UTC, as at most about so many, ascending."""
        return await self._marks.between(self._quote, start, end, points=points)

    def _valued(self, pages: Iterable[Page], prices: Prices) -> list[Valued]:
        today = self._clock.now().date()
        rows = []
        for page in pages:
            priced = prices.get(page.position.symbol)
            rows.append(
                Valued(
                    position=page.position,
                    price=priced.price if priced else None,
                    price_age_ms=priced.age_ms if priced else None,
                    realised_today=page.realised_on.get(today, _ZERO),
                )
            )
        return rows

    async def _prices(self, pages: Iterable[Page]) -> Prices:
        return await self._valuation.prices(page.last for page in pages if page.last is not None)

    async def _assets(self, prices: Prices) -> list[Asset]:
        assets = []
        for balance in sorted((await self._held()).values(), key=lambda each: each.asset):
            priced = worth(balance.asset, self._quote, prices)
            assets.append(
                Asset(
                    name=balance.asset,
                    free=balance.free,
                    locked=balance.locked,
                    price=priced.price if priced else None,
                    price_age_ms=priced.age_ms if priced else None,
                )
            )
        return assets

    async def _held(self) -> Mapping[str, Balance]:
        now = self._clock.monotonic()
        if self._balances is None or now >= self._asked_at + _BALANCES_SECONDS:
            told = await self._trading.balances()
            self._balances = {balance.asset: balance for balance in told}
            self._asked_at = now
        return self._balances

    async def _equity(self, assets: Iterable[Asset], prices: Prices) -> Equity:
        last = self._last or await self._marks.last(self._quote)
        total, appeared, unvalued = _ZERO, _ZERO, []
        for asset in assets:
            if asset.value is None:
                unvalued.append(asset.name)
                continue
            total += asset.value
            if last is not None and asset.name in last.unvalued:
                appeared += asset.value
        for position in await self._margin.positions():
            priced = worth(position.symbol.quote, self._quote, prices)
            if priced is None:
                unvalued.append(str(position.symbol))
            else:
                total += position.unrealised * priced.price
        now = self._clock.now()
        return following(last, total, self._quote, now, unvalued=tuple(unvalued), appeared=appeared)

    def _money(self, amounts: Iterable[tuple[str, Decimal | None]], prices: Prices) -> Money:
        by_asset: defaultdict[str, Decimal] = defaultdict(Decimal)
        total: Decimal | None = _ZERO
        for asset, amount in amounts:
            if amount is None:
                total = None
                continue
            by_asset[asset] += amount
            priced = worth(asset, self._quote, prices)
            if total is not None and amount:
                total = total + amount * priced.price if priced else None
        return Money(by_asset=dict(by_asset), total=total)

    def _on_balances(self, event: BalancesChanged) -> None:
        if self._balances is not None:
            self._balances |= {balance.asset: balance for balance in event.balances}

    async def _pause(self) -> None:
        """Until the next minute begins or a position changes, but a second at least."""
        await self._clock.sleep(1.0)
        rest = (MINUTE - self._clock.milliseconds() % MINUTE) / 1000
        waits = [
            asyncio.ensure_future(self._clock.sleep(rest)),
            asyncio.ensure_future(self._due.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._due.clear()
