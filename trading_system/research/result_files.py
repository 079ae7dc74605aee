"""Results as files: one a backtest, whole or not at all, found again by when it was asked for.

The figures stand before the columns, one member a line, so that a list of results reads no columns.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trading_system.domain.errors import InvalidRequest, NotFound
from trading_system.research.record import SHORT, Record, canonical
from trading_system.research.whole_files import whole

COLUMNS = frozenset({"curve", "trades"})
"""The members that are long."""
_END = "\n}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A result without its columns: `circumstances` and the members of `record.Record`."""

    id: str
    path: Path
    circumstances: Mapping[str, Any]
    result: Mapping[str, Any]


def new_id(folder: Path, now: datetime, taken: Container[str] = ()) -> str:
    """A name that sorts by time, like 20250601T120000123Z; no result in the folder has it yet."""
    while True:
        name = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"
        if name not in taken and not any(folder.glob(f"backtest_{name}_*")):
            return name
        now += timedelta(milliseconds=1)


def save(folder: Path, name: str, record: Record, circumstances: Mapping[str, Any]) -> Path:
    """Write `backtest_{name}_{run id}.json` so that a crash leaves all of it or nothing.

    Raises StorageError when the folder cannot be written.
    """
    path = folder / f"backtest_{name}_{record.run_id[:SHORT]}.json"
    write_whole(path, written(record, circumstances))
    return path


def written(record: Record, circumstances: Mapping[str, Any]) -> str:
    """The text of a file: the circumstances, then the result, whose bytes its question decides."""
    return f'{{"circumstances":{canonical(circumstances)},\n"result":{result_text(record)}}}\n'


def result_text(record: Record) -> str:
    """The part of a file that the same run id always gives, to the last byte."""
    members = record.to_json().items()
    lines = ",\n".join(f"{canonical(name)}:{canonical(value)}" for name, value in members)
    return f"{{\n{lines}\n}}"


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all; raises StorageError."""
    with whole(path) as file:
        file.write(text.encode())


def read(path: Path) -> tuple[Record, Mapping[str, Any]]:
    """The result in a file and its circumstances; InvalidRequest when it is no such file."""
    try:
        whole = json.loads(path.read_text("utf-8"))
        return Record.from_json(whole["result"]), whole["circumstances"]
    except OSError as error:
        raise InvalidRequest(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InvalidRequest(f"{path}: this is no result of a backtest") from None


def read_head(path: Path) -> Head:
    """The figures of a file, read up to its columns; InvalidRequest when it is no such file."""
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(_before_columns(file))
        whole = json.loads("".join(lines).rstrip(",\n") + _END)
        return Head(
            id=path.stem.split("_")[1],
            path=path,
            circumstances=whole["circumstances"],
            result=whole["result"],
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise InvalidRequest(f"{path}: this is no result of a backtest") from None


def heads(folder: Path, limit: int) -> list[Head]:
    """The latest results in a folder, newest first; what is no result is passed over."""
    found: list[Head] = []
    for path in sorted(folder.glob("backtest_*_*.json"), reverse=True):
        if len(found) == limit:
            break
        try:
            found.append(read_head(path))
        except InvalidRequest:
            continue
    return found


def find(folder: Path, name: str) -> Path:
    """The file of that id; raises NotFound."""
    path = next(folder.glob(f"backtest_{name}_*.json"), None) if name.isalnum() else None
    if path is None:
        raise NotFound(f"there is no backtest {name}")
    return path


def _before_columns(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith(tuple(f'"{name}":' for name in COLUMNS)):
            return
        yield line
