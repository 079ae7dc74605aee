"""What a strategy would have earned: targets and candles in, fills and figures out.

`engine.run` is the door; `grid` plays grids of resting orders. Needs the extra `backtest`.
"""
