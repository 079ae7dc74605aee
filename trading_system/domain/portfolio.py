"""What the whole account is worth, part by part; None stands wherever a price is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from trading_system.domain.positions import Equity, Position
from trading_system.domain.reports import VenuePosition

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A balance of the venue; price and value are in the portfolio's quote."""

    name: str
    free: Decimal
    locked: Decimal
    price: Decimal | None
    price_age_ms: int | None

    @property
    def value(self) -> Decimal | None:
        """What all of it is worth."""
        return None if self.price is None else (self.free + self.locked) * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A position with the newest price of its symbol; `realised_today` since midnight UTC.

    `venue` is what a margin account holds of it by the venue's own word.
    """

    position: Position
    price: Decimal | None
    price_age_ms: int | None
    realised_today: Decimal
    venue: VenuePosition | None = None

    @property
    def value(self) -> Decimal | None:
        """In the position's own quote asset."""
        return None if self.price is None else self.position.value(self.price)

    @property
    def unrealised(self) -> Decimal | None:
        """In the position's own quote asset; nothing held earns nothing, whatever the price."""
        if not self.position.quantity:
            return Decimal(0)
        return None if self.price is None else self.position.unrealised(self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Amounts by asset; `total` in the portfolio's quote, None when one of them has no price."""

    by_asset: Mapping[str, Decimal]
    total: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Equity and what it is made of; `realised` is by average cost."""

    equity: Equity
    assets: tuple[Asset, ...]
    realised: Money
    realised_today: Money
    unrealised: Money
    fees: Money


def following(
    last: Equity | None,
    total: Decimal,
    quote: str,
    at: datetime,
    *,
    unvalued: tuple[str, ...] = (),
    appeared: Decimal = _NOTHING,
) -> Equity:
    """The equity at this moment, after the last one marked; the first of a UTC day is its start.

    What `appeared` because it has a price now is no gain: the day's start and the peak had it too.
    While something is missing that the last one counted, both stay what they were.
    """
    if last is None:
        return Equity(
            total=total,
            quote=quote,
            day_start=total,
            peak=total,
            at=at,
            unvalued=unvalued,
            uncounted=unvalued,
        )
    uncounted = tuple(name for name in unvalued if name in last.unvalued)
    if uncounted != unvalued:
        return replace(last, total=total, at=at, unvalued=unvalued, uncounted=uncounted)
    return replace(
        last,
        total=total,
        day_start=last.day_start + appeared if last.at.date() == at.date() else total,
        peak=max(last.peak + appeared, total),
        at=at,
        unvalued=unvalued,
        uncounted=uncounted,
    )
