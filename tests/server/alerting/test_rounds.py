import json
import logging
from typing import Any

import pytest
from tests.alerting.alerts import finding, series
from tests.server.alerting.watched import HOT, World, node, rule

from sentinel.core.alert import AlertState, Comparison, NoData, Route, Silence
from sentinel.core.clock import rfc3339
from sentinel.core.errors import StoreUnavailable
from sentinel.core.node import NodeState
from sentinel.server.alerting.look import EXPECTED_WITHIN, NEWEST_WITHIN


@pytest.fixture
def world() -> World:
    made = World()
    made.channel("mail")
    made.write(rule("hot", hold=20.0), node("gpu01"))
    return made


def fired(world: World) -> None:
    """The alert of `hot` stands, and was told."""
    world.says(HOT, {series(): 95.0})
    world.round()
    world.round(after=20.0)
    assert world.told() == [("firing", "hot")]


def fares(world: World) -> dict[str, Any]:
    with world.store.behind.read() as reader:
        return json.loads(reader.meta("alerting") or "null")


def test_what_is_too_hot_for_long_enough_is_told_once_and_so_is_its_end(world: World) -> None:
    world.says(HOT, {series(): 95.0})
    world.round()
    assert world.alerts()["hot"].state is AlertState.PENDING
    world.round(after=19.0)
    assert world.taken == []
    world.round(after=1.0)
    assert world.told() == [("firing", "hot")]
    for _ in range(5):
        world.round()
    world.says(HOT, {series(): 40.0})
    world.round(after=60.0)
    assert world.told() == [("firing", "hot"), ("resolved", "hot")]
    assert [one.type for one in world.events()] == ["sentinel.alert.fired", "sentinel.alert.resolved"]
    event = world.events()[0]
    assert event.subject == world.alerts()["hot"].fingerprint
    assert (event.data["rule"], event.data["node"]) == ("hot", "gpu01")
    assert (event.data["severity"], event.data["labels"]["gpu"]) == ("warning", "0")


def test_the_next_round_comes_when_a_condition_has_held_for_long_enough(world: World) -> None:
    world.write(rule("hot", hold=20.4))
    world.says(HOT, {series(): 95.0})
    assert world.round() == pytest.approx(1.0)
    assert world.round(after=20.0) == pytest.approx(0.4)
    world.round(after=0.4)
    assert world.told() == [("firing", "hot")]
    assert world.round() == pytest.approx(1.0)


def test_the_next_round_comes_when_a_group_has_waited_for_company(world: World) -> None:
    world.write(Route(name="all", channels=("mail",), group_wait=0.3))
    world.write(rule("hot", hold=0.0))
    world.says(HOT, {series(): 95.0})
    assert world.round() == pytest.approx(0.3)
    assert world.taken == []
    world.round(after=0.3)
    assert world.told() == [("firing", "hot")]


def test_a_round_that_cannot_be_kept_is_not_taken_and_its_time_counts_later(world: World) -> None:
    world.says(HOT, {series(): 95.0})
    world.round()
    world.store.away = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            world.round(after=6.0)
    world.store.away = False
    assert world.alerts()["hot"].held == 0.0
    world.round(after=2.0)
    assert world.told() == [("firing", "hot")]
    assert len(world.events()) == 1


def test_a_round_that_was_kept_though_nobody_said_so_is_told_once(world: World) -> None:
    world.write(rule("hot", hold=0.0))  # so that the alert would be another one if it were made again
    world.says(HOT, {series(): 95.0})
    world.store.deaf_commits = 1
    with pytest.raises(StoreUnavailable):
        world.round()
    assert world.taken == []
    for _ in range(3):
        world.round()
    assert world.told() == [("firing", "hot")]
    assert len(world.events()) == len(world.outbox()) == 1


