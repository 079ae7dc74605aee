"""Which engine, and where its cluster is; clusters are imported when somebody asks for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum

from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.research.engines import Engine

LOCAL = "local"
"""The address of a cluster that is to be started on this machine."""

# Ray reads them when it is imported. The first is its way to use 127.0.0.1 alone, made for systems
# whose firewalls ask about everything else; nothing of ours tells anybody that it is used.
_RAY_OF_THIS_MACHINE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}


class Place(StrEnum):
    """The engines there are."""

    LOCAL = "local"
    RAY = "ray"
    DASK = "dask"


def engine(place: Place, address: str | None = None) -> AbstractContextManager[Engine]:
    """An engine for the time of a `with` block.

    Raises ConfigurationError for a cluster without its extra, InvalidRequest without its address.
    """
    if place is Place.LOCAL:
        from trading_system.research.engines.local import opened  # noqa: PLC0415 -- one of three

        return opened()
    if address is None:
        raise InvalidRequest(
            f"say where the cluster is, --address HOST:PORT, or start one here: --address {LOCAL}"
        )
    try:
        return _cluster(place, address)(address)
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"{place} is not installed: pip install 'trading-system[{place}]'"
        ) from missing


def _cluster(place: Place, address: str) -> Callable[[str], AbstractContextManager[Engine]]:
    if place is Place.DASK:
        from trading_system.research.engines import on_dask  # noqa: PLC0415 -- an extra

        return on_dask.opened
    if address == LOCAL:
        os.environ.update(_RAY_OF_THIS_MACHINE)
    from trading_system.research.engines import on_ray  # noqa: PLC0415 -- an extra

    return on_ray.opened
