"""Logs go to the console and to one file a component, and hold no secret."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from trading_system import logs


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            handler.close()
            root.removeHandler(handler)
    for handler in handlers:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()


def test_every_component_has_its_own_file(tmp_path) -> None:
    logs.configure(level="INFO", json=True, folder=tmp_path)
    logging.getLogger("trading_system.market.heartbeat").info("beat")
    logging.getLogger("trading_system.execution.oms").info("order")
    logging.getLogger("elsewhere").info("other")
    assert json.loads((tmp_path / "market.log").read_text())["event"] == "beat"
    assert json.loads((tmp_path / "execution.log").read_text())["event"] == "order"
    assert not (tmp_path / "api.log").exists()


@pytest.mark.parametrize("as_json", [True, False])
def test_the_console_gets_one_line_an_event(capsys, as_json) -> None:
    logs.configure(level="INFO", json=as_json, folder=None)
    structlog.get_logger("trading_system.market").info("beat", stored=3)
    structlog.get_logger("trading_system.market").debug("not this")
    (line,) = capsys.readouterr().err.splitlines()
    assert "beat" in line
    if as_json:
        assert json.loads(line)["stored"] == 3


@pytest.mark.parametrize(
    "name", ["api_key", "secret", "BINANCE_SECRET_KEY", "token", "signature", "Authorization"]
)
def test_a_field_that_names_a_secret_is_masked(capsys, name) -> None:
    logs.configure(level="INFO", json=True, folder=None)
    structlog.get_logger("trading_system.exchange").info("call", **{name: "PRECIOUS"})
    line = capsys.readouterr().err
    assert "PRECIOUS" not in line
    assert json.loads(line)[name] == "***"


def test_an_error_carries_its_traceback(capsys) -> None:
    logs.configure(level="INFO", json=True, folder=None)
    try:
        raise ValueError("what went wrong")
    except ValueError:
        structlog.get_logger("trading_system.market").exception("failed")
    assert "what went wrong" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_shows_no_values_of_variables(capsys, as_json) -> None:
    """Keys and signed URLs are among the variables of whoever sends a request."""
    logs.configure(level="INFO", json=as_json, folder=None)
    try:
        headers = {"X-MBX-APIKEY": "PRECI" + "OUS"}
        raise ValueError(len(headers))
    except ValueError:
        structlog.get_logger("trading_system.market").exception("failed")
        logging.getLogger("trading_system.api").exception("failed, too")
    told = capsys.readouterr().err
    assert told.count("ValueError") >= 2
    assert "PRECIOUS" not in told
