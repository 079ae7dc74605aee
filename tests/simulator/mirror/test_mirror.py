"""One simulator mirrors another one over loopback; the market's time moves when it is told to."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import aiohttp
import orjson
import pytest

from tests.ports import free_port
from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.options import Mirrored, SimulatorOptions

BTC = {"symbol": "BTCUSDT"}
STREAMS = ("btcusdt@aggTrade", "btcusdt@kline_1m", "btcusdt@miniTicker")


def tape(desk, after):
    """The origin's trades after an id, straight from its market."""
    return desk.running.exchange.feed.trades_from(
        "BTCUSDT", first_id=after + 1, limit=1_000, now=desk.clock.milliseconds()
    )


def pair(desk):
    """What the paper exchange knows of BTCUSDT."""
    return desk.running.exchange.feed._feed.pairs["BTCUSDT"]


async def opened(desk, until):
    """Until its market of BTCUSDT is open."""
    await desk.get("depth", **BTC)
    await until(lambda: pair(desk).is_live)


def top(depth):
    return depth["bids"][0], depth["asks"][0]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("klines", BTC | {"interval": "1m", "limit": "1000"}),
        ("klines", BTC | {"interval": "1d", "startTime": "1735689600000", "limit": "30"}),
        ("uiKlines", BTC | {"interval": "1h"}),
        ("aggTrades", BTC | {"limit": "100"}),
        ("trades", BTC),
        ("avgPrice", BTC),
        ("ticker/24hr", BTC),
        ("ticker/tradingDay", BTC),
        ("ticker", BTC | {"windowSize": "4h"}),
        ("ticker/price", {"symbols": '["BTCUSDT","ETHUSDT"]'}),
        ("ticker/bookTicker", {}),
        ("klines", BTC | {"interval": "7m"}),
        ("klines", BTC | {"interval": "1m", "limit": "many"}),
        ("klines", {"symbol": "NOPE", "interval": "1m"}),
        ("klines", BTC | {"interval": "1m", "colour": "red"}),
    ],
)
async def test_the_past_is_told_to_the_letter_refusals_too(origin, paper, path, fields) -> None:
    async with paper(origin.running.url) as desk:
        status, body, _ = await desk.raw(path, **fields)
        assert (status, body) == (await origin.raw(path, **fields))[:2]


async def test_the_present_is_the_same_book_with_the_users_own_orders(origin, paper, until) -> None:
    async with paper(origin.running.url) as desk:
        theirs, ours = await origin.get("depth", **BTC), await desk.get("depth", **BTC)
        assert (ours["bids"], ours["asks"]) == (theirs["bids"], theirs["asks"])
        between = f"{Decimal(theirs['asks'][0][0]) - Decimal('0.01'):.8f}"
        await desk.place("BUY", "LIMIT", "0.5", price=between)
        assert top(await desk.get("depth", **BTC))[0] == [between, "0.50000000"]
        assert (await desk.get("ticker/bookTicker", **BTC))["bidPrice"] == between
        assert await origin.get("depth", **BTC) == theirs


async def test_rules_are_those_of_the_origin_and_there_are_no_futures(origin, paper) -> None:
    async with paper(origin.running.url) as desk:
        theirs, ours = await origin.get("exchangeInfo"), await desk.get("exchangeInfo")
        assert ours["symbols"] == theirs["symbols"]
        _, body, _ = await desk.raw("fapi/v1/exchangeInfo")
        assert orjson.loads(body)["symbols"] == []


async def test_calls_are_paid_for_here_as_on_any_exchange(origin, paper) -> None:
    async with paper(origin.running.url) as desk:
        used = [
            int((await desk.raw("klines", **BTC, interval="1m"))[2]["x-mbx-used-weight-1m"])
            for _ in range(2)
        ]
        assert used[1] - used[0] == 2


async def test_a_market_order_fills_at_the_mirrored_book(origin, paper) -> None:
    async with paper(origin.running.url) as desk:
        asks = (await origin.get("depth", **BTC))["asks"]
        order = await desk.place("BUY", "MARKET", "0.3")
        assert order["status"] == "FILLED"
        wanted, fills = Decimal("0.3"), []
        for price, quantity in asks:
            part = min(wanted, Decimal(quantity))
            fills += [(Decimal(price), part)] if part else []
            wanted -= part
        told = [(Decimal(fill["price"]), Decimal(fill["qty"])) for fill in order["fills"]]
        assert len(told) > 1
        assert told == fills


