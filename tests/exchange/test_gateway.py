"""The one way to the venue: what is retried, what never is, and what is waited for."""

from __future__ import annotations

import asyncio

import pytest

from trading_system.domain.errors import (
    CircuitOpen,
    NotAllowed,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unreachable,
    Unreadable,
)
from trading_system.domain.events import VenueChanged
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.exchange.gateway import Gateway
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import WEIGHT_PER_MINUTE, Cost, Priority
from trading_system.resilience.retry import RetryPolicy

ODD_LIMIT = {"rateLimitType": [], "interval": "MINUTE", "intervalNum": 1, "limit": 5}
PLACE = {"path": "order", "method": "POST", "symbol": "BTCUSDT"}


async def test_a_read_is_tried_again_with_growing_pauses(gateway, venue, impatient):
    venue.says(503, "busy")
    venue.says(502, "<html>bad gateway</html>")
    venue.says(200, {"serverTime": 1})
    assert await gateway.read("time") == {"serverTime": 1}
    assert impatient.slept == [1, 2]


async def test_a_read_gives_up_after_its_tries(gateway, venue):
    for _ in range(4):
        venue.says(500, "no")
    with pytest.raises(Unreachable):
        await gateway.read("time")
    assert len(venue.requests) == 4
    assert not gateway.status.reachable


async def test_an_unreadable_answer_is_asked_for_again(gateway, venue):
    for _ in range(4):
        venue.says(200, "<html>")
    with pytest.raises(Unreadable):
        await gateway.read("time")


async def test_a_refused_read_is_not_repeated(gateway, venue):
    venue.says(400, {"code": -1100, "msg": "Illegal characters"})
    with pytest.raises(Rejected):
        await gateway.read("klines", symbol="?")
    assert len(venue.requests) == 1


@pytest.mark.parametrize("answer", [(500, "error"), (200, ""), (503, {"code": -1007, "msg": "t"})])
async def test_an_order_without_an_answer_is_never_sent_twice(gateway, venue, answer):
    venue.says(*answer)
    with pytest.raises(OutcomeUnknown):
        await gateway.change(**PLACE)
    assert len(venue.requests) == 1


async def test_an_order_whose_connection_drops_is_unknown(gateway, venue):
    venue.drops()
    with pytest.raises(OutcomeUnknown):
        await gateway.change(**PLACE)
    assert len(venue.requests) == 1


async def test_a_venue_that_is_not_there_has_done_nothing(impatient):
    client = Client(
        endpoints=trading_endpoints("http://127.0.0.1:9"), clock=impatient, timeout_seconds=5
    )
    try:
        with pytest.raises(Unreachable):
            await client.call("order", method="POST")
    finally:
        await client.close()


async def test_a_limit_is_waited_out_by_everybody(gateway, venue, impatient):
    venue.says(429, {"code": -1003, "msg": "Too much"}, Retry_After="20")
    venue.says(200, {"serverTime": 1})
    await gateway.read("time")
    assert 20 in impatient.slept


async def test_a_long_ban_is_told_and_nothing_is_sent_meanwhile(gateway, venue):
    venue.says(418, {"code": -1003, "msg": "banned"}, Retry_After="600")
    with pytest.raises(RateLimited) as banned:
        await gateway.read("time")
    assert banned.value.retry_after == 600
    with pytest.raises(RateLimited):
        await gateway.change(**PLACE)
    assert len(venue.requests) == 1


async def test_a_clock_that_is_off_is_set_and_the_order_sent_once_more(gateway, venue, impatient):
    ours = impatient.milliseconds()
    venue.says(400, {"code": -1021, "msg": "Timestamp for this request was ahead"})
    for _ in range(3):
        venue.says(200, {"serverTime": ours - 5_000})
    venue.says(200, {"orderId": 1})
    assert await gateway.change(**PLACE) == {"orderId": 1}
    assert gateway.offset_ms == -5_000
    assert venue.requests[-1][2]["timestamp"] == str(ours - 5_000)


