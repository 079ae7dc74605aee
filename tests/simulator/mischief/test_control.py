"""Rules come and go over /mischief, strike as often as they say, and always in the same way."""

from __future__ import annotations

import pytest

from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.mischief.rules import KINDS, read_rule

ORDERS = "POST /api/v3/order"


async def test_nothing_goes_wrong_unasked(client):
    assert (await client.ping()).status == 200
    state = await client.state()
    assert (state["rules"], state["done"], state["refusals"]) == ([], {}, 0)
    assert set(state["kinds"]) == set(KINDS)
    assert all(state["kinds"].values())


async def test_a_rule_strikes_as_often_as_it_says(client):
    await client.add({"kind": "forbidden", "times": 2})
    assert [(await client.ping()).status for _ in range(3)] == [403, 403, 200]
    state = await client.state()
    assert (state["rules"], state["done"]) == ([], {"forbidden": 2})


async def test_a_rule_stays_as_long_as_it_says(client, now):
    (added,) = (await client.add({"kind": "forbidden", "seconds": 30}))["rules"]
    assert added["ends"] == now[0] + 30_000
    now[0] += 29_999
    assert (await client.ping()).status == 403
    now[0] += 1
    assert (await client.ping()).status == 200


async def test_a_rule_meets_only_the_calls_it_names(client):
    await client.add({"kind": "forbidden", "calls": "GET */ping"})
    assert (await client.ping()).status == 403
    assert (await client.call("GET", "/api/v3/time")).status == 200


async def test_rules_add_up_from_the_outside_in(client):
    await client.add({"kind": "empty-body"}, {"kind": "error", "code": -1007, "executed": True})
    seen = await client.place(newClientOrderId="one")
    assert (seen.status, seen.body) == (504, b"")
    assert "one" in client.orders()


async def test_broken_answers_of_lost_calls_stay_lost(client):
    for kind in ("empty-body", "truncated-body", "order-unknown", "fill-first"):
        await client.add({"kind": kind, "calls": "*"}, {"kind": "request-lost"})
        assert (await client.ping()).status is None
        await client.clear()


async def test_a_ban_outlives_its_rule_and_covers_every_call(client, now):
    await client.add({"kind": "banned", "calls": ORDERS, "times": 1, "ban_seconds": 120})
    seen = await client.place()
    assert seen.headers["Retry-After"] == "120"
    assert f"IP banned until {now[0] + 120_000}" in seen.json["msg"]
    now[0] += 90_500
    seen = await client.ping()
    assert (seen.status, seen.headers["Retry-After"]) == (418, "30")
    now[0] += 29_500
    assert (await client.ping()).status == 200
    assert (await client.state())["done"] == {"banned": 2}


async def test_clearing_everything_lifts_a_ban(client):
    await client.add({"kind": "banned", "times": 1})
    assert (await client.ping()).status == 418
    assert (await client.ping()).status == 418
    await client.clear()
    assert (await client.ping()).status == 200


async def test_one_rule_can_be_ended_alone(client):
    first, second = (await client.add({"kind": "latency"}, {"kind": "forbidden"}))["rules"]
    assert await client.clear(second["id"]) == (200, {"removed": 1})
    assert [rule["id"] for rule in (await client.state())["rules"]] == [first["id"]]
    assert (await client.clear(second["id"]))[0] == 404


async def test_what_the_limits_refuse_is_counted_apart(opened):
    async with opened(limits=LimitSettings(weight_per_minute=2, refusals_before_ban=1)) as client:
        await client.add({"kind": "too-many-requests", "times": 1, "retry_after": 7})
        assert (await client.ping()).headers["Retry-After"] == "7"
        statuses = [(await client.ping()).status for _ in range(5)]
        assert statuses == [200, 200, 429, 418, 418]
        state = await client.state()
    assert state["refused"] == {"418": 2, "429": 1}
    assert state["refusals"] == 3


