"""The door to the compiled loops, which numba is needed for: an extra, and slow to load."""

from __future__ import annotations

from types import ModuleType

from trading_system.domain.errors import ConfigurationError


def compiled() -> ModuleType:
    """The compiled loops; ConfigurationError that says how to get them where numba is missing."""
    try:
        from trading_system.backtest import kernels  # noqa: PLC0415 -- numba takes a while to load
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            "backtests need numba: pip install 'trading-system[backtest]'"
        ) from missing
    return kernels
