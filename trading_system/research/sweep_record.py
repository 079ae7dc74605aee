"""What a sweep is, so that the same question finds what is kept of its answer.

One folder a sweep, named by a hash over the question: what a killed sweep left there is the
beginning of what the same command goes on with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_system.research.configuration import Configuration
from trading_system.research.record import SHORT, canonical
from trading_system.research.result_files import write_whole
from trading_system.research.space import written
from trading_system.research.trial import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A sweep as plain values, ready for JSON."""

    members: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Twelve digits of the hash over all members."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:SHORT]

    @property
    def text(self) -> str:
        """The JSON."""
        return canonical(self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Where everything about a sweep is."""

    path: Path

    @property
    def rows(self) -> Path:
        """What is judged so far."""
        return self.path / "rows.bin"

    @property
    def table(self) -> Path:
        return self.path / "table.parquet"

    @property
    def page(self) -> Path:
        return self.path / "page.html"

    def permutations(self, name: str) -> Path:
        """The scores of permuted markets; `name` says by what they were scored."""
        return self.path / f"permutations_{name}.bin"

    @property
    def study(self) -> str:
        """The storage of a search that names none."""
        return f"sqlite:///{self.path / 'study.db'}"


def describe(
    question: Question, configuration: Configuration, search: Mapping[str, Any]
) -> Description:
    """What is asked: the configuration without parameters, the axes, and how they are searched."""
    asked = configuration.to_json()
    del asked["parameters"]
    source = question.recipe.source
    return Description(
        members={
            "code": question.code,
            "own_file": None if source is None else hashlib.sha256(source.encode()).hexdigest(),
            "configuration": asked,
            "axes": [  # whose order numbers the combinations
                {"name": axis.name, "values": [written(value) for value in axis.values]}
                for axis in question.space.axes
            ],
            "conditions": [each.text for each in question.space.conditions],
            "search": dict(search),
            "data": {"digest": question.history.digest, "warmup": question.history.warmup},
        }
    )


def opened(results: Path, description: Description) -> Folder:
    """The folder of this sweep, with its description in it; raises StorageError."""
    folder = Folder(path=results / f"sweep_{description.id}")
    write_whole(folder.path / "sweep.json", description.text + "\n")
    return folder
