from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.research.questions import record
from trading_system.domain.errors import InvalidRequest, NotFound, StorageError
from trading_system.research import result_files
from trading_system.research.backtest import _version
from trading_system.research.record import Record
from trading_system.research.result_files import find, heads, new_id, read, read_head, save

NOON = datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)
NAME = "20260101T120000123Z"


@pytest.fixture(scope="module")
def kept():
    return record()


def test_what_was_saved_is_read(tmp_path, kept):
    path = save(tmp_path / "results", NAME, kept, {"seconds": 0.1})
    assert path.name == f"backtest_{NAME}_{kept.run_id[:12]}.json"
    assert read(path) == (kept, {"seconds": 0.1})
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_head_is_all_but_the_columns(tmp_path, kept):
    head = read_head(save(tmp_path, NAME, kept, {"seconds": 0.1}))
    assert head.id == NAME
    assert head.circumstances == {"seconds": 0.1}
    names = {each.name for each in dataclasses.fields(Record)} - {"curve", "trades"}
    assert dict(head.result) == {name: getattr(kept, name) for name in names}


def test_circumstances_change_no_byte_of_the_result(kept):
    texts = [result_files.written(kept, {"seconds": seconds}) for seconds in (1, 2)]
    assert texts[0] != texts[1]
    assert {text.partition('\n"result":')[2] for text in texts} == {
        f"{result_files.result_text(kept)}}}\n"
    }
    assert json.loads(texts[0])["result"] == kept.to_json()


def test_a_file_is_there_whole_or_not_at_all(tmp_path, kept):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        save(tmp_path / "taken", NAME, kept, {})
    target = tmp_path / "page.html"
    result_files.write_whole(target, "old")
    with pytest.raises(UnicodeEncodeError):
        result_files.write_whole(target, "half \ud800")
    assert target.read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["page.html", "taken"]


def test_the_latest_come_first_and_what_is_no_result_is_passed_over(tmp_path, kept):
    for minute in ("01", "03", "02"):
        save(tmp_path, f"20260101T12{minute}00000Z", kept, {})
    (tmp_path / "backtest_20260101T120400000Z_abc.json").write_text("{")
    (tmp_path / "backtest_20260101T120500000Z_abc.json").write_text('{"result":[],\n"curve":1}')
    (tmp_path / "notes.json").write_text("{}")
    found = heads(tmp_path, 2)
    assert [head.id for head in found] == ["20260101T120300000Z", "20260101T120200000Z"]
    assert len(heads(tmp_path, 50)) == 3
    assert heads(tmp_path / "nowhere", 50) == []


def test_a_result_is_found_by_its_id(tmp_path, kept):
    path = save(tmp_path, NAME, kept, {})
    assert find(tmp_path, NAME) == path
    for name in ("20260101T120000124Z", "*", "../x", "", "2026"):
        with pytest.raises(NotFound, match="there is no backtest"):
            find(tmp_path, name)


def test_an_id_is_the_time_and_no_other_result_has_it(tmp_path, kept):
    assert new_id(tmp_path, NOON) == NAME
    save(tmp_path, NAME, kept, {})
    assert new_id(tmp_path, NOON) == "20260101T120000124Z"
    assert new_id(tmp_path, NOON, {"20260101T120000124Z"}) == "20260101T120000125Z"


def test_a_library_that_is_not_there_is_noted_as_such():
    assert _version("a library that nobody wrote") is None
    assert _version("numpy") == np.__version__


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file"),
        ("{", "no result of a backtest"),
        ("[]", "no result of a backtest"),
        ("{}", "no result of a backtest"),
        ('{"circumstances":{},"result":{}}', "no result of a backtest"),
    ],
)
def test_what_is_no_result_is_told(tmp_path, content, reason):
    path = tmp_path / "backtest_x_y.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidRequest, match=reason):
        read(path)
    with pytest.raises(InvalidRequest, match="no result of a backtest"):
        read_head(path)
