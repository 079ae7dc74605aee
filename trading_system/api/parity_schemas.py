"""A comparison with a backtest as it travels: computed figures are numbers, not exact decimals."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from trading_system.api.scalars import SymbolText
from trading_system.api.schemas import Out, example
from trading_system.domain.orders import Side
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import FillPair
from trading_system.trader.parity import Differing, DifferingLevel, Parity

_MEANINGS = "; ".join(f"{each}: {each.meaning}" for each in Cause)
CauseOut = Annotated[Cause, Field(description=_MEANINGS)]

_BAR = "2026-01-01T12:00:00Z"
_PAIR: dict[str, Any] = {
    "bar": _BAR,
    "side": "BUY",
    "is_stop": False,
    "order_id": "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f",
    "quantity": 0.0107,
    "price": 93421.5,
    "replayed_quantity": 0.01069,
    "replayed_price": 93420.1,
    "delay_ms": 5212,
    "latency": 0.011,
    "slippage": 0.004,
    "fee": 0.0009,
    "size": 0.93,
    "partial": 0.0,
    "alone": 0.0,
    "cell": None,
    "number": None,
    "maker": None,
    "cause": None,
}


class DifferingOut(Out):
    """A decision that the same candles do not lead to now; null for no decision."""

    model_config = example(bar=_BAR, stored=1.0, replayed=0.0)

    bar: datetime
    stored: float | None
    replayed: float | None

    @classmethod
    def of(cls, differing: Differing) -> Self:
        stored, replayed = (
            None if value != value else value  # noqa: PLR0124 -- NaN
            for value in (differing.stored, differing.replayed)
        )
        return cls(bar=_opened(differing.bar), stored=stored, replayed=replayed)


class DifferingLevelOut(Out):
    """A price of a grid that the same candles do not lead to now; null for no level."""

    model_config = example(level=3, stored="93421.50", replayed="93421.51")

    level: int
    stored: Decimal | None
    replayed: Decimal | None

    @classmethod
    def of(cls, differing: DifferingLevel) -> Self:
        return cls(**asdict(differing))


class FillPairOut(Out):
    """What was filled beside what a backtest fills; null where one of both did not.

    What the run paid more, in quote asset: `latency` (the middle of the book when the order was
    sent, against the open that the backtest fills at), `slippage` (the price paid, against that
    middle), `fee` (null if a third asset paid it), `size` (another quantity was ordered) and
    `partial` (less was filled than ordered). `delay_ms` is from the close of the bar to the fill,
    null of a stop.

    A grid's fills are paired by `cell` and the order's `number` in it, and their parts add up to
    what the backtest earned more: what differs in quantity counts against the last close, `alone`
    is all that a fill without its like came to, `slippage` is against the level, and `delay_ms` is
    0 within the backtest's bar. Of the causes `through`, `beyond` and `worse` contradict the
    candles; of what is no grid there are `asked`, `follows` and `unseen`.
    """

    model_config = example(**_PAIR)

    bar: datetime
    side: Side
    is_stop: bool
    order_id: UUID | None
    quantity: float
    price: float | None
    replayed_quantity: float
    replayed_price: float | None
    delay_ms: int | None
    latency: float
    slippage: float
    fee: float | None
    size: float
    partial: float
    alone: float
    cell: int | None
    number: int | None
    maker: bool | None
    cause: CauseOut | None

    @classmethod
    def of(cls, pair: FillPair) -> Self:
        return cls(**asdict(pair) | {"bar": _opened(pair.bar)})


class ParityOut(Out):
    """One symbol: `clean` when every decision is equal to the last bit and every fill has its like.

    A grid is clean when its `levels` do not differ either, and none of its fills contradicts the
    candles: those do not tell which way a price went, or whether a touch was a trade.

    `not_acted` decisions were missed or refused, and the backtest leaves them out. Profits are in
    quote asset; that of the backtest is null where it cannot size as the strategy does.
    """

    model_config = example(
        symbol="BTC/USDT",
        clean=True,
        decisions=1440,
        differing=[],
        levels=[],
        not_acted=0,
        fills=[_PAIR],
        profit=12.4,
        replayed_profit=12.9,
    )

    symbol: SymbolText
    clean: bool
    decisions: int
    differing: list[DifferingOut]
    levels: list[DifferingLevelOut]
    not_acted: int
    fills: list[FillPairOut]
    profit: float
    replayed_profit: float | None

    @classmethod
    def of(cls, parity: Parity) -> Self:
        return cls(
            symbol=parity.symbol,
            clean=parity.is_clean,
            decisions=parity.decisions,
            differing=[DifferingOut.of(each) for each in parity.differing],
            levels=[DifferingLevelOut.of(each) for each in parity.levels],
            not_acted=parity.not_acted,
            fills=[FillPairOut.of(each) for each in parity.fills],
            profit=parity.profit,
            replayed_profit=parity.replayed_profit,
        )


def _opened(open_time: int) -> datetime:
    return datetime.fromtimestamp(open_time / 1000, UTC)
