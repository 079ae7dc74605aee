"""How the loops are compiled: on their first call, and kept on disk for the next process.

What is kept is forgotten as soon as any file of this folder changes: loops call each other across
files, which numba alone would not notice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

from trading_system.frames import Column

Row = Any
"""One row of a structured array, see `records`; read and written in place."""
Rows = Any
"""A structured array."""
Bars = tuple[Column, Column, Column, Column, Column]
"""Open, high, low, close and volume, each of shape (n,)."""

_njit: Any = numba.njit
_config: Any = numba.config
_Loop = TypeVar("_Loop", bound=Callable[..., Any])


def sources(folder: Path) -> str:
    """A hash over the names and texts of all modules in `folder`."""
    seal = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        seal.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return seal.hexdigest()


_STAMP = sources(Path(__file__).parent)


class _Stamped:
    """Kept results are valid as long as all modules of this folder are what they were."""

    def get_source_stamp(self) -> str:
        return _STAMP


class Chosen(_Stamped, UserProvidedCacheLocator):
    """Keeps in the folder that NUMBA_CACHE_DIR names."""


class Beside(_Stamped, InTreeCacheLocator):
    """Keeps in __pycache__, where that may be written."""


class Home(_Stamped, UserWideCacheLocator):
    """Keeps in the user's own folder."""


def compiled(loop: _Loop) -> _Loop:
    """Compile on the first call what is then the same as Python, to the last bit.

    Threads run it side by side. It becomes a part of the loops that call it, since handing arrays
    over takes as long as trading once. Arrays are borrowed from who calls: counting references to
    them would take as long again; so nothing here can allocate.
    """
    return _compiled(loop, forceinline=True)


def apart(loop: _Loop) -> _Loop:
    """The same for what is seldom needed: it stays a function of its own."""
    return _compiled(loop, forceinline=False)


def _compiled(loop: _Loop, *, forceinline: bool) -> _Loop:
    options = {"nogil": True, "error_model": "numpy", "forceinline": forceinline, "_nrt": False}
    with _kept_by_sources():
        try:
            result = _njit(cache=True, **options)(loop)
        except RuntimeError:  # there is nowhere to keep it
            result = _njit(**options)(loop)
    return cast(_Loop, result)


@contextmanager
def _kept_by_sources() -> Iterator[None]:
    before = _config.CACHE_LOCATOR_CLASSES
    _config.CACHE_LOCATOR_CLASSES = ",".join(
        f"{kind.__module__}.{kind.__name__}" for kind in (Chosen, Beside, Home)
    )
    try:
        yield
    finally:
        _config.CACHE_LOCATOR_CLASSES = before