async def test_a_resting_order_fills_when_the_origin_trades_through_it(
    origin, paper, until, clock
) -> None:
    async with paper(origin.running.url) as desk:
        await opened(desk, until)
        before = pair(desk).tape.last
        price = before.price * Decimal("0.9999") // Decimal("0.01") * Decimal("0.01")
        order = await desk.place("BUY", "LIMIT", "0.00100", price=str(price))
        assert order["status"] == "NEW"
        for _ in range(600):
            clock.jump(1)
            coming = tape(origin, before.id)
            if any(trade.price <= price for trade in coming):
                break
        await until(lambda: pair(desk).tape.last.id == coming[-1].id)

        async def filled():
            return await desk.ask("GET", "myTrades", **BTC)

        fills = await until(filled)
        assert {Decimal(fill["price"]) for fill in fills} == {price}
        assert all(fill["isMaker"] for fill in fills)
        assert fills[0]["time"] >= order["transactTime"]


async def test_an_account_outlives_the_exchange_to_the_last_field(
    origin, paper, until, clock
) -> None:
    """Takers, makers, a stop order that fired, a refusal and a cancel are told as they were."""
    async with paper(origin.running.url) as desk:
        await desk.place("BUY", "MARKET", "0.3")
        last = pair(desk).tape.last
        near = str(last.price // Decimal("0.01") * Decimal("0.01") - Decimal(5))
        await desk.place("BUY", "LIMIT", "0.2", price=near)
        await desk.place("SELL", "STOP_LOSS", "0.1", stopPrice=near)
        far = await desk.place("BUY", "LIMIT", "0.001", price="50000.00")
        await desk.place("BUY", "LIMIT", "0.001", price="40000.00")
        await desk.ask("DELETE", "order", **BTC, orderId=far["orderId"])
        status, _ = await desk.signed("DELETE", "order", **BTC, orderId=far["orderId"])
        assert status == 400

        async def fired():
            clock.jump(1)
            await asyncio.sleep(0.02)
            trades = await desk.ask("GET", "myTrades", **BTC)
            return {"1", "2", "3"} <= {str(trade["orderId"]) for trade in trades}

        await until(fired)
        status, _ = await desk.signed(
            "POST", "order", **BTC, side="BUY", type="MARKET", quantity="9"
        )
        assert status == 400
        before = await desk.record()
        venue = desk.running.exchange.venue
    async with paper(origin.running.url) as desk:
        assert await desk.record() == before
        again = desk.running.exchange.venue
        assert again.fills("main", "BTCUSDT") == venue.fills("main", "BTCUSDT")


async def test_orders_go_on_from_the_trades_of_the_time_when_nobody_ran(
    origin, paper, until, clock
) -> None:
    """The order waited for a price that the market touched while nobody listened."""
    now = clock.milliseconds()
    coming = origin.running.exchange.feed.trades(
        "BTCUSDT", start=now + 1, end=now + 60_000, now=now + 60_000
    )
    low = min(trade.price for trade in coming)
    async with paper(origin.running.url) as desk:
        order = await desk.place("BUY", "LIMIT", "0.001", price=str(low))
        assert order["status"] == "NEW"
    clock.jump(60)
    async with paper(origin.running.url) as desk:

        async def filled():
            return await desk.ask("GET", "myTrades", **BTC)

        fills = await until(filled)
        assert {Decimal(fill["price"]) for fill in fills} == {low}
        assert {fill["time"] for fill in fills} == {clock.milliseconds()}
        ids = [trade.id for trade in pair(desk).tape._trades]
        assert ids == list(range(ids[0], tape(origin, coming[-1].id - 1)[-1].id + 1))


async def test_while_the_origin_is_away_the_market_stands_still_and_then_heals(
    mirrored, paper, until, clock, caplog
) -> None:
    """No order is taken, none fills, cancels work; then the missed trades come, each once."""
    port = free_port()
    async with mirrored(port) as origin, paper(origin.running.url) as desk:
        await opened(desk, until)
        last = pair(desk).tape.last
        resting = await desk.place("BUY", "LIMIT", "0.00100", price=str(last.price - 3))
        gone = await desk.place("BUY", "LIMIT", "0.001", price="50000.00")
        await origin.running.stop()
        await until(lambda: not pair(desk).is_live)
        status, body = await desk.signed(
            "POST", "order", **BTC, side="BUY", type="MARKET", quantity="0.1"
        )
        assert (status, body) == (400, {"code": -2010, "msg": "Market is closed."})
        away = {
            "code": -1001,
            "msg": "Internal error; unable to process your request. Please try again.",
        }
        for path, fields in (("klines", BTC | {"interval": "1m"}), ("depth", BTC)):
            status, body, _ = await desk.raw(path, **fields)
            assert (status, orjson.loads(body)) == (503, away)
        await desk.ask("DELETE", "order", **BTC, orderId=gone["orderId"])
        known = pair(desk).tape.last.id
        clock.jump(30)
        with caplog.at_level(logging.WARNING):
            async with mirrored(port) as back:
                await until(lambda: pair(desk).is_live)
                missed = tape(back, known)
                assert len(missed) > 10
                assert pair(desk).tape._trades[-len(missed) :] == [
                    trade._replace(time=clock.milliseconds()) for trade in missed
                ]
                through = [t.quantity for t in missed if t.price <= last.price - 3]

                async def met():
                    found = await desk.ask("GET", "order", **BTC, orderId=resting["orderId"])
                    return Decimal(found["executedQty"]) == min(sum(through), Decimal("0.00100"))

                await until(met)
                assert (await desk.get("depth", **BTC))["bids"]
        assert "answers again" in caplog.text


@pytest.mark.parametrize("stream", STREAMS)
async def test_streams_are_passed_on_to_the_letter(origin, paper, until, http, clock, stream):
    async with paper(origin.running.url) as desk:
        heard: dict[str, list[str]] = {"theirs": [], "ours": []}

        async def listen(desk, into):
            url = f"{desk.running.url.replace('http', 'ws')}/ws/{stream}"
            async with http.ws_connect(url) as socket:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        heard[into].append(message.data)

        tasks = [
            asyncio.create_task(listen(origin, "theirs")),
            asyncio.create_task(listen(desk, "ours")),
        ]
        links = desk.running.exchange.frames

        async def both():
            clock.jump(0.5)
            await asyncio.sleep(0.02)
            return len(heard["ours"]) > 2

        await until(lambda: stream in links.streams)
        await until(both)
        await until(lambda: set(heard["ours"]) <= set(heard["theirs"]))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert heard["ours"] == [text for text in heard["theirs"] if text in set(heard["ours"])]
        assert len(set(heard["ours"])) == len(heard["ours"])


async def test_a_market_opens_although_somebody_listens_to_its_trades_already(
    origin, paper, until, http
) -> None:
    async with paper(origin.running.url) as desk:
        url = f"{desk.running.url.replace('http', 'ws')}/ws/btcusdt@aggTrade"
        async with http.ws_connect(url):
            mirror = desk.running.exchange.feed._feed.on_wanted.__self__
            await until(lambda: mirror.links.heard == {"btcusdt@aggTrade"})
            assert (await desk.place("BUY", "MARKET", "0.1"))["status"] == "FILLED"


async def test_the_websocket_api_passes_on_as_rest_does(origin, paper, http) -> None:
    async with paper(origin.running.url) as desk:
        url = f"{desk.running.url.replace('http', 'ws')}/ws-api/v3"
        async with http.ws_connect(url) as socket:
            wanted = {"symbol": "BTCUSDT", "interval": "1m", "limit": 5}
            await socket.send_json({"id": 1, "method": "klines", "params": wanted})
            told = await socket.receive_json()
        assert told["result"] == await origin.get("klines", **wanted)


async def test_an_origin_that_is_not_there_is_a_line_and_no_exchange(paper) -> None:
    with pytest.raises(ValueError, match="cannot be mirrored: it does not tell what it lists"):
        async with paper("http://127.0.0.1:9"):
            pass


async def test_another_market_does_not_take_over_the_journal(origin, paper) -> None:
    async with paper(origin.running.url) as desk:
        await desk.place("BUY", "MARKET", "0.01")
    with pytest.raises(CommandLogError, match="belongs to another market"):
        async with paper(origin.running.url, funds={"USDT": Decimal(1)}):
            pass


async def test_what_is_listed_no_more_cannot_be_traded_but_cancelled(mirrored, paper) -> None:
    eth = {"symbol": "ETHUSDT"}
    port = free_port()
    async with mirrored(port) as origin, paper(origin.running.url) as desk:
        order = await desk.place("BUY", "LIMIT", "0.01", price="2000.00", **eth)
    async with mirrored(port, symbols=1) as origin, paper(origin.running.url) as desk:
        (listed,) = (await desk.get("exchangeInfo", **eth))["symbols"]
        assert listed["status"] == "BREAK"
        status, body = await desk.signed(
            "POST", "order", **eth, side="BUY", type="MARKET", quantity="0.1"
        )
        assert (status, body["msg"]) == (400, "Market is closed.")
        (resting,) = await desk.ask("GET", "openOrders")
        assert resting["orderId"] == order["orderId"]
        gone = await desk.ask("DELETE", "order", **eth, orderId=order["orderId"])
        assert gone["status"] == "CANCELED"


async def test_without_a_journal_every_start_is_the_first(origin, paper) -> None:
    for _ in range(2):
        async with paper(origin.running.url, journal=None, funds=None) as desk:
            account = await desk.ask("GET", "account")
            held = {each["asset"]: each["free"] for each in account["balances"]}
            assert held["USDT"] == "1000000.00000000"
            await desk.place("BUY", "MARKET", "0.1")


def test_a_mirrored_market_has_its_own_speed() -> None:
    with pytest.raises(ValueError, match="the speed must be 1"):
        SimulatorOptions(mirrored=Mirrored(rest="http://a", streams="ws://a"), speed=60)
