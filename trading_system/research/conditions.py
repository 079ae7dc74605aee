"""Conditions between parameters, like "fast < slow": read as Python reads them, never run by it.

Refuses everything but numbers, names of parameters, words in quotes, arithmetic and comparisons.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from trading_system.domain.errors import InvalidRequest
from trading_system.strategies.base import Value

_LONGEST = 200
_WORDS = {"yes": True, "no": False}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Condition:
    """What combinations have to fulfil; `tree` is `text`, read."""

    text: str
    tree: ast.expr

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it does for these values; InvalidRequest where it has none, like x / 0."""
        try:
            return bool(_value(self.tree, values))
        except (ArithmeticError, TypeError) as error:
            raise InvalidRequest(f"{self.text!r} has no value: {error}") from None


def condition(text: str, names: Collection[str]) -> Condition:
    """Read a condition about parameters of these names; InvalidRequest for anything else."""
    if len(text) > _LONGEST:
        raise InvalidRequest(f"a condition of {len(text)} characters is too long: {text[:20]}…")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidRequest(f"{text!r} is no condition; write it like fast < slow") from None
    _check(tree, {*names, *_WORDS}, text)
    return Condition(text=text.strip(), tree=tree)


def _check(node: ast.expr, names: set[str], text: str) -> None:
    """Raise InvalidRequest for a part that is not allowed."""
    match node:
        case ast.Name(id=name):
            if name not in names:
                known = ", ".join(sorted(names - _WORDS.keys()))
                raise InvalidRequest(f"{text!r}: there is no parameter {name!r} but {known}")
        case ast.Constant(value=bool() | int() | float() | str()):
            return
        case ast.BoolOp(values=parts):
            _check_all(parts, names, text)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand, names, text)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            _check_all([left, right], names, text)
        case ast.Compare(left=left, ops=ops, comparators=others) if {*map(type, ops)} <= {
            *_COMPARISONS
        }:
            _check_all([left, *others], names, text)
        case _:
            part = ast.unparse(node)
            raise InvalidRequest(f"{text!r}: {part!r} is neither arithmetic nor a comparison")


def _check_all(nodes: list[ast.expr], names: set[str], text: str) -> None:
    for node in nodes:
        _check(node, names, text)


def _value(node: ast.expr, values: Mapping[str, Value]) -> Any:
    """What a part comes to; parts that `_check` has let pass."""
    match node:
        case ast.Name(id=name):
            return _WORDS[name] if name in _WORDS and name not in values else _plain(values[name])
        case ast.Constant(value=constant):
            return constant
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, values) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, values)
        case ast.UnaryOp(operand=operand):
            return -_number(operand, values)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_number(left, values), _number(right, values))
        case ast.Compare(left=left, ops=ops, comparators=others):
            compared = [_value(each, values) for each in (left, *others)]
            pairs = zip(compared, ops, compared[1:], strict=False)
            return all(_COMPARISONS[type(op)](before, after) for before, op, after in pairs)
    raise AssertionError(node)  # pragma: no cover -- refused when it was read


def _number(node: ast.expr, values: Mapping[str, Value]) -> float:
    """A part that is to be calculated with: "a" * 10**9 is no arithmetic of ours."""
    value = _value(node, values)
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def _plain(value: Value) -> bool | int | float | str:
    """A value that compares with what is written: conditions decide, so floats will do."""
    return value if isinstance(value, bool | int | float | str) else float(value)
