"""One request budget for every process on this machine that speaks to the same venue.

A small file in memory, a seat a process: each writes its own and reads all, so that there is
nothing to lock. A dead process's seat is taken over; what it was told (a ban) stays.
"""

from __future__ import annotations

import mmap
import os
import secrets
import stat
import struct
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

import structlog

from trading_system.resilience.limits import Bans, Kind, Use, Window

log = structlog.get_logger(__name__)

_MAGIC = b"TSBUDG1\0"
_SEATS = 16
_WINDOWS = 5
_KINDS = tuple(Kind)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
# crc, process, when it started, seat key, bans (everything, orders), then a window after the other:
# kind, seconds, slot, confirmed, unsaid, confirmed and unsaid of the slot before, pending
_SEAT = struct.Struct(f"<6q{_WINDOWS * 8}q")
_CRC = struct.Struct("<q")
_OWNER = struct.Struct("<5q")
_ROW = struct.Struct("<8q")
_WINDOW = struct.Struct("<2q")
_COUNTS = struct.Struct("<6q")
_FILE_SIZE = len(_MAGIC) + _SEATS * _SEAT.size
_KEY = slice(24, 32)
_ROWS = _CRC.size + _OWNER.size


class _Seat(NamedTuple):
    """What one process wrote."""

    process: int
    started: int
    key: int
    bans: Bans
    uses: tuple[Use, ...]