async def test_a_clock_that_stays_off_is_told(gateway, venue, impatient):
    venue.says(400, {"code": -1021, "msg": "ahead"})
    for _ in range(3):
        venue.says(200, {"serverTime": impatient.milliseconds()})
    venue.says(400, {"code": -1021, "msg": "ahead"})
    with pytest.raises(Rejected):
        await gateway.change(**PLACE)


async def test_any_other_refusal_of_an_order_is_final(gateway, venue):
    venue.says(400, {"code": -2010, "msg": "Market is closed."})
    with pytest.raises(Rejected, match="Market is closed"):
        await gateway.change(**PLACE)
    assert len(venue.requests) == 1


async def test_the_state_of_the_venue_is_kept_with_its_moment(gateway, venue, clock):
    assert not gateway.status.reachable
    venue.says(200, {"serverTime": 1})
    await gateway.read("time")
    since = gateway.status.since
    assert gateway.status.reachable
    await clock.advance(10)
    venue.says(200, {"serverTime": 1})
    await gateway.read("time")
    assert gateway.status.since == since


async def test_signed_calls_carry_key_window_and_the_venues_time(gateway, venue, impatient):
    gateway._client.venue_time.measured(impatient.milliseconds() + 1_234, sent=0, received=0)
    await gateway.read("account", signed=True)
    _, path, fields = venue.requests[0]
    assert path == "/api/v3/account"
    assert fields["timestamp"] == str(impatient.milliseconds() + 1_234)
    assert fields["recvWindow"] == "5000"
    assert len(fields["signature"]) == 64
    assert gateway.venue_milliseconds() == impatient.milliseconds() + 1_234


async def test_a_read_refused_for_our_clock_is_asked_once_more(gateway, venue, impatient):
    venue.says(400, {"code": -1021, "msg": "outside of the recvWindow"})
    for _ in range(3):
        venue.says(200, {"serverTime": impatient.milliseconds() + 700})
    venue.says(200, {"balances": []})
    assert await gateway.read("account", signed=True) == {"balances": []}
    assert gateway.offset_ms == 700
    assert gateway.round_trip_ms == 0


async def test_a_clock_that_jumped_is_measured_before_anything_is_signed(gateway, venue, clock):
    clock.jump(-30)
    assert gateway.wants_attention
    for _ in range(3):
        venue.says(200, {"serverTime": clock.milliseconds() + 30_000})
    await gateway.change(**PLACE)
    assert [path for _, path, _ in venue.requests] == ["/api/v3/time"] * 3 + ["/api/v3/order"]
    assert gateway.offset_ms == 30_000
    assert not gateway.wants_attention


async def test_an_order_goes_out_even_if_that_measurement_fails(gateway, venue, clock):
    clock.jump(-30)
    venue.says(500, "no")
    await gateway.change(**PLACE)
    assert venue.requests[-1][1] == "/api/v3/order"


async def test_a_venue_that_tells_no_time_leaves_the_clock_as_it_was(gateway, venue):
    venue.says(200, {"serverTime": "late"})
    with pytest.raises(Unreadable):
        await gateway.synchronize()
    assert gateway.offset_ms == 0


async def test_while_signed_calls_are_well_only_the_clock_is_attended_to(gateway, venue, impatient):
    for _ in range(3):
        venue.says(200, {"serverTime": impatient.milliseconds() + 5})
    await gateway.attend()
    assert len(venue.requests) == 3
    assert gateway.offset_ms == 5


async def test_many_that_are_refused_for_our_clock_measure_it_once(gateway, venue, impatient):
    for _ in range(3):
        venue.says(200, {"serverTime": impatient.milliseconds()})
    await asyncio.gather(*(gateway.synchronize() for _ in range(5)))
    assert len(venue.requests) == 3


def uses(gateway):
    return {(use.kind, use.seconds): (use.used, use.limit) for use in gateway.limits()}


