"""Gathers what the rules look at, and asks them: the review that every order passes.

A review reads memory and one query, never the network: what the venue must be asked for, the first
price of a symbol or balances that nothing pushes, is asked for in `prepare`, before anybody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID

import structlog

from trading_system.domain.control import ControlState
from trading_system.domain.errors import TradingError
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import OrderBook
from trading_system.domain.order_lists import OrderListRequest
from trading_system.domain.orders import Order, OrderRequest, Side
from trading_system.execution.control import Control
from trading_system.execution.exposures import exposures
from trading_system.execution.list_facts import beside
from trading_system.execution.loss_watch import LossWatch
from trading_system.execution.purse import Purse
from trading_system.execution.valuation import exact
from trading_system.ports import (
    Clock,
    Commitment,
    CommitmentRepository,
    Committed,
    Holdings,
    Live,
    MarketData,
)
from trading_system.risk.facts import Exposure, Facts
from trading_system.risk.gate import Approved, Refused, review
from trading_system.risk.limits import RiskLimits
from trading_system.risk.losses import Losses

log = structlog.get_logger(__name__)

_MINUTE = timedelta(minutes=1)
_LEVELS = 5  # the fewest that a venue gives a snapshot of
_OLD_EQUITY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How much of the limits is used, without any order in mind."""

    open_orders: int
    orders_last_minute: int
    exposures: Mapping[Symbol, Exposure]
    free: Mapping[str, Decimal] | None
    losses: Losses | None
    breaker: str | None