def test_while_the_history_is_away_what_stood_stands(world: World, caplog: pytest.LogCaptureFixture) -> None:
    fired(world)
    world.past.away = "its disk is full"
    for _ in range(10):
        world.round(after=60.0)
    assert world.alerts()["hot"].state is AlertState.FIRING
    assert fares(world)["history"] == "its disk is full"
    assert [one.message for one in caplog.records if one.levelno == logging.WARNING].count(
        "rules are not evaluated, as the history does not answer: its disk is full"
    ) == 1
    world.past.away = None
    world.round()
    world.round(after=10.0)
    assert fares(world)["history"] == "ok"
    assert len([one for one in world.told() if one[0] != "firing"]) == 0


def test_what_the_controller_knows_itself_is_known_without_a_history(world: World) -> None:
    world.past.away = "its disk is full"
    world.write(node("gpu01", NodeState.SILENT))
    world.round()
    world.round(after=60.0)
    assert world.told() == [("firing", "node-silent")]
    assert world.taken[0].message.alerts[0].labels["node"] == "gpu01"


def test_a_node_that_is_heard_of_again_ends_its_alert_and_a_dead_one_too(world: World) -> None:
    for state in (NodeState.UP, NodeState.DEAD):
        world.write(node("gpu01", NodeState.SILENT))
        world.round()
        world.round(after=61.0)
        assert world.alerts()["node-silent"].state is AlertState.FIRING
        world.write(node("gpu01", state))
        world.round()
        assert world.alerts()["node-silent"].state is AlertState.RESOLVED


def test_an_acknowledgement_is_taken_over_and_no_reminder_follows(world: World) -> None:
    fired(world)
    id = world.alerts()["hot"].fingerprint
    world.put("alert-ack", id, {"by": "ann", "at": rfc3339(world.wall), "why": "I look", "withdrawn": False})
    world.round()
    ack = world.alerts()["hot"].ack
    assert ack is not None and (ack.by, ack.why) == ("ann", "I look")
    with world.store.behind.read() as reader:
        assert reader.documents("alert-ack") == []
    for _ in range(300):
        world.round(after=60.0)
    assert len(world.taken) == 1
    world.put("alert-ack", id, {"by": "ann", "at": rfc3339(world.wall), "why": "", "withdrawn": True})
    world.round()
    assert world.alerts()["hot"].ack is None
    world.round(after=1.0)
    assert world.taken[-1].message.reminder


def test_an_acknowledgement_of_what_is_over_goes_away(world: World) -> None:
    fired(world)
    id = world.alerts()["hot"].fingerprint
    world.says(HOT, {series(): 40.0})
    world.round()
    world.put("alert-ack", id, {"by": "ann", "at": rfc3339(world.wall), "why": "", "withdrawn": False})
    world.put("alert-ack", "0123", {"by": "ann", "at": rfc3339(world.wall), "why": "", "withdrawn": False})
    world.round()
    assert world.alerts()["hot"].ack is None
    with world.store.behind.read() as reader:
        assert reader.documents("alert-ack") == []


def test_findings_are_alerts_until_they_are_gone(world: World) -> None:
    world.findings("gpu01", finding())
    world.round()
    assert world.told() == [("firing", "finding")]
    assert world.taken[0].message.title == "[FIRING] The GPU has fallen off the bus"
    world.write(node("gpu01", NodeState.SILENT))
    world.findings("gpu01")
    world.round(after=10.0)
    assert world.alerts()["finding"].state is AlertState.FIRING  # nobody knows
    world.write(node("gpu01"))
    world.round(after=60.0)
    assert world.told()[-1] == ("resolved", "finding")


def test_of_a_removed_node_nothing_stands_even_if_nobody_looked_when_it_went(world: World) -> None:
    fired(world)
    world.store.behind.write(lambda tx: tx.remove_node("id-gpu01"))
    world.round()
    assert world.alerts()["hot"].state is AlertState.RESOLVED
    assert world.alerts()["hot"].why == "its node was removed"
    for _ in range(30):
        world.round(after=1.0)  # what it said last is still there
    assert world.alerts()["hot"].state is AlertState.RESOLVED