async def test_what_calls_cost_is_counted_until_the_venue_says_more(gateway, venue):
    await gateway.read("klines", symbol="X")
    await gateway.change(**PLACE)
    assert uses(gateway) == {
        ("weight", 60): (2, 1_200),
        ("requests", 300): (2, 61_000),
        ("orders", 10): (1, 50),
        ("orders", 86_400): (1, 160_000),
    }
    venue.says(200, [], X_MBX_USED_WEIGHT_1M="500")
    await gateway.read("klines", symbol="X")
    assert uses(gateway)["weight", 60] == (502, 1_200)


async def test_what_passes_elsewhere_is_counted_here(gateway, venue):
    await gateway.count(4)
    assert uses(gateway)["weight", 60] == (4, 1_200)
    assert uses(gateway)["requests", 300][0] == 0
    assert venue.requests == []
    venue.says(200, [], X_MBX_USED_WEIGHT_1M="500")
    await gateway.read("klines", symbol="X")
    assert uses(gateway)["weight", 60][0] == 504


async def test_what_passes_elsewhere_waits_for_its_room_too(gateway, venue, impatient):
    gateway._limiter.learn({WEIGHT_PER_MINUTE: 4})
    before = gateway.venue_milliseconds() // 60_000
    await gateway.count(4)
    assert impatient.slept == []
    await gateway.count(2)
    assert gateway.venue_milliseconds() // 60_000 == before + 1
    assert uses(gateway)["weight", 60] == (2, 4)


async def test_nothing_passes_elsewhere_during_a_ban(gateway, venue):
    venue.says(418, {"code": -1003, "msg": "banned"}, Retry_After="600")
    with pytest.raises(RateLimited):
        await gateway.read("time")
    with pytest.raises(RateLimited):
        await gateway.count(2)


async def test_headers_are_those_of_the_very_call(gateway, venue):
    """Also of one that failed, and with many under way."""
    for number in range(1, 9):
        body = {"code": -1100, "msg": "no"} if number % 2 else {}
        venue.says(400 if number % 2 else 200, body, X_MBX_USED_WEIGHT_1M=str(number * 2))
    calls = (gateway.read("klines", symbol="X") for _ in range(8))
    await asyncio.gather(*calls, return_exceptions=True)
    assert uses(gateway)["weight", 60][0] == 16


async def test_limits_are_those_the_venue_lists(gateway, venue):
    row = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
    venue.says(200, {"symbols": [], "rateLimits": [row | {"limit": 6_000}]})
    await gateway.read("exchangeInfo")
    assert uses(gateway)["weight", 60] == (20, 6_000)


@pytest.mark.parametrize("strange", [None, 5, [ODD_LIMIT]])
async def test_limits_that_cannot_be_read_leave_those_there_are(gateway, venue, strange):
    venue.says(200, {"symbols": [], "rateLimits": strange})
    with pytest.raises(Unreadable):
        await gateway.read("exchangeInfo")
    assert uses(gateway)["weight", 60] == (20, 1_200)


async def test_who_waits_for_a_limit_goes_on_once_a_higher_one_is_known(venue, clock):
    """On a clock that stands still, so that no window ends."""
    client = Client(endpoints=trading_endpoints(venue.url), clock=clock, timeout_seconds=5)
    limiter = Limiter({WEIGHT_PER_MINUTE: 20})
    gateway = Gateway(client=client, clock=clock, retry=RetryPolicy(jitter=0), limiter=limiter)
    row = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
    venue.says(200, {"symbols": [], "rateLimits": [row | {"limit": 6_000}]})
    venue.says(200, ["a candle"])
    venue.waits_for = asyncio.Event()
    listing = asyncio.create_task(gateway.read("exchangeInfo"))
    await venue.is_asked(1)
    candles = asyncio.create_task(gateway.read("klines", symbol="X"))
    await asyncio.sleep(0)
    assert [use.waiting for use in gateway.limits()] == [1]
    venue.waits_for.set()
    async with asyncio.timeout(60):
        await listing
        assert await candles == ["a candle"]
    await gateway.close()


