"""One connection's session: who is logged on, what it hears of, and the methods about that.

It answers from its own state; REST has nothing like it. Source: Binance's web-socket-api.md,
"Session Authentication" and "User Data Stream requests".
"""

from __future__ import annotations

from collections.abc import Callable

from trading_system.simulator.arguments import Arguments, required
from trading_system.simulator.auth import (
    SIGNED,
    ApiKey,
    Keys,
    authenticate,
    judge_timing,
    not_permitted,
    sorted_payload,
)
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
        handle, reads = METHODS[method]
        without_own(parameters).expect(reads)
        return handle(self, parameters, now)

    def identify(self, parameters: dict[str, str], now: int) -> str:
        """The account a request speaks for: that of its key, or of the logon; or Refused."""
        arguments = Arguments(parameters)
        signs = "apiKey" in parameters or "signature" in parameters
        if self._key is not None and not signs:
            judge_timing(arguments, now)
            return self._key.account
        key = self._key
        if key is None or "apiKey" in parameters:
            key = self._keys.find(_api_key(parameters))
        return authenticate(key, arguments, sorted_payload(parameters), now)

    def status(self, _: dict[str, str], now: int) -> Json:
        """session.status, which logon and logout answer with too."""
        return {
            "apiKey": None if self._key is None else self._key.key,
            "authorizedSince": self._authorized_since,
            "connectedSince": self._connected_since,
            "returnRateLimits": self.shows_limits,
            "serverTime": now,
            "userDataStream": bool(self.subscriptions),
        }

    def log_on(self, parameters: dict[str, str], now: int) -> Json:
        """session.logon: from now on requests need no key and no signature."""
        key = self._keys.for_logon(_api_key(parameters))
        authenticate(key, Arguments(parameters), sorted_payload(parameters), now)
        self._key, self._authorized_since = key, now
        return self.status(parameters, now)

    def log_out(self, parameters: dict[str, str], now: int) -> Json:
        """session.logout: it ends the subscription that the logon allowed, and no other."""
        self._key = self._authorized_since = None
        self.ended += self.subscriptions.log_out()
        return self.status(parameters, now)

    def subscribe(self, _: dict[str, str], __: int) -> Json:
        """userDataStream.subscribe: to the account that is logged on."""
        if self._key is None:
            raise not_permitted()
        return {"subscriptionId": self.subscriptions.start(self._key.account, by_logon=True)}

    def subscribe_signed(self, parameters: dict[str, str], now: int) -> Json:
        """userDataStream.subscribe.signature: to the account of the key that signs."""
        key = self._keys.find(_api_key(parameters))
        account = authenticate(key, Arguments(parameters), sorted_payload(parameters), now)
        return {"subscriptionId": self.subscriptions.start(account, by_logon=False)}

    def unsubscribe(self, parameters: dict[str, str], _: int) -> Json:
        """userDataStream.unsubscribe: one, or all."""
        self.ended += self.subscriptions.stop(Arguments(parameters).whole("subscriptionId"))
        return {}

    def listed(self, _: dict[str, str], __: int) -> list[Json]:
        """session.subscriptions."""
        return [{"subscriptionId": id_} for id_, _account in self.subscriptions]


_Handler = Callable[[Session, dict[str, str], int], object]
_NOTHING = frozenset[str]()

METHODS: dict[str, tuple[_Handler, frozenset[str]]] = {
    "session.logon": (Session.log_on, SIGNED),
    "session.status": (Session.status, _NOTHING),
    "session.logout": (Session.log_out, _NOTHING),
    "session.subscriptions": (Session.listed, _NOTHING),
    "userDataStream.subscribe": (Session.subscribe, _NOTHING),
    "userDataStream.subscribe.signature": (Session.subscribe_signed, SIGNED),
    "userDataStream.unsubscribe": (Session.unsubscribe, frozenset({"subscriptionId"})),
}
"""What answers each method, and the parameters that it reads."""


def without_own(parameters: dict[str, str]) -> Arguments:
    """The parameters that are the endpoint's business."""
    return Arguments({name: text for name, text in parameters.items() if name not in _OWN})


def _api_key(parameters: dict[str, str]) -> str:
    return required("apiKey", Arguments(parameters).text("apiKey"))
