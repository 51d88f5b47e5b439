from dataclasses import replace
from typing import Any

import pytest
from tests.scheduling.cluster import job
from tests.server.alerting.watched import World, node

from sentinel.alerting.outbox import DeliveryState
from sentinel.core.errors import StoreUnavailable
from sentinel.core.job import Job, JobState, Placement, Rank
from sentinel.ports.store import NewEvent, Transaction
from sentinel.scheduling.lifecycle import Allocate, Exited, Input, Running, Silence, move
from sentinel.scheduling.writing import take_lease, write_move
from sentinel.server.alerting import job_ends
from sentinel.server.alerting.job_notice import channels_for


@pytest.fixture
def world() -> World:
    made = World()
    made.channel("mail", "pager")
    made.write(node("gpu01"))
    made.ends.step()  # from now on
    return made


def submit(world: World, id: str, *notify: str, **more: Any) -> None:
    made = replace(job(id, name="train", notify=notify, **more), submitted_at=world.wall)
    world.store.behind.write(lambda tx: tx.add_job(made, {}))


def happens(world: World, id: str, what: Input) -> None:
    def work(tx: Transaction) -> None:
        found = tx.job(id)
        assert found is not None
        made = move(found, what, world.wall)
        assert made is not None
        moved = write_move(tx, made, "/nodes/gpu01", world.wall)
        if isinstance(what, Allocate):
            take_lease(tx, moved, world.wall)

    world.store.behind.write(work)


def begins(world: World, id: str, attempt: int = 1) -> str:
    token = f"{id}-{attempt}"
    placement = Placement(node="id-gpu01", gpus=(f"GPU-{id}",), token=token)
    happens(world, id, Allocate(placement=placement, node_name="gpu01"))
    happens(world, id, Running(token=token, started_at=world.wall))
    return token


def ends(world: World, id: str, token: str, exit_code: int = 0, signal: int | None = None) -> None:
    happens(world, id, Exited(token=token, exit_code=None if signal else exit_code, signal=signal))


def look(world: World) -> None:
    world.ends.step()
    world.send()


def titles(world: World, channel: str = "mail") -> list[str]:
    return [one.message.title for one in world.taken if one.channel == channel]


def test_an_owner_is_told_of_the_end(world: World) -> None:
    submit(world, "j1", "mail:end")
    token = begins(world, "j1")
    look(world)
    assert world.taken == []
    world.wait(3 * 3600.0)
    ends(world, "j1", token)
    look(world)
    look(world)
    assert titles(world) == ["Job j1 (train) of alice has succeeded on gpu01 after 3 h"]
    said = world.taken[0].message
    assert (said.severity, said.resolved, said.route) == ("info", True, "job")
    assert said.group_labels == {"job": "j1", "owner": "alice"}
    assert said.sent_at == pytest.approx(world.wall)
    assert "Next: `sentinel job show j1`" in said.body
    assert world.taken[0].key == "job-j1-1-end-mail"
    assert said.alerts[0].labels["node"] == "gpu01"


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ({"exit_code": 3}, "Job j1 (train) of alice has failed with exit code 3 on gpu01 after 0 ms"),
        ({"signal": 9}, "Job j1 (train) of alice was ended by signal 9 on gpu01 after 0 ms"),
    ],
)
def test_what_failed_is_told_as_such_and_once_a_channel(world: World, end: dict[str, int], text: str) -> None:
    submit(world, "j1", "mail:fail", "pager:fail", "pager:end", "mail:start")
    token = begins(world, "j1")
    look(world)
    assert titles(world) == ["Job j1 (train) of alice runs on gpu01"]
    ends(world, "j1", token, **end)
    look(world)
    assert titles(world)[1:] == titles(world, "pager") == [text]
    assert (world.taken[1].message.severity, world.taken[1].message.resolved) == ("warning", False)


def test_who_only_minds_failures_hears_nothing_of_success(world: World) -> None:
    submit(world, "j1", "mail:fail")
    ends(world, "j1", begins(world, "j1"))
    submit(world, "j2")
    ends(world, "j2", begins(world, "j2"), exit_code=1)
    look(world)
    assert world.taken == [] and world.outbox() == []


def test_all_that_happened_between_two_looks_is_told_in_order(world: World) -> None:
    submit(world, "j1", "mail:start", "mail:end")
    ends(world, "j1", begins(world, "j1"))
    look(world)
    assert [title.split(" of alice ")[1] for title in titles(world)] == [
        "runs on gpu01",
        "has succeeded on gpu01 after 0 ms",
    ]


def test_what_is_tried_again_has_not_ended(world: World) -> None:
    submit(world, "j1", "mail:start", "mail:end", retries=1)
    ends(world, "j1", begins(world, "j1"), exit_code=1)
    look(world)
    world.wait(60.0)
    ends(world, "j1", begins(world, "j1", 2), exit_code=1)
    look(world)
    assert [one.key for one in world.taken] == [
        "job-j1-1-start-mail",
        "job-j1-2-start-mail",
        "job-j1-2-end-mail",
    ]


def test_a_job_that_was_lost_and_is_found_again_did_not_start_again(world: World) -> None:
    submit(world, "j1", "mail:start")
    token = begins(world, "j1")
    look(world)
    began = world.wall
    for hours in (1, 30):
        world.wait(hours * 3600.0)
        world.sender.sweep()
        happens(world, "j1", Silence(token=token, why="no beat"))
        happens(world, "j1", Running(token=token, started_at=began))
        look(world)
    assert len(world.taken) == 1


