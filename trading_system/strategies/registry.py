"""Strategies by name: those that come with the program and those of somebody's own files."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.base import Strategy
from trading_system.strategies.bollinger_reversion import BollingerReversion
from trading_system.strategies.donchian_breakout import DonchianBreakout
from trading_system.strategies.ema_cross import EmaCross
from trading_system.strategies.grid import Grid
from trading_system.strategies.macd import Macd
from trading_system.strategies.rsi_reversion import RsiReversion
from trading_system.strategies.sma_cross import SmaCross

Kinds = dict[str, type[Strategy]]
"""Strategies by name."""

BUILT_IN: tuple[type[Strategy], ...] = (
    SmaCross,
    EmaCross,
    RsiReversion,
    DonchianBreakout,
    Macd,
    BollingerReversion,
    Grid,
)


def strategies(files: Iterable[Path] = (), folder: Path | None = None) -> Kinds:
    """All that come with the program, then those of `files` and of the files (*.py) in `folder`.

    The code in them is run. Raises InvalidRequest for a file without a strategy, with an error or
    that cannot be read, and when two strategies have one name.
    """
    found: Kinds = {kind.name: kind for kind in BUILT_IN}
    paths = [*files, *_dropped(folder)]
    for path in dict.fromkeys(path.resolve() for path in paths):
        for kind in load(path):
            other = found.setdefault(kind.name, kind)
            if other is not kind:
                raise _taken(path, other)
    return found


def named(name: str, files: Iterable[Path] = (), folder: Path | None = None) -> type[Strategy]:
    """The strategy of that name, however broken other files of the folder are.

    Raises InvalidRequest as `strategies` and `find` do, of a broken file in the folder only when
    the strategy may be in it.
    """
    files = [path.resolve() for path in files]
    found, broken = strategies(files), list[InvalidRequest]()
    for path in (path for path in _dropped(folder) if path.resolve() not in files):
        try:
            kinds = {kind.name: kind for kind in load(path)}
        except InvalidRequest as error:
            broken.append(error)
            continue
        if name in kinds and name in found:
            raise _taken(path, found[name])
        found = kinds | found
    if broken and name not in found:
        raise broken[0]
    return find(found, name)


def find(kinds: Kinds, name: str) -> type[Strategy]:
    """The strategy of that name; InvalidRequest, with the names there are, when there is none."""
    if name not in kinds:
        raise InvalidRequest(f"there is no strategy {name!r}: {', '.join(kinds)}")
    return kinds[name]


def load(path: Path) -> tuple[type[Strategy], ...]:
    """The strategies that a Python file defines, by running it; see `strategies` for errors."""
    module = _run(path.resolve())
    classes = dict.fromkeys(kind for kind in vars(module).values() if _meant(kind, module))
    for kind in classes:
        _check(kind, path)
    if not classes:
        raise InvalidRequest(f"{path}: no strategy in it; write a frozen dataclass with targets()")
    return tuple(classes)


def _taken(path: Path, other: type[Strategy]) -> InvalidRequest:
    return InvalidRequest(f"{path}: there is a strategy {other.name!r} already: {_origin(other)}")


def _dropped(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise InvalidRequest(f"{folder}: there is no such folder of strategies")
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _run(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    name = f"strategy_file_{path.stem}_{digest}"
    try:
        code = compile(path.read_bytes(), str(path), "exec")
    except OSError as error:
        raise InvalidRequest(f"{path}: cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:  # the latter for null bytes before Python 3.11.4
        at = getattr(error, "lineno", None)
        line = f", line {at}" if at else ""
        raise InvalidRequest(f"{path}{line}: {getattr(error, 'msg', error)}") from None
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    module = importlib.util.module_from_spec(cast("Any", spec))
    module.__file__ = str(path)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses look their module up there, and pickle does
    try:
        exec(code, vars(module))  # noqa: S102 -- running it is what its owner asks for
    except (Exception, SystemExit) as error:
        _restore(name, before)
        line = _line(error, path)
        raise InvalidRequest(f"{path}{line}: {type(error).__name__}: {error}") from error
    return module


def _restore(name: str, before: ModuleType | None) -> None:
    del sys.modules[name]
    if before is not None:
        sys.modules[name] = before


def _line(error: BaseException, path: Path) -> str:
    """The last line of that file on the error's way."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _meant(kind: object, module: ModuleType) -> bool:
    """Whether it is a class of that module, not imported and not private, that has targets."""
    return (
        inspect.isclass(kind)
        and kind.__module__ == module.__name__
        and not kind.__name__.startswith("_")
        and hasattr(kind, "targets")
    )


def _check(kind: type[Any], path: Path) -> None:
    frozen = dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if not frozen:
        raise InvalidRequest(f"{path}: {kind.__name__} must be a dataclass(frozen=True)")
    if not isinstance(getattr(kind, "name", None), str):
        raise InvalidRequest(f'{path}: {kind.__name__} lacks name: ClassVar[str] = "..."')
    if not hasattr(kind, "warmup"):
        raise InvalidRequest(f"{path}: {kind.__name__} lacks the property warmup -> int")
    for field in dataclasses.fields(kind):
        if "parameter" not in field.metadata:
            raise InvalidRequest(
                f"{path}: {kind.__name__}.{field.name} must be written as parameter(...)"
            )


def _origin(kind: type[Strategy]) -> str:
    return inspect.getfile(kind)
