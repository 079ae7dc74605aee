"""Keys to the private streams: one an account, valid for an hour from the last keep-alive.

Every `now` is passed in, ms UTC. Nobody's key outlives the process.
"""

from __future__ import annotations

import secrets

from trading_system.simulator.model import Refused

VALID = 3_600_000
_BYTES = 32  # 64 characters, as the venue's have


class ListenKeys:
    """Who may listen to whom, and until when."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, int]] = {}

    def start(self, account: str, now: int) -> str:
        """The account's key, the same as before while that is valid; valid for an hour from now."""
        self._drop(account, now)
        key, _ = self._keys.get(account, (secrets.token_hex(_BYTES), 0))
        self._keys[account] = (key, now + VALID)
        return key

    def extend(self, account: str, now: int) -> str:
        """The same for a key that must be valid still; Refused -1125 when there is none."""
        self._drop(account, now)
        if account not in self._keys:
            raise Refused(-1125, "This listenKey does not exist.")
        return self.start(account, now)

    def end(self, account: str) -> None:
        """It is valid no more; none is no error."""
        self._keys.pop(account, None)

    def account(self, key: str, now: int) -> str | None:
        """Whose key this is; None when it is nobody's."""
        return next(
            (name for name, (own, until) in self._keys.items() if own == key and now < until), None
        )

    def expired(self, now: int) -> list[str]:
        """Keys whose hour is over, each told once."""
        over = [(name, key) for name, (key, until) in self._keys.items() if now >= until]
        for name, _ in over:
            del self._keys[name]
        return [key for _, key in over]

    def _drop(self, account: str, now: int) -> None:
        if account in self._keys and now >= self._keys[account][1]:
            del self._keys[account]
