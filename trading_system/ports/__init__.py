"""What we need from outside, as Protocols; fakes and real parts pass the same contract tests.

Times on these ports: aware UTC datetimes for orders, integer ms UTC for candles.
"""

from trading_system.ports.outside import (
    AccountRecords,
    Clock,
    ComponentHealth,
    Derivatives,
    Holdings,
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
    "Holdings",
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