async def test_a_backfill_may_be_told_to_use_less(gateway, venue):
    gateway._limiter.learn({WEIGHT_PER_MINUTE: 10})
    for _ in range(5):
        await gateway.read("klines", priority=Priority.BACKFILL, symbol="X")
    later = gateway.venue_milliseconds()
    assert later % 60_000 < 30_000, "the fifth waited for the next minute"


async def test_who_gives_up_while_asking_leaves_nothing_behind(gateway, venue):
    answered = asyncio.Event()
    venue.waits_for = answered
    call = asyncio.create_task(gateway.read("klines", symbol="X"))
    await venue.is_asked(1)
    assert uses(gateway)["weight", 60][0] == 2
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    answered.set()
    assert uses(gateway)["weight", 60][0] == 2, "it may have been counted"
    assert {pending.pending for pending in gateway._limiter._every} == {0}


async def test_too_many_orders_keep_no_candles_waiting(gateway, venue, impatient):
    venue.says(429, {"code": -1015, "msg": "Too many new orders"}, Retry_After="40000")
    with pytest.raises(RateLimited):
        await gateway.change(**PLACE)
    with pytest.raises(RateLimited):
        await gateway.change(**PLACE)
    await gateway.read("klines", symbol="X")
    await gateway.change("order", method="DELETE", symbol="X")
    assert len(venue.requests) == 3
    assert gateway.banned_until is None
    assert impatient.slept == []


async def test_a_ban_is_told_by_our_clock(gateway, venue, clock):
    venue.says(418, {"code": -1003, "msg": "banned"}, Retry_After="600")
    with pytest.raises(RateLimited):
        await gateway.read("time")
    assert (gateway.banned_until - clock.now()).total_seconds() == 600
    await clock.advance(601)
    assert gateway.banned_until is None


async def open_trading(gateway, venue):
    for _ in range(5):
        venue.says(500, "no")
        with pytest.raises(OutcomeUnknown):
            await gateway.change(**PLACE)


async def test_a_venue_that_answers_no_orders_is_sent_none_for_a_minute(
    gateway, venue, published, clock
):
    await open_trading(gateway, venue)
    with pytest.raises(CircuitOpen):
        await gateway.change(**PLACE)
    assert len(venue.requests) == 5
    assert published[-1] == VenueChanged(part="breaker trading", state="open", detail="HTTP 500")
    data, trading = gateway.breakers()
    assert (data.group, data.state, data.retry_at) == ("market data", "closed", None)
    assert (trading.group, trading.state, trading.failures) == ("trading", "open", 5)
    assert (trading.opened, (trading.retry_at - clock.now()).total_seconds()) == (1, 60)
    await gateway.read("klines", symbol="X")


async def test_the_watch_closes_it_again_without_an_order(gateway, venue, published, clock):
    await open_trading(gateway, venue)
    await clock.advance(60)
    assert gateway.wants_attention
    for _ in range(3):
        venue.says(200, {"serverTime": clock.milliseconds()})
    venue.says(200, [])
    await gateway.attend()
    assert venue.requests[-1][1] == "/api/v3/rateLimit/order"
    states = [each.state for each in published if each.part == "breaker trading"]
    assert states == ["open", "half-open", "closed"]
    assert not gateway.wants_attention


async def test_public_calls_have_a_breaker_of_their_own_that_the_clock_probes(
    gateway, venue, clock
):
    for _ in range(5):
        venue.says(200, "<html>")
    with pytest.raises(Unreadable):
        await gateway.read("klines", symbol="X")
    with pytest.raises(CircuitOpen):
        await gateway.read("klines", symbol="X")
    with pytest.raises(CircuitOpen):
        await gateway.synchronize()
    await gateway.change(**PLACE)
    await clock.advance(60)
    for _ in range(3):
        venue.says(200, {"serverTime": clock.milliseconds()})
    await gateway.synchronize()
    assert gateway.breakers()[0].state == "closed"


