"""Strategies that trade, and what they decide, as they travel; money is exact decimals in strings.

Prices of candles and indicators are JSON numbers: they decide, and never trade.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

from pydantic import Field, model_validator

from trading_system.api.scalars import DecimalIn, DecimalOut, InstantOut, SymbolText
from trading_system.api.schemas import In, Out, example
from trading_system.domain.events import StrategyChanged
from trading_system.domain.mandates import Mandate, MandateState, SizeKind, Sizing, StopRule
from trading_system.domain.positions import Position
from trading_system.domain.stops import StopKind
from trading_system.domain.timeframes import Timeframe
from trading_system.trader.views import StrategyView

_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:01:05Z"
_ID = "0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e61"

ParameterValue = bool | int | float | str


class SizingIn(In):
    """What a target of 1 is, of each symbol.

    equity: `amount` percent of its even share of the strategy's equity (100 where nothing is said).
    quote, quantity: that much of the quote or the base asset. risk: so much that the stop loses
    `amount` percent of the share. Never more than the share pays for.
    """

    model_config = example(kind="equity", amount="100")

    kind: SizeKind
    amount: DecimalIn

    def sizing(self) -> Sizing:
        """In the domain's words."""
        return Sizing(kind=self.kind, amount=self.amount)


class StrategyStopIn(In):
    """A stop for what the strategy holds: at a fixed distance from what it paid, or trailing."""

    model_config = example(kind="trailing", distance_percent="2.5")

    kind: StopKind
    distance_percent: Annotated[DecimalIn, Field(lt=100)]

    def rule(self) -> StopRule:
        """In the domain's words."""
        return StopRule(kind=self.kind, distance_percent=self.distance_percent)


