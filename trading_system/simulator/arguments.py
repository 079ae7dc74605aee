"""The parameters of one request, read by name and type; anything malformed is refused.

Source of the rules and texts: Binance's errors.md and what its answers have shown. Nothing here
knows what a parameter is for.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeVar
from urllib.parse import unquote_plus

import orjson

from trading_system.simulator.model import Refused

Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")


class Legal(NamedTuple):
    """What a text may look like; `shown` is what Binance, written in Java, tells the user."""

    shown: str
    pattern: re.Pattern[str]


# \Z where Binance writes $: in Python a $ lets a last newline pass.
DECIMAL = Legal(
    r"^([0-9]{1,20})(\.[0-9]{1,20})?$", re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?\Z", re.ASCII)
)
WHOLE = Legal(r"^[0-9]{1,20}$", re.compile(r"[0-9]{1,20}\Z", re.ASCII))
CLIENT_ID = Legal(r"^[a-zA-Z0-9-_]{1,36}$", re.compile(r"[a-zA-Z0-9_-]{1,36}\Z", re.ASCII))
SYMBOL = Legal(r"^[\w\-._&&[^a-z]]{1,50}$", re.compile(r"(?:(?![a-z])[\w\-.]){1,50}\Z"))
SYMBOLS = Legal(
    r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$',
    re.compile(
        r'\[("(?:(?![a-z])[\w\-.]){1,50}"(,"(?:(?![a-z])[\w\-.]){1,50}")*)?\]\Z',
    ),
)
FLAG = Legal(r"^(true|false)$", re.compile(r"(true|false)\Z", re.IGNORECASE))

_LARGEST = 2**63 - 1
_MICROSECONDS = 10**14
"""Times from here on are microseconds: as milliseconds they would lie beyond the year 5138."""
_FIRST_MOMENT = 1_483_228_800_000  # 2017-01-01
_FUTURE = 10_000


class Arguments:
    """Named texts. Readers give None where nothing was sent and raise Refused for nonsense."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    @classmethod
    def parse(cls, query: str, body: str = "") -> Arguments:
        """Read a query string and a form body; on a name in both, the query string wins."""
        values = _pairs(query)
        if body:
            values = _pairs(body) | values
        return cls(values)

    def expect(self, known: Collection[str]) -> None:
        """Raise Refused when something was sent that nobody is going to read."""
        unread = len(self._values.keys() - known)
        if not unread:
            return
        sent = len(self._values)
        if not known:
            raise Refused(-1101, f"Too many parameters; expected '0' and received '{sent}'.")
        raise Refused(
            -1104,
            f"Not all sent parameters were read; read '{sent - unread}' parameter(s) but was sent "
            f"'{sent}'.",
        )

    def text(self, name: str, legal: Legal | None = None) -> str | None:
        """The text as sent; -1105 when empty, -1100 when it has illegal characters."""
        value = self._values.get(name)
        if value is None:
            return None
        if not value:
            raise Refused(-1105, f"Parameter '{name}' was empty.")
        if legal is not None and legal.pattern.match(value) is None:
            raise Refused(
                -1100,
                f"Illegal characters found in parameter '{name}'; legal range is '{legal.shown}'.",
            )
        return value

    def symbol(self) -> str | None:
        return self.text("symbol", SYMBOL)

    def symbols(self) -> list[str] | None:
        """A JSON array without blanks, as Binance wants it; -1151 when one is named twice."""
        value = self.text("symbols", SYMBOLS)
        if value is None:
            return None
        names: list[str] = orjson.loads(value)
        if len(set(names)) < len(names):
            raise Refused(-1151, "Symbol is present multiple times in the list.")
        return names

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name, DECIMAL)
        return None if value is None else Decimal(value)

    def whole(self, name: str) -> int | None:
        """A whole number; -1108 beyond 64 bits."""
        value = self.text(name, WHOLE)
        if value is None:
            return None
        if int(value) > _LARGEST:
            raise Refused(-1108, f"Parameter '{name}' overflowed.")
        return int(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, FLAG)
        return default if value is None else value.lower() == "true"

    def choice(
        self, name: str, kind: type[Choice], refusal: Refused | None = None
    ) -> Choice | None:
        """One of a few words; otherwise `refusal`, or -1130."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return kind(value)
        except ValueError:
            raise refusal or invalid(name) from None

    def moment(self, name: str, now: int) -> int | None:
        """A time in ms, sent in ms or us; moved into what Binance serves: 2017 up to now + 10 s."""
        value = self.whole(name)
        if value is None:
            return None
        if value >= _MICROSECONDS:
            value //= 1000
        return min(max(value, _FIRST_MOMENT), now + _FUTURE)

    def limit(self, *, default: int, largest: int) -> int:
        """How many rows, moved into 1 .. largest."""
        value = self.whole("limit")
        return default if value is None else min(max(value, 1), largest)


def required(name: str, value: Value | None) -> Value:
    """The value, or Refused when it was not sent."""
    if value is None:
        raise Refused(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    return value


def invalid(name: str) -> Refused:
    """The text is well formed and still means nothing."""
    return Refused(-1130, f"Data sent for parameter '{name}' is not valid.")


def _pairs(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in name or "+" in name:
            name = unquote_plus(name)
        if name in values:
            raise Refused(-1101, f"Duplicate values for parameter '{name}' detected.")
        values[name] = unquote_plus(value) if "%" in value or "+" in value else value
    return values
