"""USD-M perpetuals beside the spot exchange: same process, same prices, an account of its own.

REST is under /fapi/v1, /fapi/v2 and /fapi/v3. Streams have the three roads the real host has, so
that one root URL serves spot and futures side by side: /public (books), /market (all other market
data) and /private (accounts, by listen key), each with /ws and /stream behind it.

The perpetual trades at the prices of the pair of the same name; the mark price is the last price.
One-way mode and cross margin only. There is no funding and nobody is liquidated.
"""