@pytest.mark.parametrize("seed", [0, 5])
async def test_the_same_seed_is_the_same_mischief(opened, seed):
    async def run(seed, others):
        async with opened(mischief_seed=seed) as client:
            await client.add(
                {"kind": "error", "code": -1001, "status": 500, "probability": 0.5},
                {"kind": "forbidden", "probability": 0.3, "calls": ORDERS},
            )
            seen = []
            for turn in range(20):
                if turn < others:
                    await client.place()  # draws from another rule's luck
                seen.append((await client.ping()).status)
            return seen

    once = await run(seed, others=0)
    assert await run(seed, others=0) == once
    assert await run(seed + 1, others=0) != once
    assert {200, 500} == set(once)


async def test_rules_may_be_there_from_the_start(opened):
    async with opened(mischief=[{"kind": "forbidden"}]) as client:
        assert (await client.ping()).status == 403


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (7, "an object with a kind"),
        ({}, "an object with a kind"),
        ({"kind": "gremlins"}, "no such kind: gremlins; there are latency, "),
        ({"kind": ["latency"]}, "no such kind"),
        ({"kind": "latency", "ms": "soon"}, "latency: ms must be a number, not 'soon'"),
        ({"kind": "latency", "ms": True}, "ms must be a number"),
        ({"kind": "latency", "ms": -1}, "must not be negative"),
        ({"kind": "latency", "distribution": "odd"}, "must be fixed, uniform, normal, exponential"),
        ({"kind": "latency", "streams": "*"}, "does not know streams; it takes calls=*, ms=200.0"),
        ({"kind": "latency", "calls": 3}, "calls must be a text"),
        ({"kind": "latency", "probability": 0}, "probability must be above 0"),
        ({"kind": "latency", "probability": 1.5}, "probability must be above 0 and at most 1"),
        ({"kind": "latency", "times": 0}, "times must be at least 1"),
        ({"kind": "latency", "times": 1.5}, "times must be a whole number"),
        ({"kind": "latency", "seconds": 0}, "seconds must be above 0"),
        ({"kind": "server-error", "status": 404}, "status must be 500, 502, 503 or 504"),
        ({"kind": "server-error", "status": 403}, "status must be 500, 502, 503 or 504"),
        ({"kind": "server-error", "code": -1}, "code must be -1000 or -1001"),
        ({"kind": "server-error", "executed": 1}, "executed must be true or false"),
        ({"kind": "error"}, "code is missing"),
        ({"kind": "error", "code": 5}, "code must be negative"),
        ({"kind": "error", "code": -5, "status": 200}, "status must be between 400 and 599"),
        ({"kind": "halt", "times": 2}, "halt knows neither probability nor times"),
        ({"kind": "halt", "probability": 0.5}, "halt knows neither"),
        ({"kind": "clock-skew", "ms": 1, "everything": "*"}, "does not know everything"),
        ({"kind": "hole", "minutes": 0}, "minutes must be at least 1"),
        ({"kind": "hole", "start": "noon"}, "start must be ms UTC or ISO 8601, not 'noon'"),
        ({"kind": "hole", "start": "2026-01-05T12:00"}, "start needs a time zone"),
        ({"kind": "rewritten", "percent": 0}, "percent must be above -100 and not 0"),
        ({"kind": "rewritten", "percent": -100}, "percent must be above -100"),
    ],
)
async def test_nonsense_is_refused_with_a_text(client, rule, said):
    answer = await client.add({"kind": "forbidden"}, rule, status=400)
    assert said in answer["error"]
    assert (await client.state())["rules"] == []


async def test_what_is_no_json_is_refused(client):
    url = f"{client.running.url}/mischief"
    async with client.http.post(url, data="{") as answer:
        assert answer.status == 400
    async with client.http.put(url) as answer:
        assert answer.status == 405


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_as_it_can_be_read_again(kind):
    needed = {"error": {"code": -1}, "clock-skew": {"ms": 1}, "clock-jump": {"ms": 1}}
    rule = read_rule({"kind": kind, "seconds": 9, **needed.get(kind, {})})
    assert read_rule(rule.told()) == rule


@pytest.mark.parametrize("inner", ["empty-body", "truncated-body", "forbidden"])
async def test_an_answer_that_cannot_be_read_is_not_waited_for(client, inner):
    await client.add({"kind": "fill-first", "most_seconds": 10**6})
    await client.add({"kind": inner, "calls": ORDERS})
    assert (await client.place()).status in {200, 403}
