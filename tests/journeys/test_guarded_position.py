"""A position, its worth over time, and what guards it, up to a restart that forgets nothing."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal


async def test_a_bought_coin_is_guarded_at_the_venue_and_sold_when_the_market_falls(
    exchange, at, live
):
    async with exchange() as running:
        async with live(at(running)) as day:
            price = await bought(day, "0.01")
            await worth(day)
            near = str((price * Decimal("0.9995")).quantize(Decimal("0.01")))
            stop = await guarded(day, kind="fixed", trigger_price=near)
            assert (stop["kept_by"], stop["status"]) == ("venue", "active")
            order = (await day.http.get(f"/orders/{stop['order_id']}")).json()
            assert (order["type"], order["status"]) == ("STOP_LOSS", "NEW")
            before = await everything(day)
        async with live(at(running)) as day:
            assert await everything(day) == before
            ended = await passed(day, stop["id"], "done")
            assert ended["closed"] == stop["ordered"]
            order = (await day.http.get(f"/orders/{stop['order_id']}")).json()
            assert order["status"] == "FILLED"
            await sold(day, order)
            await drawn(day)


async def test_of_two_stops_the_second_goes_when_the_first_has_closed_the_position(
    exchange, at, live
):
    """By time the system closes, while a trailing stop rests at the venue for the same coin."""
    async with exchange() as running:
        async with live(at(running)) as day:
            await bought(day, "0.01")
            trailing = await guarded(day, kind="trailing", distance_percent="15")
            timed = await guarded(day, kind="time", deadline="2026-01-01T12:02:00Z")
            assert (trailing["kept_by"], timed["kept_by"]) == ("venue", "system")
        await day.clock.advance(600)
        async with live(at(running)) as day:
            # The coins are tied up by the trailing stop's order, or there are others from before.
            ended = await passed(day, timed["id"], "done")
            assert "nothing ran at its moment" in ended["reason"]
            await passed(day, trailing["id"], "cancelled")
            order = (await day.http.get(f"/orders/{trailing['order_id']}")).json()
            assert order["status"] == "CANCELED"
            assert len((await day.http.get("/orders")).json()) == 3
            (position,) = (await day.http.get("/positions")).json()
            assert Decimal(position["quantity"]) == 0


async def bought(day, quantity) -> Decimal:
    answer = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity=quantity)
    assert answer.json()["status"] == "FILLED", answer.text
    return Decimal(answer.json()["average_price"])


async def guarded(day, **wish) -> dict:
    answer = await day.http.post("/stops", json={"symbol": "BTC/USDT"} | wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def worth(day) -> None:
    """Positions and portfolio say the same as trades and balances."""
    (position,) = (await day.http.get("/positions")).json()
    trades = (await day.http.get("/trades")).json()
    fee = sum(Decimal(trade["fee"]) for trade in trades)
    assert Decimal(position["quantity"]) == Decimal("0.01") - fee
    paid = sum(Decimal(trade["quote_quantity"]) for trade in trades)
    assert Decimal(position["cost"]) == paid

    async def priced():
        told = (await day.http.get("/portfolio")).json()
        await day.clock.advance(0.2)
        return told if "BTC" not in told["equity"]["unvalued"] else None

    told = await day.until(priced, "a price of BTC")
    assert Decimal(told["equity"]["total"]) == sum(
        Decimal(asset["value"]) for asset in told["assets"] if asset["value"] is not None
    )
    assert told["fees"]["by_asset"] == {"BTC": position["fees"]["BTC"]}


async def passed(day, stop, status) -> dict:
    """The stop once it has come so far."""

    async def there():
        await day.clock.advance(2)
        found = (await day.http.get(f"/stops/{stop}")).json()
        return found if found["status"] == status else None

    return await day.until(there, f"the stop is {status}")


async def sold(day, order) -> None:
    (position,) = (await day.http.get("/positions")).json()
    assert (Decimal(position["quantity"]), position["opened_at"]) == (0, None)
    trades = (await day.http.get("/trades")).json()
    signs = {"BUY": -1, "SELL": 1}
    cash = sum(signs[trade["side"]] * Decimal(trade["quote_quantity"]) for trade in trades)
    fees = sum(Decimal(trade["fee"]) for trade in trades if trade["fee_asset"] == "USDT")
    assert Decimal(position["realised"]) == Decimal(position["realised_fifo"]) == cash - fees
    replay = await day.http.get(
        "/events", params={"kinds": "position", "replay": "all", "follow": "false"}
    )
    events = [json.loads(line[6:]) for line in replay.text.splitlines() if line.startswith("data:")]
    assert {event["order_id"] for event in events} == {order["id"]}


async def drawn(day) -> None:
    marks = (await day.http.get("/equity")).json()
    assert len(marks) >= 2
    times = [datetime.fromisoformat(mark["at"]) for mark in marks]
    assert times == sorted(set(times))
    page = await day.http.get("/plot/equity")
    figure = json.loads(page.text.split('id="figure">')[1].partition("</script>")[0])
    assert [trace["name"] for trace in figure["data"]] == ["peak", "equity", "drawdown"]
    assert len(figure["data"][1]["x"]) == len(marks)


async def everything(day) -> dict:
    """All of it that a restart could lose or double, but for prices, which move."""
    paths = ("/stops", "/orders", "/trades", "/balances")
    positions = [
        {name: row[name] for name in ("symbol", "quantity", "cost", "realised", "fills")}
        for row in (await day.http.get("/positions")).json()
    ]
    return {path: (await day.http.get(path)).json() for path in paths} | {"positions": positions}
