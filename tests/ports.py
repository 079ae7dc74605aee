"""Ports for tests that have to name one before anybody listens there, or where they listen twice.

A port that the system chose and took back may be given to anybody's connection in between: these
lie below those that it chooses from, and each process of a test run has its own.
"""

from __future__ import annotations

import os
import random
import socket
from contextlib import suppress

_FIRST, _EACH, _PROCESSES = 20_000, 1_000, 12


def free_port() -> int:
    """One on 127.0.0.1 that nobody listens on, or will before it is used."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST + process % _PROCESSES * _EACH
    for port in random.sample(range(first, first + _EACH), _EACH):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")
