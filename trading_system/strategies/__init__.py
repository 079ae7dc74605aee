"""Candles in, target exposure out; what a strategy may know ends at the candles it is given."""
