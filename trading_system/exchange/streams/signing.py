"""Signatures for the WebSocket API, made by an object that shows its secret to nobody."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from pydantic import SecretStr


class HmacSigner:
    """Adds `apiKey` and `signature` to the parameters of a request.

    Signed are all parameters sorted by name, joined as name=value with &, values as they are
    (Binance Spot WebSocket API, "SIGNED request security").
    """

    def __init__(self, api_key: SecretStr, secret: SecretStr) -> None:
        self._api_key = api_key
        self._secret = secret

    def __call__(self, params: Mapping[str, object]) -> dict[str, object]:
        """The parameters with both added."""
        named = {**params, "apiKey": self._api_key.get_secret_value()}
        payload = "&".join(f"{name}={named[name]}" for name in sorted(named))
        secret = self._secret.get_secret_value().encode()
        return named | {"signature": hmac.digest(secret, payload.encode(), "sha256").hex()}
