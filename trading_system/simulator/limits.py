"""How much may be asked: request weight by address, unfilled orders by account.

Windows are aligned to the clock, not rolling. Every `now` is passed in, ms UTC. Source: Binance's
rest-api.md "LIMITS" and faqs/order_count_decrement.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from trading_system.simulator.model import Refused

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_DAY = 1_440 * _MINUTE
_TAKER_GIVES_BACK = 1
_MAKER_GIVES_BACK = 5  # the example in Binance's order count FAQ; the real number is not told


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """As exchangeInfo tells them; `refusals_before_ban` in one minute turn 429 into 418."""

    weight_per_minute: int = 6_000
    orders_per_10_seconds: int = 100
    orders_per_day: int = 200_000
    raw_requests_per_5_minutes: int = 300_000
    connections_per_5_minutes: int = 300
    refusals_before_ban: int = 10
    first_ban_seconds: int = 120
    longest_ban_seconds: int = 3 * 86_400


class TooMuch(Refused):
    """Refused for asking too often; `retry_after` in seconds goes into a header."""

    def __init__(self, code: int, message: str, *, status: int, retry_after: int) -> None:
        super().__init__(code, message, status=status)
        self.retry_after = retry_after


class _Window:
    """A count that begins anew with every slot of the clock."""

    __slots__ = ("_length", "_slot", "count")

    def __init__(self, length: int) -> None:
        self._length = length
        self._slot = -1
        self.count = 0

    def at(self, now: int) -> _Window:
        slot = now // self._length
        if slot != self._slot:
            self._slot, self.count = slot, 0
        return self

    def seconds_left(self, now: int) -> int:
        return -(-(self._length - now % self._length) // _SECOND)


class _Address:
    __slots__ = ("banned_until", "bans", "raw", "refusals", "weight")

    def __init__(self) -> None:
        self.weight = _Window(_MINUTE)
        self.raw = _Window(5 * _MINUTE)
        self.refusals = _Window(_MINUTE)
        self.banned_until = 0
        self.bans = 0


class _Account:
    __slots__ = ("day", "ten_seconds")

    def __init__(self) -> None:
        self.ten_seconds = _Window(10 * _SECOND)
        self.day = _Window(_DAY)


class Limits:
    """Counts, and raises TooMuch where a count goes over its limit."""

    def __init__(self, settings: LimitSettings) -> None:
        self.refused: Counter[int] = Counter()
        """How often 418 and 429 were answered, whatever for."""
        self._settings = settings
        self._addresses: defaultdict[str, _Address] = defaultdict(_Address)
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    def admit(self, address: str, now: int) -> None:
        """One request came in, whatever it weighs; refused while banned or over a limit."""
        caller = self._addresses[address]
        if now < caller.banned_until:
            raise _banned(caller.banned_until, now)
        caller.raw.at(now).count += 1
        if caller.raw.count > self._settings.raw_requests_per_5_minutes:
            raise self._refuse(caller, caller.raw, now)
        if caller.weight.at(now).count > self._settings.weight_per_minute:
            raise self._refuse(caller, caller.weight, now)

    def charge(self, address: str, weight: int, now: int) -> None:
        """The request weighs this much; the one that goes over the limit is refused already."""
        caller = self._addresses[address]
        caller.weight.at(now).count += weight
        if caller.weight.count > self._settings.weight_per_minute:
            raise self._refuse(caller, caller.weight, now)

    def add(self, address: str, weight: int, now: int) -> None:
        """Weight of a request that was answered already, so that only the next can be refused."""
        self._addresses[address].weight.at(now).count += weight

    def used(self, address: str, now: int) -> int:
        """Weight used in the running minute."""
        return self._addresses[address].weight.at(now).count

    def require_order(self, account: str, now: int, *, orders: int = 1) -> None:
        """Refused when so many more unfilled orders are too many."""
        counts, settings = self._accounts[account], self._settings
        day, short = counts.day.at(now), counts.ten_seconds.at(now)
        if day.count + orders > settings.orders_per_day:
            raise _too_many_orders(settings.orders_per_day, "1 DAY", day.seconds_left(now))
        if short.count + orders > settings.orders_per_10_seconds:
            left = short.seconds_left(now)
            raise _too_many_orders(settings.orders_per_10_seconds, "10 SECOND", left)

    def count_order(self, account: str, now: int, *, orders: int = 1) -> None:
        """So many orders were placed."""
        counts = self._accounts[account]
        counts.ten_seconds.at(now).count += orders
        counts.day.at(now).count += orders

    def give_back(self, account: str, now: int, *, maker: bool) -> None:
        """An order filled for the first time; counts never go below zero."""
        counts = self._accounts[account]
        amount = _MAKER_GIVES_BACK if maker else _TAKER_GIVES_BACK
        for window in (counts.ten_seconds, counts.day):
            window.at(now).count = max(window.count - amount, 0)

    def orders(self, account: str, now: int) -> tuple[int, int]:
        """Unfilled orders of the running ten seconds and of the day (UTC)."""
        counts = self._accounts[account]
        return counts.ten_seconds.at(now).count, counts.day.at(now).count

    def _refuse(self, caller: _Address, window: _Window, now: int) -> TooMuch:
        """Somebody who goes on after being refused is banned, each time for twice as long."""
        settings = self._settings
        caller.refusals.at(now).count += 1
        if caller.refusals.count > settings.refusals_before_ban:
            seconds = settings.first_ban_seconds << min(caller.bans, 32)
            caller.bans += 1
            caller.banned_until = now + min(seconds, settings.longest_ban_seconds) * _SECOND
            return _banned(caller.banned_until, now)
        what = (
            f"request weight used; current limit is {settings.weight_per_minute} request weight "
            "per 1 MINUTE"
            if window is caller.weight
            else f"requests; current limit is {settings.raw_requests_per_5_minutes} requests "
            "per 5 MINUTE"
        )
        many = "much" if window is caller.weight else "many"
        return TooMuch(
            -1003,
            f"Too {many} {what}. Please use WebSocket Streams for live updates to avoid polling "
            "the API.",
            status=429,
            retry_after=window.seconds_left(now),
        )


def rate_limits(settings: LimitSettings) -> list[dict[str, str | int]]:
    """The limits as exchangeInfo lists them."""
    return [
        _weight_limit(settings),
        *order_limits(settings),
        raw_limit(settings),
    ]


def raw_limit(settings: LimitSettings) -> dict[str, str | int]:
    """How often REST may be called."""
    return _row("RAW_REQUESTS", "MINUTE", 5, settings.raw_requests_per_5_minutes)


def connection_limit(settings: LimitSettings) -> dict[str, str | int]:
    """What the WebSocket API lists instead; its door counts the attempts."""
    return _row("CONNECTIONS", "MINUTE", 5, settings.connections_per_5_minutes)


def order_limits(settings: LimitSettings) -> list[dict[str, str | int]]:
    """The limits of unfilled orders, as rateLimit/order lists them (there with a count)."""
    return [
        _row("ORDERS", "SECOND", 10, settings.orders_per_10_seconds),
        _row("ORDERS", "DAY", 1, settings.orders_per_day),
    ]


def used_limits(
    settings: LimitSettings, *, weight: int, orders: Sequence[int]
) -> list[dict[str, str | int]]:
    """Those that a request of the WebSocket API affected, with a count.

    `orders` are the counts of ten seconds and of the day, or nothing.
    """
    rows = [*order_limits(settings)[: len(orders)], _weight_limit(settings)]
    return [{**row, "count": count} for row, count in zip(rows, (*orders, weight), strict=True)]


def _weight_limit(settings: LimitSettings) -> dict[str, str | int]:
    return _row("REQUEST_WEIGHT", "MINUTE", 1, settings.weight_per_minute)


def _row(kind: str, interval: str, number: int, limit: int) -> dict[str, str | int]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _banned(until: int, now: int) -> TooMuch:
    return TooMuch(
        -1003,
        f"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams "
        "for live updates to avoid bans.",
        status=418,
        retry_after=-(-(until - now) // _SECOND),
    )


def _too_many_orders(limit: int, period: str, left: int) -> TooMuch:
    return TooMuch(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {period}.",
        status=429,
        retry_after=left,
    )
