"""A first day with the system: from the first symbol to a restart that loses nothing."""

from __future__ import annotations

from decimal import Decimal


async def test_from_the_first_symbol_to_a_restart_nothing_is_lost_or_doubled(exchange, at, live):
    async with exchange() as running:
        async with live(at(running)) as day:
            await register(day)
            await candles(day)
            await chart(day)
            resting = await trade(day)
            before = await everything(day)
        async with live(at(running)) as day:
            assert await everything(day) == before
            await day.beats(1)
            gaps = (await day.http.get("/gaps/BTC-USDT")).json()
            assert gaps["expected"] == gaps["stored"] == 183
            again = (await day.http.get(f"/orders/{resting}")).json()
            assert again["status"] == "CANCELED"


async def register(day):
    answer = await day.http.post("/symbols", json={"symbol": "BTC/USDT"})
    assert answer.status_code == 201, answer.text
    assert (await day.http.post("/symbols", json={"symbol": "BTC/USDT"})).status_code == 400
    assert (await day.http.post("/symbols", json={"symbol": "NO/PE"})).status_code == 404
    job = await day.backfilled(answer.json()["backfill"]["id"])
    assert (job["state"], job["expected"], job["stored"]) == ("done", 180, 180)


async def candles(day):
    await day.beats(2)
    prices = (await day.http.get("/prices/BTC-USDT", params={"limit": 1000})).json()
    assert len(prices["candles"]) == 182
    gaps = (await day.http.get("/gaps/BTC-USDT")).json()
    assert (gaps["expected"], gaps["stored"]) == (182, 182)
    assert gaps["missing"] == []
    assert (await day.http.get("/health")).status_code == 200


async def chart(day):
    page = await day.http.get("/plot/prices")
    assert page.status_code == 200
    assert "BTC/USDT" in page.text
    assert "http://" not in page.text.replace("http://www.w3.org", "")
    assert "https://" not in page.text


async def trade(day):
    """A market order, a partly filled limit order, and its cancel; returns the latter's id."""
    bought = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity="0.01")
    assert bought.status_code == 201, bought.text
    assert bought.json()["status"] == "FILLED"
    price = Decimal(bought.json()["average_price"]).quantize(Decimal("0.01"))
    # More than lies in the book at that price: some fills, the rest stays.
    wide = str(price + 5)
    large = await day.order(symbol="BTC/USDT", side="BUY", type="limit", quantity="5", price=wide)
    assert large.status_code == 201, large.text
    order = large.json()
    assert order["status"] == "PARTIALLY_FILLED", order
    assert 0 < Decimal(order["executed_quantity"]) < 5
    cancelled = await day.http.delete(f"/orders/{order['id']}")
    assert cancelled.status_code == 200, cancelled.text
    assert cancelled.json()["status"] == "CANCELED"
    refused = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity="50")
    assert refused.status_code == 403
    assert refused.json()["check"] == "balance"
    return order["id"]


async def everything(day):
    """All that a restart could lose or double."""
    paths = ("/orders", "/trades", "/balances", "/prices/BTC-USDT?limit=1000", "/symbols")
    return {path: (await day.http.get(path)).json() for path in paths}


async def test_the_same_key_makes_one_order_even_over_a_restart(exchange, at, live):
    wish = {"symbol": "ETH/USDT", "side": "BUY", "type": "market", "quantity": "0.1"}
    key = {"Idempotency-Key": "monday-1"}
    async with exchange() as running:
        async with live(at(running)) as day:
            first = (await day.http.post("/orders", json=wish, headers=key)).json()
            again = (await day.http.post("/orders", json=wish, headers=key)).json()
            assert first["id"] == again["id"]
        async with live(at(running)) as day:
            later = (await day.http.post("/orders", json=wish, headers=key)).json()
            assert later["id"] == first["id"]
            other = await day.http.post("/orders", json=wish | {"quantity": "0.2"}, headers=key)
            assert other.status_code == 409
            assert len((await day.http.get("/orders")).json()) == 1


async def test_a_resting_order_that_the_market_reaches_is_noticed(exchange, at, live):
    async with exchange() as running, live(at(running)) as day:
        price = await last_price(day)
        near = str((price * Decimal("0.9995")).quantize(Decimal("0.01")))
        placed = await day.order(
            symbol="BTC/USDT", side="BUY", type="limit", quantity="0.002", price=near
        )
        order = placed.json()["id"]
        assert placed.json()["status"] == "NEW"

        async def filled():
            await day.clock.advance(60)
            found = (await day.http.get(f"/orders/{order}")).json()
            return found if found["status"] == "FILLED" else None

        found = await day.until(filled, "the market reaches the order")
        assert Decimal(found["executed_quantity"]) == Decimal("0.002")
        trades = (await day.http.get("/trades")).json()
        filled = [Decimal(each["quantity"]) for each in trades if each["order_id"] == order]
        assert sum(filled) == Decimal("0.002")


async def last_price(day) -> Decimal:
    bought = await day.order(symbol="BTC/USDT", side="BUY", type="market", quantity="0.001")
    await day.order(symbol="BTC/USDT", side="SELL", type="market", quantity="0.0005")
    return Decimal(bought.json()["average_price"])
