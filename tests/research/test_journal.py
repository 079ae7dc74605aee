from __future__ import annotations

import numpy as np
import pytest

from trading_system.domain.errors import StorageError
from trading_system.research.journal import opened

KIND = np.dtype([("number", np.int64), ("score", np.float64)])


def some(*numbers):
    return np.array([(number, number / 3) for number in numbers], KIND)


def test_rows_come_back_as_they_went_in_after_the_end_of_the_process(tmp_path):
    path = tmp_path / "new" / "rows"
    with opened(path, KIND) as journal:
        assert (len(journal), journal.rows().tolist()) == (0, [])
        journal.append(some(1, 2))
        assert len(journal) == 2
        journal.append(some(3))
        assert journal.rows().tolist() == some(1, 2, 3).tolist()
    with opened(path, KIND) as journal:
        journal.append(some(4))
        assert journal.rows().tolist() == some(1, 2, 3, 4).tolist()


def test_rows_are_on_disk_when_they_are_appended_not_when_all_is_closed(tmp_path):
    with opened(tmp_path / "rows", KIND) as journal:
        journal.append(some(1))
        assert np.fromfile(tmp_path / "rows", KIND).tolist() == some(1).tolist()


def test_a_row_that_was_cut_off_is_forgotten(tmp_path):
    path = tmp_path / "rows"
    path.write_bytes(some(1, 2).tobytes()[:-1])
    with opened(path, KIND) as journal:
        journal.append(some(5))
        assert journal.rows()["number"].tolist() == [1, 5]


def test_rows_behind_a_place_can_be_forgotten(tmp_path):
    with opened(tmp_path / "rows", KIND) as journal:
        journal.append(some(1, 2, 3))
        journal.keep(1)
        journal.append(some(4))
        assert journal.rows()["number"].tolist() == [1, 4]


def test_two_do_not_write_at_the_same_time(tmp_path):
    with (
        opened(tmp_path / "rows", KIND),
        pytest.raises(StorageError, match="is running in another process"),
        opened(tmp_path / "rows", KIND),
    ):
        pass
