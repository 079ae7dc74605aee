"""Who is asking: API keys, signatures over the text as it was received, and timing.

The signature of a REST request covers the query string followed directly by the body, without the
signature pair itself, wherever that stands; values are never decoded and encoded again. That of a
request to the WebSocket API covers its parameters by name, as they were written.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import partial

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

Verify = Callable[[str, str], bool]
"""Whether the second text is a signature of the first."""


class KeyKind(StrEnum):
    """How its owner signs."""

    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "ED25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key and the account it opens; signed with `secret`, or with what `public_key` belongs to.

    `public_key` is PEM text, Ed25519 or RSA; raises ValueError for anything else.
    """

    key: str
    account: str
    secret: str = field(default="", repr=False)
    public_key: str | None = None
    kind: KeyKind = field(init=False, compare=False)
    verify: Verify = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kind, verify = (
            (KeyKind.HMAC, _by_secret(self.secret))
            if self.public_key is None
            else _by_public_key(self.public_key)
        )
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "verify", verify)


class Keys:
    """The keys the exchange knows.

    Unless `any_logon`, only Ed25519 keys may log on to the WebSocket API, as it is documented;
    clients do so with others too.
    """

    def __init__(self, keys: Iterable[ApiKey], *, any_logon: bool = True) -> None:
        self._keys = {key.key: key for key in keys}
        self._any_logon = any_logon

    def find(self, key: str | None) -> ApiKey:
        """The key of this header; Refused -2014 when it is none, -2015 when it is unknown."""
        known = self._keys.get(key or "")
        if known is not None:
            return known
        if _FORMAT.match(key or "") is None:
            raise Refused(-2014, "API-key format invalid.", status=401)
        raise not_permitted()

    def for_logon(self, key: str | None) -> ApiKey:
        """The same for session.logon."""
        known = self.find(key)
        if self._any_logon or known.kind is KeyKind.ED25519:
            return known
        raise not_permitted()


def not_permitted() -> Refused:
    """Whatever is wrong about a key but its form."""
    return Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def authenticate(key: ApiKey, arguments: Arguments, signed: str, now: int) -> str:
    """The account a signed request speaks for, or Refused; `signed` is the text, `now` in ms."""
    judge_timing(arguments, now)
    signature = required("signature", arguments.text("signature"))
    if not key.verify(signed, signature):
        raise Refused(-1022, "Signature for this request is not valid.")
    return key.account


def payload(query: str, body: str) -> str:
    """The text that is signed of a REST request."""
    return _without_signature(query) + _without_signature(body)


def sorted_payload(parameters: Mapping[str, str]) -> str:
    """The text that is signed of a request to the WebSocket API."""
    return "&".join(
        f"{name}={value}" for name, value in sorted(parameters.items()) if name != "signature"
    )


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


def _by_secret(secret: str) -> Verify:
    """HMAC-SHA256, hexadecimal in either case."""

    def verify(text: str, signature: str) -> bool:
        expected = hmac.digest(secret.encode(), text.encode(), "sha256").hex()
        # The bytes of both: compare_digest refuses text beyond ASCII.
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return verify


def _by_public_key(pem: str) -> tuple[KeyKind, Verify]:
    """Ed25519, or RSA as PKCS#1 v1.5 over SHA-256; base64."""
    # Most runs have no such key, and loading this takes a while.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_public_key,
    )

    public = load_pem_public_key(pem.encode())
    if isinstance(public, Ed25519PublicKey):
        kind, check = KeyKind.ED25519, public.verify
    elif isinstance(public, RSAPublicKey):
        kind = KeyKind.RSA
        check = partial(public.verify, padding=padding.PKCS1v15(), algorithm=hashes.SHA256())
    else:
        raise ValueError("a public key must be Ed25519 or RSA")  # noqa: TRY004 -- type of a key

    def verify(text: str, signature: str) -> bool:
        try:
            check(base64.b64decode(signature, validate=True), text.encode())
        except (ValueError, InvalidSignature):
            return False
        return True

    return kind, verify


def _without_signature(text: str) -> str:
    if "signature=" not in text:
        return text
    return "&".join(pair for pair in text.split("&") if not pair.startswith("signature="))


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
