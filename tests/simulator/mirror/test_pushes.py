from __future__ import annotations

import pytest

from trading_system.simulator.mirror.pushes import PassedFrames


class Setting:
    def __init__(self) -> None:
        self.now = 1_000
        self.wanted = []
        self.frames = PassedFrames(lambda: {"BTCUSDT"}, lambda: self.now)
        self.frames.on_wanted = self.wanted.append


@pytest.fixture
def setting():
    return Setting()


@pytest.mark.parametrize(
    ("stream", "passed"),
    [
        ("btcusdt@trade", True),
        ("btcusdt@kline_1m", True),
        ("btcusdt@ticker", True),
        ("!miniTicker@arr", True),
        ("btcusdt@bookTicker", False),
        ("btcusdt@depth@100ms", False),
        ("btcusdt@depth20", False),
        ("nopeusdt@trade", False),
    ],
)
def test_all_but_books_of_what_is_listed_is_passed_on(setting, stream, passed) -> None:
    assert setting.frames.has(stream, now=0) is passed
    assert setting.wanted == ([stream] if passed else [])


def test_a_stream_is_wanted_once_and_told_once(setting) -> None:
    for _ in range(2):
        assert setting.frames.has("btcusdt@trade", now=0)
    assert setting.wanted == ["btcusdt@trade"]
    setting.frames.hear("btcusdt@trade", "one")
    setting.now = 2_000
    setting.frames.hear("btcusdt@trade", "two")
    assert setting.frames.due("btcusdt@trade", after=900, until=1_500) == ["one"]
    assert setting.frames.due("btcusdt@trade", after=1_500, until=2_000) == ["two"]
    assert setting.frames.due("btcusdt@trade", after=0, until=9_000) == []


def test_what_came_before_anybody_listened_is_not_told(setting) -> None:
    setting.frames.hear("btcusdt@trade", "nobody heard it")
    setting.frames.has("btcusdt@trade", now=0)
    setting.frames.hear("btcusdt@trade", "too early")
    setting.now = 1_100
    setting.frames.hear("btcusdt@trade", "now")
    assert setting.frames.due("btcusdt@trade", after=1_001, until=1_100) == ["now"]


def test_what_comes_in_the_moment_after_asking_is_told_the_next_time(setting) -> None:
    setting.frames.has("btcusdt@trade", now=0)
    assert setting.frames.due("btcusdt@trade", after=900, until=1_000) == []
    setting.frames.hear("btcusdt@trade", "in the same millisecond")
    assert setting.frames.due("btcusdt@trade", after=1_000, until=1_100) == [
        "in the same millisecond"
    ]


def test_streams_nobody_asks_for_are_forgotten(setting) -> None:
    for stream in ("btcusdt@trade", "btcusdt@kline_1m"):
        setting.frames.has(stream, now=0)
    setting.now = 5_000
    setting.frames.due("btcusdt@kline_1m", after=0, until=1)
    assert setting.frames.forget(before=5_000) == ["btcusdt@trade"]
    assert set(setting.frames.streams) == {"btcusdt@kline_1m"}
