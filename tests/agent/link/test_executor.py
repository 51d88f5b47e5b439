"""The one that tells the supervisor: what is sent when, and what is told to the controller of it."""

import io
import json
from collections.abc import Sequence
from typing import Any

from tests.agent.link.wants import GPUS, attempt, desired, wanted

from sentinel.agent.link.attempt import Attempt, Phase
from sentinel.agent.link.executor import Executor
from sentinel.agent.link.outbox import Outbox
from sentinel.agent.link.report import Report, Verdict
from sentinel.core.job import JobState
from sentinel.core.notify import Journal


class Logs:
    """Ships at once what is not in `late`."""

    def __init__(self) -> None:
        self.begun: dict[str, bool] = {}
        self.late: set[str] = set()

    def began(self, attempt: Attempt, *, new: bool) -> None:
        self.begun.setdefault(attempt.token, new)

    def ended(self, token: str) -> bool:
        return token not in self.late


class Desk:
    def __init__(self) -> None:
        self.now = 10.0
        self.outbox = Outbox(lambda: self.now)
        self.logs = Logs()
        self.written = io.StringIO()
        self.executor = Executor(self.outbox, self.logs, Journal(self.written), lambda: self.now)
        self.sent: list[dict[str, Any]] = []
        self.broken = False

    def connect(self, *attempts: Attempt) -> None:
        self.executor.connected(attempts, self.send)

    def send(self, lines: Sequence[bytes]) -> None:
        if self.broken:
            raise BrokenPipeError
        self.sent += [json.loads(line) for line in lines]

    def commands(self) -> list[str]:
        found = [f"{one['cmd']} {one.get('token') or one.get('tokens') or ''}".strip() for one in self.sent]
        self.sent.clear()
        return found

    def hears(self, *events: dict[str, Any]) -> None:
        self.executor.heard(events)

    def runs(self, job: str = "j1") -> None:
        token = f"t-{job}"
        self.hears(
            {"event": "starting", "token": token},
            {"event": "running", "token": token, "pid": 7, "started_at": 1.0},
        )

    def exits(self, job: str = "j1") -> None:
        self.hears({"event": "exited", "token": f"t-{job}", "exit_code": 0, "signal": None})

    def waiting(self) -> list[str]:
        self.outbox.put([])
        return [one.kind.value for one in self.outbox._waiting.values()]

    def answer(self, *verdicts: Verdict) -> None:
        """The controller answers all that waits; the last verdict counts for the rest."""
        batch: list[Report] = self.outbox.take(1000)
        each = [verdicts[min(i, len(verdicts) - 1)] for i in range(len(batch))]
        self.executor.settled(list(zip(batch, each, strict=True)))


def test_what_this_node_adds_counts_over_what_the_owner_has() -> None:
    desk = Desk()
    desk.executor._adds = lambda wanted: {"SENTINEL_GPU_SHARE": str(wanted.milli), "A": "ours"}
    desk.connect()
    desk.executor.wanted(desired(wanted(environment={"A": "theirs", "B": "b"}, spec={"gpu_milli": 5})))
    assert desk.sent[0]["environment"] == {"A": "ours", "B": "b", "SENTINEL_GPU_SHARE": "5"}


def test_shares_are_known_still_when_there_is_another_supervisor() -> None:
    desk = Desk()
    desk.connect()
    half = {"gpu_milli": 500}
    desk.executor.wanted(desired(wanted("a", spec=half)))
    desk.runs("a")
    desk.connect(attempt("a"))
    desk.commands()
    desk.executor.wanted(desired(wanted("b", spec=half), revision=2))
    assert desk.commands() == ["launch t-b"], "the answer does not name the first any more"


def test_a_job_from_its_launch_to_its_end() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted(environment={"A": "b"}), asked_at=90.0))
    (launch,) = desk.sent
    assert (launch["cmd"], launch["begin_by"], launch["fence_at"]) == ("launch", 150.0, None)
    assert (launch["environment"], launch["gpus"]) == ({"A": "b"}, [GPUS[0]])
    desk.commands()
    desk.runs()
    desk.exits()
    assert desk.waiting() == ["starting", "running", "exited"]
    assert desk.logs.begun == {"t-j1": True}
    desk.answer(Verdict.APPLIED)
    assert desk.commands() == ["forget ['t-j1']"]
    assert desk.executor.attempts == {} and desk.waiting() == []
    assert [one.token for one in desk.executor.ended] == ["t-j1"]


