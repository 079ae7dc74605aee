from __future__ import annotations

import json
import re
import sys

import pytest
from pyarrow import parquet

from tests.research.sweeps import HISTORY, Serial, ignore, job, silent
from trading_system.domain.errors import ConfigurationError, InvalidRequest
from trading_system.research import sweeping
from trading_system.research.permutation import p_value
from trading_system.research.space import accepted
from trading_system.research.sweep_record import opened
from trading_system.research.sweeping import Plan
from trading_system.research.walk_forward import lengths

WALK = lengths("train=5d,test=4d")


def done(asked, folder, **asked_too):
    """The answer of a whole sweep and the files it left."""
    here = opened(folder, asked.description)
    sweeping.judge(asked, here, Serial(), silent)
    found = sweeping.answer(asked, here, 3, **asked_too)
    return found, sweeping.write(found, asked, here)


def test_a_sweep_leaves_a_table_and_a_page(tmp_path):
    asked = job(axes=["fast=2:20:2", "slow=6:30:4"])
    found, (table, page) = done(asked, tmp_path)
    numbers = [
        n for n, _ in accepted(asked.question.recipe.kind(), asked.question.space, range(70))
    ]
    rows = parquet.read_table(table)
    assert rows["combination"].to_pylist() == numbers
    assert json.loads(rows.schema.metadata[b"sweep"]) == asked.description.members
    assert found.refused == 70 - len(numbers)
    assert found.best[0].metrics.sharpe == max(rows["sharpe"].to_pylist())
    text = page.read_text()
    assert text.count("<script") == 3
    assert not re.search(r"(src|href)=", text.replace(scripts(text), ""))


def scripts(text):
    """What plotly.js and our own script are, which may hold anything."""
    return text[text.rindex("<script>", 0, text.rindex("<script>")) :]


def plots(page):
    return json.loads(re.search(r'id="plots">(.*?)</script>', page.read_text())[1])


def test_the_page_has_a_place_for_every_picture(tmp_path):
    asked = job()
    here = opened(tmp_path, asked.description)
    walked = sweeping.walk(asked, WALK, Serial(), silent)
    scores = sweeping.luck(asked, 5, here, Serial(), silent)
    found, (_, page) = done(asked, tmp_path, walked=walked, scores=scores)
    assert plots(page).keys() == {"heat", "parallel", "walk", "luck"}
    text = page.read_text()
    assert all(f'id="{name}"' in text for name in plots(page))
    assert found.p_value == p_value(found.score, scores)
    assert f"p = {found.p_value:.3g}" in text
    course = plots(page)["walk"]
    assert course["data"][0]["y"] == walked.result.equity.tolist()
    assert len(course["layout"]["shapes"]) == len(walked.steps) - 1


def test_a_page_says_what_the_map_holds_still_and_what_stayed_flat(tmp_path):
    from tests.research.sweeps import fragile

    asked = job(fragile(tmp_path), ["turns=1,2,4", "dead=yes,no"])
    _, (_, page) = done(asked, tmp_path)
    assert "sharpe</h2>" in page.read_text()
    asked = job(axes=["fast=2,3", "slow=10,20", "short=no,yes"])
    _, (_, page) = done(asked, tmp_path)
    assert "sharpe, with short=no</h2>" in page.read_text()
    asked = job(fragile(tmp_path), ["turns=1", "dead=yes"])
    walked = sweeping.walk(asked, WALK, Serial(), silent)
    _, (_, page) = done(asked, tmp_path, walked=walked)
    assert "<td>flat</td><td>–</td>" in page.read_text()


def test_one_that_was_stopped_keeps_what_there_is_and_goes_on(tmp_path):
    asked = job()
    here = opened(tmp_path, asked.description)
    with pytest.raises(KeyboardInterrupt):
        sweeping.judge(asked, here, Serial(dies_after=4), silent)
    part = sweeping.answer(asked, here, 3)
    assert 0 < len(part.rows) < asked.survey.accepted
    assert len(sweeping.write(part, asked, here)) == 2
    whole, files = done(asked, tmp_path)
    assert len(whole.rows) == asked.survey.accepted
    assert whole.rows[: len(part.rows)].tobytes() == part.rows.tobytes()
    undisturbed = tmp_path / "undisturbed"
    _, others = done(asked, undisturbed)
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in others]


def test_one_that_was_stopped_at_once_has_an_empty_table_and_no_page(tmp_path):
    asked = job()
    here = opened(tmp_path, asked.description)
    found = sweeping.answer(asked, here, 3)
    assert found.best == []
    assert sweeping.write(found, asked, here) == [here.table]


def test_a_random_choice_is_judged_in_the_order_it_was_drawn(tmp_path):
    asked = job(plan=Plan(way="random", trials=20, seed=3))
    found, _ = done(asked, tmp_path)
    drawn = [n for n in asked.candidates if n in set(found.rows["combination"].tolist())]
    assert found.rows["combination"].tolist() == drawn
    assert len(drawn) + found.refused == 20


def test_a_search_keeps_its_study_where_it_is_told(tmp_path):
    asked = job(plan=Plan(way="tpe", trials=2, study=f"sqlite:///{tmp_path}/mine.db"))
    told = []
    here = opened(tmp_path, asked.description)
    sweeping.judge(
        asked, here, Serial(), lambda stage, total: told.append((stage, total)) or ignore
    )
    assert told == [("trials", 2)]
    assert (tmp_path / "mine.db").exists()
    assert not (here.path / "study.db").exists()


@pytest.mark.parametrize(
    ("plan", "windows", "permutations", "reason"),
    [
        (Plan(way="tpe"), WALK, 0, "take the same combinations every time"),
        (Plan(way="tpe"), None, 10, "take the same combinations every time"),
        (Plan(way="clever"), None, 0, "there is no way 'clever' to search: grid, random, "),
    ],
)
def test_what_cannot_be_asked_together_is_refused(plan, windows, permutations, reason):
    with pytest.raises(InvalidRequest, match=reason):
        sweeping.check(plan, windows, permutations)


def test_a_search_without_the_extra_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "trading_system.research.search", raising=False)
    monkeypatch.delattr("trading_system.research.search", raising=False)
    with pytest.raises(ConfigurationError, match=r"pip install 'trading-system\[backtest\]'"):
        sweeping.check(Plan(way="tpe"), None, 0)


def test_all_else_can():
    for plan in (Plan(), Plan(way="random")):
        sweeping.check(plan, WALK, 10)
    sweeping.check(Plan(way="tpe"), None, 0)


def test_progress_is_told_by_stage(tmp_path):
    told = []

    def progress(stage, total):
        return lambda count: told.append((stage, count, total))

    asked = job()
    here = opened(tmp_path, asked.description)
    sweeping.judge(asked, here, Serial(), progress)
    sweeping.walk(asked, WALK, Serial(), progress)
    sweeping.luck(asked, 2, here, Serial(), progress)
    accepted_ones = asked.survey.accepted
    assert told[-1] == ("permuted markets", 2, 2)
    assert ("combinations", accepted_ones, accepted_ones) in told
    assert ("walking forward", accepted_ones, accepted_ones) in told
    assert HISTORY.warmup == 49


def test_a_sweep_without_an_axis_is_one_backtest(tmp_path):
    found, (table, page) = done(job(axes=[]), tmp_path)
    assert parquet.read_table(table).num_rows == 1
    assert found.best[0].values == {}
    assert plots(page).keys() == {"parallel"}
