"""Pausing, killing and arming: what counts from when, and what outlives the program."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from trading_system.domain.control import ControlEntry, ControlState
from trading_system.domain.errors import NotAllowed, StorageError
from trading_system.domain.events import ControlChanged
from trading_system.execution.control import Arming, Control

KILLED, PAUSED, RUNNING = ControlState.KILLED, ControlState.PAUSED, ControlState.RUNNING
ANN = {"reason": "because", "who": "ann"}


@pytest.fixture
def restarted(control_log, clock, bus):
    """A control as another run of the program has it; the codes it told the log."""

    async def build(arming=Arming.FREE):
        control = Control(log=control_log, clock=clock, bus=bus, arming=arming)
        with capture_logs() as logs:
            await control.load()
        return control, codes(logs)

    return build


def codes(logs):
    return [each["arm_with"].split()[-1] for each in logs if "arm_with" in each]


class AnOrder:
    id = "an order"
    request = SimpleNamespace(reduce_only=False)


class AClosingOrder:
    id = "another"
    request = SimpleNamespace(reduce_only=True)


def test_nothing_is_taken_before_it_is_known_how_the_last_run_ended(control_log, clock, bus):
    control = Control(log=control_log, clock=clock, bus=bus, arming=Arming.FREE)
    assert control.state is PAUSED


async def test_a_first_start_runs(control):
    assert (control.state, control.armed) == (RUNNING, True)


async def test_what_was_decided_outlives_a_restart(control, restarted):
    await control.pause(reason="lunch", who="ann")
    again, _ = await restarted()
    assert (again.state, again.entry.reason, again.entry.who) == (PAUSED, "lunch", "ann")
    await again.resume(**ANN)
    again, _ = await restarted()
    assert again.state is RUNNING
    await again.kill(flatten=True, **ANN)
    again, _ = await restarted()
    assert (again.state, again.entry.flatten, again.killed.is_set()) == (KILLED, True, True)


async def test_every_decision_is_kept_with_who_why_and_when_and_is_told(control, bus, clock):
    told = []
    bus.subscribe(ControlChanged, told.append)
    await control.pause(reason="lunch", who="ann")
    await clock.advance(60)
    await control.resume(reason="back", who="bob")
    assert [(each.state, each.reason, each.who) for each in await control.history()] == [
        (RUNNING, "back", "bob"),
        (PAUSED, "lunch", "ann"),
    ]
    newest, oldest = await control.history()
    assert newest.at - oldest.at == timedelta(seconds=60)
    assert [each.entry for each in told] == [oldest, newest]
    assert await control.history(1) == [newest]


async def test_a_kill_is_ended_by_arming_alone(control):
    await control.kill(flatten=False, **ANN)
    for change in (control.pause, control.resume):
        with pytest.raises(NotAllowed, match="arm it"):
            await change(**ANN)
    assert control.state is KILLED
    await control.arm(code=None, who="ann")
    assert (control.state, control.killed.is_set()) == (RUNNING, False)


async def test_arming_does_not_end_a_pause(control):
    await control.pause(**ANN)
    await control.arm(code=None, who="ann")
    assert control.state is PAUSED


async def test_a_kill_counts_before_it_is_on_disk_and_though_the_disk_fails(control, control_log):
    control_log.gate = asyncio.Event()
    kill = asyncio.ensure_future(control.kill(flatten=False, **ANN))
    await asyncio.sleep(0)
    assert control.state is KILLED
    assert control_log.rows == []
    control_log.failure = StorageError("disk full")
    control_log.gate.set()
    with pytest.raises(StorageError):
        await kill
    assert control.state is KILLED


async def test_a_kill_ends_only_when_that_is_on_disk(control, control_log):
    await control.kill(flatten=False, **ANN)
    control_log.failure = StorageError("disk full")
    with pytest.raises(StorageError):
        await control.arm(code=None, who="ann")
    assert control.state is KILLED


@pytest.mark.parametrize("change", ["resume", "pause"])
async def test_a_kill_stands_against_what_was_being_written_when_it_came(
    control, control_log, change, restarted
):
    control_log.gate = asyncio.Event()
    changing = asyncio.ensure_future(getattr(control, change)(**ANN))
    await asyncio.sleep(0)
    killing = asyncio.ensure_future(control.kill(flatten=False, **ANN))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(control.arm(code=None, who="bob"))
    await asyncio.sleep(0)
    control_log.gate.set()
    with pytest.raises(NotAllowed, match="killed meanwhile"):
        await changing
    await killing
    await waiting  # it was asked for after the kill, and so ends it
    assert [each.state for each in control_log.rows][1:] == [KILLED, RUNNING]


async def test_a_change_that_waits_behind_a_kill_is_not_even_written(control, control_log):
    control_log.gate = asyncio.Event()
    first = asyncio.ensure_future(control.pause(**ANN))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(control.resume(**ANN))
    await asyncio.sleep(0)
    kill = asyncio.ensure_future(control.kill(flatten=False, **ANN))
    await asyncio.sleep(0)
    control_log.gate.set()
    results = await asyncio.gather(first, second, kill, return_exceptions=True)
    assert [type(each) for each in results] == [NotAllowed, NotAllowed, ControlEntry]
    assert [each.state for each in control_log.rows] == [PAUSED, KILLED]
    assert control.state is KILLED


async def test_a_second_kill_forgets_nothing_of_the_first(control):
    await control.kill(flatten=True, **ANN)
    entry = await control.kill(flatten=False, reason="again", who="bob")
    assert (entry.flatten, control.entry.reason) == (True, "again")
    await control.arm(code=None, who="ann")
    entry = await control.kill(flatten=False, **ANN)
    assert entry.flatten is False


async def test_an_order_on_record_is_not_sent_after_a_kill_unless_it_closes_a_position(control):
    assert control.may_send(AnOrder) is None
    await control.kill(reason="mad", who="ann", flatten=True)
    assert control.may_send(AnOrder) == "trading was killed before it was sent: mad"
    control.exempt(AnOrder.id)
    assert control.may_send(AnOrder) is None
    assert control.may_send(AnOrder) is not None


async def test_real_money_takes_the_setting_first(restarted):
    control, told = await restarted(Arming.SETTING)
    assert (control.armed, told) == (False, [])
    with pytest.raises(NotAllowed, match="LIVE_TRADING_ARMED=yes"):
        await control.arm(code="x", who="ann")


async def test_real_money_takes_the_code_that_the_log_of_this_run_tells_once(
    restarted, control_log
):
    control, (code,) = await restarted(Arming.CODE)
    assert control.armed is False
    for wrong in (None, "", code[:-1], code.upper() + "x", "\N{SNOWMAN}"):
        with pytest.raises(NotAllowed) as refused:
            await control.arm(code=wrong, who="eve")
        assert code not in str(refused.value)
    assert control.armed is False
    await control.arm(code=code, who="ann")
    assert (control.armed, control.state) == (True, RUNNING)
    assert code not in repr(control_log.rows)
    assert len(code) == 16


async def test_a_code_ends_with_its_run_and_so_does_being_armed(restarted):
    control, (old,) = await restarted(Arming.CODE)
    await control.arm(code=old, who="ann")
    control, (new,) = await restarted(Arming.CODE)
    assert control.armed is False
    assert new != old
    with pytest.raises(NotAllowed):
        await control.arm(code=old, who="ann")


async def test_a_kill_uses_the_code_up_and_the_log_tells_another(restarted):
    control, (first,) = await restarted(Arming.CODE)
    await control.arm(code=first, who="ann")
    with capture_logs() as logs:
        await control.kill(flatten=False, **ANN)
    (second,) = codes(logs)
    assert control.armed is False
    with pytest.raises(NotAllowed):
        await control.arm(code=first, who="ann")
    await control.arm(code=second, who="ann")
    assert (control.armed, control.state) == (True, RUNNING)


async def test_a_code_that_could_not_be_used_is_replaced(restarted, control_log):
    control, (first,) = await restarted(Arming.CODE)
    control_log.failure = StorageError("disk full")
    with capture_logs() as logs, pytest.raises(StorageError):
        await control.arm(code=first, who="ann")
    control_log.failure = None
    assert control.armed is False
    (second,) = codes(logs)
    await control.arm(code=second, who="ann")
    assert control.armed is True


async def test_what_was_saved_before_a_pause_is_not_sent_in_it_unless_it_closes(control):
    await control.pause(reason="lunch", who="ann")
    assert control.may_send(AnOrder) == "trading was paused before it was sent: lunch"
    assert control.may_send(AClosingOrder) is None
    await control.resume(**ANN)
    assert control.may_send(AnOrder) is None
    await control.kill(flatten=True, **ANN)
    assert control.may_send(AClosingOrder).startswith("trading was killed")


async def test_what_ends_a_kill_is_written_after_it(control, control_log, restarted):
    """Else the kill, written later, would be what the next start goes by."""
    control_log.failure = StorageError("disk full")
    with pytest.raises(StorageError):
        await control.kill(flatten=False, **ANN)
    control_log.failure = None
    await control.arm(code=None, who="ann")
    await control.write_down()
    assert [each.state for each in control_log.rows] == [KILLED, RUNNING]
    again, _ = await restarted()
    assert again.state is RUNNING


async def test_no_kill_is_lost_though_another_follows_before_it_is_written(control, control_log):
    control_log.failure = StorageError("disk full")
    for reason in ("mad", "madder"):
        with pytest.raises(StorageError):
            await control.kill(flatten=False, reason=reason, who="ann")
    control_log.failure = None
    await control.write_down()
    assert [each.reason for each in control_log.rows] == ["mad", "madder"]


async def test_kills_are_counted_over_restarts(control, restarted):
    for reason in ("mad", "madder"):
        await control.kill(flatten=False, reason=reason, who="ann")
    again, _ = await restarted()
    assert again.kills == 2
    assert again.kill_after(1).reason == "madder"
    assert again.kill_after(2) is None


@pytest.mark.parametrize("wish", ["kill", "arm"])
async def test_whoever_is_cut_off_while_it_is_written_leaves_it_written_once(
    control, control_log, restarted, wish
):
    """Or the next run would count a kill that there never was, and stop what runs by now."""
    append, written = control_log.append, asyncio.Event()

    async def slowly(entry):
        await append(entry)
        written.set()
        await asyncio.sleep(0)

    if wish == "arm":
        await control.kill(**ANN, flatten=False)
    control_log.append = slowly
    ask = control.kill(**ANN, flatten=False) if wish == "kill" else control.arm(code=None, who="x")
    asked = asyncio.create_task(ask)
    await written.wait()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    assert asked.cancelled()
    await control.write_down()
    again, _ = await restarted()
    assert (again.kills, again.state) == (control.kills, control.state)
    assert again.state is (KILLED if wish == "kill" else RUNNING)