def test_the_same_answer_twice_launches_once_and_a_late_one_never_again() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted()))
    desk.executor.wanted(desired(wanted(), revision=2))
    assert desk.commands() == ["launch t-j1"]
    desk.runs()
    desk.exits()
    desk.answer(Verdict.APPLIED)
    desk.commands()
    desk.executor.wanted(desired(wanted(), revision=3, asked_at=99.0))  # made before the end was known
    assert desk.commands() == []


def test_what_is_seen_has_been_acted_upon() -> None:
    desk = Desk()
    seen: list[int] = []

    def send(lines: Sequence[bytes]) -> None:
        seen.append(desk.executor.seen)

    desk.executor.connected((), send)
    desk.executor.wanted(desired(wanted(), revision=7))
    assert seen == [0] and desk.executor.seen == 7
    desk.executor.wanted(desired(revision=3))
    assert desk.executor.seen == 3, "a store that was restored counts from where it was"


def test_without_a_supervisor_nothing_is_told_and_all_of_it_once_there_is_one() -> None:
    desk = Desk()
    desk.executor.wanted(desired(wanted()))
    assert desk.commands() == []
    desk.connect(attempt("old", gpus=(GPUS[1],)))
    assert desk.commands() == ["launch t-j1"]
    assert desk.waiting() == ["running"], "what happened meanwhile is in the records"
    assert desk.logs.begun == {"t-old": False}


def test_a_launch_that_a_killed_supervisor_had_not_written_down_is_told_again() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted("a"), wanted("b", gpus=(GPUS[1],))))
    desk.hears({"event": "waiting", "token": "t-b", "why": "eve"})
    desk.executor.lost()
    desk.commands()
    desk.connect()
    assert desk.commands() == ["launch t-a", "launch t-b"]


def test_one_that_had_begun_is_not_even_when_its_record_is_lost() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted()))
    desk.runs()
    desk.commands()
    desk.executor.lost()
    desk.connect()
    assert desk.commands() == []


def test_a_launch_that_breaks_off_is_told_on_the_next_line() -> None:
    desk = Desk()
    desk.connect()
    desk.broken = True
    desk.executor.wanted(desired(wanted()))
    desk.broken = False
    desk.connect()
    assert desk.commands() == ["launch t-j1"]


def test_a_stop_is_told_once_a_line() -> None:
    desk = Desk()
    desk.connect(attempt())
    stop = wanted(run=False, why="canceled by ada")
    desk.executor.wanted(desired(stop))
    desk.executor.wanted(desired(stop, revision=2))
    assert desk.commands() == ["stop t-j1"]
    desk.connect(attempt())
    assert desk.commands() == ["stop t-j1"]


def test_a_job_that_was_held_off_begins_when_its_gpu_is_free() -> None:
    desk = Desk()
    desk.connect(attempt("old"))
    desk.executor.wanted(desired(wanted("new"), asked_at=99.0))
    assert desk.commands() == []
    desk.exits("old")
    assert desk.commands() == ["launch t-new"]


def test_fenced_it_is_ended_and_then_forgotten() -> None:
    desk = Desk()
    desk.connect(attempt())
    desk.answer(Verdict.FENCED)
    assert desk.commands() == ["stop t-j1"]
    assert "no longer wanted" in desk.written.getvalue()
    desk.exits()
    desk.answer(Verdict.FENCED)
    assert desk.commands() == ["forget ['t-j1']"]
    assert desk.waiting() == []


def test_unknown_it_is_left_alone_and_told_again_rarely() -> None:
    desk = Desk()
    desk.connect(attempt())
    desk.answer(Verdict.UNKNOWN)
    assert desk.commands() == [] and desk.waiting() == []
    assert desk.outbox.pending("t-j1")
    said = desk.written.getvalue()
    assert "no such job" in said
    desk.now += 60.0
    desk.answer(Verdict.UNKNOWN)
    assert desk.written.getvalue() == said, "said once"
    desk.now += 60.0
    desk.answer(Verdict.APPLIED)
    assert not desk.outbox.pending("t-j1")


def test_who_was_held_off_by_one_that_turns_out_unknown_is_refused() -> None:
    desk = Desk()
    desk.connect(attempt("old"))
    desk.executor.wanted(desired(wanted("new")))
    assert desk.commands() == []
    desk.answer(Verdict.UNKNOWN)
    assert desk.executor.attempts["t-old"].unknown
    assert desk.waiting() == ["refused"]
    assert desk.commands() == []
    desk.now += 60.0
    desk.answer(Verdict.KNOWN, Verdict.KNOWN)
    assert not desk.executor.attempts["t-old"].unknown


