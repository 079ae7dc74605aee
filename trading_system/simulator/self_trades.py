"""Orders of one account that would have traded with each other, and what is done instead.

Source: Binance's faqs/stp_faq.md. Nothing here moves money or changes an order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class SelfTradePrevention(StrEnum):
    """What happens when an account would trade with itself; see `mode_of`.

    TRANSFER moves money between accounts of one trade group. There are no such groups here, and
    within one account it does what DECREMENT does.
    """

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    TRANSFER = "TRANSFER"

    @property
    def expires_taker(self) -> bool:
        """All that is left of the taker goes."""
        return self in {SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_BOTH}

    @property
    def expires_maker(self) -> bool:
        """All that is left of the maker goes."""
        return self in {SelfTradePrevention.EXPIRE_MAKER, SelfTradePrevention.EXPIRE_BOTH}

    @property
    def decrements(self) -> bool:
        """Both lose what they would have traded."""
        return self in {SelfTradePrevention.DECREMENT, SelfTradePrevention.TRANSFER}


def mode_of(*, taker: SelfTradePrevention, maker: SelfTradePrevention) -> SelfTradePrevention:
    """The mode in effect: the taker's, but TRANSFER is DECREMENT unless both orders have it."""
    transfer = SelfTradePrevention.TRANSFER
    return SelfTradePrevention.DECREMENT if taker is transfer and maker is not transfer else taker


@dataclass(frozen=True, slots=True, kw_only=True)
class PreventedMatch:
    """A trade of `quantity` at `price` that was not made, and what either order lost instead."""

    id: int
    symbol: str
    mode: SelfTradePrevention
    taker_order_id: int
    maker_order_id: int
    price: Decimal
    quantity: Decimal
    off_taker: Decimal = Decimal(0)
    off_maker: Decimal = Decimal(0)
    time: int

    def off(self, order_id: int) -> Decimal:
        """What this one of the two lost."""
        return self.off_taker if order_id == self.taker_order_id else self.off_maker

    def counter_order_id(self, order_id: int) -> int:
        """The other one of the two."""
        taker, maker = self.taker_order_id, self.maker_order_id
        return maker if order_id == taker else taker
