"""USD-M perpetuals beside the spot exchange: same process, same prices, an account of its own.

REST is under /fapi/v1, /fapi/v2 and /fapi/v3. Streams have the three roads the real host has, so
that one root URL serves spot and futures side by side: /public (books), /market (all other market
data) and /private (accounts, by listen key), each with /ws and /stream behind it. There is no
WebSocket API of futures.

Listed is a perpetual for every pair quoted in USDT. It trades at the prices of that pair; the mark
price is the last price. One-way mode and cross margin only; no funding, and nobody is liquidated.
Conditional orders are algo orders, as they are since December 2025. An order that only reduces
never turns a position round: it fills up to what there is, and its rest expires.
"""
