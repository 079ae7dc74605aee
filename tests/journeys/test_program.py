"""The program as a person runs it: one command, a signal, another start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

PROGRAM = [sys.executable, "-m", "trading_system"]
PATIENCE = 60.0  # of the machine's seconds, which may have much else to do
ENDS_WITHIN = 5.0
ORDER = {"symbol": "BTC/USDT", "side": "BUY", "type": "market", "quote_quantity": "100"}


@pytest.fixture
def environment():
    measured = {name for name in os.environ if name.startswith("COVERAGE_")}
    kept = {name: os.environ[name] for name in {"PATH", "HOME"} | measured if name in os.environ}
    return kept | {"API_PORT": str(free_port()), "LOG_FORMAT": "json", "COLUMNS": "100"}


@pytest.fixture
def run(environment, tmp_path):
    """Run a command to its end: (exit code, stdout, stderr)."""

    def call(*words, **more):
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=tmp_path,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture
def started(environment, tmp_path):
    """Start the program and wait until it is healthy."""

    @contextmanager
    def start(*, healthy=200, **more):
        process = subprocess.Popen(
            PROGRAM, cwd=tmp_path, env=environment | more, stderr=subprocess.PIPE, text=True
        )
        try:
            url = f"http://127.0.0.1:{environment['API_PORT']}"
            with httpx.Client(base_url=url, timeout=PATIENCE) as http:
                wait_for(lambda: answers(http, healthy))
                yield process, http
        finally:
            process.kill()
            process.communicate()

    return start


def answers(http, status) -> bool:
    try:
        return http.get("/health").status_code == status
    except httpx.TransportError:
        return False


def wait_for(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def children(pid) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ended(pid) -> bool:
    """Gone, or dead and waiting to be collected by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_signal_ends_everything_cleanly_and_the_next_start_goes_on(started, run) -> None:
    with started() as (process, http):
        order = http.post("/orders", json=ORDER).json()
        assert order["status"] == "FILLED", order
        balances = http.get("/balances").json()
        assert_ends_cleanly(process, signal.SIGINT, started)
    with started() as (process, http):
        assert http.get(f"/orders/{order['id']}").json() == order
        assert http.get("/balances").json() == balances
        assert_ends_cleanly(process, signal.SIGTERM, started)
    assert run("db", "check")[0] == 0


def assert_ends_cleanly(process, how, started) -> None:
    """Within five seconds; a machine that stalls once does not do so three times."""
    if seconds_to_end(process, how) < ENDS_WITHIN:
        return
    again = []
    for _ in range(2):
        with started() as (another, _):
            again.append(seconds_to_end(another, how))
    assert min(again) < ENDS_WITHIN


def seconds_to_end(process, how) -> float:
    """In order, and its exchange with it."""
    (exchange,) = children(process.pid)
    begun = time.monotonic()
    process.send_signal(how)
    _, said = process.communicate(timeout=PATIENCE)
    took = time.monotonic() - begun
    assert process.returncode == 0
    assert "Traceback" not in said
    assert all(json.loads(line) for line in said.splitlines())
    wait_for(lambda: ended(exchange))
    return took


def test_a_killed_program_takes_its_exchange_along_and_loses_nothing(started) -> None:
    with started() as (process, http):
        order = http.post("/orders", json=ORDER).json()
        (exchange,) = children(process.pid)
        process.kill()
        wait_for(lambda: ended(exchange))
    with started() as (process, http):
        assert http.get("/orders").json() == [order]
        held = {each["asset"]: Decimal(each["total"]) for each in http.get("/balances").json()}
        assert held["BTC"] > 10


def test_a_second_program_is_told_so_and_a_dead_exchange_ends_the_first(started, run) -> None:
    with started() as (process, _):
        code, _, said = run(API_PORT="0")
        assert code == 1
        assert "in use by" in said
        os.kill(children(process.pid)[0], signal.SIGKILL)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert "the embedded exchange has ended" in said


def test_commands_steer_the_running_program(started, run) -> None:
    with started() as (_, http):
        assert run("symbols", "add", "btc/usdt")[0] == 0
        assert [row["symbol"] for row in http.get("/symbols").json()] == ["BTC/USDT"]
        code, table, _ = run("symbols")
        assert (code, "BTC/USDT" in table) == (0, True)
        code, said, _ = run("backfill", "BTC/USDT", "--minutes", "2000")
        assert (code, "candles stored" in said) == (0, True)
        code, table, _ = run("order", "buy", "BTC/USDT", "--quote", "50")
        assert (code, "FILLED" in table) == (0, True)
        code, _, said = run("order", "buy", "NO/PE", "1")
        assert (code, "NO/PE" in said) == (1, True)
        assert run("symbols", "remove", "BTC/USDT")[0] == 0
        assert http.get("/symbols", params={"active": "true"}).json() == []
        code, said, _ = run("db", "check")
        assert (code, said.strip()) == (0, "The database is whole.")


def test_a_first_trade_takes_one_command_and_no_running_program(run) -> None:
    code, table, _ = run("order", "buy", "BTC/USDT", "--quote", "100")
    assert code == 0
    assert "FILLED" in table
    assert "Fills" in table


def test_the_doctor_finds_a_fresh_folder_well_and_leaves_it_fresh(run, tmp_path) -> None:
    code, table, _ = run("doctor")
    assert code == 0
    assert "none yet" in table
    assert list(tmp_path.iterdir()) == []
    assert all(word in table for word in ("settings", "venue", "clock", "keys", "database", "disk"))


def test_the_doctor_says_what_is_not_well(run, tmp_path) -> None:
    """And looks at the database all the same."""
    (tmp_path / "t.db").touch()
    code, table, _ = run("doctor", VENUE="http://127.0.0.1:9", DB_PATH="t.db")
    assert code == 1
    assert "venue" in table
    assert "whole" in table


def test_the_exchange_alone_prints_how_to_reach_it_and_ends_with_ctrl_c(
    environment, tmp_path
) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "simulate", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = process.stderr.readline().strip().removeprefix("VENUE=")
        assert httpx.get(f"{url}/api/v3/ping", timeout=PATIENCE).json() == {}
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in said
        assert process.returncode == 130
    finally:
        process.kill()


def test_an_exchange_that_cannot_be_served_is_one_line(run, tmp_path) -> None:
    code, _, said = run("simulate", "--market", str(tmp_path / "nothing.csv"))
    assert code == 2
    assert "nothing.csv" in said