def test_a_node_that_was_removed_while_the_watch_was_away(world: World) -> None:
    fired(world)
    from sentinel.scheduling.writing import write_node_fact

    def remove(tx: Any) -> None:
        write_node_fact(tx, node("gpu01"), "removed", world.wall)
        tx.remove_node("id-gpu01")

    world.store.behind.write(remove)
    world.start()
    world.round()
    assert world.alerts()["hot"].state is AlertState.RESOLVED
    world.write(node("gpu01"))  # it joins again
    world.round()
    world.round(after=20.0)
    assert world.alerts()["hot"].state is AlertState.FIRING


def test_after_a_kill_nothing_is_told_twice_and_what_was_pending_goes_on(world: World) -> None:
    world.write(rule("other", threshold=90.0, hold=200.0))
    fired(world)
    for _ in range(15):
        world.round(after=10.0)
    held = world.alerts()["other"].held
    assert 100.0 <= held <= 171.0  # kept each minute
    world.wait(60.0)
    world.start()
    world.round()
    for _ in range(int(199.0 - held)):
        world.round(after=1.0)
    assert world.told() == [("firing", "hot")]  # time in which nobody looked does not count
    for _ in range(2):
        world.round(after=1.0)
    assert world.told() == [("firing", "hot"), ("firing", "other")]
    assert world.groups() == 2


def test_how_old_things_are_is_kept_each_minute_and_not_each_second(world: World) -> None:
    world.write(rule("hot", hold=3000.0))
    world.says(HOT, {series(): 95.0})
    world.round()
    before = world.store.writes
    for _ in range(60):
        world.round(after=1.0)
    assert 6 <= world.store.writes - before <= 8  # how it fares, each ten seconds
    assert world.alerts()["hot"].held == pytest.approx(60.0, abs=2.0)


def test_people_change_rules_silences_and_routes_while_it_runs(world: World) -> None:
    world.channel("pager")
    world.write(
        Silence(id="s1", matches={"rule": ("hot",)}, start=0.0, end=world.wall + 100, by="a", why="b")
    )
    world.says(HOT, {series(): 95.0})
    world.round()
    world.round(after=20.0)
    assert world.alerts()["hot"].state is AlertState.FIRING
    assert world.taken == []
    world.put("silence", "s1", None)
    world.write(Route(name="b", channels=("pager",)), Route(name="a", channels=("mail",)))
    world.round()
    assert [one.channel for one in world.taken] == ["pager"]  # the first in place, not by name
    world.put("alert-rule", "hot", None)
    world.round(after=60.0)
    assert world.told("pager") == [("firing", "hot"), ("resolved", "hot")]


def test_without_routes_all_channels_are_told_and_without_channels_nobody(world: World) -> None:
    world.channel("pager")
    fired(world)
    assert {one.channel for one in world.taken} == {"mail", "pager"}
    world.put("channel", "mail", None)
    world.put("channel", "pager", None)
    world.round()
    world.write(rule("other", hold=0.0))
    world.round()
    assert world.alerts()["other"].state is AlertState.FIRING
    assert len(world.taken) == 2
    world.channel("late")
    world.round()
    assert sorted(world.told("late")) == [("firing", "hot"), ("firing", "other")]


def test_what_cannot_be_read_is_passed_over_and_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.put("alert-rule", "bad", {"name": "bad", "metric": HOT, "op": "~", "threshold": 1})
    world.put("alert-route", "bad", {"name": "bad"})
    world.put("alert", "0123456789abcdef", {"rule": 7})
    world.put("node-findings", "id-gpu01", {"node": "gpu01", "findings": "none"})
    world.put("alert-ack", "0123456789abcdef", {})
    world.start()
    fired(world)
    said = [one.message for one in caplog.records]
    for what in ("alert-rule bad", "alert-route bad", "alert 0123456789abcdef", "node-findings id-gpu01"):
        assert len([one for one in said if one.startswith(f"{what} cannot be read")]) == 1


