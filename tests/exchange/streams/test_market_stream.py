"""Following symbols over connections that get lost, fall silent, or are about to be closed."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.exchange.socket_venue import pass_time, until
from trading_system.domain.instruments import Symbol
from trading_system.domain.market import CandleUpdate, Quote, Trade
from trading_system.exchange.streams.market_stream import MarketStream
from trading_system.exchange.streams.supervision import Timing
from trading_system.resilience.retry import RetryPolicy

BTC, ETH, SOL = (Symbol(base, "USDT") for base in ("BTC", "ETH", "SOL"))
EXECUTION = {"trade", "bookTicker", "depth@100ms", "kline_1m", "miniTicker"}


class Listener:
    """Remembers what a stream tells."""

    def __init__(self) -> None:
        self.events: list = []
        self.gaps: list = []
        self.changes: list = []
        self.drops: list = []

    def trades(self):
        return [event.id for event in self.events if isinstance(event, Trade)]

    def states(self, part):
        return [change.state for change in self.changes if change.part == f"stream {part}"]


@pytest.fixture
def heard():
    return Listener()


@pytest.fixture
def following(sockets, clock, heard):
    """A stream that runs, subscribed to everything, until the block ends."""

    @asynccontextmanager
    async def follow(monitored=(), traded=(BTC,), *, wait=True, **options):
        stream = MarketStream(
            url=sockets.url,
            clock=clock,
            venue_milliseconds=lambda: clock.milliseconds() + 40,
            venue_id=lambda symbol: None if symbol.base == "NO" else symbol.base + symbol.quote,
            on_event=heard.events.append,
            on_gap=lambda symbols, since: heard.gaps.append((symbols, since)),
            on_change=heard.changes.append,
            on_drop=heard.drops.append,
            retry=RetryPolicy(jitter=0),
            **options,
        )
        stream.follow(monitored, traded)
        running = asyncio.create_task(stream.run())
        try:
            if wait:
                await until(lambda: states(stream).get("standby") == "ready", clock)
                await until(lambda: states(stream)["execution"] == "connected", clock)
                await until(lambda: states(stream)["monitoring"] == "connected", clock)
            yield stream
            assert not running.done() or running.exception() is None
        finally:
            running.cancel()
            await asyncio.wait([running])

    return follow


def states(stream):
    return {status.role: status.state for status in stream.status()}


def trade(number, at=0):
    data = {"e": "trade", "E": at, "s": "BTCUSDT", "t": number, "p": "10", "q": "1"}
    return data | {"T": at, "m": False, "M": True}


def quote(update):
    return {"u": update, "s": "BTCUSDT", "b": "10", "B": "1", "a": "11", "A": "1"}


def depth(update):
    return {"e": "depthUpdate", "E": 0, "s": "BTCUSDT", "U": update, "u": update, "b": [], "a": []}


def ticker(at):
    prices = dict.fromkeys("cohl", "10")
    return {"e": "24hrMiniTicker", "E": at, "s": "BTCUSDT", "v": "1", "q": "10", **prices}


def kline(at, *, closed=False):
    bar = {"t": at - at % 60_000, "o": "10", "c": "10", "h": "10", "l": "10", "v": "1", "x": closed}
    return {"e": "kline", "E": at, "s": "BTCUSDT", "k": bar}


async def test_each_role_carries_its_streams(sockets, following):
    async with following(monitored=[BTC, ETH, SOL], traded=[BTC]):
        [execution] = sockets.carrying("btcusdt@trade")
        [monitoring] = sockets.carrying("ethusdt@kline_1m")
        assert execution.streams == {f"btcusdt@{kind}" for kind in EXECUTION}
        assert monitoring.streams == {
            f"{name}usdt@{kind}"
            for name in ("eth", "sol")
            for kind in ("kline_1m", "bookTicker", "miniTicker")
        }
        [standby] = set(sockets.open_peers) - {execution, monitoring}
        assert standby.streams == set()


async def test_frames_become_events_with_their_lag(sockets, following, heard, clock):
    async with following() as stream:
        now = clock.milliseconds()
        await sockets.tell("btcusdt@trade", **trade(1, now))
        await sockets.tell("btcusdt@bookTicker", **quote(5))
        await until(lambda: len(heard.events) == 2)
        assert heard.events == [
            Trade(BTC, 1, 10.0, 1.0, False, now, now),
            Quote(BTC, 10.0, 1.0, 11.0, 1.0, 5, now),
        ]
        status = stream.status()[0]
        assert (status.role, status.messages, status.lag_ms) == ("execution", 2, 40)
        assert status.streams["btcusdt@trade"] == 40
        assert status.streams["btcusdt@bookTicker"] is None
        assert status.last_message_age_ms == 0


async def test_the_standby_takes_over_at_once_and_the_gap_is_told(sockets, following, heard, clock):
    async with following() as stream:
        await sockets.tell("btcusdt@trade", **trade(1))
        await until(heard.trades)
        before = clock.milliseconds()
        [lost] = sockets.carrying("btcusdt@trade")
        lost.cut()
        await until(lambda: heard.gaps, clock, step=0.1)
        assert clock.milliseconds() - before <= 1_000
        assert heard.gaps == [(frozenset({BTC}), before)]
        await sockets.tell("btcusdt@trade", **trade(1))  # counted anew after a loss
        await until(lambda: heard.trades() == [1, 1])
        await until(lambda: states(stream)["standby"] == "ready", clock)
        assert len(sockets.open_peers) == 3
        assert heard.states("execution") == ["connected", "lost", "connected"]


async def test_a_half_open_connection_is_given_up_within_15_seconds(
    sockets, following, heard, clock
):
    async with following():
        [silent] = sockets.carrying("btcusdt@trade")
        await pass_time(clock, 30)  # pings are answered: nothing happens
        assert heard.gaps == []
        assert silent.pings >= 5
        muted_at = clock.milliseconds()
        silent.mute = True
        await until(lambda: heard.gaps, clock, step=0.5)
        assert clock.milliseconds() - muted_at <= 16_000  # another one has subscribed by then
        [(symbols, since)] = heard.gaps
        assert symbols == {BTC}
        assert muted_at - 6_000 <= since <= muted_at


async def test_a_venue_that_sets_its_clock_back_is_heard_on(sockets, following, heard, clock):
    """Frames that are told by time alone would all be repetitions of earlier ones."""
    now = clock.milliseconds()
    async with following() as stream:
        for at in (now, now - 4_000, now - 3_600_000, now - 3_599_000):
            await sockets.tell("btcusdt@miniTicker", **ticker(at))
            await sockets.tell("btcusdt@kline_1m", **kline(at))
        await until(lambda: len(heard.events) + stream.duplicates == 8)
        told = [now, now, now - 3_600_000, now - 3_600_000, now - 3_599_000, now - 3_599_000]
        assert sorted(event.time for event in heard.events) == sorted(told)


async def test_pings_of_the_venue_are_answered(sockets, following):
    async with following():
        [peer] = sockets.carrying("btcusdt@trade")
        await peer.socket.ping(b"1234")
        await until(lambda: peer.pongs)


async def test_a_connection_is_renewed_before_its_time_without_losing_or_repeating_a_trade(
    sockets, following, heard, clock
):
    async with following(timing=Timing(life=30, pulse=1e9)) as stream:
        [old] = sockets.carrying("btcusdt@trade")
        number = 0
        while old.open:
            number += 1
            await sockets.tell("btcusdt@trade", **trade(number))
            await pass_time(clock, 0.5)
        await sockets.tell("btcusdt@trade", **trade(number + 1))
        await until(lambda: len(heard.trades()) > number)
        assert heard.trades() == list(range(1, number + 2))
        assert stream.duplicates > 0
        assert heard.gaps == []
        assert 20 <= number * 0.5 <= 40
        assert "renewing" in heard.states("execution")


async def test_a_frame_that_is_late_on_the_old_connection_is_not_lost(
    sockets, following, heard, clock
):
    """The new connection may be faster than the old one: it waits for what is still under way."""
    async with following(timing=Timing(life=20, pulse=1e9)):
        [old] = sockets.carrying("btcusdt@trade")
        await until(lambda: len(sockets.carrying("btcusdt@trade")) == 2, clock)
        new = next(peer for peer in sockets.carrying("btcusdt@trade") if peer is not old)
        await new.tell("btcusdt@trade", **trade(1))
        await new.tell("btcusdt@trade", **trade(2))
        await old.tell("btcusdt@trade", **trade(1))
        await until(lambda: heard.trades() == [1])
        await until(lambda: not old.open, clock)
        await until(lambda: heard.trades() == [1, 2])


async def test_a_notice_of_shutdown_moves_everything_before_it_happens(
    sockets, following, heard, clock
):
    async with following() as stream:
        leaving = sockets.open_peers
        for peer in leaving:
            await peer.send(stream="!serverShutdown", data={"e": "serverShutdown", "E": 1})
        await until(lambda: not any(peer.open for peer in leaving), clock)
        await until(lambda: set(states(stream).values()) == {"connected", "ready"}, clock)
        assert heard.gaps == []
        assert len(sockets.open_peers) == 3
        assert len(sockets.carrying("btcusdt@trade")) == 1


async def test_a_silent_stream_is_subscribed_again(sockets, following, heard, clock):
    name = "btcusdt@kline_1m"
    async with following() as stream:
        [peer] = sockets.carrying(name)
        await sockets.tell(name, **kline(clock.milliseconds()))
        await until(lambda: heard.events)
        told_at = clock.milliseconds()
        peer.frozen.add(name)
        await until(lambda: states(stream)["execution"] == "frozen", clock)
        assert 29_000 <= clock.milliseconds() - told_at <= 33_000
        assert name in stream.status()[0].detail
        await until(lambda: peer.messages[-1]["method"] == "SUBSCRIBE", clock)
        assert [message["params"] for message in peer.messages[-2:]] == [[name], [name]]
        peer.frozen.clear()
        await until(lambda: name in peer.streams, clock)
        await sockets.tell(name, **kline(clock.milliseconds(), closed=True))
        await until(lambda: heard.gaps, clock)
        assert heard.gaps == [(frozenset({BTC}), told_at)]
        assert states(stream)["execution"] == "connected"
        assert [type(event) for event in heard.events] == [CandleUpdate, CandleUpdate]


async def test_a_stream_that_stays_silent_gets_one_new_connection_and_then_its_peace(
    sockets, following, heard, clock
):
    sockets.frozen.add("btcusdt@kline_1m")
    async with following(timing=Timing(pulse=10)):
        [old] = sockets.carrying("btcusdt@trade")
        await until(lambda: not old.open, clock)
        [new] = sockets.carrying("btcusdt@trade")
        await pass_time(clock, 25)
        assert sockets.carrying("btcusdt@trade") == [new]
        assert heard.gaps == []


async def test_changes_of_a_book_that_stop_while_quotes_go_on_are_subscribed_again(
    sockets, following, heard, clock
):
    name = "btcusdt@depth@100ms"
    async with following(timing=Timing(pulse=20)) as stream:
        [peer] = sockets.carrying(name)
        peer.frozen.add(name)
        number = 0
        while states(stream)["execution"] != "frozen" and number < 30:
            number += 1
            await sockets.tell("btcusdt@kline_1m", **kline(clock.milliseconds()))
            await sockets.tell("btcusdt@bookTicker", **quote(number))
            await pass_time(clock, 1)
        assert 20 <= number <= 25
        assert name in stream.status()[0].detail
        await until(lambda: peer.messages[-1]["method"] == "SUBSCRIBE", clock)
        assert peer.messages[-1]["params"] == [name]
        peer.frozen.clear()
        await sockets.tell(name, **depth(1))
        await until(lambda: heard.gaps, clock)
        assert states(stream)["execution"] == "connected"


async def test_a_book_that_is_as_quiet_as_its_quotes_is_left_alone(
    sockets, following, heard, clock
):
    async with following(timing=Timing(pulse=20)):
        for number in range(1, 5):
            await sockets.tell("btcusdt@bookTicker", **quote(number))
            await pass_time(clock, 0.5)
            await sockets.tell("btcusdt@depth@100ms", **depth(number))
            for _ in range(12):
                await sockets.tell("btcusdt@kline_1m", **kline(clock.milliseconds()))
                await pass_time(clock, 2.5)
        assert heard.states("execution") == ["connected"]


async def test_following_others_changes_only_what_differs(sockets, following, clock):
    async with following(monitored=[BTC, ETH], traded=[BTC]) as stream:
        [execution] = sockets.carrying("btcusdt@trade")
        [monitoring] = sockets.carrying("ethusdt@kline_1m")
        stream.follow([BTC, ETH, SOL], [BTC, ETH])
        await until(lambda: "ethusdt@trade" in execution.streams, clock)
        await until(
            lambda: (
                monitoring.streams
                == {"solusdt@kline_1m", "solusdt@bookTicker", "solusdt@miniTicker"}
            ),
            clock,
        )
        first, *later = [set(message["params"]) for message in execution.messages]
        assert first == {f"btcusdt@{kind}" for kind in EXECUTION}
        assert later == [{f"ethusdt@{kind}" for kind in EXECUTION}]


async def test_a_stream_that_moves_to_another_connection_tells_what_it_missed(
    sockets, following, heard, clock
):
    async with following(monitored=[ETH]) as stream:
        await sockets.tell("ethusdt@kline_1m", **kline(clock.milliseconds()))
        await until(lambda: heard.events)
        stream.follow([], [BTC, ETH])
        await until(lambda: heard.gaps, clock)
        assert [symbols for symbols, _ in heard.gaps] == [{ETH}]


async def test_many_symbols_are_spread_and_asked_for_in_batches(sockets, following, clock):
    many = [Symbol(f"C{number}", "USDT") for number in range(400)]
    async with following(monitored=many, traded=[]) as stream:
        assert {"monitoring", "monitoring 2"} <= states(stream).keys()
        await until(lambda: states(stream)["monitoring 2"] == "connected", clock)
        carried = [len(peer.streams) for peer in sockets.open_peers]
        assert sum(carried) == 1200
        assert max(carried) <= 1000
        assert max(len(m["params"]) for peer in sockets.peers for m in peer.messages) <= 200
        stream.follow(sorted(many)[:10], [])
        await until(lambda: sum(len(peer.streams) for peer in sockets.open_peers) == 30, clock)
        await until(lambda: len(sockets.open_peers) == 3, clock)
        assert "monitoring 2" not in states(stream)


async def test_messages_keep_to_the_pace_the_venue_reads_them_at(sockets, following, clock):
    many = [Symbol(f"C{number}", "USDT") for number in range(300)]
    started = clock.monotonic()
    async with following(monitored=many, traded=[]):
        [peer] = [peer for peer in sockets.open_peers if len(peer.messages) > 2]
        assert len(peer.messages) == 5
        assert clock.monotonic() - started >= 4 * 0.25


async def test_a_refused_stream_does_not_cost_the_others(sockets, following, clock):
    sockets.refuses.add("ethusdt@kline_1m")
    patient = Timing(pulse=1e9)
    async with following(monitored=[ETH, SOL], traded=[], timing=patient) as stream:
        [peer] = sockets.carrying("solusdt@kline_1m")
        assert len(peer.streams) == 5
        sockets.refuses.clear()
        await pass_time(clock, 60, step=4)
        await until(lambda: len(peer.streams) == 6, clock)
        assert states(stream)["monitoring"] == "connected"


async def test_a_symbol_the_venue_does_not_list_is_left_out(sockets, following):
    async with following(monitored=[Symbol("NO", "USDT"), ETH], traded=[]) as stream:
        [status] = [status for status in stream.status() if status.role == "monitoring"]
        assert {name.partition("@")[0] for name in status.streams} == {"ethusdt"}


async def test_unreadable_frames_are_counted_and_the_next_one_is_told(sockets, following, heard):
    async with following() as stream:
        [peer] = sockets.carrying("btcusdt@trade")
        await peer.socket.send_str("{not json")
        await peer.socket.send_bytes(b"\xff\xfe")
        await peer.socket.send_str("[1, 2]")
        for wrong in ({"p": "x"}, {"t": "x"}, {"E": None}):
            await sockets.tell("btcusdt@trade", **trade(1) | wrong)
        await sockets.tell("btcusdt@trade", **trade(2))
        await until(lambda: heard.trades() == [2])
        assert stream.invalid == {"trade": 3}


async def test_without_an_answer_to_a_subscription_the_connection_is_left(
    sockets, following, clock
):
    sockets.deaf.add("SUBSCRIBE")
    async with following(wait=False) as stream:
        await until(lambda: len(sockets.peers) > 4, clock, step=1)
        assert states(stream)["execution"] in {"lost", "connecting"}
        sockets.deaf.clear()
        await until(lambda: states(stream)["execution"] == "connected", clock, step=1)


async def test_dials_grow_rarer_while_the_venue_is_away(sockets, following, clock):
    sockets.closed_doors = {}
    async with following(wait=False) as stream:
        await pass_time(clock, 70)
        assert states(stream) == dict.fromkeys(("execution", "monitoring", "standby"), "connecting")
        assert "429" in stream.status()[0].detail
        sockets.closed_doors = None
        await until(lambda: states(stream)["execution"] == "connected", clock)
        assert clock.monotonic() <= 70 + 35


async def test_a_venue_that_names_a_time_is_left_alone_until_then(sockets, following, clock):
    sockets.closed_doors = {"Retry-After": "100"}
    async with following(wait=False) as stream:
        await until(lambda: any("429" in status.detail for status in stream.status()), clock)
        sockets.closed_doors = None
        await pass_time(clock, 95)
        assert sockets.peers == []
        await until(lambda: sockets.peers, clock)


async def test_a_handler_that_falls_behind_loses_quotes_and_never_trades(
    sockets, following, heard, clock
):
    async with following(capacity=3) as stream:
        [lane] = [lane for role, lane in stream._lanes.items() if role == "execution"]
        for number in range(1, 11):  # all in one turn of the loop, so that nothing is handled yet
            lane._take({"stream": "btcusdt@bookTicker", "data": quote(number)})
            lane._take({"stream": "btcusdt@trade", "data": trade(number)})
        await until(lambda: len(heard.trades()) == 10)
        assert heard.trades() == list(range(1, 11))
        assert not [event for event in heard.events if isinstance(event, Quote)]
        assert stream.status()[0].dropped == 10


async def test_a_handler_that_falls_hopelessly_behind_is_told_what_it_lost(
    sockets, following, heard, clock
):
    """Memory is bounded: the backlog goes, and what it was about is asked for."""
    async with following(traded=[BTC, ETH], capacity=3) as stream:
        [lane] = [lane for role, lane in stream._lanes.items() if role == "execution"]
        began = clock.milliseconds()
        lane._take({"stream": "btcusdt@bookTicker", "data": quote(1)})
        for number in range(1, 15):
            lane._take({"stream": "btcusdt@trade", "data": trade(number)})
        assert heard.events == []
        assert heard.drops == [{BTC}]
        assert heard.gaps == [({BTC}, began)]
        await until(lambda: heard.trades() == [14])
        assert stream.status()[0].dropped == 14


async def test_a_renewal_that_fails_leaves_the_old_connection_and_is_tried_again(
    sockets, following, heard, clock
):
    async with following(timing=Timing(life=20, pulse=1e9)) as stream:
        [old] = sockets.carrying("btcusdt@trade")
        sockets.answers["SUBSCRIBE"] = {"error": {"code": 1, "msg": "not now"}}
        await until(lambda: "not yet: not now" in stream.status()[0].detail, clock)
        assert old.open
        del sockets.answers["SUBSCRIBE"]
        await until(lambda: not old.open, clock)
        assert heard.gaps == []
        await until(lambda: states(stream)["execution"] == "connected", clock)


async def test_a_connection_lost_while_it_is_renewed_leaves_a_gap(sockets, following, heard, clock):
    async with following(timing=Timing(life=20, pulse=1e9)) as stream:
        [old] = sockets.carrying("btcusdt@trade")
        sockets.willing.clear()
        await until(lambda: states(stream)["execution"] == "renewing", clock)
        lost_at = clock.milliseconds()
        old.cut()
        await until(lambda: not old.open)
        await pass_time(clock, 2)
        assert heard.gaps == []
        sockets.willing.set()
        await until(lambda: heard.gaps, clock)
        [(symbols, since)] = heard.gaps
        assert symbols == {BTC}
        assert lost_at - 6_000 <= since <= lost_at
        assert heard.states("execution") == ["connected", "renewing", "connected"]


async def test_a_standby_that_may_be_as_dead_as_the_others_does_not_take_over(
    sockets, following, heard, clock
):
    async with following(monitored=[ETH]):
        cut = sockets.open_peers
        [standby] = [peer for peer in cut if not peer.streams]
        for peer in set(cut) - {standby}:
            peer.mute = True
        await pass_time(clock, 5)
        standby.mute = True
        await until(lambda: heard.gaps, clock)
        [carrying] = [peer for peer in sockets.carrying("btcusdt@trade") if not peer.mute]
        assert carrying not in cut


async def test_what_lasted_is_dialled_again_at_once(sockets, following, heard, clock):
    async with following(timing=Timing(pulse=1e9)) as stream:
        await pass_time(clock, 61)
        for peer in sockets.open_peers:
            peer.cut()
        began = clock.monotonic()
        await until(lambda: len(heard.gaps) == 1 and len(sockets.open_peers) == 3, clock)
        assert clock.monotonic() - began <= 3
        await until(lambda: set(states(stream).values()) <= {"connected", "ready"}, clock)


async def test_an_old_standby_is_replaced(sockets, following, clock):
    async with following(timing=Timing(life=20, pulse=1e9)) as stream:
        await pass_time(clock, 45)
        await until(lambda: states(stream)["standby"] == "ready", clock)
        assert stream.status()[-1].connects >= 3
        assert len(sockets.open_peers) == 3


async def test_frames_of_a_renewal_that_cannot_be_read_cost_nothing(
    sockets, following, heard, clock
):
    async with following(timing=Timing(life=20, pulse=1e9)) as stream:
        [old] = sockets.carrying("btcusdt@trade")
        await until(lambda: len(sockets.carrying("btcusdt@trade")) == 2, clock)
        new = next(peer for peer in sockets.carrying("btcusdt@trade") if peer is not old)
        await new.send(stream="btcusdt@trade")
        await new.socket.send_str("[1, 2]")
        await new.tell("btcusdt@trade", **trade(1))
        await until(lambda: not old.open, clock)
        await until(lambda: heard.trades() == [1])
        assert states(stream)["execution"] == "connected"


async def test_a_role_that_ends_in_the_middle_of_a_renewal_leaves_no_connection(
    sockets, following, clock
):
    many = sorted(Symbol(f"C{number}", "USDT") for number in range(400))
    async with following(monitored=many, traded=[], timing=Timing(life=60, pulse=1e9)) as stream:
        await until(lambda: states(stream).get("monitoring 2") == "connected", clock)
        last = max(stream._lanes["monitoring 2"].channels)
        await until(lambda: len(sockets.carrying(last)) == 2, clock)
        both = sockets.carrying(last)
        stream.follow(many[:10], [])
        await until(lambda: "monitoring 2" not in states(stream))
        await until(lambda: not any(peer.open for peer in both))


async def test_it_stops_in_the_middle_of_a_renewal(sockets, following, clock):
    async with following(timing=Timing(life=20, pulse=1e9)) as stream:
        await until(lambda: states(stream)["execution"] == "renewing", clock)
    await until(lambda: not sockets.open_peers)


async def test_after_a_cut_of_half_a_minute_everything_is_back_within_a_minute(
    sockets, following, heard, clock
):
    """No byte gets through, nobody is told: the loss is noticed while the cut lasts."""
    async with following(monitored=[ETH], timing=Timing(pulse=1e9)) as stream:
        await pass_time(clock, 10)
        cut_at = clock.milliseconds()
        for peer in sockets.open_peers:
            peer.mute = True
        sockets.closed_doors = {}
        await pass_time(clock, 30)
        assert sorted(map(sorted, heard.drops)) == [[BTC], [ETH]]
        assert heard.gaps == []
        sockets.closed_doors = None
        await until(lambda: set(states(stream).values()) == {"connected", "ready"}, clock)
        assert clock.milliseconds() - cut_at <= 90_000
        assert {symbol for symbols, _ in heard.gaps for symbol in symbols} == {BTC, ETH}
        assert all(cut_at - 6_000 <= since <= cut_at for _, since in heard.gaps)
