"""`python -m proofs.crash --kills 40`: kill the program, again and again, and count what is lost.

The exit code is 1 when an order was lost, doubled or has a wrong quantity.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from proofs.crash.lane import Lane, Outcome
from proofs.crash.steps import STEPS, deaths


def main() -> int:
    """Parse, prove, print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m proofs.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="how many lives end (40)")
    parser.add_argument("--seed", type=int, default=1, help="decides moments and weather (1)")
    parser.add_argument("--lanes", type=int, default=2, help="programs at the same time (2)")
    parser.add_argument("--folder", type=Path, help="where databases and logs stay behind")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        for number in range(chosen.lanes):
            (folder / str(number)).mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        outcomes = asyncio.run(proved(folder, chosen.kills, chosen.seed, chosen.lanes))
        result = told(outcomes) | {"seed": chosen.seed, "seconds": round(time.monotonic() - began)}
    print(json.dumps(result))
    return 0 if result["clean"] else 1


async def proved(folder: Path, kills: int, seed: int, lanes: int) -> list[Outcome]:
    """Every lane's outcome; lanes share nothing but the machine."""
    every = deaths(kills, seed)
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(_lane(folder / str(number), seed + number, every[number::lanes]))
            for number in range(lanes)
        ]
    return [task.result() for task in running]


async def _lane(folder: Path, seed: int, mine: list) -> Outcome:
    return await Lane(folder, seed, mine, lambda line: print(line, file=sys.stderr)).run()


def told(outcomes: list[Outcome]) -> dict[str, object]:
    """All lanes together, as JSON."""
    kills: Counter[str] = sum((each.kills for each in outcomes), Counter())
    struck: Counter[str] = sum((each.struck for each in outcomes), Counter())
    found = [each.findings for each in outcomes]
    return {
        "proof": "crash",
        "kills": kills.total(),
        "orders": sum(each.orders for each in outcomes),
        "lost": sum(len(each.lost) for each in found),
        "doubled": sum(len(each.doubled) for each in found),
        "wrong": sum(len(each.wrong) for each in found),
        "crossed": sum(each.crossed for each in found),
        "steps": {
            step.name: {"kills": kills[step.name], "at_the_step": struck[step.name]}
            for step in STEPS
        },
        "asked": dict(sum((each.asked for each in outcomes), Counter())),
        "mischief": dict(sum((each.mischief for each in outcomes), Counter())),
        "clean": all(each.is_clean for each in found),
        "findings": [line for each in found for line in (*each.lost, *each.doubled, *each.wrong)],
    }


if __name__ == "__main__":
    sys.exit(main())
