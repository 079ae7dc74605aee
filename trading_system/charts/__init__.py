"""Frames to Plotly figures and pages that work offline. Pure: no I/O, no clock.

plotly is imported when the first figure is drawn, so that a system nobody looks at stays small.
"""

from __future__ import annotations

from trading_system.charts.looks import Scale, page
from trading_system.charts.money import equity_figure, strategy_figure
from trading_system.charts.prices import Kind, price_figure, screen_timeframe

__all__ = [
    "Kind",
    "Scale",
    "equity_figure",
    "page",
    "price_figure",
    "screen_timeframe",
    "strategy_figure",
]
