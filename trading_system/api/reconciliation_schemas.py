"""Reconciliations as they travel: what one came to, and each balance that does not fit."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from trading_system.api.scalars import DecimalOut
from trading_system.api.schemas import Out, example
from trading_system.domain.reconciliations import BalanceDifference, Reconciliation

_NOON, _LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:01.204000Z"
_DIFFERENCE = {
    "asset": "USDT",
    "expected": "9962.8",
    "actual": "10962.8",
    "size": "1000",
    "time": _LATER,
}


class BalanceDifferenceOut(Out):
    """The venue holds another amount than our fills explain, such as after a deposit.

    Free and locked together; `size` is how much more there is, negative where there is less.
    """

    model_config = example(**_DIFFERENCE)

    asset: str
    expected: DecimalOut
    actual: DecimalOut
    size: DecimalOut
    time: datetime

    @classmethod
    def of(cls, difference: BalanceDifference) -> Self:
        """Made from the difference."""
        return cls(
            asset=difference.asset,
            expected=difference.expected,
            actual=difference.actual,
            size=difference.size,
            time=difference.time,
        )


class ReconciliationOut(Out):
    """One pass over all orders, fills and balances.

    `asked` orders were looked up one by one, `booked` ones took a step or filled some more,
    `adopted` ones are somebody else's and new here, `unknown_left` still wait for the venue's word,
    `fills` were unheard of. Balances are not compared while they move; the next pass does.
    """

    model_config = example(
        started=_NOON,
        ended=_LATER,
        asked=1,
        booked=1,
        adopted=0,
        unknown_left=0,
        fills=2,
        balances_compared=True,
        differences=[_DIFFERENCE],
    )

    started: datetime
    ended: datetime
    asked: int
    booked: int
    adopted: int
    unknown_left: int
    fills: int
    balances_compared: bool
    differences: list[BalanceDifferenceOut]

    @classmethod
    def of(cls, done: Reconciliation) -> Self:
        """Made from the reconciliation."""
        return cls(
            started=done.started,
            ended=done.ended,
            asked=done.asked,
            booked=done.booked,
            adopted=done.adopted,
            unknown_left=done.unknown_left,
            fills=done.fills,
            balances_compared=done.balances_compared,
            differences=[BalanceDifferenceOut.of(each) for each in done.differences],
        )
