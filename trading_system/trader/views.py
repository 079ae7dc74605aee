"""How strategies stand: their own wallets, what they decided and filled, and how that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from trading_system.domain.decisions import Decision
from trading_system.domain.errors import InvalidRequest
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, MandateState
from trading_system.domain.positions import Position
from trading_system.domain.timeframes import Timeframe
from trading_system.execution.valuation import Valuation
from trading_system.ports import (
    DecisionRepository,
    MandateRepository,
    OwnFill,
    OwnOrders,
    RecordedFill,
)
from trading_system.trader.curves import equity_curve
from trading_system.trader.wallets import Wallets

ALIVE = frozenset(MandateState) - {MandateState.ENDED}
"""All but those that were deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyView:
    """A mandate and its sub-wallet: `cash` is what it may still spend, all in its quote asset.

    `equity` and `profit` are None while the price of something it holds is not known.
    """

    mandate: Mandate
    positions: tuple[Position, ...]
    cash: Decimal
    equity: Decimal | None

    @property
    def profit(self) -> Decimal | None:
        """Realised and unrealised, after fees."""
        return None if self.equity is None else self.equity - self.mandate.capital


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a strategy did with one symbol: its newest bars, ascending, and what goes with them.

    `equity` is (ms UTC, quote asset), of all its symbols.
    """

    title: str
    timeframe: Timeframe
    bars: tuple[Decision, ...]
    fills: tuple[RecordedFill, ...]
    equity: tuple[tuple[int, float], ...]


class Views:
    """Strategies as they are now; everything raises StorageError."""

    def __init__(
        self,
        *,
        mandates: MandateRepository,
        decisions: DecisionRepository,
        own: OwnOrders,
        wallets: Wallets,
        valuation: Valuation,
    ) -> None:
        self.decisions = decisions
        """What was decided, bar by bar."""
        self._mandates = mandates
        self._own = own
        self._wallets = wallets
        self._valuation = valuation

    async def get(self, mandate_id: UUID) -> StrategyView:
        """Raises NotFound."""
        return await self.of(await self._mandates.get(mandate_id))

    async def all(self) -> Sequence[StrategyView]:
        """Newest first, without those that were deleted."""
        return [await self.of(each) for each in await self._mandates.all(ALIVE)]

    async def of(self, mandate: Mandate) -> StrategyView:
        """With what its fills have made of its capital."""
        wallet = await self._wallets.of(mandate.id)
        cash = mandate.capital - wallet.spent
        holds = any(position.quantity for position in wallet.positions)
        prices = await self._valuation.prices() if holds else {}
        value = wallet.value({symbol: each.price for symbol, each in prices.items()})
        return StrategyView(
            mandate=mandate,
            positions=tuple(wallet.positions),
            cash=cash,
            equity=None if value is None else cash + value,
        )

    async def fills(self, mandate_id: UUID) -> list[OwnFill]:
        """Of its own orders, those of its stops among them, in the order they were booked."""
        _, every = await self._own.fills()
        return [each for each in every if each.mandate_id == mandate_id]

    async def story(self, mandate_id: UUID, symbol: Symbol | None, *, bars: int) -> Story:
        """Of its newest `bars`, over all its symbols; raises NotFound, and InvalidRequest."""
        mandate = await self._mandates.get(mandate_id)
        shown = mandate.symbols[0] if symbol is None else symbol
        if shown not in mandate.symbols:
            raise InvalidRequest(f"strategy {mandate_id} does not trade {shown}")
        newest = await self.decisions.all(mandate_id=mandate_id, limit=bars)
        fills = await self.fills(mandate_id)
        terms = await self._mandates.terms(mandate_id)
        return Story(
            title=f"{mandate.strategy} · {shown} · {mandate.timeframe.name}",
            timeframe=mandate.timeframe,
            bars=tuple(each for each in reversed(newest) if each.symbol == shown),
            fills=tuple(each.recorded for each in fills if each.recorded.symbol == shown),
            equity=tuple(equity_curve(mandate, newest, fills, terms)),
        )
