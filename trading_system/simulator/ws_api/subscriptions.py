"""Which accounts one connection hears of: ids, and how many there may be; nothing is sent here.

Source: Binance's web-socket-api.md, "User Data Stream subscription".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trading_system.simulator.model import Refused

_MOST_ACTIVE = 1_000
_MOST_EVER = 65_535


class _Subscription(NamedTuple):
    account: str
    by_logon: bool


class Subscriptions:
    """Those of one connection; ids count up from 0 and are never used twice."""

    def __init__(self) -> None:
        self._active: dict[int, _Subscription] = {}
        self._ever = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Each id with its account."""
        return ((id_, active.account) for id_, active in self._active.items())

    def __bool__(self) -> bool:
        return bool(self._active)

    def start(self, account: str, *, by_logon: bool) -> int:
        """The id of a new one; Refused where the account has one, or there are too many."""
        if any(active.account == account for active in self._active.values()):
            raise Refused(-2035, "User Data Stream subscription already active.")
        if len(self._active) >= _MOST_ACTIVE:
            raise Refused(
                -1191,
                "Too many subscriptions. Connection may create up to "
                f"'{_MOST_ACTIVE}' subscriptions at a time.",
            )
        if self._ever >= _MOST_EVER:
            raise Refused(-2042, "Maximum subscription ID reached for this connection.")
        self._active[self._ever] = _Subscription(account, by_logon)
        self._ever += 1
        return self._ever - 1

    def stop(self, id_: int | None) -> list[int]:
        """End this one, or all of them: the ids that ended; Refused where none is active."""
        ended = list(self._active) if id_ is None else [id_]
        if not ended or not self._active.keys() >= set(ended):
            raise Refused(-2036, "User Data Stream subscription not active.")
        for each in ended:
            del self._active[each]
        return ended

    def log_out(self) -> list[int]:
        """End what only the logon allowed: the ids that ended."""
        ended = [id_ for id_, active in self._active.items() if active.by_logon]
        for each in ended:
            del self._active[each]
        return ended
