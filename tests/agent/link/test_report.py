"""Events of the supervisor as reports, in the form that the controller reads."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.agent.link.wants import attempt, wanted

from sentinel.agent.link.attempt import Phase, after, attempt_from
from sentinel.agent.link.report import Kind, gone, leftover, refused, report_of, reports_of
from sentinel.core.errors import ProtocolError
from sentinel.scheduling import reports as controllers

EVENTS: list[dict[str, Any]] = [
    {"event": "waiting", "token": "t-j1", "why": "GPU 0 is leased to eve"},
    {"event": "starting", "token": "t-j1"},
    {"event": "running", "token": "t-j1", "pid": 7, "started_at": 100.5},
    {
        "event": "exited",
        "token": "t-j1",
        "exit_code": 3,
        "signal": None,
        "why": "",
        "stopped": False,
        "started_at": 100.5,
        "ended_at": 101.0,
    },
]


def test_each_event_becomes_a_report_that_the_controller_understands() -> None:
    now = attempt(phase=Phase.TOLD)
    said = []
    for event in EVENTS:
        now = after(now, event)
        said.append(controllers.report_from(json.loads(json.dumps(report_of(now).body))))
    assert [one.kind.value for one in said] == ["waiting", "starting", "running", "exited"]
    ended = said[-1].what
    assert isinstance(ended, controllers.Exited)
    assert (ended.exit_code, ended.signal, ended.ended_at) == (3, None, 101.0)
    assert (now.pid, now.started_at) == (7, 100.5), "what was known stays known"


def test_a_code_that_nobody_saw_is_null() -> None:
    event = {**EVENTS[-1], "exit_code": None, "why": "the machine was restarted"}
    body = report_of(after(attempt(), event)).body
    assert body["exit_code"] is None and body["signal"] is None
    assert body["why"] == "the machine was restarted"


def test_remarks_and_what_never_began_are_understood_too() -> None:
    for report in (
        refused(wanted(), "no such folder", final=True),
        gone(wanted(), "its node knows nothing of it"),
        leftover(attempt(phase=Phase.EXITED), "GPU-1", 77, "still there"),
    ):
        assert controllers.report_from(report.body).kind.value == report.kind.value


def test_of_what_was_only_told_there_is_nothing_to_report() -> None:
    assert reports_of([attempt(phase=Phase.TOLD), attempt("j2", Phase.STARTING)])[0].token == "t-j2"
    with pytest.raises(ProtocolError):
        report_of(attempt(phase=Phase.TOLD))


def test_a_record_is_an_attempt_as_its_events_made_it() -> None:
    record = {"job": "j1", "attempt": 1, "token": "t-j1", "gpus": [], "phase": "exited", **EVENTS[-1]}
    by_events = attempt(phase=Phase.TOLD, gpus=())
    for event in EVENTS[-1:]:
        by_events = after(by_events, event)
    assert report_of(attempt_from(record)) == report_of(by_events)


@pytest.mark.parametrize("bad", [{}, {"token": "t"}, {"token": "t", "job": "j", "attempt": "x", "gpus": []}])
def test_a_record_that_is_none(bad: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        attempt_from(bad)
    with pytest.raises(ProtocolError):
        after(attempt(), bad)


def test_an_end_that_was_none_of_its_own_may_be_followed_by_another_attempt() -> None:
    ended = attempt(phase=Phase.EXITED)
    assert report_of(ended).kind is Kind.EXITED
    report = report_of(replace(ended, gone=True, why="the machine was restarted"))
    assert (report.kind, report.body["why"]) == (Kind.GONE, "the machine was restarted")
