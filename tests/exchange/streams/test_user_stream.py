"""Listening to our own orders over connections that get lost, refused, or closed on notice."""

from __future__ import annotations

import asyncio
import hmac
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from tests.exchange.socket_venue import pass_time, until
from trading_system.domain.errors import NotFound, RateLimited, StorageError
from trading_system.exchange.streams.signed_subscription import SignedSubscription
from trading_system.exchange.streams.signing import HmacSigner
from trading_system.exchange.streams.supervision import Timing
from trading_system.exchange.streams.user_stream import UserStream
from trading_system.resilience.retry import RetryPolicy

SUBSCRIBE = "userDataStream.subscribe.signature"
OPEN = {"status": 200, "result": {"subscriptionId": 0}}


def refusal(code, msg="no", *, status=400, **data):
    return {"status": status, "error": {"code": code, "msg": msg, "data": data}}


def execution(number, **fields):
    data = {"e": "executionReport", "E": 1, "s": "BTCUSDT", "c": f"order-{number}", "C": ""}
    data |= {"x": "NEW", "X": "NEW", "r": "NONE", "i": number, "z": "0", "Z": "0", "T": 1}
    return data | {"I": number, "t": -1} | fields


class Owner:
    """Takes what the stream tells; `trouble` is raised by the next bookings."""

    def __init__(self) -> None:
        self.reports: list = []
        self.balances: list = []
        self.gaps = 0
        self.synchronized = 0
        self.weight = 0
        self.limited: list = []
        self.changes: list = []
        self.trouble: list[Exception] = []
        self.slow = asyncio.Event()
        self.slow.set()

    async def book(self, report, received_at, latency_ms):
        await self.slow.wait()
        if self.trouble:
            raise self.trouble.pop()
        self.reports.append((report.client_order_id, received_at, latency_ms))

    def orders(self):
        return [name for name, _, _ in self.reports]

    def gap(self):
        self.gaps += 1

    async def synchronize(self):
        self.synchronized += 1

    async def count(self, weight):
        self.weight += weight


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture
def listening(sockets, clock, owner):
    """A user stream that runs until the block ends."""
    sockets.answers[SUBSCRIBE] = OPEN

    @asynccontextmanager
    async def listen(*, wait=True, **options):
        stream = UserStream(
            access=SignedSubscription(
                sockets.url,
                venue_milliseconds=lambda: clock.milliseconds() + 7,
                sign=HmacSigner(SecretStr("key"), SecretStr("secret")),
                resynchronize=owner.synchronize,
                count=owner.count,
                on_limited=owner.limited.append,
            ),
            clock=clock,
            venue_milliseconds=lambda: clock.milliseconds() + 7,
            on_report=owner.book,
            on_account=owner.balances.append,
            on_gap=owner.gap,
            on_change=owner.changes.append,
            retry=RetryPolicy(jitter=0),
            **options,
        )
        running = asyncio.create_task(stream.run())
        try:
            if wait:
                await until(lambda: stream.status()[0].state == "connected", clock)
            yield stream
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.wait([running])

    return listen


async def push(sockets, event, *, peer=None):
    for each in [peer] if peer else sockets.open_peers:
        await each.send(subscriptionId=0, event=event)


async def test_it_subscribes_with_a_signature_and_asks_for_what_happened_before(
    sockets, listening, owner, clock
):
    async with listening() as stream:
        [asked] = sockets.peers[0].messages
        params = asked["params"]
        signed = f"apiKey=key&recvWindow=5000&timestamp={params['timestamp']}"
        expected = hmac.new(b"secret", signed.encode(), "sha256").hexdigest()
        assert (asked["method"], params["signature"]) == (SUBSCRIBE, expected)
        assert owner.gaps == 1
        assert stream.status()[0].role == "user"


