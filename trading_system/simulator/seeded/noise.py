"""Randomness without state: a number is looked up by its place, never drawn from a sequence.

Noise that depended on what was asked before could not be the same in two processes.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]

# The constants of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_MASK = (1 << 64) - 1
_LANE = 1.0 / 65_536
_CENTRE = 0.5 * _LANE
_LOW_LANES = np.uint64(0x0000FFFF0000FFFF)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_SQRT_3 = 3.0**0.5  # the variance of a uniform is 1/12


class Noise:
    """The noise of one symbol under one seed; `topic` keeps unrelated questions apart."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, symbol: str) -> None:
        digest = blake2b(f"{seed}/{symbol}".encode(), digest_size=8).digest()
        self._key = int.from_bytes(digest, "little")

    def lanes(self, topic: int, places: Ints, count: int = 4) -> Floats:
        """Up to four independent uniforms in (0, 1) for every place: (count, *places.shape)."""
        words = _mixed(self._key + topic * _GOLDEN, places)
        quarters = words.astype("<u8", copy=False).view("<u2").reshape(*places.shape, 4)
        uniforms = np.empty((count, *places.shape))
        np.multiply(np.moveaxis(quarters, -1, 0)[:count], _LANE, out=uniforms)
        uniforms += _CENTRE
        return uniforms

    def normals(self, topic: int, places: Ints) -> Floats:
        """One number of mean 0 and variance 1 for every place, within +-3.5.

        The sum of four uniforms (Irwin-Hall) is normal enough: fat tails come from the cascade.
        """
        words = _mixed(self._key + topic * _GOLDEN, places)
        pairs = (words & _LOW_LANES) + ((words >> np.uint64(16)) & _LOW_LANES)
        sums = (pairs & _LOW_HALF) + (pairs >> np.uint64(32))
        normals: Floats = (sums * _LANE + (4 * _CENTRE - 2.0)) * _SQRT_3
        return normals


def _mixed(key: int, places: Ints) -> Words:
    """splitmix64, counter by counter: neighbouring places give unrelated words."""
    words: Words = places.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(key & _MASK)
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    words ^= words >> np.uint64(31)
    return words
