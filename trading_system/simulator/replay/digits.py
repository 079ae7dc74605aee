"""Decimal texts as whole numbers of their last digit, and back: exact, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trading_system.simulator.seeded.noise import Floats, Ints

_SAFE = 15  # significant digits that float64 keeps apart
_WIRE = 8  # decimals the exchange writes, at least


class Column(NamedTuple):
    """Numbers in units of 10**-digits."""

    values: Ints
    digits: int

    def at(self, digits: int) -> Ints:
        """The same numbers in a unit as fine or finer."""
        values: Ints = self.values * 10 ** (digits - self.digits)
        return values


def column(
    numbers: Floats, lines: Sequence[bytes], fields: Sequence[int], *, longest: int
) -> Column:
    """These fields of the lines, shape (fields, lines), with as many digits as any of them needs.

    `numbers` are the same as floats; where a text is `longest` and longer than float64 keeps, the
    texts themselves are read. Raises ValueError for one that does not fit into 64 bits.
    """
    if longest <= _SAFE:
        for digits in range(_SAFE + 1):
            whole = np.rint(numbers * 10.0**digits)
            # Correctly rounded both ways: equal only for the decimal that was written.
            if (whole / 10.0**digits == numbers).all():
                return Column(whole.astype(np.int64), digits)
    pairs = [
        [line.split(b",", field + 1)[field].partition(b".")[::2] for line in lines]
        for field in fields
    ]
    digits = max((len(part.rstrip(b"0")) for several in pairs for _, part in several), default=0)
    texts = [
        [int(whole + part[:digits].ljust(digits, b"0")) for whole, part in several]
        for several in pairs
    ]
    try:
        return Column(np.array(texts, np.int64), digits)
    except OverflowError:
        raise ValueError("a number is too large for its many digits") from None


def written(values: Ints, digits: int) -> list[str]:
    """Texts with eight decimals, or more where there are more digits."""
    wide = max(digits, _WIRE)
    whole, part = values // 10**digits, values % 10**digits  # divmod knows no larger integers
    pairs = np.stack((whole, part * 10 ** (wide - digits)), axis=1)
    # One template over all numbers is several times faster than formatting each.
    return (f"%d.%0{wide}d " * len(values) % tuple(pairs.ravel().tolist())).split()
