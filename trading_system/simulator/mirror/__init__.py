"""A market that is another exchange's: its prices and rules are mirrored, the orders stay here.

Public market data alone is asked for, without a key. Nothing of a user ever goes out.
"""
