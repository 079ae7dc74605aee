"""The trades that fills make, worked out when somebody asks: most runs are judged without them."""

from __future__ import annotations

from trading_system.backtest.kernels.compiling import Row, Rows, apart, compiled
from trading_system.backtest.kernels.ledger import (
    OPEN,
    TAKE_PROFIT,
    Held,
    enter,
    leave,
    part_that_closes,
    pnl,
)
from trading_system.frames import Column


@apart
def list_trades(fills: Rows, rules: Rows, close: Column, trades: Rows) -> int:
    """Write down the trades of all fills; how many there are, at most one more than fills.

    One that is still open is valued at the last close, without a fee.
    """
    rule = rules[0]
    held = Held(0.0, 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    count = 0
    for j in range(len(fills)):
        fill = fills[j]
        rate = rule.fee_maker if fill.reason == TAKE_PROFIT else rule.fee_taker
        closing = part_that_closes(held.units, fill.quantity)
        if closing != 0.0:
            held = leave(held, closing, fill.price, rate)
            if held.units == 0.0:
                write_trade(trades[count], held, fill.bar, closing, fill.reason)
                count += 1
        if fill.quantity != closing:
            held = enter(held, fill.bar, fill.quantity - closing, fill.price, rate)
    if held.units != 0.0:
        last, closing = len(close) - 1, -held.units
        write_trade(trades[count], leave(held, closing, close[last], 0.0), last, closing, OPEN)
        count += 1
    return count


@compiled
def write_trade(trade: Row, held: Held, bar: int, closing: float, reason: int) -> None:
    """Write down a trade that ended with `closing`."""
    trade.entry_bar, trade.exit_bar, trade.reason = held.entry_bar, bar, reason
    trade.side = 1 if closing < 0.0 else -1
    trade.quantity = held.entered
    trade.entry_price = held.entry_value / held.entered
    trade.exit_price = held.exit_value / held.exited
    trade.pnl = pnl(held, closing)
    trade.fees = held.fees
