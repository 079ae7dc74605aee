"""Positions and equity as they travel: every amount an exact decimal in a string."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from trading_system.api.scalars import DecimalOut, SymbolText
from trading_system.api.schemas import Out, example
from trading_system.domain.events import PositionChanged
from trading_system.domain.portfolio import Asset, Money, Portfolio, Valued
from trading_system.domain.positions import Equity, Position

_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:04Z"
_HELD: Mapping[str, Any] = {
    "symbol": "BTC/USDT",
    "quantity": "0.01",
    "average_price": "93000",
    "cost": "930",
    "realised": "12.5",
    "realised_fifo": "14.2",
    "fees": {"BNB": "0.0011"},
    "from_before": "0",
    "fills": 4,
    "opened_at": _NOON,
    "updated_at": _LATER,
}
_EQUITY: Mapping[str, Any] = {
    "at": _LATER,
    "quote": "USDT",
    "total": "10021.4",
    "day_start": "10000",
    "peak": "10050",
    "drawdown_percent": 0.2846,
    "unvalued": [],
}
_MONEY: Mapping[str, Any] = {"by_asset": {"USDT": "12.5"}, "total": "12.5"}
_ASSET: Mapping[str, Any] = {
    "asset": "BTC",
    "free": "0.01",
    "locked": "0",
    "price": "93420",
    "price_age_ms": 140,
    "value": "934.2",
}


class HeldOut(Out):
    """What our fills have made of a pair; money is in its quote asset, a short is negative.

    `realised` is by average cost, `realised_fifo` first in first out. `from_before` was sold here
    without having been bought here: its cost is unknown, so it earned nothing.
    """

    model_config = example(**_HELD)

    symbol: SymbolText
    quantity: DecimalOut
    average_price: DecimalOut | None
    cost: DecimalOut
    realised: DecimalOut
    realised_fifo: DecimalOut
    fees: dict[str, DecimalOut]
    from_before: DecimalOut
    fills: int
    opened_at: datetime | None
    updated_at: datetime | None

    @classmethod
    def members(cls, position: Position) -> dict[str, Any]:
        """Its members by name."""
        return {name: getattr(position, name) for name in _HELD}


class VenuePositionOut(Out):
    """What a margin account holds by the venue's own word."""

    model_config = example(
        quantity="0.01", entry_price="93000", unrealised="4.2", mark_price="93420", leverage=5
    )

    quantity: DecimalOut
    entry_price: DecimalOut
    unrealised: DecimalOut
    mark_price: DecimalOut | None
    leverage: int | None


class PositionOut(HeldOut):
    """A position with the newest price of its pair; null where no price is known.

    `realised_today` since midnight UTC; `venue` only of a margin account.
    """

    model_config = example(
        **_HELD,
        price="93420",
        price_age_ms=140,
        value="934.2",
        unrealised="4.2",
        realised_today="1.1",
        venue=None,
    )

    price: DecimalOut | None
    price_age_ms: int | None
    value: DecimalOut | None
    unrealised: DecimalOut | None
    realised_today: DecimalOut
    venue: VenuePositionOut | None

    @classmethod
    def of(cls, valued: Valued) -> Self:
        """Made from the valued position."""
        venue = valued.venue
        return cls(
            **cls.members(valued.position),
            price=valued.price,
            price_age_ms=valued.price_age_ms,
            value=valued.value,
            unrealised=valued.unrealised,
            realised_today=valued.realised_today,
            venue=None
            if venue is None
            else VenuePositionOut.model_validate(venue, from_attributes=True),
        )


class PositionEvent(Out):
    """One more fill made a position what it now is; `realised` by this fill."""

    model_config = example(
        realised="1.1",
        order_id="0193f3a2-7c1e-7b8a-9d40-5a1b2c3d4e5f",
        trade_id="9001",
        position=_HELD,
    )

    realised: DecimalOut
    order_id: UUID
    trade_id: str
    position: HeldOut

    @classmethod
    def of(cls, changed: PositionChanged) -> Self:
        """Made from the change."""
        return cls(
            realised=changed.realised,
            order_id=changed.order_id,
            trade_id=changed.trade_id,
            position=HeldOut(**HeldOut.members(changed.position)),
        )


class EquityOut(Out):
    """What the account is worth in `quote`; `unvalued` assets have no price and are in no total.

    `day_start` is the first total of the UTC day, `peak` the highest so far.
    """

    model_config = example(**_EQUITY)

    at: datetime
    quote: str
    total: DecimalOut
    day_start: DecimalOut
    peak: DecimalOut
    drawdown_percent: float
    unvalued: list[str]

    @classmethod
    def of(cls, equity: Equity) -> Self:
        """Made from the equity."""
        return cls(
            at=equity.at,
            quote=equity.quote,
            total=equity.total,
            day_start=equity.day_start,
            peak=equity.peak,
            drawdown_percent=round(float(100 * equity.drawdown), 4),
            unvalued=list(equity.unvalued),
        )


class AssetOut(Out):
    """A balance of the venue; price and value are null where no price is known."""

    model_config = example(**_ASSET)

    asset: str
    free: DecimalOut
    locked: DecimalOut
    price: DecimalOut | None
    price_age_ms: int | None
    value: DecimalOut | None

    @classmethod
    def of(cls, asset: Asset) -> Self:
        """Made from the asset."""
        return cls(
            asset=asset.name,
            free=asset.free,
            locked=asset.locked,
            price=asset.price,
            price_age_ms=asset.price_age_ms,
            value=asset.value,
        )


class MoneyOut(Out):
    """Amounts by asset; `total` in the portfolio's quote, null when one of them has no price."""

    model_config = example(**_MONEY)

    by_asset: dict[str, DecimalOut]
    total: DecimalOut | None

    @classmethod
    def of(cls, money: Money) -> Self:
        """Made from the amounts."""
        return cls(by_asset=dict(money.by_asset), total=money.total)


class PortfolioOut(Out):
    """Equity and what it is made of; `realised` is by average cost, `today` since midnight UTC."""

    model_config = example(
        equity=_EQUITY,
        assets=[_ASSET],
        realised=_MONEY,
        realised_today=_MONEY,
        unrealised=_MONEY,
        fees=_MONEY,
    )

    equity: EquityOut
    assets: list[AssetOut]
    realised: MoneyOut
    realised_today: MoneyOut
    unrealised: MoneyOut
    fees: MoneyOut

    @classmethod
    def of(cls, portfolio: Portfolio) -> Self:
        """Made from the portfolio."""
        return cls(
            equity=EquityOut.of(portfolio.equity),
            assets=[AssetOut.of(asset) for asset in portfolio.assets],
            realised=MoneyOut.of(portfolio.realised),
            realised_today=MoneyOut.of(portfolio.realised_today),
            unrealised=MoneyOut.of(portfolio.unrealised),
            fees=MoneyOut.of(portfolio.fees),
        )
