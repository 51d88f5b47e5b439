"""Whole rounds: rules and findings in, notices out, and a kill at every single write between them."""

import pytest
from tests.alerting.alerts import ALL, HOT, Watch, finding, rule, series
from tests.machines.alert_world import Controller, Killed

from sentinel.alerting.moment import Moment
from sentinel.alerting.quiet import Hush, Muted
from sentinel.alerting.round import Book, Look, Policy, matching, turn
from sentinel.core.alert import Alert, AlertState, NoData, Route, Rule
from sentinel.core.errors import UsageError
from sentinel.core.series import Labels

ONE, TWO, OTHER = series(gpu=0), series(gpu=1), series("gpu02")
BOTH = Route(name="all", channels=("mail", "pager"), group_by=("node",), group_interval=0.0)
POLICY = Policy(
    rules={"gpu-hot": rule(hold=10.0), "gpu-full": rule("gpu-full", metric="used", of="all", hold=0.0)},
    routes=[BOTH],
)
SCRIPT: tuple[dict[Labels, float], ...] = (
    {},
    {ONE: 90.0},
    {ONE: 90.0},
    {ONE: 90.0, OTHER: 90.0},
    {ONE: 90.0, OTHER: 90.0, TWO: 95.0},
    {OTHER: 90.0, TWO: 95.0},
    {OTHER: 90.0, TWO: 95.0},
    {},
    {},
)


def look(hot: dict[Labels, float]) -> Look:
    well = dict.fromkeys((ONE, TWO, OTHER), 20.0)
    return Look(values={HOT: well | hot, "used": {ONE: 95.0 if ONE in hot else 1.0}, "all": {ONE: 100.0}})


Fact = tuple[str, str, str, str]  # channel, rule, series, state


def story(killed_at: int | None, again_at: int | None = None) -> tuple[list[Fact], bool]:
    """All that was news, in order, when the controller is killed at its Nth write and, while it starts again,
    once more; and whether it was. Sent notices are forgotten at once, and one channel is down now and
    then."""
    controller, watch, killed = Controller(), Watch(), False
    controller.disk.writes_left = killed_at
    for number, hot in enumerate(SCRIPT):
        down = frozenset(() if number % 4 else ("pager",))
        try:
            controller.round(POLICY, look(hot), watch.after(10.0), checkpoint=number % 2 == 0)
        except Killed:
            killed = True
            start_again(controller, again_at)
            for _ in range(3):  # what was lost of durations is waited for once more
                controller.round(POLICY, look(hot), watch.after(10.0), checkpoint=False)
                deliver(controller, down)
                start_again(controller, None)
                controller.round(POLICY, look(hot), watch.after(10.0), checkpoint=True)
        deliver(controller, down)
    deliver(controller, frozenset())
    keys = [told.key for told in controller.received]
    assert len(set(keys)) == len(keys), "one of them twice"
    facts = [
        (told.channel, one.rule, dict(one.series)["uuid"], one.state.value)
        for told in controller.received
        for one in told.notice.about
    ]
    return facts, killed


def start_again(controller: Controller, killed_at: int | None) -> None:
    try:
        controller.restart(killed_at)
    except Killed:
        controller.restart()
    controller.disk.writes_left = None


def deliver(controller: Controller, down: frozenset[str]) -> None:
    """All that is due, and then what became due by that."""
    left, controller.disk.writes_left = controller.disk.writes_left, None
    for _ in range(8):
        controller.send(Moment(wall=0.0, elapsed=700.0), down=down)
    controller.forget_sent()
    controller.disk.writes_left = left


def test_the_story_without_a_kill() -> None:
    told, _ = story(None)
    assert [one[1:] for one in told if one[0] == "mail"] == [
        ("gpu-full", "GPU-gpu01-0", "firing"),
        ("gpu-hot", "GPU-gpu01-0", "firing"),
        ("gpu-hot", "GPU-gpu02-0", "firing"),
        ("gpu-hot", "GPU-gpu01-1", "firing"),
        ("gpu-full", "GPU-gpu01-0", "resolved"),
        ("gpu-hot", "GPU-gpu01-0", "resolved"),
        ("gpu-hot", "GPU-gpu01-1", "resolved"),
        ("gpu-hot", "GPU-gpu02-0", "resolved"),
    ]


