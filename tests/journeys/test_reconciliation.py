"""What happened to the account while nobody here was looking, over real sockets and a real disk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus

from tests.faults.rules import rule
from trading_system.simulator.mischief.timing import Latency
from trading_system.simulator.model import (
    CancelOrder,
    Deposit,
    OrderType,
    PlaceOrder,
    Side,
    TimeInForce,
)


def by_hand(clock, name, **fields):
    """An order that somebody places past us."""
    return PlaceOrder(
        account="main",
        symbol="BTCUSDT",
        side=Side.BUY,
        quantity=Decimal("0.001"),
        client_order_id=name,
        **fields,
    ), clock.milliseconds()


async def test_what_was_done_while_we_were_down_is_ours_to_know_after_the_start(
    exchange, live, at, clock
):
    async with exchange() as running:
        wanted = at(running, streams="off")
        bid = running.exchange.venue.quote("BTCUSDT", clock.milliseconds()).bids[0].price
        low = str((bid * Decimal("0.95")).quantize(Decimal("0.01")))
        async with live(wanted) as first:
            order = (
                await first.passing(
                    first.order(
                        symbol="BTC/USDT",
                        side="buy",
                        type="limit",
                        quantity="0.001",
                        price=low,
                    )
                )
            ).json()
            assert order["status"] == "NEW", order
            done = (await first.passing(first.http.post("/reconcile"))).json()
            assert (done["booked"], done["adopted"], done["differences"]) == (0, 0, [])

        await clock.advance(600)
        venue = running.exchange
        name = order["client_order_id"]
        cancel = CancelOrder(account="main", symbol="BTCUSDT", client_order_id=name)
        venue.handle(cancel, clock.milliseconds())
        venue.handle(*by_hand(clock, "by-hand-1", type=OrderType.MARKET))
        resting = {"time_in_force": TimeInForce.GTC, "price": Decimal(low)}
        venue.handle(*by_hand(clock, "by-hand-2", type=OrderType.LIMIT, **resting))
        bought = clock.now()
        deposit = Deposit(account="main", asset="USDT", amount=Decimal(500))
        venue.handle(deposit, clock.milliseconds())
        await clock.advance(600)

        async with live(wanted) as second:

            async def reconciled():
                await clock.advance(0.2)
                rows = (await second.http.get("/reconciliations")).json()
                return rows if len(rows) > before else None

            before = 2  # the first run's own, and the one that was asked for
            (newest, *_) = await second.until(reconciled, "the pass at start")
            assert (newest["booked"], newest["adopted"], newest["fills"]) == (1, 2, 1)
            assert newest["balances_compared"]
            assert [(d["asset"], Decimal(d["size"])) for d in newest["differences"]] == [
                ("USDT", 500)
            ]

            orders = {o["client_order_id"]: o for o in (await second.http.get("/orders")).json()}
            assert orders[name]["status"] == "CANCELED"
            assert orders["by-hand-1"]["status"] == "FILLED"
            assert orders["by-hand-2"]["status"] == "NEW"
            (fill,) = (await second.http.get("/trades")).json()
            assert datetime.fromisoformat(fill["time"]) == bought

            theirs = orders["by-hand-2"]["id"]
            gone = await second.passing(second.http.delete(f"/orders/{theirs}"))
            assert gone.json()["status"] == "CANCELED"


async def test_a_delisted_symbol_stops_nothing(exchange, live, at):
    async with exchange() as running, live(at(running, streams="off")) as living:
        eth = {"symbol": "ETH/USDT", "side": "buy", "type": "market", "quantity": "0.1"}
        assert (await living.passing(living.order(**eth))).json()["status"] == "FILLED"
        running.mischief.add([rule("delisted symbols=ETHUSDT")])
        for _ in range(2):
            told = await living.passing(living.http.post("/reconcile"))
            assert told.status_code == HTTPStatus.OK, told.text
        btc = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.001"}
        assert (await living.passing(living.order(**btc))).json()["status"] == "FILLED"


@dataclass(frozen=True, slots=True)
class Held(Latency):
    """The call is executed once `on` is set, and `begun` says that it has arrived."""

    begun: asyncio.Event
    on: asyncio.Event

    async def answer(self, call, follow, _scene):
        self.begun.set()
        await self.on.wait()
        return await follow(call)


async def test_an_order_in_doubt_waits_for_no_pass(exchange, live, at):
    async with exchange() as running, live(at(running, streams="off")) as living:
        await living.passing(living.http.post("/reconcile"))
        lists = Held(asyncio.Event(), asyncio.Event())
        running.mischief.add([replace(rule("latency", calls="*/openOrders"), effect=lists)])

        async def passing():
            await living.clock.advance(1)
            return lists.begun.is_set()

        await living.clock.advance(290)
        await living.until(passing, "a pass that reads them")
        before = len((await living.http.get("/reconciliations")).json())
        running.mischief.add([rule("answer-lost times=1", calls="POST /api/v3/order")])
        market = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "quantity": "0.001"}
        order = (await living.passing(living.order(**market))).json()
        assert order["status"] == "UNKNOWN"

        async def settled():
            await living.clock.advance(1)
            row = (await living.http.get(f"/orders/{order['id']}")).json()
            return row["status"] == "FILLED"

        asked = living.clock.now()
        await living.until(settled, "the look-up")
        assert living.clock.now() - asked < timedelta(seconds=60)
        assert len((await living.http.get("/reconciliations")).json()) == before
        lists.on.set()

        async def passed():
            await living.clock.advance(0.1)
            return len((await living.http.get("/reconciliations")).json()) > before

        await living.until(passed, "the pass")
        assert (await living.http.get(f"/orders/{order['id']}")).json()["status"] == "FILLED"
