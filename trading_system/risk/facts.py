"""Everything that checks look at, as values of one moment; and what follows from them alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from trading_system.domain.control import ControlState
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import MarketState
from trading_system.domain.orders import OrderRequest, Side
from trading_system.risk.losses import Losses

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What is held of a symbol (less than nothing when short) and what open orders may still do.

    Quantities of the base asset; `price` is what one of it is worth in the account's currency,
    None when nobody can tell. Where nothing can be sold short, a sale only ever makes it smaller.
    Of `buying` and `selling` so much may have been filled already: the venue has not answered yet.
    """

    held: Decimal = _NOTHING
    buying: Decimal = _NOTHING
    selling: Decimal = _NOTHING
    buying_unanswered: Decimal = _NOTHING
    selling_unanswered: Decimal = _NOTHING
    price: Decimal | None = None
    may_short: bool = False

    @property
    def quantity(self) -> Decimal:
        """The largest position, either way, that fills of open orders can lead to."""
        shortest = self.held - self.selling if self.may_short else _NOTHING
        return max(abs(self.held), abs(self.held + self.buying), abs(shortest))

    def closable(self, side: Side) -> Decimal:
        """How much an order of this side may close, whatever the venue has not answered yet."""
        if side is Side.SELL:
            return max(self.held - self.selling_unanswered, _NOTHING)
        return max(-self.held - self.buying_unanswered, _NOTHING)

    @property
    def value(self) -> Decimal | None:
        """That position in the account's currency; None without a price."""
        if not self.quantity:
            return _NOTHING
        return None if self.price is None else self.quantity * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The request and how things stand; None where nobody could tell.

    `price` is that of the last trade, or the middle of the book where that is newer, in the quote
    asset and `price_age_seconds` old; `rate` is what one quote asset is worth in the account's
    currency. `free` is by asset. `breaker` says why the venue is not asked, if it is not.
    `exposures` has every symbol of which something is held or ordered, and the request's own.
    """

    now: datetime
    request: OrderRequest
    tradable: bool = True
    may_short: bool = False
    control: ControlState = ControlState.RUNNING
    armed: bool = True
    breaker: str | None = None
    market: MarketState | None = None
    price: Decimal | None = None
    price_age_seconds: float | None = None
    rate: Decimal | None = Decimal(1)
    free: Mapping[str, Decimal] | None = None
    exposures: Mapping[Symbol, Exposure] = field(default_factory=dict)
    open_orders: int = 0
    orders_last_minute: int = 0
    losses: Losses | None = None

    @property
    def worth(self) -> Decimal | None:
        """The quote asset that one base asset of this order is counted at; None without a price.

        A buyer's limit or stop, and at least that of a seller, who may get the market's price where
        that is more; the market's where the order names none.
        """
        request = self.request
        own = request.price or request.stop_price
        if request.side is Side.BUY:
            return own or self.price
        return max((each for each in (own, self.price) if each is not None), default=None)

    @property
    def quantity(self) -> Decimal | None:
        """How much of the base asset is asked for; None when that needs a price nobody has."""
        request = self.request
        if request.quantity is not None:
            return request.quantity
        if request.quote_quantity is None or not self.worth:
            return None
        return request.quote_quantity / self.worth

    @property
    def quote(self) -> Decimal | None:
        """How much of the quote asset it is about; None when that needs a price nobody has."""
        request = self.request
        if request.quote_quantity is not None:
            return request.quote_quantity
        if request.quantity is None or self.worth is None:
            return None
        return request.quantity * self.worth

    @property
    def notional(self) -> Decimal | None:
        """The same in the account's currency."""
        return None if self.quote is None or self.rate is None else self.quote * self.rate

    @property
    def exposure(self) -> Exposure:
        """Of the symbol, as it is without this order."""
        return self.exposures.get(self.request.symbol, Exposure(may_short=self.may_short))

    @property
    def exposure_after(self) -> Exposure | None:
        """Of the symbol, counting what this order may do, at no less than the order may pay.

        None when the quantity needs a price nobody has.
        """
        quantity, before = self.quantity, self.exposure
        if quantity is None:
            return None
        own = None if self.worth is None or self.rate is None else self.worth * self.rate
        price = max((each for each in (own, before.price) if each is not None), default=None)
        if self.request.side is Side.BUY:
            return replace(before, price=price, buying=before.buying + quantity)
        return replace(before, price=price, selling=before.selling + quantity)

    @property
    def closes(self) -> bool:
        """Whether it is to close a position and asks for no more than what is there.

        On margin the venue sees to that when it fills; elsewhere nothing can be sold short.
        """
        request = self.request
        if not request.reduce_only or request.quantity is None:
            return False
        return request.quantity <= self.exposure.closable(request.side)

    @property
    def reduces(self) -> bool:
        """Whether it can only make a position smaller, whatever else fills.

        Where nothing can be sold short every sale does. Elsewhere it must sell of what is held, or
        buy back what is owed, no more than open orders leave of it.
        """
        if self.closes:
            return True
        exposure = self.exposure
        if not exposure.may_short:
            return self.request.side is Side.SELL
        if self.quantity is None:
            return False
        if self.request.side is Side.SELL:
            return self.quantity <= exposure.held - exposure.selling
        return self.quantity <= -exposure.held - exposure.buying
