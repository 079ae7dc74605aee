"""Exact versions without naming an index: pyproject.toml holds them, requirements.txt repeats them.

uv.lock records download hosts and is therefore made by each user's own uv; the versions in it are
fixed by `[tool.uv] constraint-dependencies`. This script moves them there and proves they agree.

    pin      write the versions of uv.lock into pyproject.toml
    unpin    take them out, so that `uv lock --upgrade` is free
    export   write requirements.txt (hashes, no addresses) from uv.lock
    check    fail when pyproject.toml, uv.lock and requirements.txt have drifted apart
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "uv.lock"
REQUIREMENTS = ROOT / "requirements.txt"
OURSELVES = "trading-system"
BLOCK = re.compile(r"\n\[tool\.uv\]\nconstraint-dependencies = \[\n.*?\n\]\n", re.DOTALL)
REQUIREMENT = re.compile(r"^([a-z0-9.-]+)==([^ ;\\]+)", re.MULTILINE)


def locked() -> dict[str, str]:
    """Every package of the resolved tree with its one version."""
    packages = tomllib.loads(LOCK.read_text())["package"]
    versions: dict[str, str] = {}
    for package in packages:
        if package["name"] == OURSELVES:
            continue
        if versions.setdefault(package["name"], package["version"]) != package["version"]:
            sys.exit(f"{package['name']} resolves to two versions; narrow it in pyproject.toml")
    return versions


def pinned() -> dict[str, str]:
    """The versions that stand in pyproject.toml."""
    uv = tomllib.loads(PYPROJECT.read_text()).get("tool", {}).get("uv", {})
    return dict(line.split("==") for line in uv.get("constraint-dependencies", []))


def unpin() -> None:
    """Take the block out."""
    PYPROJECT.write_text(BLOCK.sub("", PYPROJECT.read_text()))


def pin() -> None:
    """Put the block back in with what the lock says now."""
    unpin()
    lines = "".join(f'    "{name}=={version}",\n' for name, version in sorted(locked().items()))
    text = PYPROJECT.read_text().rstrip("\n")
    PYPROJECT.write_text(f"{text}\n\n[tool.uv]\nconstraint-dependencies = [\n{lines}]\n")


def exported() -> str:
    """requirements.txt as uv writes it: what the program itself needs, with hashes."""
    command = ["uv", "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header"]
    command += ["--no-annotate", "--format", "requirements.txt", "--quiet"]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- constants
    # An address of an index must not get into the file, whatever the user's uv is set up with.
    kept = [line for line in output.splitlines() if "://" not in line]
    return "# Exported by `just lock`; for pip: pip install -r requirements.txt\n" + "\n".join(
        [*kept, ""]
    )


def check() -> None:
    """Exit with 1 and one line for each difference."""
    pins, requirements = pinned(), dict(REQUIREMENT.findall(REQUIREMENTS.read_text()))
    faults = [
        f"requirements.txt has {name} {version}, pyproject.toml {pins.get(name)}"
        for name, version in requirements.items()
        if pins.get(name) != version
    ]
    if LOCK.exists():
        faults += [
            f"uv.lock has {name} {version}, pyproject.toml {pins.get(name)}"
            for name, version in locked().items()
            if pins.get(name) != version
        ]
        if not faults and set(REQUIREMENT.findall(exported())) != set(requirements.items()):
            faults.append("requirements.txt is not what uv.lock exports")
    for fault in faults:
        print(fault)
    if faults:
        sys.exit("versions have drifted: run `just lock`")
    print(f"{len(pins)} versions pinned, {len(requirements)} of them needed to run")


def export() -> None:
    """Write requirements.txt."""
    REQUIREMENTS.write_text(exported())


if __name__ == "__main__":
    commands = {"pin": pin, "unpin": unpin, "export": export, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:  # noqa: PLR2004 -- one word
        sys.exit(__doc__)
    commands[sys.argv[1]]()
