"""The one way to the venue: what is retried, what never is, and what is waited for."""

from __future__ import annotations

import pytest

from trading_system.domain.errors import (
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unreachable,
    Unreadable,
)

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
    from trading_system.exchange.client import Client
    from trading_system.exchange.endpoints import trading_endpoints

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
