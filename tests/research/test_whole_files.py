"""A file is there whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from trading_system.domain.errors import InvalidRequest, StorageError
from trading_system.research.whole_files import whole


def test_it_takes_its_place_when_all_is_written(tmp_path):
    path = tmp_path / "new" / "file"
    with whole(path) as file:
        file.write(b"half")
        assert not path.exists()
        file.write(b", whole")
    assert path.read_bytes() == b"half, whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_block_that_raises_leaves_the_former_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def write():
        with whole(path) as file:
            file.write(b"half")
            raise InvalidRequest("no more")

    with pytest.raises(InvalidRequest, match="no more"):
        write()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_former_one(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from trading_system.research.whole_files import whole\n"
        "with whole(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"before"


def test_what_cannot_be_written_is_said_with_its_reason(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(StorageError, match=r"out cannot be written: (Not a|File)"),
        whole(tmp_path / "file" / "out"),
    ):
        pytest.fail("there is nowhere to write to")


def test_two_processes_do_not_write_into_one(tmp_path):
    """Whoever is last has the file, and it is one of theirs."""
    path = tmp_path / "file"
    with whole(path) as file:
        file.write(b"ours")
        (beside,) = tmp_path.iterdir()
        assert str(os.getpid()) in beside.name
