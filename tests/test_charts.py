from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from trading_system import charts
from trading_system.charts import Kind, Scale
from trading_system.domain.candles import MINUTE, Candle, Span
from trading_system.domain.timeframes import Timeframe
from trading_system.frames import Frame

M1, H1 = Timeframe.parse("1m"), Timeframe.parse("1h")
UP = Candle(0, 10.0, 14.0, 9.0, 13.0, 1.0)  # low first
DOWN = Candle(H1.length, 13.0, 15.0, 8.0, 9.0, 1.0)  # high first
FRAME = Frame.from_candles([UP, DOWN])


def figure(frames=None, timeframe=H1, kind=Kind.LINE, scale=Scale.LOG):
    frames = {"BTC/USDT": FRAME} if frames is None else frames
    return charts.price_figure(frames, timeframe=timeframe, kind=kind, scale=scale)


def page(drawn):
    return charts.page(drawn, scripts=("/plotly.js", "/chart.js"), stylesheet="/s.css", icon="/i")


def test_long_candles_become_lines_through_their_extremes_in_the_order_of_their_way():
    (line,) = figure().data
    assert line.x.tolist() == [0, H1.length / 2, H1.length, 1.5 * H1.length]
    assert line.y.tolist() == [9.0, 14.0, 15.0, 8.0]


def test_minutes_become_a_line_through_their_closes():
    frame = Frame.from_candles([UP, DOWN._replace(open_time=MINUTE)])
    (line,) = figure({"BTC/USDT": frame}, M1).data
    assert line.x.tolist() == [0, MINUTE]
    assert line.y.tolist() == [13.0, 9.0]


@pytest.mark.parametrize(("timeframe", "points"), [(M1, 1), (H1, 2)])
def test_a_hole_in_the_data_is_a_hole_in_the_line(timeframe, points):
    times = [0, timeframe.length, 4 * timeframe.length]
    frame = Frame.from_candles([UP._replace(open_time=at) for at in times])
    (line,) = figure({"BTC/USDT": frame}, timeframe).data
    assert np.flatnonzero(np.isnan(line.y)).tolist() == [2 * points]
    assert line.x.tolist() == sorted(line.x.tolist())
    assert len(line.y) == 3 * points + 1


def test_candles_show_all_four_prices():
    (trace,) = figure(kind=Kind.CANDLES).data
    assert trace.type == "candlestick"
    assert trace.open.tolist() == [10.0, 13.0]
    assert trace.high.tolist() == [14.0, 15.0]
    assert trace.low.tolist() == [9.0, 8.0]
    assert trace.close.tolist() == [13.0, 9.0]
    assert trace.increasing.line.color != trace.decreasing.line.color


def test_several_symbols_of_candles_are_told_apart_by_colour():
    traces = figure({"A/B": FRAME, "C/D": FRAME}, kind=Kind.CANDLES).data
    colors = [(t.increasing.line.color, t.decreasing.line.color) for t in traces]
    assert colors[0] != colors[1]
    assert all(rising == falling for rising, falling in colors)


@pytest.mark.parametrize("kind", Kind)
def test_each_symbol_has_one_legend_entry_however_many_there_are(kind):
    names = [f"C{number}/USDT" for number in range(23)]
    drawn = figure(dict.fromkeys(names, FRAME), kind=kind)
    assert [trace.name for trace in drawn.data] == names
    assert drawn.layout.showlegend is True


@pytest.mark.parametrize("scale", Scale)
def test_the_axes_are_utc_dates_and_the_scale_asked_for(scale):
    layout = figure(scale=scale).layout
    assert layout.yaxis.type == scale.value
    assert layout.xaxis.type == "date"
    assert layout.xaxis.title.text == "UTC"
    assert layout.xaxis.rangeslider.visible is False
    assert layout.hovermode == "x unified"


@pytest.mark.parametrize(
    ("names", "title"),
    [
        ([], "No prices yet"),
        (["A/B"], "A/B · 1h"),
        (["A/B", "C/D", "E/F", "G/H"], "A/B, C/D, E/F, G/H · 1h"),
        (["A/B", "C/D", "E/F", "G/H", "I/J"], "A/B, C/D, E/F, G/H and 1 more · 1h"),
    ],
)
def test_the_title_names_the_first_few(names, title):
    assert figure(dict.fromkeys(names, FRAME)).layout.title.text == title


@pytest.mark.parametrize(
    ("minutes", "symbols", "kind", "name"),
    [
        (0, 0, Kind.LINE, "1m"),
        (1_500, 1, Kind.LINE, "1m"),
        (1_501, 1, Kind.LINE, "2m"),
        (525_600, 10, Kind.LINE, "6h"),
        (525_600, 10, Kind.CANDLES, "1d"),
        (525_600, 500, Kind.LINE, "1w"),
        (10 * 525_600, 1, Kind.CANDLES, "3d"),
        (10**9, 10**6, Kind.LINE, "16w"),
    ],
)
def test_the_timeframe_is_the_shortest_familiar_one_a_screen_can_show(minutes, symbols, kind, name):
    span = Span(0, minutes * MINUTE)
    assert charts.screen_timeframe(span, symbols, kind) == Timeframe.parse(name)


def test_the_page_carries_the_figure_as_data_and_loads_only_what_it_is_told_to():
    text = page(figure())
    data = text.split('<script type="application/json" id="figure">')[1].split("</script>")[0]
    drawn = json.loads(data)
    assert drawn["data"][0]["y"]["dtype"] == "f8"
    assert drawn["layout"]["yaxis"]["type"] == "log"
    assert text.index("/plotly.js") < text.index("/chart.js")
    assert "https://" not in text
    assert text.count("<script") == 3
    assert "<title>BTC/USDT · 1h</title>" in text


def test_a_hostile_name_cannot_leave_the_data():
    text = page(figure({"</script><script>alert(1)//": FRAME}))
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text.split("</title>")[0]


def test_a_year_of_ten_symbols_makes_a_small_page():
    rows = np.column_stack((np.arange(1_460) * 6 * H1.length, np.random.rand(1_460, 5) + 1))  # noqa: NPY002 -- only its size matters
    frames = {f"C{number}/USDT": Frame.from_array(rows) for number in range(10)}
    for kind in Kind:
        drawn = figure(frames, Timeframe.parse("6h"), kind)
        assert len(page(drawn)) < 1_500_000


def test_plotly_is_loaded_only_when_something_is_drawn():
    program = "import sys, trading_system.api.application; print('plotly' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert answer.stdout.strip() == b"False"
