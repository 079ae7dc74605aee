"""The project's own promises: what is pinned, what is shipped, what the README says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = dict(line.split("==") for line in PROJECT["tool"]["uv"]["constraint-dependencies"])


def test_every_version_is_pinned_and_the_two_lists_agree() -> None:
    text = (ROOT / "requirements.txt").read_text()
    required = dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", text, re.MULTILINE))
    assert {name: PINS.get(name) for name in required} == required
    lists = [
        PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    names = {re.split(r"[>=<;\[ ]", line)[0].lower() for lines in lists for line in lines}
    assert names - PINS.keys() == {"trading-system"}


def test_no_file_names_where_packages_come_from() -> None:
    for name in ("pyproject.toml", "requirements.txt", "README.md", "justfile", ".ci/run"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://[^\s)\"]*(simple|packages|pypi|pythonhosted)", text), name


def test_every_required_version_has_hashes() -> None:
    text = (ROOT / "requirements.txt").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)


@pytest.mark.parametrize(
    "command", ["pip install uv && uv run trading-system", "pip install uv && uv run pytest"]
)
def test_the_readme_has_the_two_commands(command) -> None:
    assert command in (ROOT / "README.md").read_text().splitlines()


def test_heavy_libraries_are_not_installed_by_default() -> None:
    heavy = {"pandas", "numba", "scipy", "torch"}
    text = (ROOT / "requirements.txt").read_text()
    assert not heavy & set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
