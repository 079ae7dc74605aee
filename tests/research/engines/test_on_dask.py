"""A scheduler and two workers, each a process of its own, on loopback."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from distributed import Client, LocalCluster

from tests.research.engines import work
from tests.research.engines.work import swept
from trading_system.domain.errors import InvalidRequest, TradingError
from trading_system.research.engines import on_dask
from trading_system.research.engines.local import opened as threads


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as started:
        yield started


@pytest.fixture(scope="module")
def inside():
    """The same without processes."""
    with (
        LocalCluster(n_workers=2, processes=False, dashboard_address="127.0.0.1:0") as started,
        on_dask.opened(started.scheduler_address) as found,
    ):
        yield found


@pytest.fixture
def engine(cluster):
    with on_dask.opened(cluster.scheduler_address) as found:
        yield found


@pytest.mark.parametrize("batches", [0, 1, 30])
def test_threads_of_this_process_do_as_well_for_trying_it(inside, batches):
    found = list(inside.map(work.who, {"base": 100}, range(batches)))
    assert [number for _, number in found] == list(range(100, 100 + batches))


def test_a_sweep_is_the_same_with_them(inside, tmp_path):
    with threads(2) as local:
        expected = swept(tmp_path / "local", local)
    assert swept(tmp_path / "dask", inside) == expected


def test_their_errors_are_raised_as_they_are(inside):
    with pytest.raises(ValueError, match="three"):
        list(inside.map(work.failing, None, range(10)))


@pytest.mark.slow
def test_results_come_in_order_from_both_workers(engine):
    assert engine.workers == 2
    found = list(engine.map(work.who, {"base": 100}, range(30)))
    assert [number for _, number in found] == list(range(100, 130))
    assert len({process for process, _ in found}) == 2


@pytest.mark.slow
def test_every_worker_is_handed_what_is_shared_once(engine):
    found = set(engine.map(work.where, np.arange(1_000_000.0), range(30)))
    assert len(found) == len({process for process, *_ in found}) == 2
    assert {total for *_, total in found} == {499_999_500_000.0}


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing(engine, tmp_path):
    shared = {"base": 100, "grave": str(tmp_path / "grave")}
    found = list(engine.map(work.mortal, shared, range(20)))
    assert [number for _, number in found] == list(range(100, 120))
    killed = int((tmp_path / "grave").read_text())
    assert found[5][0] != killed


@pytest.mark.slow
def test_all_workers_killed_lose_nothing_either(cluster, engine):
    results = engine.map(work.who, {"base": 100}, range(20))
    first = next(results)
    with Client(cluster.scheduler_address) as client:
        for process in client.run(os.getpid).values():
            os.kill(process, signal.SIGKILL)
    assert [number for _, number in (first, *results)] == list(range(100, 120))


@pytest.mark.slow
def test_a_sweep_is_the_same_to_the_last_bit(engine, tmp_path):
    with threads(2) as local:
        expected = swept(tmp_path / "local", local)
    assert swept(tmp_path / "dask", engine) == expected


@pytest.mark.slow
def test_an_error_of_the_work_is_raised_as_it_is(engine):
    with pytest.raises(ValueError, match="three"):
        list(engine.map(work.failing, None, range(10)))


@pytest.mark.slow
def test_a_batch_that_kills_every_worker_is_given_up(engine):
    with pytest.raises(TradingError, match="worker after worker dies"):
        list(engine.map(work.murderous, None, [1]))


def test_an_address_where_nobody_answers_is_refused(monkeypatch):
    monkeypatch.setattr(on_dask, "_PATIENCE", 0.5)
    with pytest.raises(InvalidRequest, match=r"no Dask scheduler answers at 127\.0\.0\.1:9"):
        on_dask.opened("127.0.0.1:9").__enter__()


@pytest.mark.slow
def test_a_cluster_of_this_machine_can_be_started_for_one_run():
    with on_dask.opened("local") as engine:
        assert list(engine.map(work.who, {"base": 0}, range(3)))[2][1] == 2


@pytest.mark.slow
def test_a_cluster_that_is_gone_is_told():
    alone = LocalCluster(
        n_workers=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs="CRITICAL"
    )
    with on_dask.opened(alone.scheduler_address) as engine:
        results = engine.map(work.who, {"base": 0}, range(1000))
        next(results)
        alone.close()
        with pytest.raises(TradingError, match="the cluster is gone"):
            list(results)
