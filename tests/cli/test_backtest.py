"""`backtest` and `rerun` offline; what is fetched is proven with the candles' own tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.research.questions import history, record
from trading_system.research import result_files
from trading_system.strategies.sma_cross import SmaCross

MINE = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from trading_system.strategies.base import parameter


@dataclass(frozen=True)
class Mine:
    name: ClassVar[str] = "mine"
    warmup: ClassVar[int] = 0
    held: float = parameter(1.0, low=0, high=1, help="How much of it.")

    def targets(self, frame):
        return np.full(len(frame), self.held)
"""
SPAN = ("--symbol", "BTC/USDT", "--start", "2025-06-01", "--end", "2025-08-01")
CROSS = ("sma_cross", "--param", "fast=5", *SPAN)


def written(path, candles):
    columns = ("open_time", "open", "high", "low", "close", "volume")
    rows = zip(*(getattr(candles.frame, name).tolist() for name in columns), strict=True)
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def data(tmp_path):
    return written(tmp_path / "candles.csv", history())


@pytest.fixture
def results(tmp_path):
    """What is in the folder of results, by their endings."""

    def found():
        folder = tmp_path / "results"
        return {path.suffix: path for path in folder.iterdir()} if folder.exists() else {}

    return found


@pytest.fixture
def done(cli, data, results):
    """The file of a backtest that was played."""
    answer = cli("backtest", *CROSS, "--data", str(data))
    assert answer.exit_code == 0, answer.output
    return results()[".json"]


def test_a_backtest_is_a_table_a_result_and_a_page(cli, data, results):
    answer = cli("backtest", *CROSS, "--data", str(data))
    assert answer.exit_code == 0, answer.output
    assert set(results()) == {".json", ".html"}
    for path in results().values():
        assert str(path.relative_to(Path.cwd())) in answer.output
    kept, circumstances = result_files.read(results()[".json"])
    assert circumstances["candles"] == str(data)
    assert kept.metrics == record(SmaCross(fast=5, slow=50)).metrics
    for words in ("buy and hold", "Sharpe of days, 95 %", "fast=5 slow=50", kept.run_id[:12]):
        assert words in answer.output


def test_figures_come_as_json_too(cli, data, results):
    answer = cli("backtest", *CROSS, "--data", str(data), "--json", "--no-report")
    told = json.loads(answer.output)
    kept, _ = result_files.read(results()[".json"])
    assert told["metrics"] == kept.metrics
    assert told["run_id"] == kept.run_id
    assert told["file"] == str(results()[".json"].relative_to(Path.cwd()))
    assert told["report"] is None
    assert not {"curve", "trades"} & set(told)
    assert set(results()) == {".json"}


