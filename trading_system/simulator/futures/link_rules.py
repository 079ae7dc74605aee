"""How long a connection to the futures streams may live and what it may do.

Source: Binance's USD-M documentation, "Connect": they ping less often than spot ones.
"""

from __future__ import annotations

from trading_system.simulator.link_rules import LinkRules

FUTURES_LINKS = LinkRules(ping_every=180.0, pong_within=600.0, most_messages=10)