async def test_reports_and_balances_are_handed_on_in_order_with_their_latency(
    sockets, listening, owner, clock
):
    async with listening() as stream:
        now = clock.milliseconds()
        for number in range(3):
            await push(sockets, execution(number, E=now - 5))
        await push(sockets, {"e": "outboundAccountPosition", "E": now, "u": now, "B": []})
        await push(sockets, {"e": "balanceUpdate", "E": now})
        await until(lambda: owner.balances)
        assert owner.reports == [(f"order-{number}", clock.now(), 12) for number in range(3)]
        await until(lambda: stream.status()[0].messages == 5)


async def test_a_slow_receiver_loses_no_report(sockets, listening, owner):
    async with listening() as stream:
        owner.slow.clear()
        for number in range(2_000):
            await push(sockets, execution(number))
        await until(lambda: stream.status()[0].messages == 2_000)
        owner.slow.set()
        await until(lambda: owner.orders() == [f"order-{number}" for number in range(2_000)])


async def test_the_same_execution_is_told_once(sockets, listening, owner):
    async with listening() as stream:
        for number in (1, 2, 1, 3):
            await push(sockets, execution(number))
        await until(lambda: len(owner.reports) == 3)
        assert stream.duplicates == 1


async def test_only_the_last_executions_are_remembered(sockets, listening, owner, monkeypatch):
    monkeypatch.setattr("trading_system.exchange.streams.user_stream._REMEMBERED", 2)
    async with listening() as stream:
        for number in (1, 2, 3, 1, 3):
            await push(sockets, execution(number))
        await until(lambda: len(owner.reports) == 4)
        await until(lambda: stream.duplicates == 1)


async def test_orders_of_others_and_failed_bookings_do_not_end_it(sockets, listening, owner):
    async with listening() as stream:
        owner.trouble = [StorageError("full"), NotFound("not ours")]
        for number in (1, 2, 3):
            await push(sockets, execution(number))
        await until(lambda: owner.orders() == ["order-3"])
        assert stream.foreign == 1
        assert owner.gaps == 2  # what could not be booked has to be asked for


async def test_an_unreadable_report_is_counted_and_asked_for(sockets, listening, owner):
    async with listening() as stream:
        await push(sockets, execution(1, X="MELTED"))
        await push(sockets, execution(2, z=None))
        await push(sockets, execution(3))
        await until(lambda: owner.orders() == ["order-3"])
        assert stream.invalid == {"executionReport": 2}
        assert owner.gaps == 3


async def test_a_lost_connection_is_dialled_again_and_asked_about(sockets, listening, owner, clock):
    async with listening() as stream:
        sockets.peers[0].cut()
        await until(lambda: owner.gaps == 2, clock)
        assert stream.status()[0].connects == 2
        await push(sockets, execution(1))
        await until(owner.orders)


async def test_a_half_open_connection_is_given_up_within_15_seconds(
    sockets, listening, owner, clock
):
    async with listening():
        await pass_time(clock, 20)
        muted_at = clock.monotonic()
        sockets.peers[0].mute = True
        await until(lambda: owner.gaps == 2, clock)
        assert clock.monotonic() - muted_at <= 19


async def test_an_ended_subscription_is_begun_again(sockets, listening, owner, clock):
    async with listening():
        await push(sockets, {"e": "eventStreamTerminated", "E": 1})
        await until(lambda: owner.gaps == 2, clock)
        assert [asked["method"] for asked in sockets.peers[0].messages] == [SUBSCRIBE, SUBSCRIBE]


@pytest.mark.parametrize("reason", ["age", "notice"])
async def test_a_planned_change_of_connection_loses_and_repeats_nothing(
    sockets, listening, owner, clock, reason
):
    async with listening(timing=Timing(life=20 if reason == "age" else 1e9)) as stream:
        [old] = sockets.open_peers
        if reason == "notice":
            await old.send(event={"e": "serverShutdown", "E": 1})
        number = 0
        while old.open:
            number += 1
            await push(sockets, execution(number))
            await pass_time(clock, 0.5)
        await push(sockets, execution(number + 1))
        await until(lambda: len(owner.orders()) > number)
        assert sorted(owner.orders()) == sorted(f"order-{each}" for each in range(1, number + 2))
        assert stream.duplicates > 0
        assert "lost" not in [change.state for change in owner.changes]


