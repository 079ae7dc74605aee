"""WebSockets that break, and frames that go astray."""

from __future__ import annotations

import pytest

TRADES = "/ws/btcusdt@trade"
NEW_ORDER = ["NEW", "TRADE", "outboundAccountPosition"]


@pytest.mark.parametrize(
    ("rule", "heard_of_it"),
    [
        ({"kind": "event-duplicated", "events": "outbound*"}, [*NEW_ORDER, NEW_ORDER[-1]]),
        ({"kind": "event-duplicated", "times": 1}, ["NEW", *NEW_ORDER]),
        ({"kind": "event-missed", "times": 1}, NEW_ORDER[1:]),
        ({"kind": "event-missed", "events": "executionReport"}, NEW_ORDER[2:]),
        ({"kind": "event-reordered", "times": 1}, ["TRADE", "NEW", NEW_ORDER[2]]),
        ({"kind": "stream-frozen"}, NEW_ORDER),
    ],
)
async def test_events_of_the_account_go_astray(client, until, rule, heard_of_it):
    async with client.user_stream() as heard:
        await client.add(rule)
        await client.buy_now(quantity="0.001")
        await until(lambda: len(heard.events) >= len(heard_of_it))
        assert heard.events == heard_of_it


async def test_an_event_that_is_held_back_comes_when_its_rule_ends(client, until):
    async with client.user_stream() as heard:
        await client.add({"kind": "event-reordered", "events": "outbound*"})
        await client.place()
        await until(lambda: heard.events == ["NEW"])
        await client.clear()
        await until(lambda: heard.events == ["NEW", "outboundAccountPosition"])


async def test_a_connection_that_goes_takes_what_was_held_back(client, until):
    async with client.user_stream() as heard:
        await client.add({"kind": "event-reordered", "events": "outbound*"})
        await client.place()
        await until(lambda: heard.events == ["NEW"])
    await until(lambda: not client.running.mischief.links.total())
    assert (await client.clear())[0] == 200


async def test_a_drop_cuts_one_kind_of_connection(client, until):
    async with client.user_stream() as user, client.listening(TRADES) as market:
        assert (await client.state())["links"] == {"streams": 1, "ws-api": 1}
        await client.add({"kind": "drop", "links": "streams"})
        await until(lambda: market.over)
        assert market.socket.close_code == 1006
        assert not user.over
        state = await client.state()
        assert state["rules"] == []
        assert state["done"] == {"drop": 1}
        await client.add({"kind": "drop", "times": 1})
        await until(lambda: user.over)


async def test_a_drop_that_stays_cuts_new_connections_too(client, now, until):
    await client.add({"kind": "drop", "seconds": 5})
    for _ in range(2):
        async with client.listening(TRADES) as heard:
            await until(lambda heard=heard: heard.over)
    now[0] += 5_000
    async with client.listening(TRADES) as heard:
        now[0] += 60_000
        await until(lambda: heard.texts)


async def test_a_half_open_connection_is_silent_and_new_ones_work(client, now, until):
    async with client.listening(TRADES) as old:
        await client.add({"kind": "half-open"})
        async with client.listening(TRADES) as new:
            now[0] += 60_000
            await until(lambda: new.texts and new.pings)
        assert not old.texts
        assert not old.pings
        assert not old.over
        await client.clear()
        now[0] += 60_000
        await until(lambda: old.texts)


async def test_a_frozen_stream_leaves_the_others_and_the_pings_alone(client, now, until):
    async with client.listening("/stream?streams=btcusdt@trade/ethusdt@trade") as heard:
        await client.add({"kind": "stream-frozen", "streams": "btcusdt@*"})
        now[0] += 60_000
        await until(lambda: heard.texts and heard.pings)
        assert {text["stream"] for text in heard.texts} == {"ethusdt@trade"}
        await client.clear()
        now[0] += 60_000
        await until(lambda: "btcusdt@trade" in {text["stream"] for text in heard.texts})


async def test_a_server_that_goes_away_says_so(client, until):
    async with client.listening(TRADES) as heard:
        await client.add({"kind": "shutdown", "grace_seconds": 1})
        await until(lambda: heard.over)
        assert [text["e"] for text in heard.texts] == ["serverShutdown"]
        assert heard.socket.close_code == 1001
    assert (await client.state())["rules"] == []
