"""A Binance Spot exchange on loopback, speaking the real wire protocol; a stranger here."""
