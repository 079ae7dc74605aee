"""Strategies that trade: closed candles in, one stored decision a candle, orders through the desk."""
