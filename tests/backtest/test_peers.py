"""Trade by trade the same as vectorbt and backtesting.py, on recorded candles, with fees."""

from __future__ import annotations

import numpy as np
import pytest

from trading_system.backtest import engine
from trading_system.backtest.records import Reason
from trading_system.backtest.rules import FillRule, Rules, Sizing

FEE = 0.001
FILES = [("BTCUSDT_1m_2025", "1m"), ("BTCUSDT_1h_2017", "1h")]
pytestmark = pytest.mark.recorded


def sma_cross(close, fast, slow):
    """1 while the fast average is above the slow one; written by hand, by a convolution."""
    targets = np.zeros(len(close))
    quick = np.convolve(close, np.full(fast, 1 / fast), "valid")[slow - fast :]
    targets[slow - 1 :] = quick > np.convolve(close, np.full(slow, 1 / slow), "valid")
    return targets


@pytest.mark.slow  # it compiles for twenty seconds in every process
@pytest.mark.parametrize(("name", "timeframe"), FILES)
@pytest.mark.parametrize("fill", FillRule)
@pytest.mark.parametrize("short", [False, True])
def test_every_trade_is_vectorbts(recorded, name, timeframe, fill, short):
    vectorbt = pytest.importorskip("vectorbt")
    pd = pytest.importorskip("pandas")
    frame = recorded(name, 10_000)
    targets = sma_cross(frame.close, 20, 50)
    if short:
        targets[49:] = targets[49:] - 0.5
    rules = Rules(fee_taker=FEE, fill=fill, short=short)
    result = engine.run(frame, targets, rules, timeframe)
    # Theirs: the same orders, a bar later at the open or now at the close; the sizes are ours,
    # since theirs keeps back money for the fees of a flip in another way.
    quantity = np.zeros(len(frame))
    quantity[result.fills.bar] = result.fills.quantity
    price = frame.open if fill is FillRule.NEXT_OPEN else frame.close
    theirs = vectorbt.Portfolio.from_orders(
        pd.Series(frame.close),
        size=np.where(quantity, quantity, np.nan),
        price=price,
        fees=FEE,
        init_cash=10_000,
    )
    found = theirs.trades.records
    ours = result.trades
    assert len(ours) == len(found) > 50
    assert ours.entry_bar.tolist() == found["entry_idx"].tolist()
    assert ours.exit_bar.tolist() == found["exit_idx"].tolist()
    assert ours.side.tolist() == [-1 if short_ else 1 for short_ in found["direction"]]
    for ours_name, name_there in (
        ("quantity", "size"),
        ("entry_price", "entry_price"),
        ("exit_price", "exit_price"),
        ("pnl", "pnl"),
    ):
        column = found[name_there].to_numpy()
        assert ours[ours_name] == pytest.approx(column, rel=1e-9, abs=1e-6), ours_name
    fees = (found["entry_fees"] + found["exit_fees"]).to_numpy()
    assert ours.fees == pytest.approx(fees, rel=1e-9)
    assert result.equity[-1] == pytest.approx(theirs.value().iloc[-1], rel=1e-9)
    assert result.metrics.max_drawdown == pytest.approx(-theirs.max_drawdown(), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "timeframe"), FILES)
def test_every_trade_is_vectorbts_by_signals_alone(recorded, name, timeframe):
    """Sizes as well are theirs here: long and flat with all there is."""
    vectorbt = pytest.importorskip("vectorbt")
    pd = pytest.importorskip("pandas")
    frame = recorded(name, 20_000)
    targets = sma_cross(frame.close, 20, 50)
    result = engine.run(frame, targets, Rules(fee_taker=FEE, fill=FillRule.CLOSE), timeframe)
    theirs = vectorbt.Portfolio.from_signals(
        pd.Series(frame.close), targets == 1, targets == 0, fees=FEE, init_cash=10_000
    )
    found = theirs.trades.records
    assert result.trades.entry_bar.tolist() == found["entry_idx"].tolist()
    assert result.trades.exit_bar.tolist() == found["exit_idx"].tolist()
    for ours, there in (("quantity", "size"), ("exit_price", "exit_price"), ("pnl", "pnl")):
        assert result.trades[ours] == pytest.approx(found[there].to_numpy(), rel=1e-7, abs=1e-6)
    assert result.metrics.total_return == pytest.approx(theirs.total_return(), rel=1e-9)


@pytest.mark.parametrize(("name", "timeframe"), FILES)
def test_every_trade_is_backtestings(recorded, name, timeframe):
    """Half of the money in whole units of a millionth, filled at the next open."""
    backtesting = pytest.importorskip("backtesting")
    pd = pytest.importorskip("pandas")
    frame = recorded(name, 10_000)
    targets = sma_cross(frame.close, 20, 50)
    targets[-2:] = 0  # theirs does not tell trades that are open
    columns = {
        name: getattr(frame, name.lower()) for name in ("Open", "High", "Low", "Close", "Volume")
    }
    prices = pd.DataFrame(columns, index=pd.to_datetime(frame.open_time, unit="ms"))
    rules = Rules(fee_taker=FEE, lot_step=1.0, sizing=Sizing.FIXED, capital=1e6 * 1e4)
    result = engine.run(frame, targets / 2, rules, timeframe)
    sizes = {fill.bar - 1: round(fill.quantity) for fill in result.fills}

    class Cross(backtesting.Strategy):
        def init(self):
            self.target = self.I(lambda: targets)

        def next(self):
            if self.target[-1] and not self.position:
                self.buy(size=sizes[len(self.data) - 1])
            elif not self.target[-1] and self.position:
                self.position.close()

    theirs = backtesting.Backtest(prices, Cross, cash=1e10, commission=FEE).run()._trades
    ours = result.trades[result.trades.reason != Reason.OPEN]
    assert len(ours) == len(theirs) > 50
    assert ours.entry_bar.tolist() == theirs["EntryBar"].tolist()
    assert ours.exit_bar.tolist() == theirs["ExitBar"].tolist()
    for name_ours, there in (
        ("quantity", "Size"),
        ("entry_price", "EntryPrice"),
        ("exit_price", "ExitPrice"),
        ("pnl", "PnL"),
        ("fees", "Commission"),
    ):
        assert ours[name_ours] == pytest.approx(theirs[there].to_numpy(), rel=1e-9), there
