from __future__ import annotations

import sys

import pytest

from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.research import engines
from trading_system.research.engines.places import Place, engine


def test_threads_need_no_address():
    with engine(Place.LOCAL) as threads:
        assert list(threads.map(lambda base: lambda n: base + n, 1, [1, 2])) == [2, 3]


@pytest.mark.parametrize("place", [Place.RAY, Place.DASK])
def test_a_cluster_has_an_address(place):
    with pytest.raises(InvalidRequest, match="say where the cluster is, --address HOST:PORT"):
        engine(place)


@pytest.mark.parametrize(
    ("place", "library", "module"),
    [(Place.RAY, "ray", "on_ray"), (Place.DASK, "distributed", "on_dask")],
)
def test_a_cluster_without_its_extra_says_how_to_get_it(monkeypatch, place, library, module):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"{engines.__name__}.{module}", raising=False)
    monkeypatch.delattr(engines, module, raising=False)
    with pytest.raises(ConfigurationError, match=rf"pip install 'trading-system\[{place}\]'"):
        engine(place, "local")
