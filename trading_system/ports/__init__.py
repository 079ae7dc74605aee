"""What we need from outside, as Protocols; fakes and real parts pass the same contract tests.

Times on these ports: aware UTC datetimes for orders, integer ms UTC for candles.
"""

from trading_system.ports.outside import (
    AccountRecords,
    Clock,
    ComponentHealth,
    Derivatives,
    Live,
    MarketData,
    Trading,
)
from trading_system.ports.repositories import (
    Backfill,
    BackfillRepository,
    Beat,
    BeatRepository,
    Coverage,
    JobState,
    OrderRepository,
    PriceRepository,
    RecordedFill,
    RegisteredSymbol,
    SymbolRepository,
)

__all__ = [
    "AccountRecords",
    "Backfill",
    "BackfillRepository",
    "Beat",
    "BeatRepository",
    "Clock",
    "ComponentHealth",
    "Coverage",
    "Derivatives",
    "JobState",
    "Live",
    "MarketData",
    "OrderRepository",
    "PriceRepository",
    "RecordedFill",
    "RegisteredSymbol",
    "SymbolRepository",
    "Trading",
]
