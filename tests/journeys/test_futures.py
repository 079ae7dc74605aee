"""MARKET_TYPE=futures and nothing else changed: the same system lives on perpetuals."""

from __future__ import annotations

from decimal import Decimal

from tests.faults.rules import rule
from trading_system.domain.events import OrderChanged, VenuePositionsChanged
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import Trade

BTC = Symbol("BTC", "USDT")


async def test_the_same_system_lives_on_futures(exchange, at, live):  # noqa: PLR0915 -- a day, told in its order
    """Candles, live prices, orders, pushes, leverage and a position, over the same API."""
    async with exchange() as running, live(at(running, market_type="futures")) as it:
        heard: list = []
        for kind in (OrderChanged, VenuePositionsChanged, Trade):
            it.system.bus.subscribe(kind, heard.append)
        answer = await it.http.post("/symbols", json={"symbol": "BTC/USDT"})
        job = await it.backfilled(answer.json()["backfill"]["id"])
        assert (job["state"], job["stored"]) == ("done", 180)
        await it.beats(2)
        prices = (await it.http.get("/prices/BTC-USDT")).json()
        assert len(prices["candles"]) >= 180

        async def connected():
            await it.clock.advance(0.2)
            streams = (await it.http.get("/venue")).json()[0]["streams"]
            return len(streams) == 7 and all(s["state"] in {"connected", "ready"} for s in streams)

        await it.until(connected, "every stream")

        answer = await it.http.post("/positions/BTC-USDT/leverage", json={"leverage": 5})
        assert answer.json() == {"symbol": "BTC/USDT", "leverage": 5}

        order = {"symbol": "BTC/USDT", "type": "market", "quantity": "0.02"}
        sold = (await it.passing(it.order(side="sell", **order))).json()

        async def filled():
            await it.clock.advance(0.2)
            found = (await it.http.get(f"/orders/{sold['id']}")).json()
            fills = await it.system.orders.fills(symbol=BTC)
            booked = sum((each.fill.quantity for each in fills), Decimal(0))
            return found if found["status"] == "FILLED" and booked == Decimal("0.02") else None

        done = await it.until(filled, "the order and its fills")
        assert Decimal(done["executed_quantity"]) == Decimal("0.02")
        trades = (await it.http.get("/trades")).json()
        assert {each["fee_asset"] for each in trades} == {"USDT"}
        paid = sum(Decimal(each["quote_quantity"]) for each in trades)
        assert paid == Decimal(done["executed_quote"])

        low = (paid / Decimal("0.02") * Decimal("0.97")).quantize(Decimal("0.01"))
        rest = {"symbol": "BTC/USDT", "quantity": "0.02", "type": "limit", "side": "buy"}
        first = (await it.passing(it.order(price=str(low), **rest))).json()
        assert first["status"] == "NEW"
        path = f"/orders/{first['id']}"
        less = (await it.passing(it.http.patch(path, json={"quantity": "0.01"}))).json()
        assert (less["id"], Decimal(less["quantity"])) == (first["id"], Decimal("0.01"))
        lower = {"price": str(low - 1)}
        resting = (await it.passing(it.http.patch(path, json=lower))).json()
        assert (resting["status"], resting["replaces"]) == ("NEW", first["id"])
        assert (await it.http.get(path)).json()["status"] == "CANCELED"
        cancelled = (await it.passing(it.http.delete(f"/orders/{resting['id']}"))).json()
        assert cancelled["status"] == "CANCELED"
        stop = {"symbol": "BTC/USDT", "quantity": "0.01", "type": "stop_loss", "side": "sell"}
        waiting = (await it.passing(it.order(stop_price=str(low), **stop))).json()
        assert waiting["status"] == "NEW"
        cancelled = (await it.passing(it.http.delete(f"/orders/{waiting['id']}"))).json()
        assert cancelled["status"] == "CANCELED"

        [held] = await it.system.derivatives.positions()
        assert (held.symbol, held.quantity, held.leverage) == (BTC, Decimal("-0.02"), 5)
        [wallet] = (await it.http.get("/balances")).json()
        assert (wallet["asset"], Decimal(wallet["locked"]) > 0) == ("USDT", True)

        async def pushed():
            await it.clock.advance(0.2)
            sources = {each.source for each in heard if isinstance(each, OrderChanged)}
            kinds = {type(each) for each in heard}
            return "stream" in sources and kinds == {OrderChanged, VenuePositionsChanged, Trade}

        await it.until(pushed, "pushes")
        assert not it.system.user_stream.invalid


async def test_an_order_whose_answer_is_lost_is_found_and_never_sent_again(exchange, at, live):
    async with exchange() as running, live(at(running, market_type="futures")) as it:
        answer = await it.http.post("/symbols", json={"symbol": "BTC/USDT"})
        await it.backfilled(answer.json()["backfill"]["id"])
        await it.beats(1)
        running.mischief.add([rule("answer-lost", calls="POST /fapi/v1/order", times=1)])
        order = {"symbol": "BTC/USDT", "type": "market", "quantity": "0.02", "side": "buy"}
        sent = (await it.passing(it.order(**order))).json()

        async def filled():
            await it.clock.advance(0.5)
            return (await it.http.get(f"/orders/{sent['id']}")).json()["status"] == "FILLED"

        await it.until(filled, "the order")
        [held] = await it.system.derivatives.positions()
        assert held.quantity == Decimal("0.02")
