"""What somebody may ask of strategies that trade: make, look, change, start, stop and delete.

A strategy trades with the capital it was given and nothing else. What it holds when it is stopped
or deleted stays in the account, unless it is asked to close it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from trading_system.bus import Bus
from trading_system.domain.candles import Span
from trading_system.domain.control import ControlState
from trading_system.domain.errors import InvalidRequest, NotAllowed, UnknownSymbol
from trading_system.domain.events import StrategyChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.mandates import Mandate, MandateState, Sizing, StopRule, check
from trading_system.execution.control import Control
from trading_system.ports import (
    Clock,
    MandateRepository,
    MarketData,
    PriceRepository,
    SymbolRepository,
)
from trading_system.trader.capital import Capital
from trading_system.trader.grids import GridKeeper
from trading_system.trader.trader import Trader
from trading_system.trader.views import ALIVE, Views
from trading_system.trader.workers import Brains, StrategyFailed


class Strategies:
    """Mandates for whoever asks; changes wait until the loop is done with the mandate."""

    def __init__(
        self,
        *,
        mandates: MandateRepository,
        views: Views,
        capital: Capital,
        trader: Trader,
        grids: GridKeeper,
        brains: Brains,
        symbols: SymbolRepository,
        prices: PriceRepository,
        market_data: MarketData,
        backfill: Callable[[Symbol, Span], Awaitable[object]],
        control: Control,
        clock: Clock,
        bus: Bus,
        may_short: bool,
    ) -> None:
        self._mandates = mandates
        self.views = views
        """How they stand."""
        self._capital = capital
        self._trader = trader
        self._grids = grids
        self._brains = brains
        self._symbols = symbols
        self._prices = prices
        self._market_data = market_data
        self._backfill = backfill
        self._control = control
        self._clock = clock
        self._bus = bus
        self._may_short = may_short

    async def create(self, mandate: Mandate) -> Mandate:
        """A new one, not started. Raises InvalidRequest, UnknownSymbol, NotRegistered.

        NotAllowed when the account has less free than it is to have, or when another strategy
        trades the same symbol on an account that nets positions.
        """
        self._check(mandate)
        listed = await self._market_data.instruments()
        for symbol in mandate.symbols:
            if symbol not in listed:
                raise UnknownSymbol(f"the venue lists no {symbol}")
        await self._require_collected(mandate)
        warmup = await self._warmup(mandate)
        async with self._capital.alone:
            await self._capital.require_free(mandate.quote, mandate.capital)
            await self._require_alone(mandate)
            return await self._save(replace(mandate, warmup=warmup))

    async def start(self, mandate_id: UUID) -> Mandate:
        """Decide with the close of the bar that is open now, and with every one after it.

        One that was started before goes on with the frame it had: what closed meanwhile is decided
        too, and not acted on. Raises NotFound, InvalidRequest for a symbol that is not collected
        any more: no bar of it would ever close. NotAllowed while trading is killed or an order of a
        grid is not settled, NotHeld where the account has less than strategies hold, and
        ExchangeError while that is not known.
        """
        async with self._trader.alone(mandate_id):
            mandate = await self._mandates.get(mandate_id)
            self._refuse_winding_down(mandate)
            kills = self._require_not_killed()
            if mandate.state is MandateState.RUNNING and mandate.kills == kills:
                return mandate
            await self._require_collected(mandate)
            await self._capital.require_held(mandate)
            await self._grids.require_held(mandate)
            now = self._clock.milliseconds()
            begins = mandate.begins
            if begins is None:
                begins = mandate.timeframe.floor(now)
                await self._fetch_warmup(mandate, begins)
            started = await self._save(
                replace(
                    mandate,
                    state=MandateState.RUNNING,
                    begins=begins,
                    started=now,
                    kills=kills,
                    reason=None,
                    waiting={},
                )
            )
        self._trader.wake()
        return started

    async def stop(self, mandate_id: UUID, *, flatten: bool = False) -> Mandate:
        """Decide nothing more and cancel what is open; with `flatten` what is held is closed.

        Without it the position stays, and so does the stop that guards it. Raises NotFound, and
        NotAllowed for one that was deleted.
        """
        return await self._wind_down(mandate_id, MandateState.STOPPING, flatten=flatten)

    async def delete(self, mandate_id: UUID, *, flatten: bool = False) -> Mandate:
        """The same, for good; its decisions and orders stay on record. Its capital is free again.

        What it holds belongs to nobody then, unless `flatten`. Raises NotFound and NotAllowed.
        """
        return await self._wind_down(mandate_id, MandateState.ENDING, flatten=flatten)

    async def _wind_down(self, mandate_id: UUID, state: MandateState, *, flatten: bool) -> Mandate:
        async with self._trader.alone(mandate_id):
            mandate = await self._mandates.get(mandate_id)
            if mandate.state is MandateState.ENDING:
                flatten = flatten or mandate.flatten
                state = MandateState.ENDING
            self._refuse_ended(mandate)
            over = await self._save(
                replace(mandate, state=state, flatten=flatten, reason=None, waiting={})
            )
        self._trader.wake()
        return over

    async def change(
        self,
        mandate_id: UUID,
        *,
        capital: Decimal | None = None,
        sizing: Sizing | None = None,
        stop: StopRule | None = None,
    ) -> Mandate:
        """What is named; the rest is what its past decisions were made by, and stays.

        Raises NotFound, InvalidRequest, and NotAllowed for more capital than is free, or less than
        what it has spent; of a grid that was laid, for any less.
        """
        async with self._capital.alone, self._trader.alone(mandate_id):
            mandate = await self._mandates.get(mandate_id)
            self._refuse_ended(mandate)
            changed = replace(
                mandate,
                capital=mandate.capital if capital is None else capital,
                sizing=sizing or mandate.sizing,
                stop=stop or mandate.stop,
            )
            self._check(changed)
            if GridKeeper.is_grid(mandate) and mandate.begins and changed.capital < mandate.capital:
                raise NotAllowed("the cells of a grid were laid for its capital: it keeps that")
            await self._capital.require_spent_less(changed)
            if changed.capital > mandate.capital:
                await self._capital.require_free(mandate.quote, changed.capital - mandate.capital)
            return await self._save(changed)

    def _check(self, mandate: Mandate) -> None:
        check(mandate, may_short=self._may_short)
        if GridKeeper.is_grid(mandate) and (mandate.stop or mandate.sizing != Sizing()):
            raise InvalidRequest("a grid has a quantity of its own and no stop: leave both out")

    def _require_not_killed(self) -> int:
        """How often trading was killed so far; raises NotAllowed while it is."""
        if self._control.state is ControlState.KILLED:
            why = self._control.entry.reason
            raise NotAllowed(f"trading was killed: {why}: arm it, then start the strategy")
        return self._control.kills

    @staticmethod
    def _refuse_ended(mandate: Mandate) -> None:
        if mandate.state is MandateState.ENDED:
            raise NotAllowed(f"strategy {mandate.id} was deleted: make a new one")

    def _refuse_winding_down(self, mandate: Mandate) -> None:
        self._refuse_ended(mandate)
        if mandate.state in {MandateState.STOPPING, MandateState.ENDING}:
            raise NotAllowed(f"strategy {mandate.id} is {mandate.state}: wait until that is done")

    async def _warmup(self, mandate: Mandate) -> int:
        """Its own word on it, by its code and these parameters; raises InvalidRequest."""
        try:
            brain = await self._brains.open(mandate.strategy, mandate.parameters)
        except StrategyFailed as failure:
            raise InvalidRequest(str(failure).removeprefix("InvalidRequest: ")) from None
        await brain.close()
        return brain.warmup

    async def _fetch_warmup(self, mandate: Mandate, begins: int) -> None:
        """Have the candles before the first bar fetched where they are missing."""
        start = begins - mandate.warmup * mandate.timeframe.length
        for symbol in mandate.symbols:
            coverage = await self._prices.coverage(symbol, Span(start, begins), digest=False)
            if coverage.missing:
                span = Span(coverage.missing[0].start, coverage.missing[-1].end)
                await self._backfill(symbol, span)

    async def _require_collected(self, mandate: Mandate) -> None:
        for symbol in mandate.symbols:
            if not (await self._symbols.get(symbol)).active:
                raise InvalidRequest(f"{symbol} is not collected any more: register it again")

    async def _require_alone(self, mandate: Mandate) -> None:
        """Where positions of a symbol are netted, nobody could tell whose they are."""
        if not self._may_short:
            return
        for other in await self._mandates.all(ALIVE):
            shared = set(mandate.symbols) & set(other.symbols)
            if shared:
                raise NotAllowed(f"{min(shared)} is traded by strategy {other.id} already")

    async def _save(self, mandate: Mandate) -> Mandate:
        changed = replace(mandate, updated_at=self._clock.now())
        await self._mandates.save(changed)
        self._bus.publish(StrategyChanged(mandate=changed))
        return changed
