"""Every way in which the exchange or the network fails a call, times every call that we make.

The table is the promise: what the caller gets, and what has then happened at the exchange.
"""

from __future__ import annotations

import pytest
import pytest_asyncio
from pydantic import SecretStr

from tests.faults.bench import BTC, Bench, LeapingClock
from tests.faults.rules import rule
from trading_system.domain.errors import Rejected, TradingError
from trading_system.exchange.client import Client
from trading_system.exchange.endpoints import trading_endpoints
from trading_system.simulator.limits import LimitSettings
from trading_system.simulator.mischief.answers import (
    Banned,
    ErrorCode,
    Forbidden,
    TooManyRequests,
)
from trading_system.simulator.server import SimulatorOptions, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A fault that strikes once, then one that strikes every time, as a read sees it. Orders and cancels
# are struck once: whoever sent them again would be found out by what the second try answers.
# "at once": the first answer is good. "retried": a good answer after our own pause of a second.
# "n s": a good answer after waiting as long as the exchange said. Everything else is raised.
# What is cut is sent again at once by aiohttp, once, unless it is a POST: a cancel whose answer was
# lost is then told that there is nothing left to cancel, which has the order looked up.
TABLE = """
fault                                    | read: once | read: always | place                  | cancel
-----------------------------------------+------------+--------------+------------------------+-----------------------
latency ms=300                           | at once    | at once      | placed                 | cancelled
server-error status=500 code=-1000       | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
server-error status=502 body=html        | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
server-error status=503                  | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
server-error status=504 body=html        | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
server-error status=500 executed=true    | retried    | Unreachable  | OutcomeUnknown, done   | OutcomeUnknown, done
server-error status=504 executed=true    | retried    | Unreachable  | OutcomeUnknown, done   | OutcomeUnknown, done
too-many-requests retry_after=5          | 5 s        | RateLimited  | RateLimited, undone    | RateLimited, undone
too-many-requests retry_after=300        | RateLimited| RateLimited  | RateLimited, undone    | RateLimited, undone
banned ban_seconds=60                    | 60 s       | RateLimited  | RateLimited, undone    | RateLimited, undone
banned ban_seconds=300                   | RateLimited| RateLimited  | RateLimited, undone    | RateLimited, undone
forbidden                                | RateLimited| RateLimited  | RateLimited, undone    | RateLimited, undone
error code=-1000                         | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
error code=-1001                         | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
error code=-1001 executed=true           | retried    | Unreachable  | OutcomeUnknown, done   | OutcomeUnknown, done
error code=-1003                         | 60 s       | RateLimited  | RateLimited, undone    | RateLimited, undone
error code=-1006                         | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
error code=-1006 executed=true           | retried    | Unreachable  | OutcomeUnknown, done   | OutcomeUnknown, done
error code=-1007                         | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
error code=-1007 executed=true           | retried    | Unreachable  | OutcomeUnknown, done   | OutcomeUnknown, done
error code=-1008                         | retried    | Unreachable  | OutcomeUnknown, undone | OutcomeUnknown, undone
error code=-1021                         | at once    | Rejected     | placed                 | cancelled
error code=-1102                         | Rejected   | Rejected     | Rejected, undone       | Rejected, undone
empty-body                               | retried    | Unreadable   | OutcomeUnknown, done   | OutcomeUnknown, done
truncated-body                           | retried    | Unreadable   | OutcomeUnknown, done   | OutcomeUnknown, done
answer-lost                              | at once    | Unreachable  | OutcomeUnknown, done   | OrderNotFound, done
request-lost                             | at once    | Unreachable  | OutcomeUnknown, undone | cancelled
answer-late after_seconds=8              | retried    | Unreachable  | OutcomeUnknown, done   | OutcomeUnknown, done
"""  # noqa: E501 -- a table is read across

READS = {
    "candles": "GET /api/v3/klines",
    "book": "GET /api/v3/depth",
    "trades": "GET /api/v3/historicalTrades",
    "instruments": "GET /api/v3/exchangeInfo",
    "server_time": "GET /api/v3/time",
    "find": "GET /api/v3/order",
    "fills": "GET /api/v3/myTrades",
    "balances": "GET /api/v3/account",
}
PLENTY = LimitSettings(weight_per_minute=10**9, orders_per_10_seconds=10**6)
BREAKER_SECONDS = 60
WINDOW_SECONDS = 60  # where the exchange does not say how long
FIREWALL_SECONDS = 300
SPEED = 10.0  # of what the exchange waits for; the clock itself leaps


def _rows():
    for line in TABLE.strip().splitlines()[2:]:
        fault, *outcomes = (cell.strip() for cell in line.split("|"))
        yield fault, *outcomes


ROWS = list(_rows())
STRUCK_READS = [
    pytest.param(fault, call, often, wanted, id=f"{fault}-{call}-{often}")
    for fault, once, always, *_ in ROWS
    for call in READS
    for often, wanted in (("once", once), ("always", always))
]
PLACES = [pytest.param(fault, wanted, id=fault) for fault, _, _, wanted, _ in ROWS]
CANCELS = [pytest.param(fault, wanted, id=fault) for fault, _, _, _, wanted in ROWS]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bench():
    clock = LeapingClock()
    options = SimulatorOptions(clock=clock.milliseconds, speed=SPEED, limits=PLENTY)
    async with serve(options) as running:
        client = Client(
            endpoints=trading_endpoints(running.url),
            clock=clock,
            api_key=SecretStr(running.api_key),
            secret=SecretStr(running.secret),
        )
        ready = Bench(running, clock, client)
        await ready.ports().trading.place(ready.bought)
        yield ready
        await client.close()