@pytest.mark.parametrize("again_at", [None, 0, 1, 2])
def test_a_kill_at_any_write_loses_nothing_and_tells_nothing_twice(again_at: int | None) -> None:
    whole, killed, write = sorted(story(None)[0]), True, -1
    while killed:
        write += 1
        told, killed = story(write, again_at)
        assert sorted(told) == whole, f"killed at write {write}"
    assert write > 30, "every round writes something"


def test_rules_that_are_removed_and_nodes_that_are_removed_end_their_alerts() -> None:
    watch = Watch()
    seen = Look(
        values={HOT: {ONE: 90.0, OTHER: 90.0}},
        expected={HOT: [ONE, TWO, OTHER]},
        findings={"gpu01": (finding(),), "gpu02": (finding(),)},
    )
    rules: dict[str, Rule] = {
        "gpu-hot": rule(hold=0.0, no_data=NoData.ALERT),
        "slow": rule("slow", hold=60.0),
    }
    first = turn(Book(), Policy(rules=rules, routes=[ALL]), seen, watch.after(1))
    gone = Look(
        values=seen.values, expected=seen.expected, findings=seen.findings, removed=frozenset(("gpu02",))
    )
    second = turn(first.book, Policy(rules=rules, routes=[ALL]), gone, watch.after(1))
    assert {(one.alert.rule, one.alert.why, one.after) for one in second.transitions} == {
        ("gpu-hot", "its node was removed", AlertState.RESOLVED),
        ("finding", "its node was removed", AlertState.RESOLVED),
        ("slow", "the condition holds", None),
    }
    assert turn(second.book, Policy(rules=rules, routes=[ALL]), gone, watch.after(1)).transitions == ()
    third = turn(second.book, Policy(routes=[ALL]), gone, watch.after(1))
    assert {one.alert.why for one in third.transitions if one.after} == {"its rule was removed"}


def test_of_a_metric_that_nobody_knows_nothing_changes_and_the_others_go_on() -> None:
    watch = Watch()
    rules = {
        "hot": rule("hot", hold=0.0, no_data=NoData.ALERT),
        "part": rule("part", metric="power", of=HOT, hold=0.0),
        "power": rule("power", metric="power", hold=0.0),
    }
    known = Look(values={HOT: {ONE: 90.0}, "power": {ONE: 89.0}}, expected={HOT: [ONE]})
    first = turn(Book(), Policy(rules=rules), known, watch.after(1))
    assert {one.rule for one in first.book.all()} == {"hot", "part", "power"}
    lost = Look(values={HOT: None, "power": {ONE: 1.0}}, expected={HOT: [ONE, TWO]})
    second = turn(first.book, Policy(rules=rules), lost, watch.after(1))
    states = {one.rule: one.state for one in second.book.all()}
    assert states == {
        "hot": AlertState.FIRING,
        "part": AlertState.FIRING,
        "power": AlertState.RESOLVED,
    }


def test_what_is_silenced_elsewhere_is_shown_and_told_when_it_is_no_more() -> None:
    watch = Watch()
    muted = Muted(how=Hush.SILENCED, by="elsewhere:1", why="ann: a new fan")

    def elsewhere(alert: Alert) -> Muted | None:
        return muted if dict(alert.series) == dict(ONE) else None

    seen = Look(values={HOT: {ONE: 90.0, OTHER: 90.0}})
    rules: dict[str, Rule] = {"gpu-hot": rule(hold=0.0)}
    first = turn(Book(), Policy(rules=rules, routes=[ALL], elsewhere=elsewhere), seen, watch.after(1))
    (notice,) = first.notices
    assert [one.series for one in notice.alerts] == [OTHER]
    assert list(first.muted.values()) == [muted]
    second = turn(first.book, Policy(rules=rules, routes=[ALL]), seen, watch.after(60))
    assert [one.series for one in second.notices[0].about] == [ONE]
    assert second.muted == {}


def test_an_alert_is_named_by_the_beginning_of_its_id() -> None:
    watch = Watch()
    seen = Look(values={HOT: {ONE: 90.0, OTHER: 90.0}})
    alerts = turn(Book(), Policy(rules={"gpu-hot": rule(hold=0.0)}), seen, watch.after(1)).book.all()
    assert matching(alerts, alerts[0].fingerprint[:8]) is alerts[0]
    for wanted, says in (("zzz", "no alert"), ("", "no alert")):
        with pytest.raises(UsageError, match=says):
            matching(alerts, wanted)
