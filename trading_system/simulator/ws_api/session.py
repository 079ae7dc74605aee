"""One connection's session: who is logged on, what it hears of, and the methods about that.

It answers from its own state; REST has nothing like it. Source: Binance's web-socket-api.md,
"Session Authentication" and "User Data Stream requests".
"""

from __future__ import annotations

from collections.abc import Callable

from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.auth import (
    ApiKey,
    Keys,
    authenticate,
    judge_timing,
    sorted_payload,
)
from trading_system.simulator.model import Refused
from trading_system.simulator.wire import Json
from trading_system.simulator.ws_api.subscriptions import Subscriptions

WEIGHT = 2
"""Of connecting and of every method of the session."""

_OWN = frozenset({"apiKey", "returnRateLimits"})
"""Parameters of every request that no endpoint reads."""


class Session:
    """State of one connection, opened at `now`, ms UTC.

    `shows_limits` is what the connection's URL says about the field rateLimits.
    """

    def __init__(self, keys: Keys, *, now: int, shows_limits: bool) -> None:
        self.subscriptions = Subscriptions()
        self.ended: list[int] = []
        """Subscriptions that ended and whose last event has not been sent yet."""
        self._keys = keys
        self._connected_since = now
        self.shows_limits = shows_limits
        self._key: ApiKey | None = None
        self._authorized_since: int | None = None

    def answer(self, method: str, parameters: dict[str, str], now: int) -> object:
        """What a method of METHODS says; raises Refused."""
        return METHODS[method](self, parameters, now)

    def identify(self, parameters: dict[str, str], now: int) -> str:
        """The account a request speaks for: that of its key, or of the logon; or Refused."""
        arguments = Arguments(parameters)
        signs = "apiKey" in parameters or "signature" in parameters
        if self._key is not None and not signs:
            judge_timing(arguments, now)
            return self._key.account
        key = self._key
        if key is None or "apiKey" in parameters:
            key = self._keys.find(required("apiKey", arguments.text("apiKey")))
        return authenticate(key, arguments, sorted_payload(parameters), now)

    def status(self, _: dict[str, str], now: int) -> Json:
        return {
            "apiKey": None if self._key is None else self._key.key,
            "authorizedSince": self._authorized_since,
            "connectedSince": self._connected_since,
            "returnRateLimits": self.shows_limits,
            "serverTime": now,
            "userDataStream": bool(self.subscriptions),
        }

    def log_on(self, parameters: dict[str, str], now: int) -> Json:
        key = self._keys.find(required("apiKey", Arguments(parameters).text("apiKey")))
        authenticate(key, Arguments(parameters), sorted_payload(parameters), now)
        self._key, self._authorized_since = key, now
        return self.status(parameters, now)

    def log_out(self, parameters: dict[str, str], now: int) -> Json:
        self._key = self._authorized_since = None
        self.ended += self.subscriptions.log_out()
        return self.status(parameters, now)

    def subscribe(self, _: dict[str, str], __: int) -> Json:
        if self._key is None:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
        return {"subscriptionId": self.subscriptions.start(self._key.account, by_logon=True)}

    def subscribe_signed(self, parameters: dict[str, str], now: int) -> Json:
        key = self._keys.find(required("apiKey", Arguments(parameters).text("apiKey")))
        account = authenticate(key, Arguments(parameters), sorted_payload(parameters), now)
        return {"subscriptionId": self.subscriptions.start(account, by_logon=False)}

    def unsubscribe(self, parameters: dict[str, str], _: int) -> Json:
        id_ = Arguments(parameters).whole("subscriptionId")
        self.ended += self.subscriptions.stop(id_)
        return {}

    def listed(self, _: dict[str, str], __: int) -> list[Json]:
        return [{"subscriptionId": id_} for id_, _account in self.subscriptions]


METHODS: dict[str, Callable[[Session, dict[str, str], int], object]] = {
    "session.logon": Session.log_on,
    "session.status": Session.status,
    "session.logout": Session.log_out,
    "session.subscriptions": Session.listed,
    "userDataStream.subscribe": Session.subscribe,
    "userDataStream.subscribe.signature": Session.subscribe_signed,
    "userDataStream.unsubscribe": Session.unsubscribe,
}


def without_own(parameters: dict[str, str]) -> Arguments:
    """The parameters that are the endpoint's business."""
    return Arguments({name: text for name, text in parameters.items() if name not in _OWN})