class StrategyIn(In):
    """A strategy by name with its parameters, what it trades and with how much.

    `capital` is in the quote asset that all symbols share, and is all it ever spends, with what it
    earns. `parameters` are those of `trading-system strategies`; others have their defaults.
    """

    model_config = example(
        name="sma_cross",
        symbols=["BTC/USDT"],
        timeframe="15m",
        parameters={"fast": 20, "slow": 50},
        capital="1000",
        sizing={"kind": "equity", "amount": "50"},
        stop={"kind": "trailing", "distance_percent": "2.5"},
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    symbols: Annotated[list[SymbolText], Field(min_length=1, max_length=500)]
    timeframe: str
    parameters: Mapping[str, ParameterValue] = Field(default_factory=dict)
    capital: DecimalIn
    sizing: SizingIn | None = None
    stop: StrategyStopIn | None = None

    def mandate(self, at: datetime) -> Mandate:
        """In the domain's words, new; raises InvalidRequest."""
        return Mandate(
            id=uuid4(),
            strategy=self.name,
            symbols=tuple(self.symbols),
            timeframe=Timeframe.parse(self.timeframe),
            parameters={name: _text(value) for name, value in self.parameters.items()},
            capital=self.capital,
            sizing=Sizing() if self.sizing is None else self.sizing.sizing(),
            stop=None if self.stop is None else self.stop.rule(),
            created_at=at,
            updated_at=at,
        )


class StrategyChangeIn(In):
    """What is to be changed; everything else its past decisions were made by, and stays."""

    model_config = example(capital="2000")

    capital: DecimalIn | None = None
    sizing: SizingIn | None = None
    stop: StrategyStopIn | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_another_strategy(cls, body: Any) -> Any:
        fixed = {"name", "symbols", "timeframe", "parameters"}
        if isinstance(body, dict) and (named := sorted(fixed & body.keys())):
            raise ValueError(f"{', '.join(named)} cannot be changed: make a new strategy instead")
        return body


_HOLDING: Mapping[str, Any] = {
    "symbol": "BTC/USDT",
    "quantity": "0.00999",
    "average_price": "93093.09",
    "realised": "12.5",
    "fees": {"BTC": "0.00001"},
}


class HoldingOut(Out):
    """What the strategy's own fills have made of a symbol; amounts of money in quote."""

    model_config = example(**_HOLDING)

    symbol: SymbolText
    quantity: DecimalOut
    average_price: DecimalOut | None
    realised: DecimalOut
    fees: Mapping[str, DecimalOut]

    @classmethod
    def of(cls, position: Position) -> Self:
        """Made from a position of the sub-wallet."""
        return cls(
            symbol=position.symbol,
            quantity=position.quantity,
            average_price=position.average_price,
            realised=position.realised,
            fees=dict(position.fees),
        )


class SizingOut(Out):
    """What a target of 1 is."""

    model_config = example(kind="equity", amount="100")

    kind: SizeKind
    amount: DecimalOut


class StrategyStopOut(Out):
    """How its positions are guarded."""

    model_config = example(kind="trailing", distance_percent="2.5")

    kind: StopKind
    distance_percent: DecimalOut


_MANDATE: Mapping[str, Any] = {
    "id": _ID,
    "name": "sma_cross",
    "symbols": ["BTC/USDT"],
    "timeframe": "15m",
    "parameters": {"fast": "20", "slow": "50"},
    "capital": "1000",
    "sizing": {"kind": "equity", "amount": "100"},
    "stop": None,
    "state": "running",
    "reason": None,
    "waiting": {},
    "begins": _NOON,
    "warmup": 49,
    "created_at": _NOON,
    "updated_at": _LATER,
}


class MandateOut(Out):
    """What was asked for, and how it stands.

    `begins` is the open time of the first bar that is decided; the frame begins `warmup` bars
    before. `reason` is why it failed, or the kill that stopped it; `waiting` what symbols wait for.
    """

    model_config = example(**_MANDATE)

    id: UUID
    name: str
    symbols: list[SymbolText]
    timeframe: str
    parameters: Mapping[str, str]
    capital: DecimalOut
    sizing: SizingOut
    stop: StrategyStopOut | None
    state: MandateState
    reason: str | None
    waiting: Mapping[str, str]
    begins: InstantOut | None
    warmup: int
    created_at: datetime
    updated_at: datetime


class StrategyOut(MandateOut):
    """A strategy with its own wallet: `cash` is what it may still spend.

    `equity` and `profit` (realised and unrealised, after fees) are null while the price of
    something it holds is not known.
    """

    model_config = example(
        **_MANDATE,
        cash="69.07",
        equity="1003.2",
        profit="3.2",
        positions=[_HOLDING],
    )

    cash: DecimalOut
    equity: DecimalOut | None
    profit: DecimalOut | None
    positions: list[HoldingOut]

    @classmethod
    def of(cls, view: StrategyView) -> Self:
        """Made from the mandate and its wallet."""
        return cls(
            **_members(view.mandate),
            cash=view.cash,
            equity=view.equity,
            profit=view.profit,
            positions=[HoldingOut.of(each) for each in view.positions],
        )


class StrategyEvent(Out):
    """A strategy was made, started, stopped, changed or deleted, or failed and says why."""

    model_config = example(id=_ID, name="sma_cross", state="failed", reason="took longer than 10 s")

    id: UUID
    name: str
    state: MandateState
    reason: str | None

    @classmethod
    def of(cls, event: StrategyChanged) -> Self:
        """Made from the event."""
        mandate = event.mandate
        return cls(id=mandate.id, name=mandate.strategy, state=mandate.state, reason=mandate.reason)


def _members(mandate: Mandate) -> dict[str, Any]:
    stop = mandate.stop
    return {name: getattr(mandate, name) for name in _MANDATE if hasattr(mandate, name)} | {
        "name": mandate.strategy,
        "timeframe": mandate.timeframe.name,
        "sizing": SizingOut(kind=mandate.sizing.kind, amount=mandate.sizing.amount),
        "stop": None
        if stop is None
        else StrategyStopOut(kind=stop.kind, distance_percent=stop.distance_percent),
    }


def _text(value: ParameterValue) -> str:
    """As it is written on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
