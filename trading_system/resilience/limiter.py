"""A venue's request budget as arithmetic: who may send now, and when to ask again otherwise.

Its figures are never below the venue's: what the venue confirmed, plus all that is still on its
way, plus what ended without a word. It neither waits nor sends; times are the venue's, in ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trading_system.resilience.limits import (
    CAUTIOUS,
    SHARES,
    Bans,
    Cost,
    Grant,
    Kind,
    Neighbours,
    Priority,
    Use,
    Window,
)

_SOON = 250  # ms; what blocks is on its way and ends before its window does
_UNCERTAIN = 500  # ms; before the venue's clock was measured
_SLOTS_KEPT = 3
_LONGEST_BAN = 4 * 86_400_000  # ms; Binance's longest is three days, a longer one is a mistake
_COST_INDEX = {Kind.WEIGHT: 0, Kind.ORDERS: 1, Kind.REQUESTS: 2}


class Limiter:
    """Grants calls within `limits`, cut to our `own` smaller ones and to a share by priority.

    A call counts in every window it may have arrived in: from when it was granted until it was
    answered, and `uncertainty` ms (how well we know the venue's clock) to both sides.
    """

    def __init__(
        self,
        limits: Mapping[Window, int] = CAUTIOUS,
        *,
        own: Mapping[Window, int] | None = None,
        shares: Mapping[Priority, float] = SHARES,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._own = dict(own or {})
        self._shares = tuple(shares[priority] for priority in Priority)
        self._neighbours = neighbours
        self._counters: dict[Window, _Counter] = {}
        self._every: tuple[_Counter, ...] = ()
        self._not_orders: tuple[_Counter, ...] = ()
        self._bans = self._heard_bans = Bans()
        self._heard: Sequence[Use] = ()
        self.uncertainty = _UNCERTAIN
        self.learn(limits)
        self._is_guessing = limits is CAUTIOUS

    @property
    def bans(self) -> Bans:
        """Until when we are refused, as far as anybody on this machine was told."""
        if self._neighbours is not None:
            self._heed(self._neighbours.hear()[1])
        return self._bans

    def learn(self, limits: Mapping[Window, int]) -> None:
        """Obey these limits from now on; what was used so far stays counted."""
        self._is_guessing = False
        known = self._counters
        self._counters = {window: known.get(window) or _Counter(window) for window in limits}
        for window, counter in self._counters.items():
            limit = min(limits[window], self._own.get(window, limits[window]))
            counter.limit = limit
            counter.allowed = tuple(int(share * limit) for share in self._shares)
        self._every = tuple(self._counters.values())
        self._listen(self._heard)
        self._not_orders = tuple(c for c in self._every if c.window.kind is not Kind.ORDERS)

    def ask(self, cost: Cost, priority: Priority, now: int) -> Grant | int:
        """A grant, or in how many ms it is worth asking again.

        A call that weighs more than its whole share is granted when nothing else is counted, and
        one that teaches the limits at once while they are guessed: others may have used more of
        the true ones already than the guess allows.
        """
        if wait := self._refused_for(cost, now):
            return wait
        early, late = now - self.uncertainty, now + self.uncertainty
        counters = self._every if cost.orders else self._not_orders
        asked = () if self._is_guessing and cost.teaches else counters
        for counter in asked:
            if wait := counter.wait(cost[counter.index], priority, early, late):
                return wait
        for counter in counters:
            counter.pending += cost[counter.index]
        if self._neighbours is not None and (
            wait := self._told_to_wait(asked, cost, priority, early, late)
        ):
            self._take_back(cost, now)
            return wait
        return Grant(cost, now)

    def settle(
        self,
        grant: Grant,
        now: int,
        *,
        confirmed: Mapping[Window, int],
        cost: Cost | None = None,
    ) -> None:
        """The call has ended: the venue `confirmed` counts that include it, or said nothing.

        `cost` is what it cost in the end where that differs from what was granted.
        """
        spent = cost or grant.cost
        early, late = grant.at - self.uncertainty, now + self.uncertainty
        for counter in self._every if grant.cost.orders else self._not_orders:
            counter.pending -= grant.cost[counter.index]
            counter.book(spent[counter.index], confirmed.get(counter.window), early, late)
        self._tell(late)

    def withdraw(self, grant: Grant, now: int) -> None:
        """The call was never sent."""
        self._take_back(grant.cost, now)

    def ban(self, until: int, now: int, *, only_orders: bool = False) -> None:
        """The venue refuses everything, or only new orders, until then."""
        told = Bans(orders=until) if only_orders else Bans(everything=until)
        self._bans = self._bans.together(told)
        self._tell(now)

    def uses(self, now: int) -> list[tuple[Window, int, int]]:
        """Each window with its limit and what is used of it now."""
        if self._neighbours is not None:
            self._listen(self._neighbours.hear()[0])
        return [
            (counter.window, counter.limit, sum(counter.known(now // counter.length)))
            for counter in self._every
        ]

    def _refused_for(self, cost: Cost, now: int) -> int:
        """For how many ms the venue refuses this, as far as we have heard."""
        until = max(self._bans) if cost.orders else self._bans.everything
        return until - now if now < until < now + _LONGEST_BAN else 0

    def _listen(self, heard: Sequence[Use]) -> None:
        self._heard = heard
        for counter in self._every:
            counter.listen(use for use in heard if use.window == counter.window)

    def _heed(self, bans: Bans) -> None:
        self._heard_bans = bans
        if bans != self._bans:
            self._bans = self._bans.together(bans)

    def _take_back(self, cost: Cost, now: int) -> None:
        for counter in self._every if cost.orders else self._not_orders:
            counter.pending -= cost[counter.index]
        self._tell(now)

    def _tell(self, now: int) -> None:
        if self._neighbours is not None:
            self._neighbours.tell([counter.use(now) for counter in self._every], self._bans)

    def _told_to_wait(
        self,
        counters: Iterable[_Counter],
        cost: Cost,
        priority: Priority,
        early: int,
        late: int,
    ) -> int:
        """How long the others make us wait.

        Told before heard: of two processes that reserve at the same time at least one sees the
        other.
        """
        assert self._neighbours is not None  # noqa: S101 -- for the type checker
        self._tell(late)
        heard, bans = self._neighbours.hear()
        if heard is not self._heard:
            self._listen(heard)
        if bans is not self._heard_bans:
            self._heed(bans)
        if wait := self._refused_for(cost, early + self.uncertainty):
            return wait
        for counter in counters:
            if counter.heard and not counter.is_ample(priority):
                wait = counter.wait_with_others(cost[counter.index], priority, early, late)
                if wait:
                    return wait
        return 0


_NOTHING = (0, 0)


class _Counter:
    """One window's limit, and what we know of its last few slots."""

    __slots__ = (
        *("_most", "_most_heard", "_slots", "_use"),
        *("allowed", "heard", "index", "length", "limit", "pending", "window"),
    )

    def __init__(self, window: Window) -> None:
        self.window = window
        self.length = window.seconds * 1000
        self.index = _COST_INDEX[window.kind]
        self.limit = 0
        self.allowed: tuple[int, ...] = ()
        self.pending = 0
        self.heard: Sequence[Use] = ()  # what the others said of this window
        self._most = self._most_heard = 0
        self._slots: dict[int, tuple[int, int]] = {}  # slot: confirmed, unsaid
        self._use: Use | None = None  # as last told, while it is true

    def wait(self, amount: int, priority: Priority, early: int, late: int) -> int:
        """For how many ms there is no room for this amount by what we know alone; 0: there is."""
        length, allowed = self.length, max(self.allowed[priority], amount)
        slot = early // length
        while True:
            confirmed, unsaid = self._slots.get(slot, (0, 0))
            counted = confirmed + unsaid + amount
            if counted + self.pending > allowed:
                left = (slot + 1) * length - early
                return left if counted > allowed else min(left, _SOON)
            if slot >= late // length:
                return 0
            slot += 1

    def listen(self, heard: Iterable[Use]) -> None:
        """The others use this much of the window."""
        self.heard = tuple(heard)
        self._most_heard = sum(
            max(use.confirmed, use.confirmed_before)
            + max(use.unsaid, use.unsaid_before)
            + use.pending
            for use in self.heard
        )

    def is_ample(self, priority: Priority) -> bool:
        """Whether even the most that was ever counted, by us and the others, leaves room."""
        return self._most + self._most_heard + self.pending <= self.allowed[priority]

    def wait_with_others(self, amount: int, priority: Priority, early: int, late: int) -> int:
        """The same with what the others said, after the amount was added to what is pending."""
        allowed = max(self.allowed[priority], amount)
        for slot in range(early // self.length, late // self.length + 1):
            confirmed, unsaid, pending = self.known(slot)
            if confirmed + unsaid + pending > allowed:
                left = (slot + 1) * self.length - early
                return left if confirmed + unsaid + amount > allowed else min(left, _SOON)
        return 0

    def book(self, amount: int, said: int | None, early: int, late: int) -> None:
        """Count a call that arrived between these times; what was said holds for one slot only."""
        first, last = early // self.length, late // self.length
        if said is not None and first == last:
            confirmed, unsaid = self._slots.get(last, (0, 0))
            self._keep(last, (max(confirmed, said), unsaid))
        elif amount:
            # Of a clock that was set back meanwhile, both ends.
            for slot in range(max(first, last - _SLOTS_KEPT + 1), last + 1) or (first, last):
                confirmed, unsaid = self._slots.get(slot, (0, 0))
                self._keep(slot, (confirmed, unsaid + amount))

    def known(self, slot: int) -> tuple[int, int, int]:
        """Confirmed, unsaid and pending of a slot, by us and the others together."""
        confirmed, unsaid = self._slots.get(slot, (0, 0))
        pending = self.pending
        for use in self.heard:
            theirs = use.of(slot)
            confirmed = max(confirmed, theirs[0])
            unsaid += theirs[1]
            pending += theirs[2]
        return confirmed, unsaid, pending

    def use(self, now: int) -> Use:
        """What the others need to know; the same object while it is the same."""
        slot, use = now // self.length, self._use
        if use is None or use[1] != slot or use[6] != self.pending:
            slots = self._slots
            use = Use(
                self.window,
                slot,
                *slots.get(slot, _NOTHING),
                *slots.get(slot - 1, _NOTHING),
                self.pending,
            )
            self._use = use
        return use

    def _keep(self, slot: int, counted: tuple[int, int]) -> None:
        if slot not in self._slots:
            # A clock that was set back leaves slots in the future behind: they go too.
            for old in [s for s in self._slots if abs(s - slot) >= _SLOTS_KEPT]:
                del self._slots[old]
        self._slots[slot] = counted
        self._most = max(confirmed + unsaid for confirmed, unsaid in self._slots.values())
        self._use = None
