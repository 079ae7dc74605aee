"""The command line in a folder of its own, without the settings of whoever runs the tests."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from trading_system.cli.running import console
from trading_system.config import Settings


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(console, "width", 200)  # made when it was imported, as wide as it was then
    monkeypatch.setenv("API_PORT", "9")  # the discard port: nothing answers there
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cli():
    from trading_system.cli import app

    def call(*words):
        return CliRunner().invoke(app, words)

    return call
