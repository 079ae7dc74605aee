"""Trading rules for a symbol of which only candles are known."""

from __future__ import annotations

from decimal import Decimal

from trading_system.simulator.model import SymbolRules

_QUOTES = (
    *("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "USDS", "USD1", "PAX", "UST", "DAI", "USD"),
    *("EURI", "AEUR", "EUR", "TRY", "BRL", "ARS", "MXN", "COP", "JPY", "IDRT", "BIDR", "IDR"),
    *("GBP", "AUD", "RUB", "UAH", "NGN", "ZAR", "PLN", "RON", "CZK", "BKRW", "BVND", "VAI"),
    *("BTC", "ETH", "BNB", "SOL", "XRP", "TRX", "DOGE", "DOT"),
)
_LEAST_NOTIONAL = {"BTC": "0.0001", "ETH": "0.001", "BNB": "0.01", "TRY": "10"}


def derived(symbol: str, *, price_digits: int, volume_digits: int, largest: Decimal) -> SymbolRules:
    """Tick and step from the digits seen; orders may be as large as the `largest` candle's volume.

    Raises ValueError when the symbol ends in no quote asset that is known.
    """
    base, quote = _split(symbol)
    tick, step = (Decimal(1).scaleb(-digits) for digits in (price_digits, volume_digits))
    power = max(step, Decimal(1).scaleb(largest.adjusted()))
    return SymbolRules(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=tick,
        min_price=tick,
        max_price=tick * 10**8,
        step_size=step,
        min_quantity=step,
        max_quantity=9 * power,
        market_max_quantity=power,
        min_notional=Decimal(_LEAST_NOTIONAL.get(quote, "5")),
    )


def _split(symbol: str) -> tuple[str, str]:
    for quote in _QUOTES:
        base = symbol.removesuffix(quote)
        if base not in {"", symbol}:
            return base, quote
    raise ValueError(f"{symbol} ends in no quote asset that is known")