def test_a_remark_about_an_unknown_job_is_dropped() -> None:
    from sentinel.agent.link.report import leftover

    desk = Desk()
    desk.connect()
    desk.executor.remark([leftover(attempt(phase=Phase.EXITED), "g", 1, "")])
    desk.answer(Verdict.UNKNOWN)
    assert not desk.outbox.pending("t-j1")


def test_what_has_not_been_shipped_is_not_forgotten_yet() -> None:
    desk = Desk()
    desk.logs.late = {"t-j1"}
    desk.connect(attempt())
    desk.exits()
    desk.answer(Verdict.APPLIED)
    assert desk.commands() == []
    desk.executor.shipped("t-j1")
    assert desk.commands() == ["forget ['t-j1']"]


def test_what_was_shipped_first_waits_for_the_word() -> None:
    desk = Desk()
    desk.logs.late = {"t-j1"}
    desk.connect(attempt())
    desk.exits()
    desk.executor.shipped("t-j1")
    assert desk.commands() == []
    desk.answer(Verdict.KNOWN)
    assert desk.commands() == ["forget ['t-j1']"]


def test_logs_that_never_arrive_do_not_keep_records_for_ever() -> None:
    desk = Desk()
    jobs = [f"j{number}" for number in range(510)]
    desk.logs.late = {f"t-{job}" for job in jobs}
    desk.connect(*[attempt(job, Phase.EXITED, gpus=()) for job in jobs])
    desk.answer(Verdict.APPLIED)
    (forget,) = desk.sent
    assert forget["tokens"] == [f"t-{job}" for job in jobs[:10]]


def test_a_fence_is_set_at_launch_and_moved_by_each_beat() -> None:
    desk = Desk()
    desk.connect()
    fenced = wanted(spec={"if_lost": "fence"})
    desk.executor.wanted(desired(fenced, asked_at=90.0))
    assert desk.sent[0]["fence_at"] == 150.0
    desk.commands()
    desk.runs()
    desk.executor.beaten(120.0, 30.0, ["t-j1", "t-other"], [])
    assert desk.sent == [{"cmd": "renew", "fences": {"t-j1": 150.0}}]
    desk.commands()
    desk.executor.beaten(130.0, 30.0, ["t-j1"], ["t-j1"])
    assert desk.commands() == [], "not what the controller has no lease for"
    desk.exits()
    desk.executor.beaten(140.0, 30.0, ["t-j1"], [])
    assert desk.commands() == []


def test_a_lease_that_the_controller_does_not_have_is_asked_about() -> None:
    """A node that was declared dead and comes back: nothing happens there that would be reported."""
    desk = Desk()
    desk.connect(attempt())
    desk.answer(Verdict.KNOWN)
    desk.executor.beaten(120.0, 60.0, ["t-j1"], ["t-j1"])
    assert desk.waiting() == ["running"]
    desk.answer(Verdict.FENCED)
    assert desk.commands() == ["stop t-j1"]


def test_a_launch_that_is_too_long_for_the_supervisor_fails_for_good() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted(environment={"A": "x" * 2**20})))
    assert desk.commands() == []
    (report,) = desk.outbox.take(10)
    assert report.body["final"] is True and "too long" in report.body["why"]


def test_a_job_called_off_before_it_began_is_refused_once() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted(run=False, why="canceled by ada")))
    (report,) = desk.outbox.take(10)
    assert (report.kind.value, report.body["why"]) == ("refused", "canceled by ada")
    desk.answer(Verdict.APPLIED)
    desk.executor.wanted(desired(wanted(run=False), revision=2))
    assert desk.waiting() == []


def test_words_about_what_nobody_knows_are_no_trouble() -> None:
    desk = Desk()
    desk.connect(attempt())
    desk.hears({"event": "running", "token": "t-else"}, {"event": "dances", "token": "t-j1"})
    assert "dances" in desk.written.getvalue()
    assert desk.executor.attempts["t-j1"].phase is Phase.RUNNING


def test_past_allocated_and_not_here_nothing_is_told_to_anybody() -> None:
    desk = Desk()
    desk.connect()
    desk.executor.wanted(desired(wanted(state=JobState.RUNNING)))
    assert desk.commands() == [] and desk.waiting() == []
