"""Mischief from the command line, against an exchange in this process."""

from __future__ import annotations

import asyncio
import threading

import pytest

from trading_system.cli.mischief import read_rules
from trading_system.domain.errors import ConfigurationError
from trading_system.simulator.mischief.rules import KINDS
from trading_system.simulator.server import SimulatorOptions, serve


@pytest.fixture(scope="module")
def url():
    """Where an exchange listens that runs in a thread of its own."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []
    ended = asyncio.Event()

    async def main():
        async with serve(SimulatorOptions(symbols=2)) as running:
            found.append(running.url)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def mischief(cli, url):
    def call(*words):
        return cli("mischief", *words, "--url", url)

    yield call
    call("clear")


@pytest.mark.parametrize("words", [(), ("add",)])
def test_help_teaches_every_kind(cli, words):
    text = cli("mischief", *words, "--help").output
    assert all(kind in text for kind in KINDS)
    assert "probability" in text


def test_a_rule_is_added_listed_and_ended(mischief):
    added = mischief("add", "answer-lost", "calls=POST /api/v3/order", "times=2", "seconds=60")
    assert added.exit_code == 0, added.stderr
    assert "answer-lost" in added.output
    shown = mischief("list").output
    assert "calls=POST /api/v3/order" in shown
    assert "times=2" in shown
    assert "429: 0" in shown
    id_ = added.output.split()[1].rstrip(":")
    assert "ended: 1" in mischief("clear", id_).output
    assert "no rule" in mischief("list").output
    assert "ended: 0" in mischief("clear").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "gremlins"), "no such kind: gremlins"),
        (("add", "latency", "ms=soon"), "ms must be a number, not 'soon'"),
        (("add", "latency", "speed=1"), "does not know speed; it takes calls=*, ms=200.0"),
        (("add", "latency", "quick"), "quick is no KEY=VALUE"),
        (("clear", "999"), "no rule 999 is in force"),
    ],
)
def test_nonsense_is_a_line_and_exit_code_1(mischief, words, said):
    result = mischief(*words)
    assert result.exit_code == 1
    assert said in result.stderr


def test_an_exchange_that_is_not_there_is_told(cli):
    result = cli("mischief", "list", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "trading-system simulate" in result.stderr


def test_rules_to_begin_with_are_a_file_or_json(tmp_path):
    file = tmp_path / "rules.json"
    file.write_text('[{"kind": "forbidden"}, {"kind": "latency"}]')
    assert read_rules(str(file)) == [{"kind": "forbidden"}, {"kind": "latency"}]
    assert read_rules('{"kind": "forbidden"}') == [{"kind": "forbidden"}]
    assert read_rules(None) == []


@pytest.mark.parametrize("text", ["no such file", '{"kind"', "[1,"])
def test_rules_that_cannot_be_read_are_told(text):
    with pytest.raises(ConfigurationError, match="--mischief"):
        read_rules(text)


@pytest.mark.parametrize("rules", ['{"kind": "gremlins"}', "nowhere.json", "[7]"])
def test_an_exchange_does_not_start_with_nonsense(cli, rules):
    result = cli("simulate", "--port", "0", "--mischief", rules)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
