"""Who is asking: API keys, signatures over the text as it was received, and timing.

HMAC-SHA256 only. The signature covers the query string followed directly by the body, without the
signature pair itself, wherever that stands; values are never decoded and encoded again.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from trading_system.simulator.arguments import DECIMAL, WHOLE, Arguments, required
from trading_system.simulator.model import Refused

SIGNED = frozenset({"timestamp", "recvWindow", "signature"})
"""What every signed request carries besides its own parameters."""

_FORMAT = re.compile(r"[A-Za-z0-9]{64}\Z")
_DEFAULT_WINDOW = Decimal(5_000)
_LARGEST_WINDOW = 60_000
_WINDOW_DECIMALS = -3
_AHEAD = 1_000_000
_MICROSECONDS = 10**14


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, its secret and the account it opens."""

    key: str
    secret: str = field(repr=False)
    account: str


class Keys:
    """The keys the exchange knows."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {key.key: key for key in keys}

    def find(self, key: str | None) -> ApiKey:
        """The key of this header; Refused -2014 when it is none, -2015 when it is unknown."""
        known = self._keys.get(key or "")
        if known is not None:
            return known
        if _FORMAT.match(key or "") is None:
            raise Refused(-2014, "API-key format invalid.", status=401)
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def authenticate(key: ApiKey, arguments: Arguments, signed: str, now: int) -> str:
    """The account a signed request speaks for, or Refused; `signed` is the text, `now` in ms."""
    judge_timing(arguments, now)
    signature = required("signature", arguments.text("signature"))
    expected = hmac.digest(key.secret.encode(), signed.encode(), "sha256").hex()
    # The bytes of both: compare_digest refuses text beyond ASCII.
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        raise Refused(-1022, "Signature for this request is not valid.")
    return key.account


def payload(query: str, body: str) -> str:
    """The text that is signed of a REST request."""
    return _without_signature(query) + _without_signature(body)


def sorted_payload(parameters: Mapping[str, str]) -> str:
    """The text that is signed of a request to the WebSocket API: by name, values as written."""
    return "&".join(
        f"{name}={value}" for name, value in sorted(parameters.items()) if name != "signature"
    )


def _without_signature(text: str) -> str:
    if "signature=" not in text:
        return text
    return "&".join(pair for pair in text.split("&") if not pair.startswith("signature="))


def judge_timing(arguments: Arguments, now: int) -> None:
    """Binance's rest-api.md, "Timing security"; `now` in ms. Refused when too early or too late."""
    now *= 1000
    sent = int(required("timestamp", arguments.text("timestamp", WHOLE)))
    if sent < _MICROSECONDS:
        sent *= 1000
    window = _window(arguments)
    if sent >= now + _AHEAD:
        raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now - sent > window * 1000:
        raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window(arguments: Arguments) -> Decimal:
    text = arguments.text("recvWindow", DECIMAL)
    if text is None:
        return _DEFAULT_WINDOW
    window = Decimal(text)
    if window > _LARGEST_WINDOW:
        raise Refused(-1131, "recvWindow must be less than 60000")
    exponent = window.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < _WINDOW_DECIMALS:
        raise Refused(-1111, "Parameter 'recvWindow' has too much precision.")
    return window
