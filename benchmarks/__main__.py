"""`python -m benchmarks NAME`: one benchmark, one JSON line; without a name: what there is."""

from __future__ import annotations

import importlib
import sys

NAMES = {
    "beat": "one heartbeat over 500 symbols, beside a bare gather and executemany",
    "backfill": "43,200 candles of one symbol, beside the usual sequential paging loop",
    "import": "an archive of candles, beside executemany of the same rows",
    "order": "POST /orders, beside a bare create_order",
    "chart": "the page of 10 symbols x 525,600 candles",
    "startup": "from the command to the first healthy /health, and the memory then",
    "klines": "a page of 1,000 klines of the seeded market, every interval",
    "limiter": "a grant of the request budget, alone and shared with another process",
    "breaker": "a call through the circuit breaker",
    "stream": "messages from socket to handled event, beside bare ccxt.pro; stalls at 500 symbols",
    "backtest": "a run, a sweep and grids over 525,600 bars, beside vectorbt and backtesting.py",
    "simulator": "REST requests per second of the embedded exchange",
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit("\n".join(f"{name:10} {text}" for name, text in NAMES.items()))
    name = "import_archive" if sys.argv[1] == "import" else sys.argv[1]
    importlib.import_module(f"benchmarks.{name}").main()