class SharedBudget:
    """Neighbours by a file of seats; who finds none free hears the others without being heard."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self._key = secrets.randbits(62)
        self._key_bytes = self._key.to_bytes(8, "little")
        self._process = os.getpid()
        self._started = _started(self._process)
        self._start, self._end = _FILE_SIZE, _FILE_SIZE  # of our seat in the file
        self._raw: dict[int, bytes] = {}
        self._seats: dict[int, _Seat] = {}
        self._others = b"", b""
        self._image = bytearray(_SEAT.size)  # of our seat
        self._signed = memoryview(self._image)[_CRC.size :]
        self._told: list[Use | None] = [None] * _WINDOWS
        self._told_bans: Bans | None = None
        self._inherited = Bans()
        self._heard: tuple[tuple[Use, ...], Bans] = ((), Bans())
        self._take_seat()

    @classmethod
    def opened(cls, folder: Path | None, venue: str) -> Self:
        """The budget of the venue at this root URL; by default in the machine's temporary folder.

        A file that is torn or strange begins anew; where none can be, or others could write to it,
        we are alone. Both are logged.
        """
        folder = folder.resolve() if folder else _default_folder()
        path = folder / f"{sha256(venue.encode()).hexdigest()[:16]}.budget"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            memory = _mapped(path)
        except OSError as error:
            log.warning("shared budget: none, other processes are not seen", error=str(error))
            memory = mmap.mmap(-1, _FILE_SIZE)
        if memory[: len(_MAGIC)] != _MAGIC:
            if memory[:] != bytes(_FILE_SIZE):
                log.warning("shared budget was unreadable and begins anew", file=str(path))
            memory[:] = _MAGIC + bytes(_FILE_SIZE - len(_MAGIC))
        return cls(memory)

    def tell(self, uses: Sequence[Use], bans: Bans) -> None:
        """Write our seat; what stands there already is not formed anew, this being asked often.

        The windows keep their places: those left out stay as they were told.
        """
        start = self._start
        if self._is_standing():
            return
        if self._memory[start + _KEY.start : start + _KEY.stop] != self._key_bytes:
            # Two began at the same moment and the other one sits here now.
            log.warning("shared budget: another process took our seat")
            self._take_seat()
            if self._is_standing():
                return
            start = self._start
        told, image = self._told, self._image
        for number, use in enumerate(uses[:_WINDOWS]):
            before = told[number]
            if use is before:
                continue
            told[number] = use
            at = _ROWS + number * _ROW.size
            if before is None or before.window is not use.window:
                _WINDOW.pack_into(image, at, _NUMBERS[use.window.kind], use.window.seconds)
            _COUNTS.pack_into(image, at + _WINDOW.size, *use[1:])
        if bans is not self._told_bans:
            self._told_bans = bans
            _OWNER.pack_into(image, _CRC.size, self._process, self._started, self._key, *bans)
        _CRC.pack_into(image, 0, crc32(self._signed))
        self._memory[start : self._end] = image

    def hear(self) -> tuple[Sequence[Use], Bans]:
        """What the others wrote last; what is torn is heard as it was before."""
        others = self._memory[len(_MAGIC) : self._start], self._memory[self._end :]
        if others != self._others:
            self._others = others
            self._read()
        return self._heard

    def close(self) -> None:
        """Leave what we used in the file: it counts until its windows are over."""
        self._memory.close()

    def _is_standing(self) -> bool:
        return self._start == _FILE_SIZE

    def _read(self) -> None:
        uses: list[Use] = []
        bans = self._inherited
        for number in range(_SEATS):
            start = _place(number)
            if start == self._start:
                continue
            raw = self._memory[start : start + _SEAT.size]
            if raw != self._raw.get(number):
                self._raw[number] = raw
                if seat := _read_seat(raw):
                    self._seats[number] = seat
            if seat := self._seats.get(number):
                uses += seat.uses
                bans = bans.together(seat.bans)
        self._heard = tuple(uses), bans

    def _take_seat(self) -> None:
        """Sit where nobody sits, else where somebody died; the bans known so far go along."""
        self._start = self._end = _FILE_SIZE
        self._read()
        self._inherited = self._heard[1]
        free = [number for number in range(_SEATS) if number not in self._seats]
        dead = [number for number, seat in self._seats.items() if not _alive(seat)]
        dead.sort(key=lambda number: _last_used(self._seats[number]))
        for number in (free + dead)[:1]:
            self._seats.pop(number, None)
            self._raw.pop(number, None)
            self._start = _place(number)
            self._end = self._start + _SEAT.size
            self._memory[self._start + _KEY.start : self._start + _KEY.stop] = self._key_bytes
            self.tell((), self._told_bans or self._inherited)
        self._read()
        if self._is_standing():
            log.warning("shared budget is full: ours is not seen by the other processes")


def _mapped(path: Path) -> mmap.mmap:
    """The file in memory; raises OSError also where it, or its folder, is not ours alone.

    In a folder for everybody another user can be there first, with a folder or a link of that name.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _check_ours(folder, path.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not hang us
        descriptor = os.open(path.name, flags, 0o600, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        _check_ours(descriptor, path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PermissionError(f"{path} is no plain file")
        # Never cut: others may have the longer file in memory.
        if os.fstat(descriptor).st_size < _FILE_SIZE:
            os.ftruncate(descriptor, _FILE_SIZE)
        return mmap.mmap(descriptor, _FILE_SIZE)
    finally:
        os.close(descriptor)


def _check_ours(descriptor: int, path: Path) -> None:
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} can be written by other users")


def _place(number: int) -> int:
    return len(_MAGIC) + number * _SEAT.size


def _read_seat(raw: bytes) -> _Seat | None:
    """A seat that was written whole, or None."""
    crc, process, started, key, banned, refused, *counts = _SEAT.unpack(raw)
    if not process or crc != crc32(raw[_CRC.size :]):
        return None
    uses = tuple(
        Use(Window(_KINDS[counts[at]], counts[at + 1]), *counts[at + 2 : at + 8])
        for at in range(0, _WINDOWS * 8, 8)
        if counts[at + 1]
    )
    return _Seat(process, started, key, Bans(banned, refused), uses)


def _last_used(seat: _Seat) -> int:
    return max((use.slot * use.window.seconds for use in seat.uses), default=0)


def _alive(seat: _Seat) -> bool:
    try:
        os.kill(seat.process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return seat.started == _started(seat.process)


def _started(process: int) -> int:
    """When it started, in ticks since the machine did, where that is told: ids are used again."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[19])
    except (OSError, IndexError, ValueError):
        return 0


def _default_folder() -> Path:
    # Of this user: a file that others may write to could be made to stop us.
    return Path(tempfile.gettempdir()) / f"trading-system-budget-{os.getuid()}"
