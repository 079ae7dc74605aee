"""What Binance's USD-M futures do differently from its spot market, one module a difference."""