def test_parts_of_gangs_are_told_by_the_gang(world: World) -> None:
    submit(world, "g1.1.0", "mail:end")
    with world.store.behind.read() as reader:
        part = reader.job("g1.1.0")
    assert part is not None
    made = replace(part, part=Rank(of="g1", rank=0, size=2), state=JobState.RUNNING, attempt=1)
    world.store.behind.write(lambda tx: tx.put_job(made))
    world.store.behind.write(lambda tx: tx.add_event(_ended("g1.1.0", world)))
    look(world)
    assert world.taken == []


def _ended(id: str, world: World, **data: object) -> NewEvent:
    told = {"state": "SUCCEEDED", "attempt": 1, "name": "train", "node": "gpu01", **data}
    return NewEvent(time=world.wall, type="sentinel.job.succeeded", subject=id, data=told, tenant="default")


def test_what_happened_before_it_ever_ran_is_told_to_nobody() -> None:
    world = World()
    world.channel("mail")
    world.write(node("gpu01"))
    submit(world, "j1", "mail:end")
    ends(world, "j1", begins(world, "j1"))
    for _ in range(3):
        look(world)
    assert world.taken == []
    submit(world, "j2", "mail:end")
    ends(world, "j2", begins(world, "j2"))
    look(world)
    assert len(world.taken) == 1


def test_what_happened_while_it_was_away_is_told_when_it_is_back(world: World) -> None:
    submit(world, "j1", "mail:end")
    token = begins(world, "j1")
    look(world)
    ends(world, "j1", token)
    world.start()
    look(world)
    world.start()
    look(world)
    assert [one.key for one in world.taken] == ["job-j1-1-end-mail"]


def test_a_look_that_was_kept_though_nobody_said_so_is_told_once(world: World) -> None:
    submit(world, "j1", "mail:end")
    ends(world, "j1", begins(world, "j1"))
    world.store.deaf_commits = 1
    with pytest.raises(StoreUnavailable):
        world.ends.step()
    for _ in range(3):
        look(world)
    assert [one.key for one in world.taken] == ["job-j1-1-end-mail"]
    assert [one.state for one in world.outbox()] == [DeliveryState.SENT]


def test_how_far_it_got_is_kept_seldom_where_nobody_is_told(world: World) -> None:
    before = world.store.writes
    for nth in range(30):
        submit(world, f"j{nth}")
        ends(world, f"j{nth}", begins(world, f"j{nth}"))
        world.wait(2.0)
        world.ends.step()
    assert world.store.writes - before == 1


def test_many_at_once_are_looked_at_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_ends, "MOST_EVENTS", 4)
    for nth in range(6):
        submit(world, f"j{nth}", "mail:end")
        ends(world, f"j{nth}", begins(world, f"j{nth}"))
    looks = 1
    while world.ends.step():
        looks += 1
    world.send()
    assert looks == 4
    assert len({one.key for one in world.taken}) == len(world.taken) == 6


def test_a_store_that_went_back_in_time_says_itself_how_far_it_was(world: World) -> None:
    earlier = World()
    earlier.channel("mail")
    earlier.write(node("gpu01"))
    earlier.ends.step()
    for nth in range(30):
        submit(world, f"x{nth}")
    look(world)
    submit(earlier, "j1", "mail:end")
    ends(earlier, "j1", begins(earlier, "j1"))
    world.store.behind = earlier.store.behind
    look(world)
    assert [one.key for one in world.taken] == ["job-j1-1-end-mail"]


def test_jobs_are_no_alerts(world: World) -> None:
    submit(world, "j1", "mail:start")
    begins(world, "j1")
    look(world)
    world.start()
    for _ in range(5):
        world.round(after=60.0)
    assert len(world.taken) == 1  # nothing is "resolved" for it
    assert world.groups() == 0


def test_a_channel_that_nobody_knows_is_given_up(world: World) -> None:
    submit(world, "j1", "gone:end")
    ends(world, "j1", begins(world, "j1"))
    look(world)
    assert world.outbox()[0].state is DeliveryState.GIVEN_UP
    assert world.outbox()[0].error == "there is no channel gone any more"


def test_names_of_jobs_are_data(world: World) -> None:
    hostile = "{node}\n<!channel> \x1b[31m" + "x" * 500
    submit(world, "j1", "mail:end")
    with world.store.behind.read() as reader:
        kept = reader.job("j1")
    assert isinstance(kept, Job)
    named = replace(kept, spec=replace(kept.spec, name=hostile))
    world.store.behind.write(lambda tx: tx.put_job(named))
    ends(world, "j1", begins(world, "j1"))
    look(world)
    title = titles(world)[0]
    assert "\n" not in title and "\x1b" not in title and len(title) <= 300


def test_whom_a_job_tells() -> None:
    assert channels_for(("mail:end", "mail:fail", "pager:fail"), "sentinel.job.failed") == ("mail", "pager")
    assert channels_for(("mail:end", "pager:fail"), "sentinel.job.canceled") == ("mail",)
    assert channels_for(("mail:end",), "sentinel.job.running") == ()
    assert channels_for(("mail:end",), "sentinel.job.requeued") == ()
