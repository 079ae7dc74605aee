"""What the seeded market lists: well-known pairs, then made-up ones, each with its character.

Rules are as real ones look; prices, volumes and volatilities are of about the right size and no
more than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from math import floor, log10

from trading_system.simulator.model import SymbolRules

MOST = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """How a pair behaves: prices in quote asset, volume in quote asset a day, trades a minute.

    `launch` is the price of 2017-08-17, `price` that of 2026-01-01; `volatility` is annualised.
    """

    price: float
    launch: float
    volatility: float
    quote_volume: float
    trades: float


# Symbol, base, quote, tick, step, price, launch price, volatility, quote volume a day, trades.
_KNOWN = """
BTCUSDT   BTC   USDT  0.01        0.00001  88000     4280     0.50  1.4e9  260
ETHUSDT   ETH   USDT  0.01        0.0001   2970      302      0.68  1.0e9  240
BNBUSDT   BNB   USDT  0.01        0.001    860       4.6      0.60  2.2e8  120
SOLUSDT   SOL   USDT  0.01        0.001    124       8.0      0.85  3.6e8  140
XRPUSDT   XRP   USDT  0.0001      0.1      1.84      0.16     0.80  3.0e8  130
ADAUSDT   ADA   USDT  0.0001      0.1      0.333     0.12     0.85  6.0e7  60
DOGEUSDT  DOGE  USDT  0.00001     1        0.1175    0.012    0.95  1.6e8  100
TRXUSDT   TRX   USDT  0.0001      0.1      0.284     0.055    0.55  5.0e7  50
LTCUSDT   LTC   USDT  0.01        0.001    76.5      44       0.70  3.2e7  50
LINKUSDT  LINK  USDT  0.01        0.01     12.2      5.0      0.85  4.5e7  55
AVAXUSDT  AVAX  USDT  0.01        0.01     12.3      9.0      0.90  3.8e7  50
DOTUSDT   DOT   USDT  0.001       0.01     1.79      6.0      0.85  1.8e7  40
BCHUSDT   BCH   USDT  0.1         0.001    592       310      0.75  3.0e7  40
SUIUSDT   SUI   USDT  0.0001      0.1      1.40      0.60     0.95  9.0e7  70
ETCUSDT   ETC   USDT  0.01        0.01     11.6     14.5     0.80  1.2e7  25
AAVEUSDT  AAVE  USDT  0.01        0.001    150      60       0.90  2.6e7  40
UNIUSDT   UNI   USDT  0.001       0.01     5.80      4.0      0.95  2.0e7  40
NEARUSDT  NEAR  USDT  0.001       0.1      1.52      1.9      0.95  2.2e7  40
ATOMUSDT  ATOM  USDT  0.001       0.01     1.95      4.0      0.85  9.0e6  25
XLMUSDT   XLM   USDT  0.0001      1        0.205     0.06     0.80  1.3e7  25
ETHBTC    ETH   BTC   0.00001     0.0001   0.0337    0.0700   0.42  700    40
BNBBTC    BNB   BTC   0.000001    0.001    0.00977   0.00080  0.45  110    20
SOLBTC    SOL   BTC   0.0000001   0.01     0.00141   0.0013   0.60  90     20
XRPBTC    XRP   BTC   0.00000001  1        0.0000209 0.000038 0.60  140    14
BTCUSDC   BTC   USDC  0.01        0.00001  88020     4279     0.50  3.2e8  140
ETHUSDC   ETH   USDC  0.01        0.0001   2971      302      0.68  2.4e8  120
SOLUSDC   SOL   USDC  0.01        0.001    124       8.0      0.85  6.0e7  50
BTCFDUSD  BTC   FDUSD 0.01        0.00001  88100     4290     0.50  4.0e8  120
BTCEUR    BTC   EUR   0.01        0.00001  75000     3650     0.50  2.0e7  30
ETHEUR    ETH   EUR   0.01        0.0001   2530      257      0.68  8.0e6  20
"""
_ROWS = {line.split()[0]: line.split() for line in _KNOWN.strip().splitlines()}

_QUOTES = {
    "USDT": (1.0, "5", "9000000"),
    "USDC": (1.0, "5", "9000000"),
    "FDUSD": (1.0, "5", "9000000"),
    "EUR": (1.17, "5", "9000000"),
    "TRY": (0.023, "10", "9000000"),
    "BTC": (88_000.0, "0.0001", "9000000"),
    "ETH": (2_970.0, "0.001", "9000000"),
    "BNB": (860.0, "0.01", "100000"),
}
"""Quote assets: dollars each is worth, and the least and the largest notional of an order."""

_MADE_UP_QUOTES = ("USDT",) * 9 + ("USDC", "USDC", "BTC", "BTC", "TRY", "TRY", "FDUSD", "BNB")
_HEADS = "ARBECEDYELFIGAHYIOJUKALUMANEORPYQUROSATEUMVEWAXAYOZE"
_TAILS = "CODAFIGOIXKILAMONAONPERASETAVOXIZU"
_ENDS = ("", "L", "N", "R", "S", "T", "X")
_BASES = [
    _HEADS[head : head + 2] + _TAILS[tail : tail + 2] + end
    for head in range(0, len(_HEADS), 2)
    for tail in range(0, len(_TAILS), 2)
    for end in _ENDS
]
_STRIDE = 1_009  # coprime to the number of names, so that neighbours in the list look unlike


def catalogue(count: int) -> dict[str, SymbolRules]:
    """The rules of `count` (1 to MOST) symbols by name, well-known ones first, always the same.

    A longer catalogue begins with the shorter one. ValueError for a count out of range.
    """
    if not 1 <= count <= MOST:
        raise ValueError(f"the seeded market lists 1 to {MOST} symbols, not {count}")
    known = [_known_rules(row) for row in _ROWS.values()][:count]
    made_up = [_made_up_rules(number) for number in range(count - len(known))]
    return {rules.symbol: rules for rules in (*known, *made_up)}


def character_of(rules: SymbolRules) -> Character:
    """How this pair behaves: from the table, or made up from its name and tick size."""
    row = _ROWS.get(rules.symbol)
    if row is not None:
        price, launch, volatility, quote_volume, trades = map(float, row[5:])
    else:
        level, age, unrest, size = _luck(rules.symbol)
        price = float(rules.tick_size) * 10 ** (3.3 + 1.2 * level)
        launch = price * 10 ** (1.2 * age - 0.6)
        volatility = 0.6 + 0.6 * unrest
        quote_volume = 4e5 * 10 ** (1.8 * size) / _dollars(rules.quote)
        trades = 9 + 25 * size
    return Character(
        price=price,
        launch=launch,
        volatility=volatility,
        quote_volume=quote_volume,
        trades=trades,
    )


def _known_rules(row: list[str]) -> SymbolRules:
    symbol, base, quote, tick, step, price, *_ = row
    dollars = float(price) * _dollars(quote)
    return _rules(symbol, base, quote, tick=Decimal(tick), step=Decimal(step), dollars=dollars)


def _made_up_rules(number: int) -> SymbolRules:
    """A pair of a base nobody has heard of; its tick decides what it costs."""
    base = _BASES[number * _STRIDE % len(_BASES)]
    quote = _MADE_UP_QUOTES[number % len(_MADE_UP_QUOTES)]
    kind = int(4 * _luck(base)[0]) - 5  # between 0.00001 and 0.01 dollars
    tick = max(-8, round(kind - log10(_dollars(quote))))
    dollars = 10.0 ** (tick + 3.9) * _dollars(quote)
    step = max(-5, min(0, -2 - round(log10(dollars))))  # worth about a cent
    return _rules(
        base + quote,
        base,
        quote,
        tick=Decimal(1).scaleb(tick),
        step=Decimal(1).scaleb(step),
        dollars=dollars,
    )


def _rules(
    symbol: str, base: str, quote: str, *, tick: Decimal, step: Decimal, dollars: float
) -> SymbolRules:
    _, least, most = _QUOTES[quote]
    largest = Decimal(1).scaleb(max(0, floor(log10(1e8 / dollars))))
    return SymbolRules(
        symbol=symbol,
        base=base,
        quote=quote,
        tick_size=tick,
        min_price=tick,
        max_price=(tick * 10**8).normalize(),
        step_size=step,
        min_quantity=step,
        max_quantity=9 * largest,
        market_max_quantity=largest / 10,
        min_notional=Decimal(least),
        max_notional=Decimal(most),
    )


def _dollars(quote: str) -> float:
    """What a unit of the quote asset is worth; one nobody knows counts as a dollar."""
    return _QUOTES.get(quote, (1.0, "", ""))[0]


def _luck(name: str) -> tuple[float, ...]:
    """Four numbers in [0, 1) that belong to this name."""
    digest = blake2b(name.encode(), digest_size=8).digest()
    return tuple(int.from_bytes(digest[k : k + 2], "little") / 65_536 for k in (0, 2, 4, 6))
