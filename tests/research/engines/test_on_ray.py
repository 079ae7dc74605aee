"""A head without a core and two nodes with one each: real processes, all on loopback."""

from __future__ import annotations

import os
import re
from itertools import islice

import numpy as np
import pytest

from tests.research.engines import work
from tests.research.engines.work import swept
from trading_system.domain.errors import InvalidRequest, TradingError
from trading_system.research.engines import places
from trading_system.research.engines.local import opened as threads

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

STORE = 100 * 1024 * 1024  # bytes, the least that Ray begins with is 75 MB
SOON = {"health_check_period_ms": 500, "health_check_failure_threshold": 4}


@pytest.fixture(scope="module")
def on_ray():
    """The engine's module, with Ray on 127.0.0.1, which it reads when it is imported."""
    os.environ.update(places._RAY_OF_THIS_MACHINE)
    from trading_system.research.engines import on_ray

    return on_ray


@pytest.fixture(scope="module")
def cluster(on_ray):
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
    started = Cluster(initialize_head=True, head_node_args=head | {"_system_config": SOON})
    try:
        for _ in range(2):
            started.add_node(wait=False, num_cpus=1, object_store_memory=STORE)
        started.wait_for_nodes()
        yield started
    finally:
        started.shutdown()


@pytest.fixture
def engine(on_ray, cluster):
    with on_ray.opened(cluster.address) as found:
        yield found


def test_results_come_in_order_from_both_workers(engine):
    assert engine.workers == 2
    found = list(engine.map(work.who, {"base": 100}, range(60)))
    assert [number for _, number in found] == list(range(100, 160))
    assert len({process for process, _ in found}) >= 2


def test_workers_read_what_is_shared_in_the_memory_of_their_node(engine):
    """Where it lies once: a worker has no copy of its own."""
    found = list(engine.map(work.where, np.arange(1_000_000.0), range(30)))
    assert {(copied, total) for _, _, copied, total in found} == {(False, 499_999_500_000.0)}


def test_a_worker_that_is_killed_loses_nothing(engine, tmp_path):
    shared = {"base": 100, "grave": str(tmp_path / "grave")}
    found = list(engine.map(work.mortal, shared, range(20)))
    assert [number for _, number in found] == list(range(100, 120))
    killed = int((tmp_path / "grave").read_text())
    assert found[5][0] != killed


def test_an_error_of_the_work_is_raised_as_it_is(engine):
    with pytest.raises(ValueError, match="three"):
        list(engine.map(work.failing, None, range(10)))


def test_a_batch_that_kills_every_worker_is_given_up(engine, on_ray, monkeypatch):
    monkeypatch.setattr(on_ray, "_DEATHS", 1)
    with pytest.raises(TradingError, match="the cluster failed"):
        list(engine.map(work.murderous, None, [1]))


def test_a_sweep_is_the_same_to_the_last_bit(engine, tmp_path):
    with threads(2) as local:
        expected = swept(tmp_path / "local", local)
    assert swept(tmp_path / "ray", engine) == expected


def test_a_whole_node_that_is_killed_midway_loses_nothing(engine, cluster):
    results = engine.map(work.who, {"base": 100}, range(200))
    first = list(islice(results, 20))
    node = min(cluster.worker_nodes, key=lambda each: each.node_id)
    cluster.remove_node(node, allow_graceful=False)
    assert [number for _, number in (*first, *results)] == list(range(100, 300))
    cluster.add_node(num_cpus=1, object_store_memory=STORE)


def test_a_cluster_of_this_machine_can_be_started_for_one_run(on_ray):
    with on_ray.opened("local") as engine:
        assert list(engine.map(work.who, {"base": 0}, range(3)))[2][1] == 2


@pytest.mark.timeout(20)  # Ray itself would try for many minutes
@pytest.mark.parametrize("address", ["127.0.0.1:9", "[::1]:9", "ray://127.0.0.1:9", "::1:99999"])
def test_an_address_where_nobody_listens_is_refused_at_once(on_ray, address):
    with (
        pytest.raises(InvalidRequest, match=f"no Ray cluster answers at {re.escape(address)}"),
        on_ray.opened(address),
    ):
        pass


def test_what_is_no_address_is_refused(on_ray):
    with (
        pytest.raises(InvalidRequest, match="no Ray cluster answers at nowhere"),
        on_ray.opened("nowhere"),
    ):
        pass
