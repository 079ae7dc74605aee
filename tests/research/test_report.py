from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.research.questions import STRATEGY, configuration, history, record
from trading_system.backtest.rules import Rules
from trading_system.research import report
from trading_system.research.playing import play
from trading_system.research.record import Record
from trading_system.research.report import month_returns, page, script_hashes
from trading_system.research.report_figures import course, distribution, trade_returns


@pytest.fixture(scope="module")
def kept():
    return record()


@pytest.fixture(scope="module")
def text(kept):
    return page(kept)


class Read(HTMLParser):
    """What a browser would load, run and show."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.scripts, self.texts = [], [], []
        self._in_script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loaded += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag == "script":
            self._in_script = attrs.get("type", "text/javascript")

    def handle_endtag(self, tag):
        if tag == "script":
            self._in_script = None

    def handle_data(self, data):
        if self._in_script is None:
            self.texts.append(data.strip())
        else:
            self.scripts.append((self._in_script, data))


def test_the_page_loads_nothing(text):
    assert Read(text).loaded == []
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in styles
    assert "@import" not in styles


def test_a_server_can_allow_its_scripts_and_no_others(text):
    scripts = [data for kind, data in Read(text).scripts if kind == "text/javascript"]
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    expected = tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    assert script_hashes() == expected
    assert len(scripts) == 2


def test_every_picture_has_its_place_and_its_data(text):
    (data,) = [data for kind, data in Read(text).scripts if kind == "application/json"]
    plots = json.loads(data)
    assert set(plots) == {"course", "distribution"}
    assert all(f'id="{name}"' in text for name in plots)


def test_figures_stand_beside_what_was_asked(kept, text):
    told = Read(text).texts
    assert kept.run_id[:12] in told
    for words in ("sma_cross", "fast=5 slow=50 short=no", "BTC/USDT 1h", "10,000.00"):
        assert words in told, words
    assert f"{kept.metrics['sharpe']:,.2f}" in told
    assert f"{kept.holding['total_return']:.2%}" in told


def test_no_text_can_become_markup(kept):
    evil = "<script>alert(1)</script>"
    changed = kept.configuration | {"strategy": evil, "parameters": {evil: evil}}
    shown = page(dataclasses.replace(kept, configuration=changed))
    assert evil not in shown
    assert Read(shown).texts.count(evil) >= 1


def test_months_are_from_the_equity_before_each():
    """A capital of 100 that is 110 at the end of June and 99 in July."""
    hours = 24 * 61
    days = np.concatenate([np.linspace(100, 110, 30), np.linspace(109, 99, 31)])
    candles = history(hours, warmup=0, prices=np.repeat(days, 24))
    targets = np.ones(hours)
    result = play(Held(targets), candles, Rules(capital=100.0, fee_taker=0.0, fill="close"))
    kept = Record.of(result, STRATEGY, configuration(over=candles, capital=100.0), candles)
    ((year, months),) = month_returns(kept).items()
    assert year == 2025
    assert months == pytest.approx({6: 0.10, 7: 99 / 110 - 1, 0: -0.01})


def test_a_year_begins_where_the_last_one_ended():
    curve = {
        "time": [_ms(2024, 11), _ms(2024, 12), _ms(2025, 1)],
        "equity": [110.0, 121.0, 0.0],
    }
    short = dataclasses.replace(record(over=history(60), capital=100.0), curve=curve)
    assert month_returns(short) == {
        2024: pytest.approx({11: 0.1, 12: 0.1, 0: 0.21}),
        2025: pytest.approx({1: -1.0, 0: -1.0}),
    }
    after_ruin = curve | {"time": [*curve["time"], _ms(2025, 2)], "equity": [*curve["equity"], 0.0]}
    ruined = dataclasses.replace(short, curve=after_ruin)
    assert month_returns(ruined)[2025] == pytest.approx({1: -1.0, 2: 0.0, 0: -1.0})


class Held:
    name = "held"

    def __init__(self, targets):
        self._targets = targets

    def targets(self, frame):
        return self._targets


def _ms(year, month):
    return int(np.datetime64(f"{year}-{month:02}-15").astype("datetime64[ms]").astype(int))


def test_holding_begins_with_the_same_money(kept):
    traces = {trace["name"]: trace for trace in course(kept)["data"]}
    held = traces["buy and hold"]["y"]
    assert held[-1] / 10_000 - 1 == pytest.approx(kept.holding["total_return"])
    assert traces["strategy"]["y"] == kept.curve["equity"]


def test_every_trade_is_marked_at_its_price(kept):
    traces = {trace["name"]: trace for trace in course(kept)["data"]}
    assert sorted(traces["entry"]["y"]) == sorted(kept.trades["entry_price"])
    won, lost = traces["exit with a profit"], traces["exit with a loss"]
    assert len(won["x"]) == sum(pnl > 0 for pnl in kept.trades["pnl"])
    assert len(won["x"]) + len(lost["x"]) == len(kept.trades["pnl"])


def test_of_many_trades_the_largest_are_marked_and_it_says_so(kept, monkeypatch):
    monkeypatch.setattr(report.report_figures, "MOST_TRADES", 3)
    traces = {trace["name"]: trace for trace in course(kept)["data"]}
    largest = sorted(kept.trades["pnl"], key=abs)[-3:]
    shown = traces["exit with a profit"]["text"] + traces["exit with a loss"]["text"]
    assert sorted(shown) == sorted(f"long, {pnl:+,.2f}" for pnl in largest)
    assert f"the 3 largest of {len(kept.trades['pnl'])} trades" in page(kept)


def test_longer_points_are_told():
    assert "A point is 2h" in page(record(over=history(5_001)))


def test_no_bar_of_the_distribution_mixes_gains_and_losses(kept):
    (bars,) = distribution(kept)["data"]
    assert sum(bars["y"]) == len(kept.trades["pnl"])
    for (low, high), color, count in zip(
        bars["customdata"], bars["marker"]["color"], bars["y"], strict=True
    ):
        assert low >= 0 or high <= 0
        inside = [r for r in 100 * trade_returns(kept.trades) if low < r < high]
        assert len(inside) == count
        assert color == ("#10b981" if low >= 0 else "#ef4444")


def test_words_on_the_left_are_not_broken(text):
    (styles,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert ".words th { white-space: nowrap; }" in styles


def test_no_trades_are_a_page_too():
    idle = record(over=history(60), capital=1.0, min_notional=100.0)
    told = Read(page(idle)).texts
    assert "–" in told
    assert "of days, 95 %: –" in told
    assert distribution(idle)["data"][0]["y"] == []
