from __future__ import annotations

import pytest

from trading_system.research.engines.ahead import in_order


class Pool:
    """Futures by number; `results` says what each comes to."""

    def __init__(self):
        self.submitted = []
        self.cancelled = []

    def work(self, batches, workers):
        def submit(batch):
            self.submitted.append(batch)
            return batch

        return in_order(
            batches, workers, submit=submit, result=self.result, cancel=self.cancelled.append
        )

    def result(self, future):
        if future == "bad":
            raise ValueError(future)
        return future


def test_results_come_in_the_order_of_the_batches():
    assert list(Pool().work(range(20), 2)) == list(range(20))


def test_only_a_few_batches_are_taken_ahead_however_many_there_are():
    pool = Pool()
    results = pool.work(iter(range(10**9)), 2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(pool.submitted) == 5 + 5


def test_what_was_taken_ahead_is_cancelled_when_nobody_wants_more():
    pool = Pool()
    results = pool.work(range(20), 2)
    next(results)
    results.close()
    assert pool.cancelled == [1, 2, 3, 4, 5]


def test_an_error_of_a_batch_ends_all():
    pool = Pool()
    with pytest.raises(ValueError, match="bad"):
        list(pool.work(["a", "bad", "c", "d"], 1))
    assert pool.cancelled == ["c", "d"]
