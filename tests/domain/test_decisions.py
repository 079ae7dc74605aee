"""A decision stays what it was, whatever the venue makes of its bar later."""

from __future__ import annotations

from uuid import UUID

from trading_system.domain.candles import Candle
from trading_system.domain.decisions import Decision, Outcome
from trading_system.domain.instruments import Symbol


def test_a_decision_is_about_the_close_of_its_bar_and_still_to_be_acted_on() -> None:
    decision = Decision(
        mandate_id=UUID(int=1),
        symbol=Symbol("BTC", "USDT"),
        bar=Candle(0, 1.0, 4.0, 0.5, 2.0, 7.0),
        target=1.0,
        at=0,
    )
    assert decision.price == 2.0
    assert decision.outcome is Outcome.PENDING
