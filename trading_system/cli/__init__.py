"""The command line: parse, call, print; nothing else."""

from __future__ import annotations

from trading_system.cli.application import app

__all__ = ["app"]
