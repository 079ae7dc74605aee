from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from decimal import Decimal

import aiohttp
import pytest

from trading_system.simulator.command_log import CommandLogError
from trading_system.simulator.server import SimulatorOptions, serve

NOON = 1_767_614_400_250
PATIENCE = 60.0
BTC = "symbol=BTCUSDT"


def options(**more):
    return SimulatorOptions(clock=lambda: NOON, symbols=2, api_key="mine", secret="hush", **more)


async def ask(running, signature, method, path, query="", *, now=NOON):
    """A signed call over the socket."""
    query = f"{query}&timestamp={now}".lstrip("&")
    url = f"{running.url}/api/v3/{path}?{query}&signature={signature(query, running.secret)}"
    headers = {"X-MBX-APIKEY": running.api_key}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
async def test_it_serves_loopback_on_a_free_port(host, feed):
    async with (
        serve(options(host=host), feed) as running,
        aiohttp.ClientSession() as http,
        http.get(f"{running.url}/api/v3/time") as answer,
    ):
        assert await answer.json() == {"serverTime": NOON}
    assert not running.url.endswith(":0")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.com"])  # noqa: S104 -- refused
def test_anything_but_loopback_is_refused(host):
    with pytest.raises(ValueError, match="not loopback"):
        SimulatorOptions(host=host)


async def test_a_port_that_is_taken_is_an_error(feed):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
    ):
        async with serve(options(port=taken.getsockname()[1]), feed):
            pass


async def test_keys_are_made_up_where_none_are_given_and_never_shown(feed):
    chosen = SimulatorOptions(api_key="mine", secret="hush")
    assert "mine" not in repr(chosen)
    assert "hush" not in repr(chosen)
    async with serve(SimulatorOptions(), feed) as one, serve(SimulatorOptions(), feed) as other:
        assert len(one.api_key) == len(one.secret) == 64
        assert one.api_key != other.api_key
        assert one.secret != other.secret
        assert one.secret not in repr(one)
        assert one.api_key not in repr(one)


async def test_the_account_is_funded_with_every_listed_asset(signature):
    async with serve(options()) as running:
        _, account = await ask(running, signature, "GET", "account")
    assert {b["asset"]: b["free"] for b in account["balances"]} == {
        "BTC": "10.00000000",
        "ETH": "100.00000000",
        "USDT": "1000000.00000000",
    }


async def test_funds_may_be_chosen(signature, feed):
    async with serve(options(funds={"BTC": Decimal("0.5")}), feed) as running:
        _, account = await ask(running, signature, "GET", "account")
    assert account["balances"] == [{"asset": "BTC", "free": "0.50000000", "locked": "0.00000000"}]


async def test_one_seed_is_one_market():
    async def candles(seed):
        async with (
            serve(options(seed=seed)) as running,
            aiohttp.ClientSession(running.url) as http,
            http.get(f"/api/v3/klines?{BTC}&interval=1m") as answer,
        ):
            return await answer.text()

    assert await candles(3) == await candles(3)
    assert await candles(3) != await candles(4)


