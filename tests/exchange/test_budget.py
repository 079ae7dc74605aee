"""One budget for several processes: what is told is heard, and nothing in the file can hurt."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from trading_system.exchange import budget
from trading_system.exchange.budget import SharedBudget
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import (
    ORDERS_PER_DAY,
    WEIGHT_PER_MINUTE,
    Bans,
    Cost,
    Grant,
    Priority,
    Use,
)

VENUE = "https://venue.test"
NOW = 1_800_000_030_000
USE = Use(WEIGHT_PER_MINUTE, 30_000_000, 1, 2, 3, 4, 5)
DAY_USE = Use(ORDERS_PER_DAY, 20_833, 6, 7, 8, 9, 10)


@pytest.fixture
def join(tmp_path):
    """Join the budget of a venue as one more process would."""
    joined = []

    def join(venue=VENUE):
        joined.append(SharedBudget.opened(tmp_path, venue))
        return joined[-1]

    yield join
    for each in joined:
        each.close()


def only_file(folder):
    (path,) = folder.iterdir()
    return path


def test_what_one_tells_the_others_hear(join):
    one, two, three = join(), join(), join()
    one.tell([USE, DAY_USE], Bans())
    two.tell([DAY_USE], Bans(7, 8))
    assert three.hear() == ((USE, DAY_USE, DAY_USE), Bans(7, 8))
    assert one.hear() == ((DAY_USE,), Bans(7, 8))
    later = USE._replace(slot=USE.slot + 1, pending=0)
    one.tell([later, DAY_USE], Bans())
    assert three.hear()[0] == (later, DAY_USE, DAY_USE)


def test_other_venues_have_other_budgets(join):
    join().tell([USE], Bans())
    assert join("https://other.test").hear() == ((), Bans())


def test_a_ban_and_the_use_of_a_window_outlive_their_process(join):
    join().tell([USE], Bans(NOW + 60_000))
    later = Limiter(neighbours=join())
    assert later.ask(Cost(1), Priority.ORDERS, NOW) == 60_000
    assert later.bans.everything == NOW + 60_000


PROCESS = """
import sys
from pathlib import Path
from trading_system.exchange.budget import SharedBudget
from trading_system.resilience.limiter import Limiter
from trading_system.resilience.limits import Cost, Priority, WEIGHT_PER_MINUTE
limiter = Limiter({WEIGHT_PER_MINUTE: 100}, neighbours=SharedBudget.opened(Path(sys.argv[1]), sys.argv[2]))
print(sum(not isinstance(limiter.ask(Cost(1), Priority.ORDERS, int(sys.argv[3])), int) for _ in range(90)))
"""  # noqa: E501


def test_processes_at_the_same_time_are_granted_no_more_than_one_would_be(tmp_path):
    run = [sys.executable, "-c", PROCESS, str(tmp_path), VENUE, str(NOW)]
    both = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    granted = [int(process.communicate(timeout=60)[0]) for process in both]
    assert 90 <= sum(granted) <= 100


@pytest.mark.parametrize("content", [b"x", b"torn" * 100, b"\xff" * 20_000])
def test_a_file_that_is_no_budget_begins_anew(join, tmp_path, content):
    join().close()
    only_file(tmp_path).write_bytes(content)
    one, two = join(), join()
    one.tell([USE], Bans(3))
    assert two.hear() == ((USE,), Bans(3))


def test_a_seat_that_is_torn_is_heard_as_it_was_before(join, tmp_path):
    one, two = join(), join()
    one.tell([USE], Bans())
    two.hear()
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[8 + 60] ^= 0xFF
    path.write_bytes(content)
    assert two.hear()[0] == (USE,)
    assert join().hear()[0] == (), "who never heard it whole knows nothing of it"


def test_two_that_took_the_same_seat_part_again(join):
    one, two, three = join(), join(), join()
    two._start, two._end = one._start, one._end  # as if both had begun at one moment
    two._memory[two._start + 24 : two._start + 32] = two._key_bytes
    one.tell([USE], Bans())
    two.tell([DAY_USE], Bans())
    assert sorted(three.hear()[0]) == sorted([USE, DAY_USE])


def test_a_dead_process_makes_room_the_longest_dead_first(join, monkeypatch):
    seated = [join() for _ in range(16)]
    for number, each in enumerate(seated):
        each.tell([USE._replace(slot=100 - number)], Bans(number))
    monkeypatch.setattr(budget, "_alive", lambda _: False)
    late = join()
    assert late.hear()[1] == Bans(15), "the ban of the seat that was taken over"
    late.tell([USE], Bans())
    slots = sorted(use.slot for use in seated[0].hear()[0])
    assert slots == [*range(86, 100), USE.slot], "85, the oldest, is gone; 100 is its own"


def test_who_finds_no_seat_still_hears(join):
    seated = [join() for _ in range(16)]
    late = join()
    seated[3].tell([USE], Bans())
    late.tell([DAY_USE], Bans())
    assert late.hear()[0] == (USE,)
    assert seated[0].hear()[0] == (USE,)


def test_who_loses_a_seat_when_none_is_free_goes_on_unheard(join):
    seated = [join() for _ in range(16)]
    seated[1]._start, seated[1]._end = seated[0]._start, seated[0]._end
    seated[1].tell([USE], Bans())
    assert seated[0].hear()[0] == ()


def seat(process, started=0):
    return budget._Seat(process, started, 1, Bans(), ())


def test_a_process_is_alive_when_its_number_and_its_start_are_right():
    ours = os.getpid()
    assert budget._alive(seat(ours, budget._started(ours)))
    assert not budget._alive(seat(ours, 12345))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not budget._alive(seat(ended.pid))
    assert budget._started(ended.pid) == 0


def test_a_process_of_somebody_else_is_alive(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert budget._alive(seat(1))


def are_alone(folder):
    """Whether two processes that are given this folder do not hear each other."""
    ours, theirs = (SharedBudget.opened(folder, VENUE) for _ in range(2))
    ours.tell([USE], Bans())
    heard = theirs.hear()
    ours.close()
    theirs.close()
    return heard == ((), Bans())


@pytest.fixture
def place(join, tmp_path):
    """Where the file of the budget lies, with nothing there yet."""
    join()
    path = only_file(tmp_path)
    path.unlink()
    return path


def test_where_no_file_can_be_we_are_alone(tmp_path):
    (tmp_path / "file").write_text("")
    assert are_alone(tmp_path / "file")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_folder_others_may_write_to_is_not_used(tmp_path, mode):
    tmp_path.chmod(mode)
    assert are_alone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_others_may_only_look_into_is_used(tmp_path):
    tmp_path.chmod(0o755)
    assert not are_alone(tmp_path)


def test_a_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert are_alone(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_the_file_is_not_followed(place, tmp_path):
    precious = tmp_path / "precious.db"
    precious.write_bytes(b"SQLite format 3")
    place.symlink_to(precious)
    assert are_alone(tmp_path)
    assert precious.read_bytes() == b"SQLite format 3"


def test_a_file_others_may_write_to_is_not_used(place, tmp_path):
    place.touch()
    place.chmod(0o666)
    assert are_alone(tmp_path)
    assert place.read_bytes() == b""


def test_a_pipe_in_the_place_of_the_file_is_not_used(place, tmp_path):
    os.mkfifo(place, 0o600)
    assert are_alone(tmp_path)


def test_a_link_in_the_place_of_the_default_folder_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(budget.tempfile, "gettempdir", lambda: str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / f"trading-system-budget-{os.getuid()}").symlink_to(elsewhere)
    assert are_alone(None)
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_was_chosen_may_be_a_link(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "chosen").symlink_to(elsewhere)
    assert not are_alone(tmp_path / "chosen")


def test_without_a_folder_it_lies_among_the_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(budget.tempfile, "gettempdir", lambda: str(tmp_path))
    SharedBudget.opened(None, VENUE).close()
    assert (tmp_path / f"trading-system-budget-{os.getuid()}").is_dir()


async def test_two_limiters_together_grant_as_much_as_one(join):
    """In turns, as two busy processes would."""
    limiters = [Limiter({WEIGHT_PER_MINUTE: 100}, neighbours=join()) for _ in range(2)]
    granted = [0, 0]

    async def flood(which):
        for _ in range(100):
            answer = limiters[which].ask(Cost(1), Priority.ORDERS, NOW)
            granted[which] += isinstance(answer, Grant)
            await asyncio.sleep(0)

    await asyncio.gather(flood(0), flood(1))
    assert granted == [50, 50]
