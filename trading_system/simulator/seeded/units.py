"""What a symbol's whole numbers mean: ticks and lots as money, exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_system.simulator.catalogue import Character
from trading_system.simulator.feeds import KlineRow
from trading_system.simulator.model import SymbolRules
from trading_system.simulator.seeded.candles import Candles
from trading_system.simulator.seeded.noise import Ints

LARGEST = 1 << 62
"""No block's quote amount, in ticks x lots, may come near the end of int64."""

_FINEST = Decimal("1e-8")  # what the wire can show of a quote amount
_HEADROOM = 64 * 4  # days in a block, and how much busier than usual it may be


class Unit(NamedTuple):
    """A unit of `multiplier` / 10**`decimals`, the way its multiples are written."""

    multiplier: int
    decimals: int


class Units(NamedTuple):
    """`tick` is the unit of prices, `lot` that of quantities, in the symbol's own money."""

    tick: Decimal
    lot: Decimal

    @classmethod
    def of(cls, rules: SymbolRules, character: Character) -> Units:
        """The rules' tick; a lot of as many steps as sums in eight decimals and int64 ask for."""
        least = max(_FINEST, Decimal(character.quote_volume) * _HEADROOM / LARGEST)
        lot = rules.step_size
        while rules.tick_size * lot < least:
            lot *= 10
        return cls(rules.tick_size, lot)

    @property
    def cent(self) -> float:
        """The quote amount of one lot at one tick."""
        return float(self.tick * self.lot)

    def price(self, ticks: int) -> Decimal:
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        return self.lot * lots

    def rows(self, candles: Candles, closes: Ints) -> list[KlineRow]:
        """Kline rows as on the wire, eight decimals everywhere; `closes` are the close times."""
        tick, lot, cent = _text(self.tick), _text(self.lot), _text(self.tick * self.lot)
        columns = np.stack(
            (
                candles.open,
                candles.high,
                candles.low,
                candles.close,
                candles.volume[0] + candles.volume[1],
                candles.quote[0] + candles.quote[1],
                candles.volume[0],
                candles.quote[0],
            ),
            axis=1,
        )
        units = (tick, tick, tick, tick, lot, cent, lot, cent)
        texts = written(columns, units)
        times, ends, counts = candles.start.tolist(), closes.tolist(), candles.trades.tolist()
        rows: list[KlineRow] = []
        for k, time in enumerate(times):
            o, h, l, c, v, q, b, p = texts[8 * k : 8 * k + 8]  # noqa: E741 -- the wire's letters
            rows.append([time, o, h, l, c, v, ends[k], q, counts[k], b, p, "0"])
        return rows


def _text(unit: Decimal) -> Unit:
    """Read 0.01 as 1 / 10**2 and 1E+3 as 1000 / 10**0."""
    ratio = unit.as_integer_ratio()
    decimals = max(0, -int(unit.normalize().as_tuple().exponent))
    return Unit(ratio[0] * 10**decimals // ratio[1], decimals)


def written(columns: Ints, units: tuple[Unit, ...]) -> list[str]:
    """A text with eight decimals for each number (>= 0), row after row.

    Digits are looked up four at a time and read as one long text: formatting the numbers one by
    one would take half of the time a page may take.
    """
    scales = np.array([10**unit.decimals for unit in units])
    fills = np.array([10 ** (8 - unit.decimals) for unit in units])
    whole, part = np.divmod(columns * np.array([unit.multiplier for unit in units]), scales)
    whole, part = whole.ravel(), (part * fills).ravel()
    letters = np.empty((whole.size, 26), np.uint8)
    letters[:, 0] = ord(" ")
    letters[:, 1:17] = _digits(whole, 4)
    letters[:, 1:17][np.arange(15, -1, -1) > _magnitude(whole)[:, None]] = ord(" ")
    letters[:, 17] = ord(".")
    letters[:, 18:] = _digits(part, 2)
    return letters.tobytes().decode("ascii").split()


def _digits(numbers: Ints, fours: int) -> NDArray[np.uint8]:
    """The decimal digits of each number as ASCII, `fours` times four of them."""
    quads = np.empty((numbers.size, fours), np.uint32)
    for column in range(fours - 1, -1, -1):
        numbers, rest = np.divmod(numbers, 10_000)
        quads[:, column] = _QUADS[rest]
    return quads.view(np.uint8)


def _magnitude(numbers: Ints) -> Ints:
    """The power of ten of each number's first digit; 0 for 0."""
    return _POWERS.searchsorted(numbers, "right")


_QUADS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)
_POWERS = 10 ** np.arange(1, 16)
