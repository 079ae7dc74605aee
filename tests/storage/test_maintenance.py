from __future__ import annotations

import pytest

from trading_system.domain.errors import StorageError
from trading_system.storage.database import Database
from trading_system.storage.maintenance import copy, faults


async def test_an_absent_database_is_told_and_not_made(tmp_path):
    path = tmp_path / "absent.db"
    with pytest.raises(StorageError, match="cannot be opened"):
        await faults(path)
    with pytest.raises(StorageError, match="cannot be opened"):
        await copy(path, tmp_path / "copy.db")
    assert not path.exists()
    assert not (tmp_path / "copy.db").exists()


async def test_a_letter_is_at_fault_as_a_whole(tmp_path):
    path = tmp_path / "letter.db"
    path.write_text("Dear database\n" * 500)
    assert await faults(path) == ["file is not a database"]


async def test_a_backup_never_overwrites(database, tmp_path):
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(StorageError, match="exists already"):
        await copy(database.path, target)
    assert target.read_text() == "precious"


async def test_the_rest_of_a_backup_cut_short_is_no_hindrance(database, tmp_path):
    (tmp_path / "copy.db.partial").write_text("half")
    await copy(database.path, tmp_path / "copy.db")
    async with Database.opened(tmp_path / "copy.db") as copied:
        assert await copied.integrity() == []


async def test_a_database_can_be_checked_and_copied_while_it_is_in_use(database, tmp_path):
    assert await faults(database.path) == []
    await copy(database.path, tmp_path / "copy.db")
    assert await faults(tmp_path / "copy.db") == []