async def test_an_order_in_body_and_query_outlives_a_restart(signature, feed, tmp_path):
    journal = tmp_path / "orders.jsonl"
    body = f"{BTC}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000"
    async with serve(options(journal=journal), feed) as running, aiohttp.ClientSession() as http:
        query = f"timestamp={NOON}"
        signed = f"{query}&signature={signature(query + body, 'hush')}"
        async with http.post(
            f"{running.url}/api/v3/order?{signed}",
            data=body,
            headers={
                "X-MBX-APIKEY": "mine",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        ) as answer:
            assert answer.status == 200, await answer.text()
    async with serve(options(journal=journal), feed) as running:
        _, orders = await ask(running, signature, "GET", "openOrders")
        assert [order["price"] for order in orders] == ["50000.00000000"]
    with pytest.raises(CommandLogError):
        async with serve(options(journal=journal, seed=43), feed):
            pass


async def test_a_recording_moved_to_end_now_stays_where_it_was_moved(signature, tmp_path):
    recording = tmp_path / "BTCUSDT-1m-2024-01-01.csv"
    first = 1_704_067_200_000
    recording.write_text(
        "".join(f"{first + k * 60_000},100.5,101,100,100.5,7\n" for k in range(30))
    )
    now = [NOON]
    chosen = {"market": str(recording), "shift": True, "journal": tmp_path / "orders.jsonl"}
    chosen |= {"clock": lambda: now[0], "api_key": "mine", "secret": "hush"}

    async def first_candle():
        async with serve(SimulatorOptions(**chosen)) as running, aiohttp.ClientSession() as http:
            status, _ = await ask(running, signature, "GET", "account", now=now[0])
            assert status == 200
            limit = f"{BTC}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=90"
            await ask(running, signature, "POST", "order", limit, now=now[0])
            url = f"{running.url}/api/v3/klines?{BTC}&interval=1m&startTime=0&limit=1"
            async with http.get(url) as answer:
                ((opened, *_),) = await answer.json()
                return opened

    before = await first_candle()
    assert before > first
    now[0] += 3 * 86_400_000
    assert await first_candle() == before


async def test_symbols_in_any_script_arrive_as_they_were_sent(feed):
    async with serve(options(), feed) as running, aiohttp.ClientSession() as http:
        for symbol in ("币安人生USDT", "%E5%B8%81%E5%AE%89USDT"):
            async with http.get(f"{running.url}/api/v3/depth?symbol={symbol}") as answer:
                assert (await answer.json())["code"] == -1121


async def test_bytes_that_are_no_text_do_no_harm(feed):
    async with serve(options(), feed) as running, aiohttp.ClientSession() as http:
        url = f"{running.url}/api/v3/order"
        async with http.post(url, data=b"\xff\xfe=1", headers={"X-MBX-APIKEY": "mine"}) as answer:
            assert (await answer.json())["code"] == -1102


async def test_many_symbols_fit_into_one_line(feed):
    names = "%22%2C%22".join(f"SYMBOL{number}USDT" for number in range(600))
    async with serve(options(), feed) as running, aiohttp.ClientSession() as http:
        url = f"{running.url}/api/v3/ticker/price?symbols=%5B%22{names}%22%5D"
        async with http.get(url) as answer:
            assert (await answer.json())["code"] == -1121


async def test_it_can_be_stopped_before_its_block_ends(feed):
    async with serve(options(), feed) as running, aiohttp.ClientSession() as http:
        await running.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{running.url}/api/v3/ping")


async def test_resting_orders_meet_the_market_though_nobody_asks(feed, signature, monkeypatch):
    monkeypatch.setattr("trading_system.simulator.front._ADVANCE_SECONDS", 0)
    now = [NOON]
    chosen = SimulatorOptions(clock=lambda: now[0], api_key="mine", secret="hush")
    async with serve(chosen, feed) as running:
        last = feed.last_trade("BTCUSDT", now=NOON)
        price = last.price - Decimal(100)
        limit = f"{BTC}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.0001&price={price}"
        status, _ = await ask(running, signature, "POST", "order", limit)
        assert status == 200
        trade = feed.next_trade(
            "BTCUSDT", after=last.id, now=NOON + 10**8, at_or_below=price, at_or_above=None
        )
        now[0] = trade.time
        async with asyncio.timeout(PATIENCE):
            while running.exchange.has_open_orders:  # noqa: ASYNC110 -- a task of its own moves it
                await asyncio.sleep(0)


async def test_a_stumble_of_the_market_is_logged_and_survived(feed, caplog, monkeypatch):
    monkeypatch.setattr("trading_system.simulator.front._ADVANCE_SECONDS", 0)
    went_on = asyncio.Event()
    steps = iter([RuntimeError("stumbled")])

    def advance(_):
        for error in steps:
            raise error
        went_on.set()

    async with serve(options(), feed) as running:
        running.exchange.venue.open_orders = lambda _: ["some"]
        running.exchange.advance = advance
        await asyncio.wait_for(went_on.wait(), PATIENCE)
    assert "the market could not go on" in caplog.text


class Child:
    """`python -m trading_system.simulator`, spoken to as its parent would."""

    def __init__(self, line: str | None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trading_system.simulator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if line is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def url(self) -> str:
        return json.loads(self.process.stdout.readline())["url"]

    def end(self) -> tuple[int, str]:
        """Close its stdin: the exit code and what it said."""
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@pytest.fixture
def child():
    children = []

    def start(line):
        children.append(Child(line))
        return children[-1]

    yield start
    for running in children:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        for pipe in (running.process.stdin, running.process.stdout, running.process.stderr):
            pipe.close()


async def test_the_child_serves_its_options_and_ends_with_its_stdin(child, signature, tmp_path):
    given = {
        "seed": 7,
        "market": "seed",
        "symbols": 2,
        "journal": str(tmp_path / "orders.jsonl"),
        "api_key": "mine",
        "secret": "hush",
        "limits": {"weight_per_minute": 777},
    }
    running = child(json.dumps(given))
    url = await asyncio.to_thread(running.url)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}/api/v3/exchangeInfo") as answer,
    ):
        info = await answer.json()
    assert [entry["symbol"] for entry in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert info["rateLimits"][0]["limit"] == 777
    # Ctrl-C reaches the whole group; the child leaves it to its parent.
    running.process.send_signal(signal.SIGINT)
    async with aiohttp.ClientSession() as http, http.get(f"{url}/api/v3/ping") as answer:
        assert answer.status == 200
    assert await asyncio.to_thread(running.end) == (0, "")


def test_the_child_ends_on_sigterm(child):
    running = child("{}")
    running.url()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "simulator: "),
        ('{"colour":"red"}', "no such option"),
        ('{"host":"0.0.0.0"}', "not loopback"),
        ('{"symbols":0}', "symbols"),
        ('{"mischief":[{"kind":"gremlins"}]}', "no such kind: gremlins"),
    ],
)
def test_what_cannot_be_served_ends_the_child_with_a_line(child, line, said):
    code, words = child(line).end()
    assert code == 1
    assert said in words
    assert len(words.splitlines()) == 1


def test_a_child_that_is_told_nothing_ends(child):
    assert child(None).end() == (0, "")


def test_the_child_imports_nothing_it_does_not_need():
    program = (
        "import sys, trading_system.simulator.server\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "aiohttp" in loaded
    assert loaded.isdisjoint(
        {"ccxt", "typer", "rich", "fastapi", "pydantic", "plotly", "structlog"}
    )
