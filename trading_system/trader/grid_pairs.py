"""What a fill of a grid cost more than its like in a backtest, in parts that add up; pure.

A cell that holds less than the backtest's has spent less as well, so what differs in quantity is
counted by what the level is above or below the last close. Thus all parts of all fills come to what
the backtest earned more, but for fees in a third asset, which neither profit knows.

Of the parts of a `FillPair`, `latency` is of the first purchases alone, which a backtest makes at
a close; any other order had its price before it was sent, and its `slippage` is against its level:
below nothing when it crossed the market, and nothing for a maker. `size` is what fees have taken
out of the coins, which a backtest pays in quote asset, and what they leave to be sold. `alone` is
all that a fill without its like came to. `delay_ms` is from the backtest's bar to the first fill:
negative before it opens, 0 within it, else from its end; of the first purchases it is from the
close they were decided at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from trading_system.domain.orders import Side
from trading_system.trader.causes import Cause
from trading_system.trader.fill_pairs import Execution, FillPair, fee_in_quote
from trading_system.trader.grid_record import Place
from trading_system.trader.grid_turns import Bars, Like, filled_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Makes pairs; `worth` is the last close, in quote asset."""

    bars: Bars
    worth: float

    def both(
        self,
        execution: Execution,
        like: Like,
        place: Place,
        cause: Cause | None,
        *,
        is_last: bool = True,
    ) -> FillPair:
        """An execution beside its like; unless it `is_last`, another order took up what it left."""
        pair = self.done(execution, place, cause)
        sign, quantity, price = _sign(pair.side), pair.quantity, pair.price or 0.0
        ordered = float(execution.order.request.quantity or quantity) if is_last else quantity
        middle = execution.order.mid_price if like.taken else None
        expected = like.price if middle is None else float(middle)
        dearer = sign * (like.price - self.worth)
        paid = fee_in_quote(execution.order, execution.fills)
        return replace(
            pair,
            bar=self.bars.span(like.row)[0],
            replayed_quantity=like.quantity,
            replayed_price=like.price,
            delay_ms=self._delay(execution, like),
            latency=quantity * sign * (expected - like.price) + 0.0,  # no -0.0
            slippage=quantity * sign * (price - expected) + 0.0,
            fee=None if paid is None else paid - like.fee,
            size=(ordered - like.quantity) * dearer + self._eaten(execution),
            partial=(quantity - ordered) * dearer + 0.0,
            alone=0.0,
        )

    def done(self, execution: Execution, place: Place, cause: Cause | None) -> FillPair:
        """An execution that no backtest makes."""
        side = execution.order.request.side
        filled = sum(fill.quantity for fill in execution.fills)
        spent = sum(fill.quote_quantity for fill in execution.fills)
        quantity, price = float(filled), float(spent / filled)
        lost = _sign(side) * quantity * (price - self.worth) + self._eaten(execution)
        makers = {fill.maker for fill in execution.fills}
        return FillPair(
            bar=self.bars.timeframe.floor(filled_from(execution)),
            side=side,
            is_stop=False,
            order_id=execution.order.id,
            quantity=quantity,
            price=price,
            replayed_quantity=0.0,
            replayed_price=None,
            alone=lost + (fee_in_quote(execution.order, execution.fills) or 0.0),
            cell=place.cell,
            number=place.number,
            maker=None if None in makers else makers == {True},
            cause=cause,
        )

    def undone(self, like: Like, cell: int, cause: Cause | None) -> FillPair:
        """A fill that only the backtest makes."""
        return FillPair(
            bar=self.bars.span(like.row)[0],
            side=like.side,
            is_stop=False,
            order_id=None,
            quantity=0.0,
            price=None,
            replayed_quantity=like.quantity,
            replayed_price=like.price,
            alone=-like.signed * (like.price - self.worth) - like.fee,
            cell=cell,
            cause=cause,
        )

    def _eaten(self, execution: Execution) -> float:
        """What coins that paid a fee are worth more in the end than they cost."""
        base = execution.order.request.symbol.base
        fills = [fill for fill in execution.fills if fill.fee_asset == base]
        return sum((float(fill.fee) * (self.worth - float(fill.price)) for fill in fills), 0.0)

    def _delay(self, execution: Execution, like: Like) -> int:
        at, (opens, closes) = filled_from(execution), self.bars.span(like.row)
        if at < opens or like.taken:
            return at - opens
        return max(at - closes, 0)


def shares(like: Like, executions: Sequence[Execution]) -> list[Like]:
    """The backtest's fill cut as the run's: to each order what it filled, to the last the rest."""
    taken = [float(sum(fill.quantity for fill in each.fills)) for each in executions[:-1]]
    return [
        replace(like, quantity=quantity, fee=like.fee * quantity / like.quantity)
        for quantity in (*taken, like.quantity - sum(taken))
    ]


def profit_of(likes: Iterable[Like], worth: float) -> float:
    """Of all fills of a backtest, after fees, what is held being `worth` so much."""
    return sum((like.signed * (worth - like.price) - like.fee for like in likes), 0.0)


def _sign(side: Side) -> float:
    return 1.0 if side is Side.BUY else -1.0
