"""Who is told of what, when: grouping, repeats, silences, inhibitions, acknowledgements."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tests.alerting.alerts import ALL, Watch, alert, series

from sentinel.alerting.dedup import FORGET_AFTER, Plan, plan
from sentinel.alerting.notice import Group, Notice, Reason, absorbed
from sentinel.alerting.quiet import Hush, Quiet
from sentinel.alerting.route import group_of, routed
from sentinel.core.alert import Ack, Alert, AlertState, Inhibition, Route, Silence
from sentinel.core.finding import Severity

ONE, TWO = alert(), alert(series=series(gpu=1))
SILENCE = Silence(id="s1", matches={"gpu": ("0",)}, start=0.0, end=4e9, by="ann", why="new fans")


class Desk:
    """Rounds of planning, one after the other; what was told is in `told`."""

    def __init__(self, *routes: Route) -> None:
        self.routes: Sequence[Route] = routes or (ALL,)
        self.groups: dict[str, Group] = {}
        self.silences: Sequence[Silence] = ()
        self.inhibitions: Sequence[Inhibition] = ()
        self.watch = Watch()

    def round(self, alerts: Iterable[Alert], seconds: float = 1.0) -> tuple[Notice, ...]:
        return self.plan(alerts, seconds).notices

    def plan(self, alerts: Iterable[Alert], seconds: float = 1.0) -> Plan:
        now, several = self.watch.after(seconds), tuple(alerts)
        quiet = Quiet(self.silences, self.inhibitions, several, now.wall)
        found = plan(several, self.groups, self.routes, quiet, now)
        self.groups = dict(found.groups)
        return found


def ended(one: Alert) -> Alert:
    return replace(one, state=AlertState.RESOLVED, ended_at=5.0, clear=0.0)


def fresh(notices: tuple[Notice, ...]) -> list[tuple[str, str]]:
    return [(one.series[0][1], one.state.value) for notice in notices for one in notice.about]


def test_what_fires_is_told_at_once_and_once_and_its_end_too() -> None:
    desk = Desk()
    (notice,) = desk.round([ONE])
    assert (notice.reason, notice.channels, notice.about) == (Reason.NEWS, ("mail",), (ONE,))
    assert desk.round([ONE]) == ()
    (end,) = desk.round([ended(ONE)], 60.0)
    assert [one.state for one in end.about] == [AlertState.RESOLVED]
    assert desk.round([ended(ONE)], 60.0) == () and desk.round([], 60.0) == ()


def test_what_is_pending_or_was_never_told_is_not_told() -> None:
    desk = Desk()
    assert desk.round([alert(AlertState.PENDING), ended(TWO)]) == ()
    assert desk.groups == {}


def test_alerts_of_a_group_go_together_and_news_wait_for_the_interval() -> None:
    desk = Desk()
    (first,) = desk.round([ONE])
    assert desk.round([ONE, TWO], 1.0) == desk.round([ONE, TWO], 58.0) == ()
    (second,) = desk.round([ONE, TWO], 1.0)
    assert fresh((second,)) == [("1", "firing")]
    assert second.alerts == (ONE, TWO), "the whole group as it stands"
    assert (first.sequence, second.sequence) == (0, 1) and first.key != second.key


def test_a_group_waits_for_company() -> None:
    desk = Desk(replace(ALL, group_wait=30.0))
    assert desk.round([ONE]) == desk.round([ONE, TWO], 29.0) == ()
    assert fresh(desk.round([ONE, TWO], 1.0)) == [("0", "firing"), ("1", "firing")]
    assert desk.round([ONE, ended(TWO)], 60.0) != (), "what is known already waits no more"


def test_what_ends_while_it_waits_for_company_was_never_told() -> None:
    desk = Desk(replace(ALL, group_wait=30.0))
    assert desk.round([ONE]) == desk.round([ended(ONE)], 30.0) == desk.round([], 30.0) == ()
    assert desk.groups == {}


def test_groups_are_by_the_labels_that_the_route_names() -> None:
    desk = Desk(replace(ALL, group_by=("node",)))
    assert len(desk.round([ONE, TWO, alert(series=series("gpu02"))])) == 2
    every = Desk(replace(ALL, group_by=()))
    assert len(every.round([ONE, alert(name="other")])) == 1


def test_what_stands_is_told_again_after_the_repeat_interval() -> None:
    desk = Desk()
    desk.round([ONE])
    assert desk.round([ONE], 3599.0) == ()
    (again,) = desk.round([ONE], 1.0)
    assert (again.reason, again.about) == (Reason.REMINDER, (ONE,))
    assert desk.round([ONE], 3599.0) == ()
    never = Desk(replace(ALL, repeat_interval=None))
    never.round([ONE])
    assert never.round([ONE], 1e6) == ()


def test_another_state_and_a_worse_severity_are_news_a_milder_one_is_not() -> None:
    desk = Desk(replace(ALL, group_interval=0.0))
    desk.round([ONE])
    assert fresh(desk.round([replace(ONE, state=AlertState.NO_DATA)])) == [("0", "no-data")]
    assert fresh(desk.round([ONE])) == [("0", "firing")]
    assert fresh(desk.round([replace(ONE, severity=Severity.CRITICAL)])) == [("0", "firing")]
    assert desk.round([replace(ONE, severity=Severity.INFO)]) == ()


def test_an_alert_that_ended_and_began_again_untold_is_the_same_to_people() -> None:
    desk = Desk()
    desk.round([ONE])
    assert desk.round([ended(ONE)]) == desk.round([replace(ONE, started_at=9e9)]) == ()
    assert desk.round([replace(ONE, started_at=9e9)], 60.0) == ()


def test_an_alert_that_ended_and_is_pending_again_is_told_as_resolved() -> None:
    desk = Desk()
    desk.round([ONE])
    assert fresh(desk.round([alert(AlertState.PENDING)], 60.0)) == [("0", "resolved")]


def test_an_alert_that_is_forgotten_is_told_as_resolved_with_what_was_known() -> None:
    desk = Desk()
    desk.round([ONE])
    (end,) = desk.round([], 60.0)
    assert (end.about[0].state, end.about[0].series) == (AlertState.RESOLVED, ONE.series)


# ------------------------------------------------------------------ silences, inhibitions, acknowledgements


def test_what_is_silenced_is_not_told_but_shown_and_told_when_the_silence_is_over() -> None:
    desk = Desk()
    desk.silences = [SILENCE]
    found = desk.plan([ONE, TWO])
    assert fresh(found.notices) == [("1", "firing")]
    why = found.muted[ONE.fingerprint]
    assert (why.how, why.by, why.until, why.why) == (Hush.SILENCED, "s1", 4e9, "ann: new fans")
    desk.silences = []
    assert fresh(desk.round([ONE, TWO], 60.0)) == [("0", "firing")]


def test_an_end_within_a_silence_is_told_after_it() -> None:
    desk = Desk()
    desk.round([ONE])
    desk.silences = [SILENCE]
    assert desk.round([ended(ONE)], 60.0) == desk.round([], 1e5) == ()
    desk.silences = []
    assert fresh(desk.round([], 1.0)) == [("0", "resolved")]


def test_what_is_silenced_is_not_told_again_with_the_others() -> None:
    desk = Desk()
    desk.round([ONE, TWO])
    desk.silences = [SILENCE]
    (again,) = desk.round([ONE, TWO], 3600.0)
    assert again.alerts == (TWO,)
    desk.silences = [replace(SILENCE, matches={"rule": ("gpu-*",)})]
    assert desk.round([ONE, TWO], 3600.0) == ()


def test_an_inhibited_alert_waits_for_the_worse_one() -> None:
    desk = Desk()
    desk.inhibitions = [
        Inhibition(
            name="i", source={"rule": ("down",)}, target={"rule": ("gpu-hot", "down")}, equal=("node",)
        )
    ]
    down, elsewhere = alert(name="down"), alert(series=series("gpu02"))
    found = desk.plan([ONE, down, elsewhere])
    told = {one.fingerprint for notice in found.notices for one in notice.about}
    assert told == {down.fingerprint, elsewhere.fingerprint}, "nothing inhibits itself, nor what is elsewhere"
    assert found.muted[ONE.fingerprint].how is Hush.INHIBITED
    pending = alert(AlertState.PENDING, name="down")
    assert ONE.fingerprint in {
        a.fingerprint for n in desk.round([ONE, pending, elsewhere], 60.0) for a in n.about
    }


def test_what_is_acknowledged_is_not_told_again_but_its_end_is() -> None:
    desk = Desk()
    seen = replace(ONE, ack=Ack(by="ann", at=1.0))
    desk.round([ONE])
    assert desk.round([seen], 3600.0) == ()
    assert fresh(desk.round([seen, TWO], 60.0)) == [("1", "firing")]
    assert fresh(desk.round([seen, TWO], 3600.0)) == [("1", "firing")]
    assert fresh(desk.round([ended(ONE), TWO], 60.0)) == [("0", "resolved")]


# ------------------------------------------------------------------ routes


def routes() -> list[Route]:
    return [
        Route(name="copy", channels=("log",), goes_on=True),
        Route(name="hot", channels=("pager",), matches={"rule": ("gpu-*",), "severity": ("critical",)}),
        Route(name="rest", channels=("mail",), matches={"node": ("gpu*",)}),
    ]


def names(one: Alert) -> list[str]:
    return [route.name for route in routed(one, routes())]


def test_an_alert_takes_the_first_route_that_matches_and_those_before_it_that_go_on() -> None:
    assert names(alert(severity=Severity.CRITICAL)) == ["copy", "hot"]
    assert names(alert()) == ["copy", "rest"]
    assert names(alert(series=series("cpu01"))) == ["copy"]


def test_an_alert_that_no_route_takes_is_named() -> None:
    found = Desk(Route(name="x", channels=("mail",), matches={"team": ("a",)})).plan([ONE])
    assert (found.unrouted, found.notices) == ((ONE,), ())


def test_other_channels_are_told_from_the_beginning_and_the_former_ones_of_the_end() -> None:
    desk = Desk()
    desk.round([ONE])
    desk.routes = [replace(ALL, channels=("pager",))]
    (first,) = desk.round([ONE])
    assert first.channels == ("pager",)
    ends = desk.round([ended(ONE)], 60.0)
    assert sorted(one.channels for one in ends) == [("mail",), ("pager",)]


def test_a_removed_route_still_tells_its_channels_of_the_end() -> None:
    desk = Desk()
    desk.round([ONE])
    desk.routes = []
    assert fresh(desk.round([ended(ONE)], 60.0)) == [("0", "resolved")]


# ------------------------------------------------------------------ keys, restarts


def test_what_is_worked_out_again_has_the_same_key() -> None:
    def first(**more: Any) -> Notice:
        return Desk().round([replace(ONE, **more)])[0]

    assert first().key == first().key
    assert first().key != first(severity=Severity.CRITICAL).key


def test_keys_do_not_come_again() -> None:
    desk, keys = Desk(replace(ALL, group_interval=0.0)), list[str]()
    for _ in range(3):
        for alerts in ([ONE], [ONE], [ended(ONE)]):
            keys += [one.key for one in desk.round(alerts, 3600.0)]
        desk.round([], FORGET_AFTER)
        assert desk.groups == {}, "nothing stands of it, and that for long"
    assert len(keys) == len(set(keys)) == 9


def test_a_notice_that_was_kept_without_its_group_is_absorbed_once() -> None:
    desk = Desk()
    before = dict(desk.groups)
    (notice,) = desk.round([ONE])
    assert absorbed(before.get(notice.group), notice) == desk.groups[notice.group]
    assert absorbed(desk.groups[notice.group], notice) is desk.groups[notice.group]
    assert notice.group == group_of(ONE, ALL)


def test_labels_cannot_be_made_to_look_like_others() -> None:
    one = replace(ALL, group_by=("job", "node"))
    assert group_of(alert(series=(("job", "a\0node"), ("node", "b"))), one) != group_of(
        alert(series=(("job", "a"), ("node", "node\0b"))), one
    )


def test_of_many_silences_those_that_match_whole_are_found() -> None:
    many = [replace(SILENCE, id=f"n{index}", matches={"node": (f"n{index}",)}) for index in range(50)]
    half = replace(SILENCE, id="half", matches={"node": ("gpu*",), "gpu": ("7", "1"), "rule": ("x",)})
    whole = replace(SILENCE, id="whole", matches={"node": ("gpu*",), "gpu": ("7", "1")})
    beginning = replace(SILENCE, id="beginning", matches={"uuid": ("GPU-gpu02*",)})
    absent = replace(SILENCE, id="absent", matches={"team": ("",), "node": ("n1",)})
    quiet = Quiet([*many, half, whole, beginning, absent], (), (), 1e9)

    def by(**labels: Any) -> str | None:
        found = quiet.muted(alert(series=series(**labels)))
        return found and found.by

    assert [by(), by(gpu=1), by(node="gpu02"), by(node="n7"), by(node="n1", team="a")] == [
        None,
        "whole",
        "beginning",
        "n7",
        "n1",
    ]
