"""What a person sees who types the command."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

COMMANDS = [
    "audit",
    "serve",
    "simulate",
    "import",
    "backfill",
    "order",
    "symbols",
    "doctor",
    "db",
    "tickers",
    "book",
    "events",
    "venue",
]


def test_help_teaches_every_command(cli) -> None:
    text = cli("--help").output
    assert all(command in text for command in COMMANDS)
    assert ".env.example" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli, command) -> None:
    result = cli(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize("words", [(), ("serve",), ("doctor",), ("db", "check"), ("symbols",)])
def test_wrong_settings_are_one_line_each_and_exit_code_2(cli, monkeypatch, words) -> None:
    monkeypatch.setenv("VENUE", "mars")
    monkeypatch.setenv("SIM_SEED", "x")
    result = cli(*words)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["VENUE", "SIM_SEED"]


def test_wrong_settings_leave_no_traceback_in_the_real_program(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trading_system"],
        env={"API_PORT": "eighty", "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("API_PORT: ")
    assert "Traceback" not in done.stderr


def test_help_does_not_load_what_it_does_not_need() -> None:
    code = (
        "import sys\n"
        "from trading_system.cli import app\n"
        "heavy = {'ccxt', 'fastapi', 'plotly', 'aiohttp', 'numpy', 'numba', 'httpx', 'pydantic'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_database_that_is_not_there_is_told(cli) -> None:
    result = cli("db", "check")
    assert result.exit_code == 1
    assert "trading.db" in result.stderr


def test_a_whole_database_is_copied_and_checked(cli, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DB_PATH", str(tmp_path / "my.db"))
    with sqlite3.connect(tmp_path / "my.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert cli("db", "check").exit_code == 0
    assert cli("db", "backup", "copy.db").exit_code == 0
    assert (tmp_path / "copy.db").exists()
    again = cli("db", "backup", "copy.db")
    assert again.exit_code == 1
    assert "copy.db" in again.stderr


def test_a_broken_database_is_told_with_exit_code_1(cli, monkeypatch, tmp_path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, it only looks like a file" * 200)
    monkeypatch.setenv("DB_PATH", str(broken))
    result = cli("db", "check")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["BTCUSDT-1m-2025-01.zip", "mine.csv"])
def test_importing_a_file_that_is_not_there_is_told(cli, name) -> None:
    """And not that its name does not tell whose candles it holds."""
    result = cli("import", name)
    assert result.exit_code == 1
    assert result.stderr.strip() == f"there is no file {name}"
