"""Names, order and types of the fields of frames that the real exchange has sent."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

RECORDED = Path(__file__).parents[4] / "shared/data"

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not RECORDED.exists(), reason="no recorded frames beside the project"),
]

OF_A_KIND = {
    "aggTrade": "btcusdt@aggTrade",
    "kline": "btcusdt@kline_1m",
    "24hrMiniTicker": "btcusdt@miniTicker",
    "24hrTicker": "btcusdt@ticker",
    "bookTicker": "btcusdt@bookTicker",
    "partialDepth5": "btcusdt@depth5",
    "depthUpdate": "btcusdt@depth@100ms",
    "trade": "btcusdt@trade",
}
LINES = {
    "ws/spot_depth100ms_bookTicker_kline1m_aggTrade_2021-10-12.jsonl.gz": (
        "depth@100ms",
        "bookTicker",
        "kline_1m",
        "aggTrade",
    ),
    "depth/BTCUSDT_spot_trade_bookTicker_depth100ms_2024-08-08.jsonl.gz": (
        "depth@100ms",
        "bookTicker",
        "trade",
    ),
}
NO_LONGER_SENT = {"a", "b"}
"""The orders' ids of a trade were left out in 2024."""


def form(value):
    """Every field in its place with its type; of a list the first element stands for all."""
    if isinstance(value, dict):
        return [(key, form(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [form(inner) for inner in value[:1]]
    return type(value).__name__


def without_order_ids(frame):
    if frame.get("e") == "trade":
        return {key: inner for key, inner in frame.items() if key not in NO_LONGER_SENT}
    return frame


@pytest.fixture
def ours(stage):
    """One frame of each stream; of a book's changes one that changes both sides."""
    ear = stage.listen(*OF_A_KIND.values())
    stage.run(30)
    return {stream: ear.frames(stream)[-1] for stream in OF_A_KIND.values()}


def test_single_recorded_frames_look_like_ours(ours) -> None:
    path = RECORDED / "ws/market_single_messages.json"
    seen = set()
    for entry in json.loads(path.read_text()):
        stream = OF_A_KIND.get(entry["name"])
        message = entry["message"]
        frame = message[0] if isinstance(message, list) else message
        if stream is None or entry["source"].endswith("(um)"):
            continue  # of futures
        frame = frame.get("data", frame)
        seen.add(entry["name"])
        assert form(without_order_ids(frame)) == form(ours[stream]), entry["source"]
    assert seen == set(OF_A_KIND)


@pytest.mark.parametrize("name", LINES)
def test_recorded_streams_look_like_ours(ours, name) -> None:
    seen = set()
    with gzip.open(RECORDED / name, "rt") as lines:
        for _, line in zip(range(3_000), lines, strict=False):
            message = json.loads(line).get("m") or {}
            if "stream" not in message:
                continue
            frame, kind = message["data"], message["stream"].partition("@")[2]
            if kind.startswith("depth") and not (frame["b"] and frame["a"]):
                continue  # an empty list tells no type
            assert list(message) == ["stream", "data"]
            assert form(without_order_ids(frame)) == form(ours[f"btcusdt@{kind}"])
            seen.add(kind)
    assert seen == set(LINES[name])
