from __future__ import annotations

import os
import threading

import pytest

from trading_system.research.engines.local import opened


def test_batches_are_worked_on_side_by_side_over_one_shared_thing():
    barrier = threading.Barrier(3, timeout=60)  # three at the same time, or it breaks
    prepared = []

    def prepare(shared):
        prepared.append(shared)

        def work(batch):
            barrier.wait()
            return shared, batch

        return work

    with opened(3) as engine:
        assert engine.workers == 3
        assert list(engine.map(prepare, "shared", range(9))) == [("shared", n) for n in range(9)]
    assert prepared == ["shared"]


def test_an_error_of_a_batch_is_raised_and_the_threads_end():
    def prepare(_shared):
        return lambda batch: 1 // batch

    with pytest.raises(ZeroDivisionError), opened(2) as engine:
        list(engine.map(prepare, None, [1, 0, *[1] * 50]))
    assert not [each for each in threading.enumerate() if each.name.startswith("sweep")]


def test_all_cores_that_may_be_used_are():
    with opened() as engine:
        assert engine.workers == len(os.sched_getaffinity(0))
