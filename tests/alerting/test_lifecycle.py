"""The life of an alert by its table, and how long things have to last."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from tests.alerting.alerts import Watch, alert, rule, series

from sentinel.alerting.lifecycle import (
    GONE_AFTER,
    SHOWN_FOR,
    TABLE,
    Seen,
    acknowledged,
    merely_older,
    step,
    withdrawn,
)
from sentinel.alerting.moment import MOST_ELAPSED, Moment, moment
from sentinel.core.alert import Ack, Alert, AlertState, NoData
from sentinel.core.errors import UsageError
from sentinel.core.finding import Severity

HERE = series()
ACK = Ack(by="ann", at=1.0)


def run(told: str, every: float = 60.0, before: Alert | None = None, **more: Any) -> list[AlertState | None]:
    """States after each of H(olds), C(lear), M(issing), U(nknown)."""
    watch, now, found = Watch(), before, list[AlertState | None]()
    seen = {"H": Seen.HOLDS, "C": Seen.CLEAR, "M": Seen.MISSING, "U": Seen.UNKNOWN}
    for one in told:
        now = step(rule(**more), now, seen[one], 90.0, HERE, watch.after(every))
        found.append(now and now.state)
    return found


P, F, N, R = AlertState.PENDING, AlertState.FIRING, AlertState.NO_DATA, AlertState.RESOLVED


def test_it_fires_once_the_condition_has_held_for_long_enough_and_is_resolved_when_it_holds_no_more() -> None:
    assert run("HHHHCC") == [P, P, F, F, R, R]
    assert run("HHCHH") == [P, P, None, P, P], "what was interrupted begins anew"
    assert run("HC", hold=0.0) == [F, R]


def test_it_keeps_firing_where_its_rule_says_so() -> None:
    assert run("HCHCCC", hold=0.0, keep_firing_for=120.0) == [F, F, F, F, F, R]


def test_missing_data_are_what_the_rule_makes_of_them() -> None:
    assert run("HMMMMH", hold=0.0) == [F, F, F, F, F, F], "unknown is not healthy"
    assert run("HM", hold=0.0, no_data=NoData.OK) == [F, R]
    assert run("HHHMMMMH", no_data=NoData.ALERT) == [P, P, F, F, F, N, N, F], "no data for as long as `for`"
    assert run("HHHMMMC", no_data=NoData.ALERT) == [P, P, F, F, F, N, R]
    assert run("MMMC", no_data=NoData.ALERT) == [P, P, N, R]
    assert run("M", hold=0.0, no_data=NoData.ALERT) == [N]
    assert run("M") == [None]
    assert run("HM", no_data=NoData.OK) == [P, None]


def test_what_nobody_could_look_at_changes_nothing_and_does_not_count() -> None:
    for no_data in NoData:
        assert run("HUUUUUUH", no_data=no_data) == [P] * 8, "only what was seen to hold counts"
        assert run("HUUUU", hold=0.0, no_data=no_data) == [F] * 5
    assert run("HCUUC", hold=0.0, keep_firing_for=60.0) == [F] * 5


def test_what_is_gone_for_a_day_is_resolved_and_says_so() -> None:
    watch = Watch()
    now = step(rule(), alert(), Seen.MISSING, None, HERE, watch.after(10))
    now = step(rule(), now, Seen.MISSING, None, HERE, watch.after(GONE_AFTER - 1))
    assert now is not None and now.state is F
    now = step(rule(), now, Seen.MISSING, None, HERE, watch.after(1))
    assert now is not None and (now.state, now.why) == (R, "nothing was reported for a day")


def test_a_resolved_alert_is_shown_for_a_while() -> None:
    watch, ended = Watch(), alert(R, clear=0.0)
    assert step(rule(), ended, Seen.CLEAR, None, HERE, watch.after(SHOWN_FOR - 1)) is not None
    assert step(rule(), ended, Seen.CLEAR, None, HERE, watch.after(SHOWN_FOR)) is None


def test_no_data_is_over_when_its_rule_no_longer_minds() -> None:
    assert run("M", before=alert(N), no_data=NoData.IGNORE) == [R]


@pytest.mark.parametrize("no_data", NoData)
def test_nothing_leaves_the_table_and_all_of_it_can_be_reached(no_data: NoData) -> None:
    befores = [
        None,
        *(alert(state, held=110.0, clear=clear) for state in AlertState for clear in (None, SHOWN_FOR - 1)),
    ]
    rules = [rule(no_data=one, hold=hold) for one in NoData for hold in (0.0, 15.0)]
    reached = set[tuple[AlertState | None, AlertState | None]]()
    for before, seen, one in product(befores, Seen, rules):
        for blind in (None, 20.0):
            was = before and replace(before, blind=blind)
            now = step(one, was, seen, 90.0, HERE, Moment(wall=5.0, elapsed=10.0))
            if (was and was.state) is not (now and now.state):
                reached.add((was and was.state, now and now.state))
    assert reached == TABLE


def test_a_restart_goes_on_where_it_stopped_and_the_time_between_does_not_count() -> None:
    pending = alert(P, held=110.0)
    first = moment(None, 5.0, 1e9)
    assert first.elapsed == 0.0
    now = step(rule(), pending, Seen.HOLDS, 90.0, HERE, first)
    assert now is not None and (now.state, now.held) == (P, 110.0)
    now = step(rule(), now, Seen.HOLDS, 90.0, HERE, moment(5.0, 15.0, 1e9))
    assert now is not None and now.state is F


def test_no_clock_that_jumps_makes_anything_longer_or_shorter() -> None:
    assert moment(100.0, 110.0, -1e9).elapsed == 10.0
    assert moment(100.0, 90.0, 1e9).elapsed == 0.0
    assert moment(100.0, 1e6, 1e9).elapsed == MOST_ELAPSED, "nobody looked meanwhile"


def test_an_edited_rule_dresses_its_alerts_anew() -> None:
    worse = rule(severity=Severity.CRITICAL, labels=(("team", "a"),), annotations=(("summary", "s"),))
    now = step(worse, alert(ack=ACK), Seen.HOLDS, 90.0, HERE, Moment(wall=5.0, elapsed=1.0))
    assert now is not None
    assert (now.severity, now.extra, now.annotations, now.ack) == (
        Severity.CRITICAL,
        (("team", "a"),),
        (("summary", "s"),),
        None,
    )
    milder = step(
        rule(severity=Severity.INFO), alert(ack=ACK), Seen.HOLDS, 90.0, HERE, Moment(wall=5.0, elapsed=1.0)
    )
    assert milder is not None and (milder.ack, milder.severity) == (ACK, Severity.INFO)


def test_what_goes_on_is_the_same_object() -> None:
    before = alert()
    assert step(rule(), before, Seen.HOLDS, 91.0, HERE, Moment(wall=5.0, elapsed=1.0)) is before


def test_only_what_stands_is_acknowledged_and_a_change_of_state_undoes_it() -> None:
    assert acknowledged(alert(), ACK).ack == ACK
    assert acknowledged(alert(ack=ACK), None).ack is None
    for state in (P, R):
        with pytest.raises(UsageError, match=f"is {state.value}; only what stands"):
            acknowledged(alert(state), ACK)
    back = step(rule(), alert(N, ack=ACK), Seen.HOLDS, 90.0, HERE, Moment(wall=5.0, elapsed=1.0))
    assert back is not None and back.ack is None


def test_withdrawing_ends_what_stands_and_drops_what_does_not() -> None:
    now = Moment(wall=5.0, elapsed=1.0)
    for state in (F, N):
        ended = withdrawn(alert(state), "its rule was removed", now)
        assert ended is not None and (ended.state, ended.why, ended.ended_at) == (
            R,
            "its rule was removed",
            5.0,
        )
    assert withdrawn(alert(P), "", now) is None


def test_merely_older_is_what_needs_no_keeping_at_once() -> None:
    assert merely_older(alert(P, held=1.0), alert(P, held=2.0, blind=0.0))
    assert not merely_older(alert(), alert(ack=ACK))