def test_a_store_that_went_back_in_time_is_read_anew(world: World) -> None:
    fired(world)
    earlier = World()
    earlier.channel("mail")
    earlier.says(HOT, {series(): 40.0})
    world.store.behind = earlier.store.behind
    world.values = earlier.values
    world.round()
    assert world.alerts() == {}
    world.write(rule("hot", hold=0.0))
    world.says(HOT, {series(): 95.0})
    world.round()
    assert world.alerts()["hot"].state is AlertState.FIRING


def test_series_that_say_nothing_any_more_are_an_alert_where_a_rule_minds(world: World) -> None:
    world.write(rule("hot", hold=20.0, no_data=NoData.ALERT))
    world.says(HOT, {series(): 40.0})
    world.round()
    world.says(HOT, {})
    for _ in range(4):
        world.round(after=30.0)
    assert world.told() == [("no-data", "hot")]
    assert world.events()[-1].type == "sentinel.alert.no_data"


def test_only_what_rules_use_is_asked_and_expectations_seldom(world: World) -> None:
    world.write(rule("hot", metric="gpu_a", of="gpu_b"), rule("off", metric="gpu_c", enabled=False))
    for _ in range(30):
        world.round(after=1.0)
    asked = [metric for metric, _ in world.past.asked]
    assert asked.count("gpu_a") == asked.count("gpu_b") == 30
    assert "gpu_c" not in asked
    assert not {one for one in asked if one.startswith("sentinel_jobs")}  # the controller knows them itself
    expected = [metric for metric, within in world.past.asked if within > EXPECTED_WITHIN]
    assert set(expected) == {"gpu_up", "slurm_up"}
    assert len(expected) == 2


def test_a_history_at_the_other_end_of_a_network_is_asked_each_ten_seconds() -> None:
    world = World(every_metric=10.0)
    world.write(rule("hot"))
    for _ in range(31):
        world.round(after=1.0)
    asked = [within for metric, within in world.past.asked if metric == HOT]
    assert len(asked) == 4
    assert all(within > NEWEST_WITHIN for within in asked)  # clocks differ a little


def test_values_of_a_minute_ago_are_no_values(world: World) -> None:
    world.write(rule("hot", hold=0.0))
    world.past.has[HOT] = {series(gpu=0): (world.wall - 65.0, 95.0), series(gpu=1): (world.wall + 20.0, 95.0)}
    world.round()
    assert world.alerts()["hot"].series == series(gpu=1)  # its clock is ahead


def test_how_the_watch_fares_is_said(world: World) -> None:
    world.says(HOT, {series(gpu=one): 40.0 for one in range(3)})
    world.round()
    said = fares(world)
    assert said["round_at"] == world.wall
    assert said["history"] == "ok" and said["alertmanager"] is None
    # Three GPUs, a node, five states of jobs, and how many failed.
    assert said["series"] == 3 + 1 + 5 + 1
    for _ in range(9):
        world.round()
    assert fares(world) == said
    world.round()
    assert fares(world)["round_at"] == world.wall


def test_a_rule_over_jobs(world: World) -> None:
    world.write(rule("queue", metric="sentinel_jobs", op=Comparison.EQUAL, threshold=0.0, hold=0.0))
    world.round()
    (queue,) = [one for one in world.alerts().values() if one.rule == "queue"]
    assert queue.state is AlertState.FIRING


def test_a_burst_of_alerts_is_one_message(world: World) -> None:
    world.says(HOT, {series(gpu=one): 95.0 for one in range(100)})
    world.round()
    world.round(after=20.0)
    assert len(world.taken) == 1
    assert len(world.taken[0].message.alerts) == 100
    assert "(and 99 more)" in world.taken[0].message.title