def reading(bench, call, ports):
    """Make the call once."""
    match call:
        case "candles":
            return ports.data.candles(BTC, bench.span)
        case "book":
            return ports.data.book(BTC, levels=5)
        case "trades":
            return ports.data.trades(BTC, first_id=bench.last_trade)
        case "instruments":
            return ports.data.instruments()
        case "server_time":
            return ports.data.server_time()
        case "find" | "fills":
            return ports.trading.find(bench.bought)
        case _:
            return ports.trading.balances()


@pytest.mark.parametrize(("fault", "call", "often", "wanted"), STRUCK_READS)
async def test_a_read(bench, fault, call, often, wanted):
    ports = bench.ports(listed=call != "instruments")
    began = bench.clock.monotonic()
    with bench.struck(fault, READS[call], often):
        try:
            answer = await reading(bench, call, ports)
        except TradingError as error:
            answer = error
    if isinstance(answer, TradingError):
        assert told(answer, fault) == wanted
        return
    assert spoken(bench.clock.monotonic() - began) == wanted
    assert answer == await reading(bench, call, bench.ports())


@pytest.mark.parametrize(("fault", "wanted"), PLACES)
async def test_a_new_order(bench, fault, wanted):
    order, ports = bench.order(), bench.ports()
    with bench.struck(fault, "POST /api/v3/order"):
        outcome = await changed(ports.trading.place(order), fault)
    done = {None: "undone", "NEW": "done"}[bench.status(order)]
    assert f"{outcome}, {done}" == wanted.replace("placed", "NEW, done")


@pytest.mark.parametrize(("fault", "wanted"), CANCELS)
async def test_a_cancel(bench, fault, wanted):
    order, ports = bench.order(), bench.ports()
    await ports.trading.place(order)
    with bench.struck(fault, "DELETE /api/v3/order"):
        outcome = await changed(ports.trading.cancel(order), fault)
    done = {"NEW": "undone", "CANCELED": "done"}[bench.status(order)]
    assert f"{outcome}, {done}" == wanted.replace("cancelled", "CANCELED, done")


@pytest.mark.parametrize("call", ["place", "cancel"])
async def test_a_clock_that_stays_refused_is_told_after_one_measurement(bench, call):
    order, ports = bench.order(), bench.ports()
    if call == "cancel":
        await ports.trading.place(order)
    before = bench.mischief.done["error"]
    with bench.struck("error code=-1021", "* /api/v3/order", "always"):
        outcome = await changed(getattr(ports.trading, call)(order), "error code=-1021")
    assert outcome == "Rejected"
    assert bench.status(order) == {"place": None, "cancel": "NEW"}[call]
    assert bench.mischief.done["error"] - before == 2


async def test_what_lasts_is_left_alone_until_a_probe_is_answered(bench):
    """Orders as well: one that was never sent is no order of unknown outcome."""
    ports, fault = bench.ports(), "server-error status=503"
    with bench.struck(fault, "* /api/v3/order", "always"):
        for _ in range(5):
            assert await changed(ports.trading.place(bench.order()), fault) == "OutcomeUnknown"
        struck = bench.mischief.done["server-error"]
        for call in (ports.trading.place, ports.trading.cancel, ports.trading.find):
            assert await changed(call(bench.order()), fault) == "CircuitOpen"
        assert bench.mischief.done["server-error"] == struck, "nothing was sent"
        assert await ports.data.candles(BTC, bench.span), "prices are another circuit"
        await bench.clock.sleep(BREAKER_SECONDS)
        assert await changed(ports.trading.cancel(bench.order()), fault) == "OutcomeUnknown"
        assert await changed(ports.trading.place(bench.order()), fault) == "CircuitOpen"
    await bench.clock.sleep(BREAKER_SECONDS)
    assert await changed(ports.trading.place(bench.order()), fault) == "NEW"


async def changed(call, fault):
    """The status that is reported, or the error's name."""
    try:
        return (await call).status
    except TradingError as error:
        return told(error, fault)


def told(error, fault):
    """The error's name; what it says beyond that must be what the exchange said."""
    effect = rule(fault).effect
    match effect:
        case TooManyRequests(retry_after=seconds) | Banned(ban_seconds=seconds):
            assert error.retry_after == seconds
        case Forbidden():
            assert error.retry_after == FIREWALL_SECONDS
        case ErrorCode(code=-1003):
            assert error.retry_after == WINDOW_SECONDS
        case ErrorCode(code=code) if type(error) is Rejected:
            assert error.code == code
    return type(error).__name__


def spoken(waited):
    """The seconds that passed in the table's words."""
    if waited == 0:
        return "at once"
    return "retried" if waited < 5 else f"{waited:.0f} s"
