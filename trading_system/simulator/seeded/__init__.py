"""A market that nobody recorded: prices as a pure function of (seed, symbol, time).

A cascade splits long candles into shorter ones down to single trades, in integers, so that every
interval agrees with every other to the last digit and any moment is reached in a few steps.
"""
