"""Proof by endurance: the whole system beside the embedded exchange, compared at the end."""