def test_every_rule_is_an_option(cli, data, results):
    options = {
        "capital": "500",
        "sizing": "fixed",
        "fill": "close",
        "lot-step": "0.001",
        "min-notional": "5",
        "fee": "0.002",
        "fee-maker": "0.0005",
        "slippage-bps": "1",
        "spread-bps": "2",
        "impact": "0.1",
        "stop-loss": "0.1",
        "take-profit": "0.2",
        "trailing-stop": "0.3",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    answer = cli("backtest", *CROSS, "--data", str(data), "--short", *words)
    assert answer.exit_code == 0, answer.output
    kept, _ = result_files.read(results()[".json"])
    rules = {name.replace("-", "_"): value for name, value in options.items()}
    rules |= {"fee_taker": rules.pop("fee"), "short": True}
    assert {name: str(value) for name, value in kept.configuration["rules"].items()} == {
        name: value
        if name in {"sizing", "fill"}
        else str(type(kept.configuration["rules"][name])(value))
        for name, value in rules.items()
    }


def test_a_grid_is_played_by_the_same_command(cli, data, results):
    grid = ("grid", "--param", "low=50", "--param", "high=200", "--param", "quantity=0.1")
    answer = cli("backtest", *grid, *SPAN, "--data", str(data))
    assert answer.exit_code == 0, answer.output
    assert result_files.read(results()[".json"])[0].engine == "grid"
    assert cli("rerun", str(results()[".json"])).exit_code == 0


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_ones_own_strategy_is_played_from_its_file(cli, data, mine, results):
    answer = cli("backtest", str(mine), *SPAN, "--param", "held=0.5", "--data", str(data))
    assert answer.exit_code == 0, answer.output
    again = cli("rerun", str(results()[".json"]))
    assert again.exit_code == 0, again.output
    mine.write_text(MINE.replace("np.full(", "0.9 * np.full("))
    changed = cli("rerun", str(results()[".json"]))
    assert changed.exit_code == 1
    assert "code: the strategy's file changed" in changed.stderr
    assert "the figures are others, too" in changed.stderr


def test_ones_own_file_is_found_again_beside_a_folder_of_others(
    cli, data, mine, results, tmp_path, monkeypatch
):
    (tmp_path / "others").mkdir()
    monkeypatch.setenv("STRATEGIES_DIR", str(tmp_path / "others"))
    assert cli("backtest", str(mine), *SPAN, "--data", str(data)).exit_code == 0
    again = cli("rerun", str(results()[".json"]))
    assert again.exit_code == 0, again.output
    monkeypatch.delenv("STRATEGIES_DIR")
    mine.unlink()
    gone = cli("rerun", str(results()[".json"]))
    assert gone.exit_code == 1
    assert "mine.py is not there any more: say where it is now with --file" in gone.stderr


def test_ones_own_file_is_found_again_beside_others_of_its_name(
    cli, data, mine, results, tmp_path, monkeypatch
):
    mine.write_text(MINE.replace('"mine"', '"sma_cross"'))
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "mine.py").write_text(mine.read_text())
    monkeypatch.setenv("STRATEGIES_DIR", str(tmp_path / "others"))
    assert cli("backtest", str(mine), *SPAN, "--data", str(data)).exit_code == 0
    again = cli("rerun", str(results()[".json"]))
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("np.full(len(frame), self.held).tolist()", ""),
        ("np.full(len(frame), 'long')", "mine failed on these candles: ValueError"),
        ("None", "candles need as many targets, not ()"),
        ("{}", "mine failed on these candles: TypeError"),
    ],
)
def test_targets_are_anything_that_numbers_can_be_made_of(cli, data, mine, given, reason):
    mine.write_text(MINE.replace("np.full(len(frame), self.held)", given))
    answer = cli("backtest", str(mine), *SPAN, "--data", str(data), "--no-report")
    assert answer.exit_code == bool(reason)
    assert reason in answer.stderr
    assert answer.stderr.count("\n") == bool(reason)


def test_of_several_strategies_in_a_file_one_is_named(cli, data, mine, results):
    mine.write_text(MINE + MINE.replace("Mine", "Other").replace('"mine"', '"other"'))
    answer = cli("backtest", str(mine), *SPAN, "--data", str(data))
    assert answer.exit_code == 1
    assert "holds mine, other: say which one" in answer.stderr
    named = cli("backtest", "other", "--file", str(mine), *SPAN, "--data", str(data))
    assert named.exit_code == 0, named.output
    assert cli("rerun", str(results()[".json"])).exit_code == 0


def test_the_same_question_gives_the_same_bytes(cli, done):
    before = done.read_bytes()
    answer = cli("rerun", str(done))
    assert answer.exit_code == 0
    assert "the same bytes" in answer.output
    assert json.loads(before)["result"]["run_id"] in answer.output
    assert done.read_bytes() == before
    assert len(list(done.parent.glob("*.json"))) == 1


def test_other_candles_are_told(cli, done, tmp_path):
    other = written(tmp_path / "other.csv", history(seed=2))
    answer = cli("rerun", str(done), "--data", str(other))
    assert answer.exit_code == 1
    assert "data: the candles are others" in answer.stderr


def test_candles_that_are_gone_are_asked_for(cli, done, data):
    data.rename(data.with_name("moved.csv"))
    answer = cli("rerun", str(done))
    assert answer.exit_code == 1
    assert "is not there any more: say where it is now with --data" in answer.stderr
    assert cli("rerun", str(done), "--data", str(data.with_name("moved.csv"))).exit_code == 0


def test_a_result_changed_by_hand_is_told(cli, done):
    done.write_text(done.read_text().replace('"fast":"5"', '"fast":"6"'))
    answer = cli("rerun", str(done))
    assert answer.exit_code == 1
    assert "changed by hand" in answer.stderr


