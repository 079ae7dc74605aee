"""From the command to the first healthy /health, and the memory of all its processes when idle."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

ROUNDS = 5
IDLE_SECONDS = 5


def once() -> tuple[float, float]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "API_PORT": str(port),
            "DB_PATH": f"{folder}/trading.db",
            "LOG_DIR": f"{folder}/logs",
            "LOG_LEVEL": "ERROR",
            "PYTHONDONTWRITEBYTECODE": "",  # a warm cache holds the compiled modules
        }
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "trading_system"],
            env=os.environ | settings,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not healthy(port):
                time.sleep(0.01)
            seconds = time.perf_counter() - started
            time.sleep(IDLE_SECONDS)
            megabytes = sum(resident(pid) for pid in family(process.pid)) / 1e6
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
    return seconds, megabytes


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    once()  # warms the file cache
    runs = [once() for _ in range(ROUNDS)]
    result = {
        "healthy_s": round(median(seconds for seconds, _ in runs), 3),
        "rss_mb": round(median(megabytes for _, megabytes in runs), 1),
    }
    print(json.dumps({"bench": "startup", **result, "wanted": "healthy <= 4 s, rss <= 300 MB"}))


if __name__ == "__main__":
    main()