async def test_a_change_of_connection_that_fails_leaves_the_old_one_and_is_tried_again(
    sockets, listening, clock
):
    async with listening(timing=Timing(life=20)) as stream:
        sockets.answers[SUBSCRIBE] = refusal(-1000)
        await until(lambda: "not yet" in stream.status()[0].detail, clock)
        assert sockets.peers[0].open
        sockets.answers[SUBSCRIBE] = OPEN
        await until(lambda: not sockets.peers[0].open, clock)
        await until(lambda: stream.status()[0].state == "connected", clock)


async def test_a_refused_clock_is_set_once_and_the_subscription_repeated(
    sockets, listening, owner, clock
):
    answers = [refusal(-1021), OPEN]
    sockets.answers[SUBSCRIBE] = lambda _: answers.pop(0)
    async with listening() as stream:
        assert owner.synchronized == 1
        assert stream.status()[0].connects == 1


async def test_a_refused_key_is_told_and_not_tried_again_soon(sockets, listening, clock, owner):
    sockets.answers[SUBSCRIBE] = refusal(-2015, "Invalid API-key, IP, or permissions.", status=401)
    async with listening(wait=False) as stream:
        await until(lambda: stream.status()[0].state == "refused", clock)
        assert "-2015" in stream.status()[0].detail
        await pass_time(clock, 50)
        assert len(sockets.peers) == 1
        sockets.answers[SUBSCRIBE] = OPEN
        await until(lambda: owner.gaps == 1, clock)


async def test_a_limit_is_waited_for_as_long_as_the_venue_says(sockets, listening, clock, owner):
    limit = refusal(-1003, "Way too much", status=418, serverTime=1_000, retryAfter=101_000)
    sockets.answers[SUBSCRIBE] = limit
    async with listening(wait=False):
        await until(lambda: sockets.peers and sockets.peers[0].messages, clock)
        await pass_time(clock, 95)
        assert len(sockets.peers) == 1
        assert [limited.retry_after for limited in owner.limited] == [100]
        sockets.answers[SUBSCRIBE] = OPEN
        await until(lambda: owner.gaps == 1, clock)


async def test_what_weighs_at_the_venue_is_counted_before_it_is_done(listening, owner):
    """Two to connect and two to subscribe."""
    async with listening():
        assert owner.weight == 4


async def test_during_a_ban_that_was_told_elsewhere_nobody_is_dialled(
    sockets, listening, clock, owner
):
    bans = [RateLimited("banned", retry_after=30.0)]
    real = owner.count

    async def count(weight):
        if bans:
            raise bans.pop()
        await real(weight)

    owner.count = count
    async with listening(wait=False) as stream:
        await pass_time(clock, 25)
        assert (len(sockets.peers), stream.status()[0].state) == (0, "connecting")
        await until(lambda: owner.gaps == 1, clock)


@pytest.mark.parametrize("answer", [refusal(-1000, status=503), "none"])
async def test_a_subscription_that_fails_for_now_is_tried_again(
    sockets, listening, clock, owner, answer
):
    if answer == "none":
        sockets.deaf.add(SUBSCRIBE)
    else:
        sockets.answers[SUBSCRIBE] = answer
    async with listening(wait=False) as stream:
        await until(lambda: stream.status()[0].state == "lost", clock)
        sockets.deaf.clear()
        sockets.answers[SUBSCRIBE] = OPEN
        await until(lambda: owner.gaps == 1, clock)


def test_the_signer_shows_no_secret():
    signer = HmacSigner(SecretStr("the-key"), SecretStr("the-secret"))
    assert "the-" not in repr(signer) + str(vars(signer))
