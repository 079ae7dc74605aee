"""What we need from outside, as Protocols; fakes and real parts pass the same contract tests.

Times on these ports: aware UTC datetimes for orders, integer ms UTC for candles.
"""

from trading_system.ports.account import (
    BalanceCheck,
    BalanceRepository,
    ReconciliationRepository,
)
from trading_system.ports.orders import OrderListRepository, OrderRepository, RecordedFill
from trading_system.ports.outside import (
    AccountRecords,
    Clock,
    ComponentHealth,
    Derivatives,
    Holdings,
    Live,
    MarketData,
    OrderLists,
    Trading,
)
from trading_system.ports.repositories import (
    Backfill,
    BackfillRepository,
    Beat,
    BeatRepository,
    Coverage,
    EquityRepository,
    JobState,
    PriceRepository,
    RegisteredSymbol,
    StopRepository,
    SymbolRepository,
)
from trading_system.ports.risk import (
    Commitment,
    CommitmentRepository,
    Committed,
    ControlLog,
    Drawdown,
    DrawdownRecord,
    RecordedRefusal,
    RefusalRepository,
)
from trading_system.ports.strategies import (
    DecisionRepository,
    GridRepository,
    MandateRepository,
    OwnFill,
    OwnOrder,
    OwnOrders,
    Standing,
)

__all__ = [
    "AccountRecords",
    "Backfill",
    "BackfillRepository",
    "BalanceCheck",
    "BalanceRepository",
    "Beat",
    "BeatRepository",
    "Clock",
    "Commitment",
    "CommitmentRepository",
    "Committed",
    "ComponentHealth",
    "ControlLog",
    "Coverage",
    "DecisionRepository",
    "Derivatives",
    "Drawdown",
    "DrawdownRecord",
    "EquityRepository",
    "GridRepository",
    "Holdings",
    "JobState",
    "Live",
    "MandateRepository",
    "MarketData",
    "OrderListRepository",
    "OrderLists",
    "OrderRepository",
    "OwnFill",
    "OwnOrder",
    "OwnOrders",
    "PriceRepository",
    "ReconciliationRepository",
    "RecordedFill",
    "RecordedRefusal",
    "RefusalRepository",
    "RegisteredSymbol",
    "Standing",
    "StopRepository",
    "SymbolRepository",
    "Trading",
]