async def test_a_refusal_is_an_answer(gateway, venue):
    for _ in range(9):
        venue.says(400, {"code": -2010, "msg": "Market is closed."})
        with pytest.raises(Rejected):
            await gateway.change(**PLACE)
    assert gateway.breakers()[1].failures == 0


async def test_a_probe_whose_caller_gives_up_leaves_the_next_one_to_another(gateway, venue, clock):
    await open_trading(gateway, venue)
    await clock.advance(60)
    answered = asyncio.Event()
    venue.waits_for = answered
    call = asyncio.create_task(gateway.change(**PLACE))
    await venue.is_asked(6)
    with pytest.raises(CircuitOpen):
        await gateway.change(**PLACE)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    answered.set()
    await gateway.change(**PLACE)
    assert gateway.breakers()[1].state == "closed"


async def test_who_waited_while_the_circuit_opened_is_not_sent(gateway, venue, clock):
    """What was granted is given back: nothing was sent."""
    limiter = gateway._limiter
    held = limiter.ask(Cost(1_200), Priority.ORDERS, gateway.venue_milliseconds())
    waiting = asyncio.create_task(gateway.change(**PLACE))
    await asyncio.sleep(0)
    trading = gateway._trading
    for _ in range(5):
        trading.leave(trading.enter(), OutcomeUnknown("down"))
    limiter.withdraw(held, gateway.venue_milliseconds())
    with pytest.raises(CircuitOpen):
        await waiting
    assert venue.requests == []
    assert uses(gateway)["orders", 10][0] == 0


async def test_who_is_no_longer_wanted_after_the_wait_is_not_sent(gateway, venue):
    """A kill or a pause reaches orders that wait for the venue's limits."""
    limiter = gateway._limiter
    held = limiter.ask(Cost(1_200), Priority.ORDERS, gateway.venue_milliseconds())
    killed = []

    def still_wanted():
        if killed:
            raise NotAllowed("killed")

    waiting = asyncio.create_task(gateway.change(**PLACE, still_wanted=still_wanted))
    await asyncio.sleep(0)
    killed.append(True)
    limiter.withdraw(held, gateway.venue_milliseconds())
    gateway._admission.go_on()
    with pytest.raises(NotAllowed, match="killed"):
        await waiting
    assert venue.requests == []
    assert uses(gateway)["orders", 10][0] == 0, "what was granted is given back"


async def test_what_is_sent_again_for_our_clock_must_still_be_wanted(gateway, venue):
    venue.says(400, {"code": -1021, "msg": "Timestamp"})
    asked = []

    def still_wanted():
        asked.append(len(venue.requests))
        if len(asked) > 1:
            raise NotAllowed("killed")

    for _ in range(3):
        venue.says(200, {"serverTime": 1_700_000_000_000})
    with pytest.raises(NotAllowed, match="killed"):
        await gateway.change(**PLACE, still_wanted=still_wanted)
    assert [path for _, path, _ in venue.requests].count("/api/v3/order") == 1


async def test_coming_and_going_of_the_venue_is_published(gateway, venue, published):
    await gateway.read("klines", symbol="X")
    for _ in range(4):
        venue.says(502, "no")
    with pytest.raises(Unreachable):
        await gateway.read("klines", symbol="X")
    assert [(each.part, each.state) for each in published] == [
        ("venue", "reachable"),
        ("venue", "unreachable"),
    ]


async def test_a_ban_told_on_another_way_is_obeyed_on_this_one(gateway, venue, impatient):
    gateway.heed(RateLimited("banned", retry_after=300.0))
    assert (gateway.banned_until - impatient.now()).total_seconds() == 300
    with pytest.raises(RateLimited):
        await gateway.read("time")
    assert venue.requests == []
