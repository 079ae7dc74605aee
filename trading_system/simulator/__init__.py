"""A Binance Spot exchange on loopback, speaking the real wire protocol; it imports nothing of ours."""