def test_figures_changed_by_hand_are_told(cli, done):
    whole = json.loads(done.read_text())
    whole["result"]["metrics"]["sharpe"] = 9.0
    done.write_text(json.dumps(whole, indent=1))
    answer = cli("rerun", str(done))
    assert answer.exit_code == 1
    assert "metrics: sharpe: 9.0 then" in answer.stderr
    assert "report it, unless the file was changed" in answer.stderr


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (("nothing", *SPAN), "there is no strategy 'nothing': sma_cross"),
        (("nothing.py", *SPAN), "nothing.py: cannot be read"),
        ((*CROSS, "--param", "slow=3"), "fast=5 must be less than slow=3"),
        ((*CROSS, "--stop-loss", "2"), "stop_loss=2 is a share"),
        ((*CROSS, "--timeframe", "1y"), "'1y' is not a timeframe"),
        ((*CROSS, "--end", "2025-01-01"), "must be before end=2025-01-01"),
        ((*CROSS, "--end", "2026-01-01"), "there are those from"),
        ((*CROSS, "--start", "yesterday"), "'yesterday' is no instant"),
        ((*CROSS, "--param", "slow=500"), "499 candles"),
    ],
)
def test_what_cannot_be_played_is_one_line_and_exit_code_1(cli, data, results, changed, reason):
    answer = cli("backtest", *changed, "--data", str(data))
    assert answer.exit_code == 1
    assert reason in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert results() == {}


def test_a_file_that_is_no_result_is_told(cli, data):
    answer = cli("rerun", str(data))
    assert answer.exit_code == 1
    assert "this is no result of a backtest" in answer.stderr


def test_without_the_extra_it_says_how_to_get_it(cli, data, monkeypatch, results):
    monkeypatch.setitem(sys.modules, "trading_system.backtest.kernels", None)
    monkeypatch.delattr("trading_system.backtest.kernels", raising=False)
    answer = cli("backtest", *CROSS, "--data", str(data))
    assert answer.exit_code == 2
    assert answer.stderr == "backtests need numba: pip install 'trading-system[backtest]'\n"
    assert results() == {}


def test_help_loads_no_library_that_it_does_not_need() -> None:
    """What a cold start costs is what it imports: everything that computes, draws or connects."""
    code = (
        "import sys\n"
        "from trading_system.cli import app\n"
        "try:\n"
        "    app(['backtest', '--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print(sorted(name for name in sys.modules if '.' not in name), file=sys.stderr)\n"
        "ours = [name for name in sys.modules if name.startswith('trading_system.')]\n"
        "print(len(ours), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    libraries, ours = done.stderr.splitlines()[-2:]
    heavy = ("numpy", "numba", "plotly", "pydantic_settings", "httpx", "fastapi", "ccxt")
    assert not [name for name in heavy if f"'{name}'" in libraries]
    assert int(ours) < 60
    for words in ("--slippage-bps", "--stop-loss", "--data", "rerun FILE", "RESULTS_DIR"):
        assert words in done.stdout, words


def test_candles_of_the_database_give_the_same_run_as_those_of_a_file(cli, tmp_path, results):
    minutes = written(tmp_path / "BTCUSDT-1m-2025-06.csv", history(600, minutes=1))
    asked = ("sma_cross", "--param", "fast=5", "--symbol", "BTC/USDT", "--timeframe", "5m")
    asked += ("--start", "2025-06-01T02:00", "--end", "2025-06-01T10:00", "--param", "slow=20")
    offline = cli("backtest", *asked, "--data", str(minutes), "--json", "--no-report")
    assert offline.exit_code == 0, offline.output
    imported = cli("import", str(minutes))
    assert imported.exit_code == 0, imported.output
    online = cli("backtest", *asked, "--json", "--no-report")
    assert online.exit_code == 0, online.output
    assert json.loads(online.stdout)["run_id"] == json.loads(offline.stdout)["run_id"]
    (path,) = {*(tmp_path / "results").iterdir()} - {tmp_path / json.loads(offline.stdout)["file"]}
    assert result_files.read(path)[1]["candles"] is None
    assert cli("rerun", str(path)).exit_code == 0
