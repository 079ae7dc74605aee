"""Grids live: one resting order a cell, placed again for its other side whenever it has filled.

Each cell numbers its orders, and the number is part of the key an order goes out under. What is
kept are the cells as far as ended orders brought them; what is open is looked up by its key. So a
crash at any moment leaves the same next order to place, and none is placed twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

import structlog

from trading_system.domain.decisions import Outcome
from trading_system.domain.errors import InvalidRequest, NotAllowed, NotHeld, TradingError
from trading_system.domain.instruments import Instrument, Symbol
from trading_system.domain.mandates import Mandate
from trading_system.domain.orders import Order, OrderRequest, OrderType, TimeInForce
from trading_system.execution.valuation import exact
from trading_system.frames import Frame
from trading_system.ports import DecisionRepository, GridRepository, MarketData, OwnOrders
from trading_system.risk import sizing
from trading_system.strategies import grid_state
from trading_system.strategies.base import build
from trading_system.strategies.grid import Grid
from trading_system.strategies.grid_state import GridOrder, GridState
from trading_system.trader.acting import Actor, Desk
from trading_system.trader.deciding import Run
from trading_system.trader.pauses import Pauses
from trading_system.trader.wallets import Wallets
from trading_system.trader.workers import StrategyFailed

log = structlog.get_logger(__name__)

_FEE = Decimal("0.002")  # kept for the venue's fee, twice what Binance takes at most
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """A grid as far as its ended orders have brought it.

    By cell: `numbers` counts the orders that have ended, which the next one is named by; `net` is
    what it holds less the fees that were taken out of it.
    """

    state: GridState
    numbers: tuple[int, ...]
    net: tuple[Decimal, ...]

    @classmethod
    def empty(cls, state: GridState) -> Cells:
        """Before the first order."""
        count = len(state.held)
        return cls(state=state, numbers=(0,) * count, net=(_NOTHING,) * count)

    def ended(self, cell: int, order: Order) -> Cells:
        """The cells after the current order of a cell has ended, filled or not.

        A sale that filled has emptied its cell, whatever fees had left of it.
        """
        state, executed = self.state, order.executed_quantity
        net = self.net[cell]
        if executed and state.selling[cell]:
            whole = executed >= (order.request.quantity or executed)
            state = grid_state.filled(state, cell, state.held[cell] if whole else executed)
            net = _NOTHING if whole else net - executed
        elif executed:
            state = grid_state.filled(state, cell, executed)
            net += executed - dict(order.fees).get(order.request.symbol.base, _NOTHING)
        return Cells(
            state=state,
            numbers=_with(self.numbers, cell, self.numbers[cell] + 1),
            net=_with(self.net, cell, net),
        )

    def emptied(self) -> Cells:
        """Nothing held, and no number used twice."""
        return replace(Cells.empty(_emptied(self.state)), numbers=self.numbers)

    def record(self) -> Mapping[str, Any]:
        """As JSON takes it."""
        return {
            "state": grid_state.record(self.state),
            "numbers": list(self.numbers),
            "net": [f"{net:f}" for net in self.net],
        }

    @classmethod
    def restored(cls, recorded: Mapping[str, Any]) -> Cells:
        """What was recorded."""
        return cls(
            state=grid_state.restored(recorded["state"]),
            numbers=tuple(recorded["numbers"]),
            net=tuple(map(Decimal, recorded["net"])),
        )


class GridKeeper:
    """Lays grids and keeps their orders; everything else of a mandate is as of any other."""

    def __init__(
        self,
        *,
        grids: GridRepository,
        decisions: DecisionRepository,
        own: OwnOrders,
        wallets: Wallets,
        desk: Desk,
        actor: Actor,
        market_data: MarketData,
        pauses: Pauses,
    ) -> None:
        self._grids = grids
        self._decisions = decisions
        self._own = own
        self._wallets = wallets
        self._desk = desk
        self._actor = actor
        self._market_data = market_data
        self._pauses = pauses

    @staticmethod
    def is_grid(mandate: Mandate) -> bool:
        """Whether its orders rest at levels, instead of following a target."""
        return mandate.strategy == Grid.name

    async def tend(self, mandate: Mandate, run: Run) -> dict[str, str]:
        """Place what should rest and does not; what symbols wait for, if they do."""
        waiting = {str(symbol): why for symbol, why in run.waiting.items()}
        for decision in list(run.pending.values()):
            await self._decisions.settle(replace(decision, outcome=Outcome.KEPT))
            run.pending.pop(decision.symbol)
        for symbol, price in run.closes.items():
            try:
                why = await self._tend(mandate, symbol, price)
            except StrategyFailed:
                raise
            except TradingError as error:
                why = str(error)
            if why is not None:
                waiting[str(symbol)] = why
        return waiting

    async def empty(self, mandate: Mandate) -> None:
        """The cells hold nothing any more, for all of it was sold otherwise."""
        for symbol in mandate.symbols:
            recorded = await self._grids.load(mandate.id, symbol)
            if recorded is not None:
                cells, _ = await self._caught_up(mandate, symbol, Cells.restored(recorded))
                await self._grids.save(mandate.id, symbol, cells.emptied().record())

    async def require_held(self, mandate: Mandate) -> None:
        """Empty the cells of what was closed while nothing ran; before a start.

        Raises NotHeld where only a part of what they hold was, and NotAllowed while an order is not
        settled: it may be what sells that, and cells would sell it once more.
        """
        unsettled = {
            each.order.request.symbol: each.order
            for each in await self._own.unsettled()
            if each.mandate_id == mandate.id
        }
        listed = await self._market_data.instruments()
        wallet = await self._wallets.of(mandate.id)
        for symbol in mandate.symbols:
            recorded = await self._grids.load(mandate.id, symbol)
            if recorded is None or symbol not in listed:
                continue
            if (order := unsettled.get(symbol)) is not None:
                raise NotAllowed(f"order {order.id} is {order.status}: start it once that is over")
            cells, _ = await self._caught_up(mandate, symbol, Cells.restored(recorded))
            cells_hold, held = sum(cells.net, _NOTHING), wallet.position(symbol).quantity
            if cells_hold - held < listed[symbol].step_size:
                continue
            if held >= listed[symbol].step_size:
                raise NotHeld(
                    f"the cells of {symbol} hold {cells_hold:f}, of which {held:f} are left: stop "
                    "the strategy with flatten, which sells that and empties them, then start it"
                )
            await self._grids.save(mandate.id, symbol, cells.emptied().record())

    async def _tend(self, mandate: Mandate, symbol: Symbol, price: Decimal) -> str | None:
        """Why a cell has no order that should have one, if so."""
        instrument = (await self._market_data.instruments())[symbol]
        cells = await self._cells(mandate, symbol, instrument)
        if cells is None:
            return None
        cells, resting = await self._caught_up(mandate, symbol, cells)
        await self._actor.require_trading(mandate)
        refused = None
        for wish in grid_state.orders_wanted(cells.state, price):
            key = cell_key(mandate, symbol, wish.cell, cells.numbers[wish.cell])
            request = _request(wish, cells, instrument)
            if wish.cell in resting or request is None:
                continue
            if self._pauses.lasts(mandate.id, symbol, wish.cell):
                refused = "what was refused is placed again after a while"
                continue
            await self._actor.require_trading(mandate)  # the cells before took their time
            try:
                await self._desk.place(request, key)
            except InvalidRequest as error:
                self._pauses.begin(mandate.id, symbol, wish.cell)
                refused = str(error)
        return refused

    async def _cells(
        self, mandate: Mandate, symbol: Symbol, instrument: Instrument
    ) -> Cells | None:
        """As recorded; laid at the first close there is a range for. None before."""
        recorded = await self._grids.load(mandate.id, symbol)
        if recorded is not None:
            return Cells.restored(recorded)
        strategy = build(Grid, mandate.parameters)
        assert isinstance(strategy, Grid)  # noqa: S101 -- what was built
        bars = Frame.from_array(await self._decisions.bars(mandate.id, symbol))
        levels = strategy.prices(bars)
        if len(bars) <= strategy.warmup or not len(levels):
            return None
        lowest = exact(float(levels[0]))
        size = sizing.fitted(strategy.quantity, instrument, lowest, market=False)
        if not size.quantity:
            raise StrategyFailed(f"a cell of {symbol} cannot be ordered: {size.reason}")
        state = grid_state.laid(levels, size.quantity, instrument.tick_size)
        cost = sum(state.prices[:-1], _NOTHING) * state.quantity * (1 + _FEE)
        share = mandate.capital / len(mandate.symbols)
        if cost > share:
            raise StrategyFailed(
                f"all cells of {symbol} cost {cost.normalize():f} {mandate.quote}, more than its "
                f"{round(share, 8).normalize():f}: take fewer levels or a smaller quantity, or "
                "give it more"
            )
        cells = Cells.empty(state)
        await self._grids.save(mandate.id, symbol, cells.record())
        return cells

    async def _caught_up(
        self, mandate: Mandate, symbol: Symbol, cells: Cells
    ) -> tuple[Cells, set[int]]:
        """The cells after all that has ended, and those whose order still stands."""
        unsettled = {each.order.id for each in await self._own.unsettled()}
        resting: set[int] = set()
        looking = set(range(len(cells.numbers)))
        while looking:
            keys = {cell_key(mandate, symbol, cell, cells.numbers[cell]): cell for cell in looking}
            looking = set()
            before = cells
            for key, order in (await self._own.under(keys)).items():
                if order.id in unsettled or not order.status.is_final:
                    resting.add(keys[key])
                else:
                    if not order.executed_quantity:
                        self._pauses.begin(mandate.id, symbol, keys[key])
                    cells = cells.ended(keys[key], order)
                    looking.add(keys[key])
            if cells != before:
                await self._grids.save(mandate.id, symbol, cells.record())
        return cells, resting


def cell_key(mandate: Mandate, symbol: Symbol, cell: int, number: int) -> str:
    """The Idempotency-Key of the order of this number in a cell, counted from nothing."""
    return mandate.key(symbol, f"cell:{cell}:{number}")


def _request(wish: GridOrder, cells: Cells, instrument: Instrument) -> OrderRequest | None:
    """None where fees have left less than the venue takes."""
    quantity = min(wish.quantity, cells.net[wish.cell]) if wish.side == "SELL" else wish.quantity
    step = instrument.step_size
    quantity = (quantity / step).to_integral_value(ROUND_DOWN) * step
    if not quantity:
        return None
    return OrderRequest(
        symbol=instrument.symbol,
        side=wish.side,
        type=OrderType.LIMIT,
        quantity=quantity,
        price=wish.price,
        time_in_force=TimeInForce.GTC,
    )


def _emptied(state: GridState) -> GridState:
    cells = len(state.held)
    return replace(state, held=(_NOTHING,) * cells, selling=(False,) * cells)


def _with(values: tuple[Any, ...], at: int, value: object) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])
