"""Strategies that trade: one stored decision a closed candle, and orders through the desk."""
