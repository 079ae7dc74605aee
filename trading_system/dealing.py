"""The third part of the composition root: from a wish to an order, and how it is kept true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from trading_system.bus import Bus
from trading_system.domain.candles import Span
from trading_system.domain.errors import NotRegistered
from trading_system.domain.instruments import Symbol
from trading_system.domain.timeframes import Timeframe
from trading_system.exchange.markets import Account
from trading_system.execution.adviser import Adviser
from trading_system.execution.balances import BalanceBook, no_flows, spot_flows
from trading_system.execution.control import Arming, Control
from trading_system.execution.desk import Desk
from trading_system.execution.doubts import Doubts
from trading_system.execution.ledger import Ledger
from trading_system.execution.look_ups import LookUps
from trading_system.execution.oms import OrderManager
from trading_system.execution.order_lists import ListManager
from trading_system.execution.portfolio import Portfolio
from trading_system.execution.reconciler import Reconciler
from trading_system.execution.safety import Safety, safety
from trading_system.execution.steps import OnStep, ignore
from trading_system.execution.stop_wishes import StopWishes
from trading_system.execution.stops import StopKeeper
from trading_system.execution.survey import Survey
from trading_system.execution.valuation import Valuation, exact, middles
from trading_system.market.states import ATR_CANDLES, atr_percent
from trading_system.ports import (
    Clock,
    Derivatives,
    Live,
    MarketData,
    OrderLists,
    OrderRepository,
    PriceRepository,
    SymbolRepository,
)
from trading_system.risk.limits import RiskLimits
from trading_system.storage.balances import Balances
from trading_system.storage.commitments import Commitments
from trading_system.storage.control import ControlEntries, DrawdownEntry
from trading_system.storage.database import Database
from trading_system.storage.equity import EquityMarks
from trading_system.storage.order_lists import OrderLists as StoredLists
from trading_system.storage.reconciliations import Reconciliations
from trading_system.storage.refusals import Refusals
from trading_system.storage.stops import Stops
from trading_system.streaming import Run
from trading_system.trader.stakes import Stakes

_HOURS = Timeframe.parse("1h")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcilingOptions:
    """A pass every `seconds`; what is absent for `patience` seconds is settled.

    With `resend` that means: sent again under the same id.
    """

    seconds: float = 300.0
    patience: float = 60.0
    resend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """Everything an order passes through, and the tasks that keep it true."""

    desk: Desk
    manager: OrderManager
    lists: ListManager
    adviser: Adviser
    reconciler: Reconciler
    doubts: Doubts
    balances: BalanceBook
    reconciliations: Reconciliations
    ledger: Ledger
    portfolio: Portfolio
    stops: StopKeeper
    safety: Safety

    @property
    def held(self) -> frozenset[Symbol]:
        """What we hold or guard, whose prices are therefore to be followed."""
        return self.ledger.held | self.stops.symbols

    @property
    def tasks(self) -> Mapping[str, Run]:
        """What must run."""
        return {
            "reconciler": self.reconciler.run,
            "doubts": self.doubts.run,
            "balances": self.balances.run,
            "ledger": self.ledger.run,
            "portfolio": self.portfolio.run,
            "stops": self.stops.run,
            "losses": self.safety.losses.run,
            "kill switch": self.safety.kill_switch.run,
        }


def dealing(
    account: Account,
    background: Account,
    market_data: MarketData,
    *,
    lists: OrderLists,
    margin: Derivatives,
    orders: OrderRepository,
    symbols: SymbolRepository,
    database: Database,
    candles: PriceRepository,
    live: Live,
    clock: Clock,
    bus: Bus,
    is_pushed: Callable[[], bool],
    resting: Callable[[], str | None],
    limits: RiskLimits,
    arming: Arming,
    quote: str,
    may_short: bool,
    stakes: Stakes,
    reconciling: ReconcilingOptions,
    on_step: OnStep = ignore,
) -> Dealing:
    """Build it; `is_pushed` tells whether order events arrive by themselves at the moment.

    What nobody waits for is asked of `background`. The portfolio is valued, and limits are set, in
    `quote`; `resting` says why the venue is not asked, if it is not; `may_short` where more can be
    sold than is held; `stakes` are strategies'. `on_step` hears of every step of an order's way.
    """
    trading = account.trading
    ledger = Ledger(
        orders=orders,
        clock=clock,
        bus=bus,
        may_short=may_short,
        under_way=lambda: manager.booking.under_way,
    )
    portfolio = Portfolio(
        ledger=ledger,
        trading=trading,
        valuation=Valuation(live=live, candles=candles, clock=clock),
        marks=EquityMarks(database),
        clock=clock,
        bus=bus,
        quote=quote,
        margin=margin,
    )
    control = Control(log=ControlEntries(database), clock=clock, bus=bus, arming=arming)
    manager = OrderManager(
        trading=trading,
        orders=orders,
        clock=clock,
        bus=bus,
        middle=middles(live),
        on_step=on_step,
        may_send=control.may_send,
    )
    list_manager = ListManager(
        venue=lists,
        lists=StoredLists(database),
        manager=manager,
        clock=clock,
        middle=middles(live),
        on_step=on_step,
        may_send=control.may_send,
    )
    survey = Survey(
        orders=orders,
        clock=clock,
        symbols=symbols,
        market_data=market_data,
        # All that is traded on margin moves the one asset that is put up for it.
        asset_of=lambda symbol: symbol.quote if may_short else symbol.base,
    )
    look_ups = LookUps(
        manager=manager,
        orders=orders,
        records=account.records,
        trading=trading,
        background=background.trading,
        clock=clock,
        patience=reconciling.patience,
        resend=reconciling.resend,
    )
    doubts = Doubts(
        manager=manager,
        orders=orders,
        records=account.records,
        survey=survey,
        look_ups=look_ups,
        clock=clock,
    )
    balances = BalanceBook(
        balances=Balances(database),
        clock=clock,
        bus=bus,
        flows=no_flows if may_short else spot_flows,
    )
    reconciliations = Reconciliations(database)
    reconciler = Reconciler(
        manager=manager,
        orders=orders,
        records=account.records,
        background=background.records,
        survey=survey,
        doubts=doubts,
        look_ups=look_ups,
        balances=balances,
        done=reconciliations,
        clock=clock,
        bus=bus,
        every=reconciling.seconds,
        is_pushed=is_pushed,
    )
    safe = safety(
        control,
        manager,
        limits=limits,
        trading=trading,
        market_data=market_data,
        holdings=portfolio,
        live=live,
        orders=orders,
        commitments=Commitments(database),
        refusals=Refusals(database),
        drawdown=DrawdownEntry(database),
        clock=clock,
        bus=bus,
        is_pushed=is_pushed,
        resting=resting,
        currency=quote,
        may_short=may_short,
        margin=margin,
        ready=reconciler.ready,
        stakes=stakes.all,
    )
    desk = Desk(
        gate=safe.gate,
        manager=manager,
        orders=orders,
        refusals=safe.refusals,
        market_data=market_data,
        clock=clock,
        bus=bus,
        lists=list_manager,
        ready=reconciler.ready,
        owner=stakes.owner,
    )
    return Dealing(
        desk=desk,
        manager=manager,
        lists=list_manager,
        adviser=Adviser(gate=safe.gate, market_data=market_data, derivatives=margin),
        reconciler=reconciler,
        doubts=doubts,
        balances=balances,
        reconciliations=reconciliations,
        ledger=ledger,
        portfolio=portfolio,
        safety=safe,
        stops=StopKeeper(
            stops=Stops(database),
            wishes=StopWishes(
                holdings=portfolio,
                orders=orders,
                market_data=market_data,
                live=live,
                volatility=lambda symbol: _volatility(symbol, candles, clock),
            ),
            desk=desk,
            manager=manager,
            orders=orders,
            holdings=portfolio,
            market_data=market_data,
            live=live,
            clock=clock,
            bus=bus,
            ready=reconciler.ready,
        ),
    )


async def _volatility(symbol: Symbol, candles: PriceRepository, clock: Clock) -> Decimal | None:
    """The average true range of the last hours, in percent of the price; None where unknown."""
    now = _HOURS.floor(clock.milliseconds())
    span = Span(now - (ATR_CANDLES + 1) * _HOURS.length, now)
    try:
        percent = atr_percent(await candles.columns(symbol, span, _HOURS))
    except NotRegistered:
        return None
    return None if percent is None else exact(percent)
