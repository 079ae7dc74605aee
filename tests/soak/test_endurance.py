"""The soak itself, three minutes of it at eight times the pace, as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MINUTES, SPEED, SYMBOLS = "3", "8", "20"


@pytest.mark.timeout(240)
def test_three_minutes_of_everything_break_no_promise(tmp_path):
    """Candles, orders, order events, connections and the budget, all compared at the end."""
    run = subprocess.run(
        [
            sys.executable, "-m", "trading_system", "soak", "--minutes", MINUTES,
            "--speed", SPEED, "--symbols", SYMBOLS, "--report", str(tmp_path / "reports"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    (data,) = (tmp_path / "reports").glob("soak_*.json")
    (page,) = (tmp_path / "reports").glob("soak_*.html")
    report = json.loads(data.read_text())
    assert report["passed"]
    assert {check["promise"] for check in report["checks"] if check["kept"]} == {
        "no unplanned drop",
        "every minute's candle in the database equal to the exchange's",
        "orders and fills equal to the exchange's",
        "no order event missed",
        "nothing refused for asking too much",
    }
    assert report["orders"] > 20
    assert len(report["samples"]) > 100
    html = page.read_text()
    assert "every minute&#x27;s candle" in html
    assert 'src="http' not in html
