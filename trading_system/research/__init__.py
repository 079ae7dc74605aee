"""From a question to a kept answer: candles, backtests and sweeps, with a record of each."""
