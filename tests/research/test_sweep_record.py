from __future__ import annotations

import dataclasses
import json

import pytest

from tests.research.questions import configuration, history
from tests.research.sweeps import HISTORY, fragile, question
from trading_system.research.sweep_record import describe, opened

ASKED = question()
CONFIGURATION = configuration(over=HISTORY)
GRID = {"way": "grid"}


def test_the_same_question_has_the_same_folder_and_says_there_what_it_is(tmp_path):
    description = describe(ASKED, CONFIGURATION, GRID)
    folder = opened(tmp_path, description)
    assert opened(tmp_path, describe(question(), CONFIGURATION, GRID)) == folder
    assert folder.path == tmp_path / f"sweep_{description.id}"
    told = json.loads((folder.path / "sweep.json").read_text())
    assert told == description.members
    assert told["axes"][1] == {
        "name": "slow",
        "values": ["6", "10", "14", "18", "22", "26", "30"],
    }
    assert told["data"] == {"digest": HISTORY.digest, "warmup": HISTORY.warmup}


@pytest.mark.parametrize(
    "other",
    [
        describe(question(axes=["fast=2:20:2", "slow=6:30:3"]), CONFIGURATION, GRID),
        describe(question(axes=["slow=6:30:4", "fast=2:20:2"]), CONFIGURATION, GRID),
        describe(question(conditions=["fast < 9"]), CONFIGURATION, GRID),
        describe(question(over=history(400, digest="e" * 64)), CONFIGURATION, GRID),
        describe(dataclasses.replace(ASKED, code="other"), CONFIGURATION, GRID),
        describe(ASKED, configuration(over=HISTORY, fee_taker=0.002), GRID),
        describe(ASKED, CONFIGURATION, {"way": "random", "trials": 5, "seed": 1}),
    ],
)
def test_another_question_has_another_folder(other):
    assert other.id != describe(ASKED, CONFIGURATION, GRID).id


def test_a_strategy_of_ones_own_counts_by_what_is_in_its_file(tmp_path):
    before = describe(question(fragile(tmp_path), ["turns=1,2"]), CONFIGURATION, GRID)
    asked = question(fragile(tmp_path), ["turns=1,2"])
    other = dataclasses.replace(asked.recipe, source=asked.recipe.source + "\n# changed")
    after = describe(dataclasses.replace(asked, recipe=other), CONFIGURATION, GRID)
    assert before.id == describe(asked, CONFIGURATION, GRID).id != after.id
