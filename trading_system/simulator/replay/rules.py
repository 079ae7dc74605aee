"""The rules of a pair that was recorded, as far as its numbers tell them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_system.simulator.catalogue import catalogue
from trading_system.simulator.model import SymbolRules
from trading_system.simulator.replay.reader import DECIMALS, Ints, text

_QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "GBP", "BRL")
_KNOWN = 24  # pairs whose real rules the catalogue has


def rules_of(symbol: str, prices: Ints, quantities: Ints) -> SymbolRules:
    """The catalogue's rules where it knows the pair, else such that every recorded number fits."""
    known = catalogue(_KNOWN).get(symbol)
    tick, step = _finest(prices), _finest(quantities)
    if known is not None and tick % known.tick_size == 0 and step % known.step_size == 0:
        return known
    quote = next((each for each in _QUOTES if symbol.endswith(each)), None)
    if quote is None:
        raise ValueError(f"{symbol}: which part is the quote asset? Known: {_QUOTES}")
    base = symbol.removesuffix(quote)
    rules = SymbolRules(symbol=symbol, base=base, quote=quote)
    high = Decimal(text(int(prices.max())))
    return replace(
        rules,
        tick_size=tick,
        min_price=tick,
        max_price=(high * 1000).quantize(Decimal(1)) + 1,
        step_size=step,
        min_quantity=step,
        max_quantity=step * 10**9,
        min_notional=Decimal(5) if "USD" in quote else Decimal("0.0001"),
    )


def _finest(values: Ints) -> Decimal:
    """The largest power of ten, at most 1, that every value is a multiple of."""
    for decimals in range(DECIMALS + 1):
        if not (values % 10 ** (DECIMALS - decimals)).any():
            return Decimal(1).scaleb(-decimals)
    raise AssertionError("every whole number is a multiple of 1")