class RiskGate:
    """Reviews requests; money is counted in `currency`, `breaker` says why the venue is not asked.

    What was reviewed must be saved before the next review, and told by `saved`: then no number of
    requests at once gets past a limit, since orders without an answer count as open.
    """

    def __init__(
        self,
        *,
        limits: RiskLimits,
        control: Control,
        purse: Purse,
        losses: LossWatch,
        commitments: CommitmentRepository,
        holdings: Holdings,
        live: Live,
        market_data: MarketData,
        clock: Clock,
        breaker: Callable[[], str | None],
        currency: str,
        may_short: bool,
    ) -> None:
        self.limits = limits
        self.currency = currency
        self._control = control
        self._purse = purse
        self._losses = losses
        self._commitments = commitments
        self._holdings = holdings
        self._live = live
        self._market_data = market_data
        self._clock = clock
        self._breaker = breaker
        self._may_short = may_short
        self._middles: dict[Symbol, tuple[Decimal, float]] = {}

    async def prepare(self, request: OrderRequest) -> None:
        """Ask the venue for what is missing or too old; what stays unknown is left to the rules."""
        if not self._is_taken(request):
            return
        if not self._may_short:
            await self._purse.refresh()
        if request.reduce_only and request.price is None:
            return  # nothing that it is held to needs a price: it must not wait for one
        symbol = request.symbol
        await self._find_price(symbol)
        if self._counts_money and symbol.quote != self.currency:
            await self._find_price(Symbol(symbol.quote, self.currency))
        if self.limits.max_exposure is not None:
            await self._find_prices_of_all()
        if self.limits.bound_losses:
            await self._losses.look(max_age=_OLD_EQUITY)

    def _is_taken(self, request: OrderRequest) -> bool:
        """Whether anything that the venue could tell may matter."""
        taken = {ControlState.RUNNING}
        if request.reduce_only:
            taken.add(ControlState.PAUSED)
        return self._control.state in taken and self._breaker() is None

    async def review(
        self, request: OrderRequest, *, instead_of: UUID | None = None
    ) -> Approved | Refused:
        """May it be sent, as things stand, or as they would without one order? StorageError."""
        return review(await self._facts(request, instead_of), self.limits)

    async def review_list(self, request: OrderListRequest) -> Refused | None:
        """The first leg that may not be sent, each as if those before it stood. StorageError."""
        for leg, wish in request.legs.items():
            facts = beside(await self._facts(wish, None), request, leg)
            verdict = review(facts, self.limits)
            if isinstance(verdict, Refused):
                return verdict
        return None

    def price(self, symbol: Symbol) -> Decimal | None:
        """The newest price known without asking, in its quote asset; None where there is none."""
        return self._priced(symbol)[0]

    def saved(self, order: Order) -> None:
        """What was approved is on record."""
        request = order.request
        selling = request.side is Side.SELL
        self._purse.saved(order.id, request.symbol.base if selling else request.symbol.quote)

    async def standing(self) -> Standing:
        """How much of the limits is used; raises StorageError."""
        committed = await self._committed()
        orders = committed.orders
        return Standing(
            open_orders=_open(orders),
            orders_last_minute=committed.recent,
            exposures=await self._exposures(orders),
            free=self._purse.free(orders, cache(self.price)),
            losses=self._losses.losses,
            breaker=self._breaker(),
        )

    async def _facts(self, request: OrderRequest, instead_of: UUID | None) -> Facts:
        symbol = request.symbol
        instrument = (await self._market_data.instruments()).get(symbol)
        live = self._live.price(symbol)
        price, age = self._priced(symbol)
        # Orders first: one that fills meanwhile is then counted twice and not never.
        committed = await self._committed()
        others = [order for order in committed.orders if order.id != instead_of]
        price_of = cache(self.price)
        return Facts(
            now=self._clock.now(),
            request=request,
            tradable=instrument is not None and instrument.tradable,
            may_short=self._may_short,
            control=self._control.state,
            armed=self._control.armed,
            breaker=self._breaker(),
            market=live.state if live else None,
            price=price,
            price_age_seconds=age,
            rate=self._rate(symbol.quote),
            free=self._purse.free(committed.orders, price_of, instead_of=instead_of),
            exposures=await self._exposures(others),
            open_orders=_open(others),
            orders_last_minute=committed.recent,
            losses=self._losses.losses,
        )

    async def _committed(self) -> Committed:
        return await self._commitments.committed(
            since=self._clock.now() - _MINUTE, also=self._purse.unheard
        )

    async def _exposures(self, orders: Sequence[Commitment]) -> dict[Symbol, Exposure]:
        positions = await self._holdings.positions()
        return exposures(
            {each.symbol: each.quantity for each in positions if each.quantity},
            orders,
            cache(self.price),
            self._worth,
            may_short=self._may_short,
        )

    def _worth(self, symbol: Symbol) -> Decimal | None:
        """One base asset in the account's currency."""
        price, rate = self.price(symbol), self._rate(symbol.quote)
        return None if price is None or rate is None else price * rate

    def _rate(self, asset: str) -> Decimal | None:
        """What one of it is worth in the account's currency."""
        if asset == self.currency:
            return Decimal(1)
        return self.price(Symbol(asset, self.currency))

    def _priced(self, symbol: Symbol) -> tuple[Decimal | None, float | None]:
        """The younger of the last price heard of and the book's middle asked for, and its age."""
        known: list[tuple[float, Decimal]] = []
        live = self._live.price(symbol)
        if live is not None and live.last is not None and live.price_age_ms is not None:
            known.append((live.price_age_ms / 1000, exact(live.last)))
        if symbol in self._middles:
            middle, asked_at = self._middles[symbol]
            known.append((self._clock.monotonic() - asked_at, middle))
        age, price = min(known, default=(None, None))
        return price, age

    async def _find_prices_of_all(self) -> None:
        """What is held or ordered counts with a price only, be it an old one."""
        orders = (await self._committed()).orders
        ordered = {each.symbol for each in orders if not each.status.is_final or each.unbooked}
        held = {each.symbol for each in await self._holdings.positions() if each.quantity}
        for symbol in sorted(ordered | held):
            if self.price(symbol) is None:
                await self._find_price(symbol)

    async def _find_price(self, symbol: Symbol) -> None:
        """Ask for the book once where no price is known, or only one that is too old."""
        _, age = self._priced(symbol)
        oldest = self.limits.max_price_age_seconds
        if age is not None and (oldest is None or age <= oldest):
            return
        asked_at = self._clock.monotonic()
        try:
            middle = _middle(await self._live.book(symbol, levels=_LEVELS))
        except TradingError as error:
            log.info("no price", symbol=str(symbol), error=str(error))
            return
        if middle is not None:
            self._middles[symbol] = middle, asked_at

    @property
    def _counts_money(self) -> bool:
        limits = self.limits
        return any(
            limit is not None
            for limit in (
                limits.max_order_notional,
                limits.max_exposure_per_symbol,
                limits.max_exposure,
            )
        )


def _open(orders: Sequence[Commitment]) -> int:
    return sum(not order.status.is_final for order in orders)


def _middle(book: OrderBook) -> Decimal | None:
    """Halfway between the best prices, or the only one there is."""
    best = [levels[0].price for levels in (book.bids, book.asks) if levels]
    return sum(best, Decimal(0)) / len(best) if best else None
