"""Limits that nobody gets past, and a kill that nothing survives but itself."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from trading_system.system import opened

FAR = Decimal("0.9")


async def price(day) -> Decimal:
    book = (await day.http.get("/book/BTC-USDT", params={"limit": 5})).json()
    return Decimal(book["bids"][0][0])


async def resting(day, headers=None, quantity="0.001"):
    at = (await price(day) * FAR).quantize(Decimal("0.01"))
    wish = {"symbol": "BTC/USDT", "side": "BUY", "type": "limit", "quantity": quantity}
    return await day.http.post("/orders", json=wish | {"price": str(at)}, headers=headers)


async def bought(day, quantity="0.01"):
    answer = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity=quantity)
    assert answer.status_code == 201, answer.text


async def statuses(day) -> list[str]:
    return [order["status"] for order in (await day.http.get("/orders")).json()]


async def killed(day):
    """Once the kill is carried out."""

    async def done():
        await day.clock.advance(1)
        standing = (await day.http.get("/control")).json()
        return standing if standing["kill"]["done"] else None

    return await day.until(done, "everything is cancelled")


async def test_parallel_requests_cannot_have_more_orders_open_than_may_be(exchange, at, live):
    async with exchange() as running, live(at(running, risk_max_open_orders=3)) as day:
        answers = await asyncio.gather(*(resting(day) for _ in range(12)))
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [403] * 9
        assert await statuses(day) == ["NEW"] * 3
        refused = next(answer.json() for answer in answers if answer.status_code == 403)
        assert (refused["check"], refused["figures"]) == (
            "open orders",
            {"open": "3", "limit": "3"},
        )
        recorded = (await day.http.get("/refusals")).json()
        assert [each["check"] for each in recorded] == ["open orders"] * 9


async def test_parallel_requests_cannot_hold_more_than_may_be(exchange, at, live):
    """Each of them alone fits twice; market orders, so that fills race with reviews."""
    async with exchange() as running:
        async with live(at(running)) as day:
            limit = await price(day) * Decimal("0.025")
        wanted = at(running, risk_max_exposure_per_symbol=str(limit.quantize(Decimal(1))))
        async with live(wanted) as day:
            wish = {"symbol": "BTC/USDT", "side": "BUY", "type": "market", "quantity": "0.01"}
            answers = await asyncio.gather(*(day.order(**wish) for _ in range(8)))
            assert sorted(answer.status_code for answer in answers) == [201] * 2 + [403] * 6
            checks = {each["check"] for each in (await day.http.get("/refusals")).json()}
            assert checks == {"exposure of symbol"}
            risk = (await day.http.get("/risk")).json()
            assert Decimal(risk["exposure"]) <= limit
            out = wish | {"side": "SELL", "quantity": "0.005"}
            assert (await day.order(**out)).status_code == 201


async def test_a_key_gives_its_order_back_whatever_is_allowed_by_now(exchange, at, live):
    key = {"Idempotency-Key": "monday-1"}
    async with exchange() as running, live(at(running, risk_max_open_orders=1)) as day:
        many = await asyncio.gather(*(resting(day, key) for _ in range(10)))
        assert {answer.status_code for answer in many} == {201}
        (order,) = {answer.json()["id"] for answer in many}
        assert (await resting(day)).status_code == 403
        for decision in ("pause", "kill"):
            answer = await day.http.post(f"/control/{decision}", json={})
            assert answer.status_code == 200
            assert (await resting(day, key)).json()["id"] == order
        assert len(await statuses(day)) == 1


async def test_a_pause_outlives_a_restart_and_lets_orders_be_cancelled(exchange, at, live):
    async with exchange() as running:
        async with live(at(running)) as day:
            order = (await resting(day)).json()["id"]
            await day.http.post("/control/pause", json={"reason": "lunch", "who": "ann"})
        async with live(at(running)) as day:
            standing = (await day.http.get("/control")).json()
            assert (standing["state"], standing["reason"]) == ("PAUSED", "lunch")
            assert (await resting(day)).json()["check"] == "control"
            cancelled = await day.http.delete(f"/orders/{order}")
            assert cancelled.json()["status"] == "CANCELED"
            await day.http.post("/control/resume", json={"who": "ann"})
            assert (await resting(day)).status_code == 201


async def test_a_kill_that_was_cut_short_is_carried_out_after_a_restart(exchange, at, live, clock):
    """As after a crash between the kill's being on disk and the first cancel."""
    async with exchange() as running:
        async with live(at(running)) as day:
            for _ in range(3):
                assert (await resting(day)).status_code == 201
        async with opened(at(running), clock) as system:
            await system.safety.control.kill(reason="mad", who="ann", flatten=False)
        async with live(at(running)) as day:
            standing = await killed(day)
            assert (standing["state"], standing["reason"]) == ("KILLED", "mad")
            assert await statuses(day) == ["CANCELED"] * 3
            assert (await resting(day)).status_code == 403
            armed = await day.http.post("/control/arm", json={"who": "ann"})
            assert armed.json()["state"] == "RUNNING"
            assert (await resting(day)).status_code == 201


async def test_a_kill_with_flatten_ends_flat(exchange, at, live):
    async with exchange() as running, live(at(running)) as day:
        await bought(day)
        await bought(day, "0.02")
        await resting(day)
        sold = await day.order(
            symbol="BTC/USDT",
            side="SELL",
            type="limit",
            quantity="0.01",
            price=str((await price(day) * Decimal("1.1")).quantize(Decimal("0.01"))),
        )
        assert sold.json()["status"] == "NEW"
        answer = await day.http.post("/control/kill", json={"flatten": True, "reason": "mad"})
        assert answer.status_code == 200
        standing = await killed(day)
        assert standing["flatten"] is True
        assert not {"NEW", "PARTIALLY_FILLED"} & {*(await statuses(day))}
        held = {each.symbol: each.quantity for each in await day.system.portfolio.positions()}
        # What is less than the venue's smallest quantity stays, and it is said.
        assert all(quantity < Decimal("0.00001") for quantity in held.values())
        assert standing["kill"]["left_over"].keys() <= {"BTC/USDT"}
        for _ in range(3):
            await day.clock.advance(15)
        closing = [
            each for each in (await day.http.get("/orders")).json() if each["side"] == "SELL"
        ]
        assert [each["status"] for each in closing] == ["FILLED", "CANCELED"]


@pytest.mark.parametrize("degraded", ["unreachable"])
async def test_a_kill_counts_while_the_venue_does_not_answer(exchange, at, live, degraded):
    async with exchange() as running, live(at(running)) as day:
        await resting(day)
        await running.stop()
        answer = await day.http.post("/control/kill", json={"reason": degraded})
        assert answer.status_code == 200
        assert answer.json()["state"] == "KILLED"
        standing = (await day.http.get("/control")).json()
        assert standing["kill"]["done"] is False or standing["kill"]["open_orders"] == 0
        assert (await day.http.get("/risk")).status_code == 200
