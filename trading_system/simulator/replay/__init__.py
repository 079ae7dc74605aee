"""A market that somebody recorded, told again: its candles to the last digit, its holes as holes.

Trades and book were not recorded: both are made up so that they add up to the candles.
"""
