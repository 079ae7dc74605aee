"""What all figures share: colours, axes, and the page around them, which works offline."""

from __future__ import annotations

import html
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Scale(StrEnum):
    """The price axis; on `log` equal distances are equal percentages."""

    LOG = "log"
    LINEAR = "linear"


# fmt: off
COLORS = (
    "#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6",
    "#ec4899", "#06b6d4", "#84cc16", "#f97316", "#a8a29e",
)
# fmt: on
RISING, FALLING = "#10b981", "#ef4444"
# Grey with transparency reads on white and on black alike, so the page may follow the system.
TEXT, _GRID = "#808794", "rgba(128,135,148,0.2)"


def layout(title: str, scale: Scale) -> dict[str, Any]:
    """What all figures share; titles, axes and colours of a page that may be light or dark."""
    axis = {
        "gridcolor": _GRID,
        "linecolor": _GRID,
        "zeroline": False,
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikethickness": 1,
        "spikedash": "dot",
        "spikecolor": TEXT,
    }
    return {
        "title": {"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 17}},
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(COLORS),
        "hovermode": "x unified",
        "dragmode": "zoom",
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": TEXT, "activecolor": COLORS[0]},
        "margin": {"l": 16, "r": 72, "t": 84, "b": 48},
        "xaxis": axis
        # Times are numbers (ms), which plotly takes for UTC as soon as the axis is one of dates.
        | {
            "type": "date",
            "rangeslider": {"visible": False},
            "title": {"text": "UTC", "standoff": 4},
        },
        "yaxis": axis | {"type": scale.value, "side": "right", "tickformat": ",~r", "nticks": 7},
    }


def page(figure: Figure, *, scripts: Sequence[str], stylesheet: str, icon: str) -> str:
    """A whole HTML document; all arguments are URLs of our own, of the scripts plotly.js first.

    The figure travels as data and not as code, so that the page can forbid inline scripts.
    """
    return _PAGE.format(
        title=html.escape(figure.layout.title.text),
        links=f'<link rel="stylesheet" href="{stylesheet}">\n<link rel="icon" href="{icon}">',
        scripts="\n".join(f'<script defer src="{url}"></script>' for url in scripts),
        figure=figure.to_json().replace("<", "\\u003c"),  # no "</script>" may end the data
    )


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{links}
{scripts}
</head>
<body class="chart">
<nav id="controls"></nav>
<main id="chart"></main>
<script type="application/json" id="figure">{figure}</script>
</body>
</html>
"""
