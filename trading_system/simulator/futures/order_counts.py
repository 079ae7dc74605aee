"""How many orders an account may place: futures count every order, and give none back.

Windows are aligned to the clock. Every `now` is passed in, ms UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading_system.simulator.limits import TooMuch

_SECOND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimit:
    """So many orders in each slot of the clock; `interval` and `number` as exchangeInfo tells."""

    most: int
    interval: str
    number: int
    length: int

    @property
    def row(self) -> dict[str, str | int]:
        """As exchangeInfo and rateLimit/order list it."""
        return {
            "rateLimitType": "ORDERS",
            "interval": self.interval,
            "intervalNum": self.number,
            "limit": self.most,
        }


ORDER_LIMITS = (
    OrderLimit(most=300, interval="SECOND", number=10, length=10 * _SECOND),
    OrderLimit(most=1_200, interval="MINUTE", number=1, length=60 * _SECOND),
)


class OrderCounts:
    """Counts by account and slot; raises TooMuch where one more is too many."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, OrderLimit], tuple[int, int]] = {}

    def require(self, account: str, now: int) -> None:
        """Refused when one more order is one too many."""
        for limit, count in zip(ORDER_LIMITS, self.at(account, now), strict=True):
            if count >= limit.most:
                raise TooMuch(
                    -1015,
                    f"Too many new orders; current limit is {limit.most} orders per "
                    f"{limit.number} {limit.interval}.",
                    status=429,
                    retry_after=-(-(limit.length - now % limit.length) // _SECOND),
                )

    def add(self, account: str, now: int) -> None:
        """An order was placed."""
        for limit, count in zip(ORDER_LIMITS, self.at(account, now), strict=True):
            self._slots[account, limit] = (now // limit.length, count + 1)

    def at(self, account: str, now: int) -> tuple[int, int]:
        """Orders of the running ten seconds and of the running minute."""
        short, long = (self._count(account, limit, now) for limit in ORDER_LIMITS)
        return short, long

    def _count(self, account: str, limit: OrderLimit, now: int) -> int:
        slot, count = self._slots.get((account, limit), (-1, 0))
        return count if slot == now // limit.length else 0
