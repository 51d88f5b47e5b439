"""Alerts over long random histories: what people are told is held against an account of what was to be seen.

Values come, go and are unknown, rules are edited and removed while they fire, silences come and run out,
people acknowledge, channels are down, wall clocks jump, and the controller is killed at any write. Whatever
happens:

- what fires and may be told is told within the times that its route gives;
- nothing is told twice: each thing told about an alert is another state, a worse severity or a due reminder;
- "resolved" follows "firing" for whoever was told of it, and nothing else;
- what is silenced is not told, and is shown;
- nothing fires before its condition was seen to hold for long enough, nor after it was.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.alerting.alerts import HOT, finding, series
from tests.machines.alert_world import Controller, Killed

from sentinel.alerting.lifecycle import TABLE
from sentinel.alerting.moment import Moment
from sentinel.alerting.notice import Notice, Reason
from sentinel.alerting.round import Look, Policy, Turn
from sentinel.core.alert import (
    RANK,
    Ack,
    Alert,
    AlertState,
    Comparison,
    NoData,
    Route,
    Rule,
    Silence,
    fingerprint,
)
from sentinel.core.finding import Finding, Severity
from sentinel.core.series import Labels

SERIES = (series("a", 0), series("a", 1), series("b", 0))
ROUNDS = st.sampled_from([1.0, 5.0, 10.0, 10.0, 30.0, 60.0])
LONGEST_ROUND = 60.0
WAIT, INTERVAL, REPEAT = 10.0, 60.0, 300.0
NAMES = st.sampled_from(["one", "two"])
SHOWN = {AlertState.FIRING, AlertState.NO_DATA}
EPS = 1e-3


def made(name: str, hold: float, severity: Severity, no_data: NoData, keep: float) -> Rule:
    return Rule(
        name=name,
        metric=HOT,
        op=Comparison.ABOVE,
        threshold=80.0,
        hold=hold,
        severity=severity,
        no_data=no_data,
        keep_firing_for=keep,
    )


VALUES = st.dictionaries(st.sampled_from(SERIES), st.sampled_from([90.0, 90.0, 20.0]), min_size=1)
RULES = st.builds(
    made,
    NAMES,
    st.sampled_from([0.0, 20.0, 60.0]),
    st.sampled_from(Severity),
    st.sampled_from(NoData),
    st.sampled_from([0.0, 0.0, 30.0]),
)


class AlertLifecycle(RuleBasedStateMachine):
    """`seen_for`: by alert, how long its condition was seen to hold without a break; `sure_of`: the same
    since the last crash. `owed`: by channel and alert, for how long it could have been told as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.controller = Controller()
        self.wall, self.observed = 1_800_000_000.0, 0.0
        self.written: dict[str, Rule] = {}
        self.values: dict[Labels, float] = {}
        self.findings: dict[str, tuple[Finding, ...] | None] = {"a": (), "b": ()}
        self.silences: list[Silence] = []
        self.route = Route(
            name="all",
            channels=("mail",),
            group_by=("rule",),
            group_wait=WAIT,
            group_interval=INTERVAL,
            repeat_interval=REPEAT,
        )
        self.available = True
        self.down: frozenset[str] = frozenset()
        self.seen_for: dict[str, float] = {}
        self.sure_of: dict[str, float] = {}
        self.owed: dict[tuple[str, str], tuple[AlertState, Severity, float]] = {}
        self.checked: set[str] = set()
        self.last: dict[
            tuple[str, str], tuple[AlertState, Severity]
        ] = {}  # what was told, by channel and alert
        self.last_notice: dict[str, float] = {}  # by group, when in observed time
        self.turned: Turn | None = None

    @initialize(one=RULES, values=VALUES)
    def begin(self, one: Rule, values: dict[Labels, float]) -> None:
        self.written[one.name], self.values = one, values

    # ------------------------------------------------------------------ what happens

    @rule(values=VALUES)
    def are_read(self, values: dict[Labels, float]) -> None:
        self.values = values

    @rule(which=st.sampled_from(SERIES))
    def says_nothing(self, which: Labels) -> None:
        self.values.pop(which, None)

    @rule(node=st.sampled_from(["a", "b"]), found=st.sampled_from([(), None, (finding(),), (finding("48"),)]))
    def is_diagnosed(self, node: str, found: tuple[Finding, ...] | None) -> None:
        self.findings[node] = found

    @rule(available=st.booleans())
    def history_answers(self, available: bool) -> None:
        self.available = available

    @rule(one=RULES)
    def write_a_rule(self, one: Rule) -> None:
        self.written[one.name] = one

    @rule(name=NAMES)
    def remove_a_rule(self, name: str) -> None:
        self.written.pop(name, None)

    @rule(
        matches=st.sampled_from([{"gpu": ("0",)}, {"rule": ("one", "finding")}, {"node": ("a*",)}]),
        length=st.sampled_from([30.0, 200.0, 2000.0]),
    )
    def silence(self, matches: dict[str, tuple[str, ...]], length: float) -> None:
        one = Silence(id="s", matches=matches, start=self.wall, end=self.wall + length, by="ann", why="x")
        self.silences.append(one)

    @rule()
    def end_all_silences(self) -> None:
        self.silences.clear()

    @rule(by=st.sampled_from([-5000.0, -100.0, 100.0, 5000.0]))
    def wall_clock_jumps(self, by: float) -> None:
        self.wall += by

    @rule(channels=st.sampled_from([("mail",), ("mail", "pager"), ("pager",)]))
    def other_channels(self, channels: tuple[str, ...]) -> None:
        self.route = replace(self.route, channels=channels)

    @rule(down=st.sampled_from([(), ("mail",), ("mail", "pager")]))
    def channels_are_down(self, down: tuple[str, ...]) -> None:
        self.down = frozenset(down)

    @precondition(lambda self: self.standing())
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        alert = data.draw(st.sampled_from(self.standing()))
        self.controller.acknowledge(alert, Ack(by="ann", at=self.wall))

    @rule(die_at=st.sampled_from([None, 0, 1, 2]))
    def kill(self, die_at: int | None) -> None:
        self.restart(die_at)

    @rule()
    def sent_notices_are_forgotten(self) -> None:
        self.controller.forget_sent()

    @rule(seconds=ROUNDS, die_after=st.sampled_from([None, None, 0, 1]))
    def send(self, seconds: float, die_after: int | None) -> None:
        now = Moment(wall=self.wall, elapsed=seconds)
        try:
            self.controller.send(now, down=self.down, die_after=die_after)
        except Killed:
            self.restart()

    @rule(
        lengths=st.lists(ROUNDS, min_size=1, max_size=8),
        die_at=st.sampled_from([None, None, None, 0, 1, 2, 3, 5, 8]),
        checkpoint=st.booleans(),
    )
    def rounds(self, lengths: list[float], die_at: int | None, checkpoint: bool) -> None:
        for index, seconds in enumerate(lengths):
            self.one_round(seconds, die_at if index == len(lengths) - 1 else None, checkpoint)

    @rule(count=st.integers(5, 12))
    def a_long_time_passes(self, count: int) -> None:
        for _ in range(count):
            self.one_round(LONGEST_ROUND, None, True)

    # ------------------------------------------------------------------ a round, and the account of it

    def one_round(self, seconds: float, die_at: int | None, checkpoint: bool, **more: Any) -> None:
        self.wall += seconds
        elapsed = 0.0 if self.controller.fresh_start else seconds
        self.observed += elapsed
        before = {one.fingerprint: one for one in self.controller.book.all()}
        look = Look(
            values={HOT: dict(self.values)} if self.available else None,
            expected={HOT: SERIES},
            findings=dict(self.findings),
            **more,
        )
        policy = Policy(rules=dict(self.written), silences=tuple(self.silences), routes=(self.route,))
        self.account(before, elapsed)
        self.controller.disk.writes_left = die_at
        try:
            found = self.controller.round(
                policy, look, Moment(wall=self.wall, elapsed=seconds), checkpoint=checkpoint
            )
        except Killed:
            self.hear()
            self.restart()
            return
        self.controller.disk.writes_left = None
        self.turned = found
        self.hear()
        self.judge(found, before)
        self.claim(elapsed)

    def restart(self, die_at: int | None = None) -> None:
        try:
            self.controller.restart(die_at)
        except Killed:
            self.controller.restart()
        self.controller.disk.writes_left = None
        self.sure_of.clear()
        self.owed.clear()
        self.turned = None

    def account(self, before: dict[str, Alert], elapsed: float) -> None:
        """How long each condition was seen to hold, this round included."""
        for name in ("one", "two"):
            for labels in SERIES:
                id, one = fingerprint(name, labels), self.written.get(name)
                holds = one is not None and self.available and self.values.get(labels, 0.0) > one.threshold
                if one is None or (self.available and not holds):
                    # Missing data mean that it is over where the rule says so. Else they are a gap of which
                    # nothing is known: what was seen before it counts.
                    gone = one is None or labels in self.values or one.no_data is NoData.OK
                    if gone:
                        self.seen_for.pop(id, None)
                    self.sure_of.pop(id, None)
                elif holds:
                    self.seen_for[id] = self.seen_for[id] + elapsed if id in self.seen_for else 0.0
                    self.sure_of[id] = self.sure_of[id] + elapsed if id in self.sure_of else 0.0
                else:
                    self.sure_of.pop(id, None)

    def judge(self, found: Turn, before: dict[str, Alert]) -> None:
        for one in found.transitions:
            assert (one.before, one.after) in TABLE
        now = {one.fingerprint: one for one in found.book.all()}
        for id, alert in now.items():
            was = before.get(id)
            fired = alert.state is AlertState.FIRING and (was is None or was.state is not AlertState.FIRING)
            if fired and alert.rule in self.written and (was is None or was.state is not AlertState.NO_DATA):
                assert self.seen_for[id] >= self.written[alert.rule].hold - EPS, "too early"
        for name, one in self.written.items():
            for labels in SERIES:
                id = fingerprint(name, labels)
                if id in self.sure_of and self.sure_of[id] >= one.hold:
                    assert now[id].state is AlertState.FIRING, "too late"
        for node, several in self.findings.items():
            for one in several or ():
                (alert,) = [a for a in now.values() if a.series == (("finding", one.id), ("node", node))]
                assert alert.state is AlertState.FIRING
        for id, alert in now.items():
            node = dict(alert.series)["node"]
            if alert.rule == "finding" and self.findings[node] is None and id in before:
                assert alert.state is before[id].state, "nothing is known of it"
            if alert.rule in self.written and not self.available and id in before:
                assert alert.state is before[id].state, "nothing is known of it"
        for name, several in found.book.alerts.items():
            if name not in self.written and name != "finding":
                assert all(one.state is AlertState.RESOLVED for one in several.values())
        for alert in self.standing():
            assert (alert.fingerprint in found.muted) == self.is_silenced(alert), "shown, with the reason"

    def hear(self) -> None:
        """What has come into the outbox."""
        for key, notice in self.controller.kept.items():
            if key not in self.checked:
                self.checked.add(key)
                self.hear_one(notice)

    def hear_one(self, notice: Notice) -> None:
        since = self.observed - self.last_notice.get(notice.group, -1e9)
        assert since >= (REPEAT if notice.reason is Reason.REMINDER else INTERVAL) - EPS, "too soon"
        self.last_notice[notice.group] = self.observed
        assert notice.about, "about nothing"
        for alert in notice.alerts:
            assert alert.state is not AlertState.PENDING
            assert not self.is_silenced(alert), "silenced, and told"
        for channel in notice.channels:
            for alert in notice.alerts:
                # Other channels are another group: each is told to the end of what it was told.
                key = f"{channel} of {notice.channels}", alert.fingerprint
                if alert.fingerprint in notice.fresh:
                    self.hear_of(key, alert, notice.reason)
                else:
                    self.hear_again(key, alert)

    def hear_of(self, key: tuple[str, str], alert: Alert, reason: Reason) -> None:
        before = self.last.get(key)
        if reason is Reason.REMINDER:
            assert before is not None and before[0] is alert.state and alert.ack is None
        elif alert.state is AlertState.RESOLVED:
            assert key in self.last, "resolved, but it was never told"
            del self.last[key]
            return
        else:
            worse = before is not None and RANK[alert.severity] > RANK[before[1]]
            assert before is None or before[0] is not alert.state or worse, "told twice"
        self.last[key] = alert.state, alert.severity

    def hear_again(self, key: tuple[str, str], alert: Alert) -> None:
        """It is named beside the news, as it is now."""
        assert self.last[key][0] is alert.state
        self.last[key] = alert.state, alert.severity

    def claim(self, elapsed: float) -> None:
        """What could be told for longer than its route allows has been."""
        owed: dict[tuple[str, str], tuple[AlertState, Severity, float]] = {}
        for alert in self.standing():
            if self.is_silenced(alert):
                continue
            for channel in self.route.channels:
                key = f"{channel} of {self.route.channels}", alert.fingerprint
                was = self.owed.get(key)
                same = was is not None and was[0] is alert.state and RANK[was[1]] >= RANK[alert.severity]
                owed[key] = alert.state, alert.severity, was[2] + elapsed if was is not None and same else 0.0
                if owed[key][2] >= WAIT + INTERVAL + LONGEST_ROUND:
                    assert key in self.last and self.last[key][0] is alert.state, "untold"
        self.owed = owed

    def standing(self) -> list[Alert]:
        return [one for one in self.controller.book.all() if one.state in SHOWN]

    def is_silenced(self, alert: Alert) -> bool:
        facts = dict(alert.labels) | {"rule": alert.rule}
        for one in self.silences:
            ((name, values),) = one.matches.items()
            known = facts.get(name, "")
            if one.start <= self.wall < one.end and any(
                known == value or (value.endswith("*") and known.startswith(value[:-1])) for value in values
            ):
                return True
        return False

    # ------------------------------------------------------------------ at any time, and in the end

    @invariant()
    def rounds_go_on(self) -> None:
        self.one_round(10.0, None, False)

    @invariant()
    def channels_get_each_group_in_order(self) -> None:
        first: dict[tuple[str, str], list[int]] = defaultdict(list)
        keys = set[str]()
        for told in self.controller.received:
            if told.key not in keys:
                keys.add(told.key)
                first[told.channel, told.notice.group].append(told.notice.sequence)
        for order in first.values():
            assert order == list(range(len(order)))

    def teardown(self) -> None:
        """All ends well: then everybody who was told of anything knows that it is over, whatever was lost."""
        self.silences.clear()
        self.available, self.down = True, frozenset[str]()
        self.values = dict.fromkeys(SERIES, 20.0)
        self.findings = {"a": (), "b": ()}
        for _ in range(4):
            self.one_round(LONGEST_ROUND, None, False)
        assert self.standing() == []
        for _ in range(40):
            self.controller.send(Moment(wall=self.wall, elapsed=700.0))
        assert self.last == {}, "believed to stand"
        got = {told.key for told in self.controller.received}
        wanted = {f"{key}-{channel}" for key, one in self.controller.kept.items() for channel in one.channels}
        assert got == wanted, "at least once, and nothing else"


AlertLifecycle.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestAlertLifecycle = AlertLifecycle.TestCase
