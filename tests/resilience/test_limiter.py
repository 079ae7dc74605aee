"""The budget: one rule after the other, and against a venue that counts the same calls."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import (
    CAUTIOUS,
    ORDERS_PER_10_SECONDS,
    ORDERS_PER_DAY,
    REQUESTS_PER_5_MINUTES,
    WEIGHT_PER_MINUTE,
    Bans,
    Cost,
    Grant,
    Kind,
    Priority,
    Use,
)

BACKFILL, CANDLES, ORDERS = Priority.BACKFILL, Priority.CANDLES, Priority.ORDERS
MINUTE, DAY = 60_000, 86_400_000
NOON = 1_800_000_000_000 // DAY * DAY + DAY // 2
LIMITS = {
    WEIGHT_PER_MINUTE: 100,
    REQUESTS_PER_5_MINUTES: 1_000,
    ORDERS_PER_10_SECONDS: 10,
    ORDERS_PER_DAY: 15,
}
ORDER = Cost(1, 1)


@pytest.fixture
def limiter():
    limiter = Limiter(LIMITS)
    limiter.uncertainty = 100
    return limiter


def used(limiter, window=WEIGHT_PER_MINUTE, now=NOON):
    return {each: used for each, _, used in limiter.uses(now)}[window]


def spend(limiter, weight, now=NOON, priority=ORDERS, **said):
    grant = limiter.ask(Cost(weight), priority, now)
    limiter.settle(grant, now, confirmed=said)
    return grant


@pytest.mark.parametrize(("priority", "share"), [(BACKFILL, 80), (CANDLES, 95), (ORDERS, 100)])
def test_each_priority_may_use_its_share(limiter, priority, share):
    now = NOON + 1_000
    for _ in range(share):
        assert isinstance(limiter.ask(Cost(1), priority, now), Grant)
    assert isinstance(limiter.ask(Cost(1), priority, now), int)


def test_who_is_refused_is_told_when_the_next_window_begins(limiter):
    now = NOON + 20_000
    limiter.settle(limiter.ask(Cost(100), ORDERS, now), now, confirmed={})
    wait = limiter.ask(Cost(1), ORDERS, now)
    assert wait == 40_000 + 100, "the uncertainty included"
    assert isinstance(limiter.ask(Cost(1), ORDERS, now + wait - 1), int)
    assert isinstance(limiter.ask(Cost(1), ORDERS, now + wait), Grant)


def test_what_is_only_on_its_way_is_worth_asking_about_soon(limiter):
    limiter.ask(Cost(100), ORDERS, NOON + 1_000)
    assert limiter.ask(Cost(1), ORDERS, NOON + 1_000) == 250


def test_what_the_venue_says_replaces_our_own_figure(limiter):
    now = NOON + 1_000
    grant = limiter.ask(Cost(20), ORDERS, now)
    assert used(limiter, now=now) == 20
    limiter.settle(grant, now, confirmed={WEIGHT_PER_MINUTE: 70})
    assert used(limiter, now=now) == 70
    spend(limiter, 2, now)
    assert used(limiter, now=now) == 72, "an answer that says nothing"


def test_an_answer_that_was_overtaken_takes_nothing_back(limiter):
    now = NOON + 1_000
    first, second = (limiter.ask(Cost(5), ORDERS, now) for _ in range(2))
    limiter.settle(second, now, confirmed={WEIGHT_PER_MINUTE: 10})
    limiter.settle(first, now, confirmed={WEIGHT_PER_MINUTE: 5})
    assert used(limiter, now=now) == 10


def test_a_call_across_the_end_of_a_window_counts_in_both(limiter):
    grant = limiter.ask(Cost(7), ORDERS, NOON - 200)
    limiter.settle(grant, NOON + 200, confirmed={WEIGHT_PER_MINUTE: 90})
    assert used(limiter, now=NOON - 1) == 7
    assert used(limiter, now=NOON) == 7, "90 may have been of the old window"


@pytest.mark.parametrize("at", [NOON - 50, NOON + 50])
def test_the_venues_clock_may_stand_on_the_other_side_of_the_end(limiter, at):
    spend(limiter, 7, at)
    assert [used(limiter, now=now) for now in (NOON - 1, NOON)] == [7, 7]


def test_near_the_end_of_a_window_there_must_be_room_in_both(limiter):
    spend(limiter, 100, NOON + 50)
    limiter_says = limiter.ask(Cost(1), ORDERS, NOON - 50)
    assert isinstance(limiter_says, int)


def test_an_order_that_succeeds_weighs_nothing(limiter):
    now = NOON + 1_000
    grant = limiter.ask(ORDER, ORDERS, now)
    limiter.settle(grant, now, confirmed={}, cost=Cost(0, 1))
    assert used(limiter, now=now) == 0
    assert used(limiter, ORDERS_PER_10_SECONDS, now) == 1


def test_a_call_that_was_not_sent_costs_nothing(limiter):
    limiter.withdraw(limiter.ask(ORDER, ORDERS, NOON), NOON)
    assert {used for *_, used in limiter.uses(NOON)} == {0}


def test_orders_are_counted_apart_from_everything_else(limiter):
    now = NOON + 1_000
    for _ in range(10):
        limiter.settle(limiter.ask(ORDER, ORDERS, now), now, confirmed={})
    assert limiter.ask(ORDER, ORDERS, now) == 9_100
    assert isinstance(limiter.ask(Cost(1), CANDLES, now), Grant)
    for _ in range(5):
        limiter.settle(limiter.ask(ORDER, ORDERS, now + 10_000), now + 10_000, confirmed={})
    assert limiter.ask(ORDER, ORDERS, now + 10_000) > DAY // 3, "those of the day are gone"


def test_our_own_smaller_limit_counts_and_a_larger_one_does_not():
    limiter = Limiter(LIMITS, own={WEIGHT_PER_MINUTE: 40, ORDERS_PER_DAY: 99})
    limits = {window: limit for window, limit, _ in limiter.uses(NOON)}
    assert limits[WEIGHT_PER_MINUTE] == 40
    assert limits[ORDERS_PER_DAY] == 15


def test_limits_that_were_read_later_keep_what_was_used(limiter):
    now = NOON + 1_000
    spend(limiter, 30, now)
    limiter.learn({WEIGHT_PER_MINUTE: 50})
    assert limiter.uses(now) == [(WEIGHT_PER_MINUTE, 50, 30)]
    assert isinstance(limiter.ask(Cost(21), ORDERS, now), int)


def test_a_call_larger_than_its_share_goes_when_nothing_else_is_counted(limiter):
    now = NOON + 1_000
    assert isinstance(limiter.ask(Cost(99), BACKFILL, now), Grant)
    assert isinstance(limiter.ask(Cost(99), BACKFILL, now), int)


def test_a_ban_holds_for_everything_and_the_longest_counts(limiter):
    limiter.ban(NOON + 5_000, NOON)
    limiter.ban(NOON + 3_000, NOON)
    assert limiter.ask(Cost(1), ORDERS, NOON) == 5_000
    assert isinstance(limiter.ask(Cost(1), ORDERS, NOON + 5_000), Grant)


def test_a_refusal_of_orders_holds_for_orders_alone(limiter):
    limiter.ban(NOON + 5_000, NOON, only_orders=True)
    assert limiter.ask(ORDER, ORDERS, NOON) == 5_000
    assert isinstance(limiter.ask(Cost(1), BACKFILL, NOON), Grant)


def test_a_clock_that_is_set_back_or_far_forward_begins_anew(limiter):
    spend(limiter, 100, NOON + 1_000)
    for far in (NOON - DAY, NOON + DAY):
        assert used(limiter, now=far) == 0
        grant = limiter.ask(Cost(3), ORDERS, NOON + 61_000)
        limiter.settle(grant, far, confirmed={WEIGHT_PER_MINUTE: 50})
        assert used(limiter, now=far) == 3


class Blackboard:
    """What several limiters tell each other."""

    def __init__(self):
        self.told = {}

    def seat(self, name):
        board = self

        class Seat:
            def tell(self, uses, bans):
                board.told[name] = (list(uses), bans)

            def hear(self):
                others = [told for other, told in board.told.items() if other != name]
                bans = Bans()
                for _, told in board.told.values():
                    bans = bans.together(told)
                return [use for uses, _ in others for use in uses], bans

        return Seat()


def neighbours(count=2, limits=LIMITS):
    board = Blackboard()
    limiters = [Limiter(limits, neighbours=board.seat(number)) for number in range(count)]
    for limiter in limiters:
        limiter.uncertainty = 100
    return limiters


def test_processes_share_one_budget():
    one, other = neighbours()
    now = NOON + 1_000
    spend(one, 60, now)
    other.ask(Cost(30), ORDERS, now)
    assert used(one, now=now) == used(other, now=now) == 90
    assert one.ask(Cost(11), ORDERS, now) == 250, "30 are only on their way"
    assert other.ask(Cost(41), ORDERS, now) == 59_100, "60 are spent"
    assert used(one, now=now) == 90, "who is refused leaves nothing behind"
    assert isinstance(one.ask(Cost(10), ORDERS, now), Grant)


def test_what_one_was_told_the_other_knows():
    one, other = neighbours()
    now = NOON + 1_000
    grant = one.ask(Cost(1), ORDERS, now)
    one.settle(grant, now, confirmed={WEIGHT_PER_MINUTE: 100})
    assert other.ask(Cost(1), ORDERS, now) == 59_100
    one.ban(now + 7_000, now)
    assert other.ask(Cost(1), ORDERS, now) == 7_000


def test_who_guesses_may_ask_for_the_true_limits_whatever_others_have_used():
    """A restart in a busy minute would wait for its end before it could do anything."""
    there, here = neighbours(limits=CAUTIOUS)
    now = NOON + 1_000
    teaching = Cost(20, teaches=True)
    spend(there, 1_150, now)
    assert isinstance(here.ask(Cost(100), ORDERS, now), int)
    grant = here.ask(teaching, CANDLES, now)
    assert isinstance(grant, Grant)
    assert used(here, now=now) == 1_170
    here.settle(grant, now, confirmed={WEIGHT_PER_MINUTE: 1_170})
    here.learn({WEIGHT_PER_MINUTE: 1_180})
    assert isinstance(here.ask(teaching, ORDERS, now), int), "known limits hold for it as well"


def test_a_ban_holds_for_who_guesses_as_well():
    limiter = Limiter()
    limiter.ban(NOON + 5_000, NOON)
    assert limiter.ask(Cost(20, teaches=True), ORDERS, NOON) == 5_000


def test_a_neighbour_without_the_same_window_is_no_matter():
    one, other = neighbours()
    other.learn({WEIGHT_PER_MINUTE: 100})
    other.ask(Cost(1), ORDERS, NOON)
    assert used(one, ORDERS_PER_DAY) == 0
    assert isinstance(one.ask(ORDER, ORDERS, NOON + 1_000), Grant)


@pytest.mark.parametrize(
    ("slot", "expected"), [(4, (5, 6, 7)), (3, (8, 9, 7)), (5, (0, 0, 7)), (6, (0, 0, 0))]
)
def test_what_is_on_its_way_may_arrive_in_the_next_slot(slot, expected):
    assert Use(WEIGHT_PER_MINUTE, 4, 5, 6, 8, 9, 7).of(slot) == expected


SPAN = 200  # ms by which the venue's clock may differ from what we take it for
SMALL = {
    WEIGHT_PER_MINUTE: 20,
    REQUESTS_PER_5_MINUTES: 40,
    ORDERS_PER_10_SECONDS: 4,
    ORDERS_PER_DAY: 12,
}


class Venue:
    """Counts what arrives by its own clock; it forgives nothing and is never over its limits."""

    def __init__(self):
        self.offset = 0
        self.counts = Counter()

    def arrive(self, now, cost, *, free):
        spent = Cost(0, cost.orders) if free else cost
        amounts = {Kind.WEIGHT: spent.weight, Kind.REQUESTS: 1, Kind.ORDERS: spent.orders}
        answer = {}
        for window, limit in SMALL.items():
            slot = (window, (now + self.offset) // (window.seconds * 1000))
            self.counts[slot] += amounts[window.kind]
            assert self.counts[slot] <= limit, f"over {window}"
            if window.kind is not Kind.REQUESTS:
                answer[window] = self.counts[slot]
        return answer

    def fill(self, now, amount):
        """Orders that fill are given back; never below zero."""
        for window in (ORDERS_PER_10_SECONDS, ORDERS_PER_DAY):
            slot = (window, (now + self.offset) // (window.seconds * 1000))
            self.counts[slot] = max(0, self.counts[slot] - amount)


costs = st.one_of(st.just(ORDER), st.integers(1, 6).map(Cost))
actions = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([1, 100, 200, 9_900, 29_900, 59_900])),
        st.tuples(st.just("skew"), st.sampled_from([-SPAN, 0, SPAN])),
        st.tuples(st.just("ask"), costs, st.sampled_from(Priority), st.integers(0, 1)),
        st.tuples(st.just("ask"), costs, st.sampled_from(Priority), st.integers(0, 1)),
        st.tuples(st.just("arrive"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("answer"), st.integers(0, 9), st.sampled_from(["told", "mute", "lost"])),
        st.tuples(st.just("withdraw"), st.integers(0, 9)),
        st.tuples(st.just("fill"), st.integers(1, 5)),
        st.tuples(st.just("read"), st.booleans()),
    ),
    max_size=120,
)


class Run:
    """Two callers of one venue, and what is on its way between them."""

    def __init__(self, *, together):
        self.limiters = neighbours() if together else [Limiter(SMALL)] * 2
        for limiter in self.limiters:
            limiter.learn(SMALL)
            limiter.uncertainty = SPAN
        self.venue, self.now = Venue(), NOON - 30_000
        self.sent, self.arrived = [], []

    def wait(self, passed):
        self.now += passed

    def skew(self, offset):
        self.venue.offset = offset

    def ask(self, cost, priority, which):
        limiter = self.limiters[which]
        grant = limiter.ask(cost, ORDERS if cost.orders else priority, self.now)
        if isinstance(grant, Grant):
            self.sent.append((limiter, grant))
        else:
            assert grant > 0

    def arrive(self, which, succeeds):
        if self.sent:
            limiter, grant = self.sent.pop(which % len(self.sent))
            free = bool(grant.cost.orders) and succeeds
            answer = self.venue.arrive(self.now, grant.cost, free=free)
            self.arrived.append((limiter, grant, answer, free))

    def answer(self, which, how):
        if self.arrived:
            limiter, grant, told, free = self.arrived.pop(which % len(self.arrived))
            cost = Cost(0, 1) if free and how != "lost" else None
            confirmed = told if how == "told" else {}
            limiter.settle(grant, self.now, confirmed=confirmed, cost=cost)

    def withdraw(self, which):
        if self.sent:
            limiter, grant = self.sent.pop(which % len(self.sent))
            limiter.withdraw(grant, self.now)

    def fill(self, amount):
        self.venue.fill(self.now, amount)

    def read(self, which):
        self.limiters[which].learn(SMALL)


@settings(max_examples=300, deadline=None)
@given(actions, st.booleans())
def test_whatever_happens_the_venue_is_never_asked_for_too_much(actions, together):
    run = Run(together=together)
    for what, *arguments in actions:
        getattr(run, what)(*arguments)


@pytest.mark.parametrize("seed", range(20))
def test_under_a_flood_the_venue_is_never_asked_for_too_much(seed):
    """Everybody asks all the time, and time stops at every boundary."""
    luck = random.Random(seed)
    run = Run(together=seed % 2)
    for _ in range(600):
        for _ in range(luck.randint(1, 8)):
            cost = luck.choice([ORDER, Cost(1), Cost(luck.randint(1, 6))])
            run.ask(cost, luck.choice(list(Priority)), luck.randint(0, 1))
        for _ in range(luck.randint(0, len(run.sent))):
            run.arrive(luck.randint(0, 99), luck.random() < 0.7)
        for _ in range(luck.randint(0, len(run.arrived))):
            run.answer(luck.randint(0, 99), luck.choice(["told", "told", "mute", "lost"]))
        if luck.random() < 0.1:
            run.withdraw(luck.randint(0, 99))
        run.fill(luck.choice([0, 0, 1]))
        run.skew(luck.choice([-SPAN, 0, SPAN]))
        to_the_end = 10_000 - run.now % 10_000
        run.wait(luck.choice([1, 50, to_the_end, to_the_end - SPAN, to_the_end - 1]))


def test_who_is_alone_has_heard_of_no_ban():
    assert Limiter().bans == Bans()
