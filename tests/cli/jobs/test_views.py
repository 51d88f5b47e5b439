import json

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, a_job, an_event, problem, sse

from sentinel.cli.jobs.show import show_lines, wanted_text
from sentinel.cli.jobs.table import job_lines, summary
from sentinel.cli.jobs.top import in_order, top_lines
from sentinel.cli.jobs.why import why_lines
from sentinel.cli.jobs.words import exit_text, node_of, run_time, status_of

ID = "abcdefghjk"
NOW = 1_700_000_000.0 + 7200
EVIL = "\x1b[2J\x1b]0;owned\x07ev\u202eil\n\u0301\u0301\u0301\u0301"


def test_a_table_as_squeue_has_it() -> None:
    jobs = [
        a_job(
            "aaaaaaaaaa", "RUNNING", started_at="2023-11-14T23:13:20.000Z", node="gpu-01", spec={"gpus": 2}
        ),
        a_job("bbbbbbbbbb", reason="4 GPUs are held by others", node="gpu-01"),
        a_job("cccccccccc", "LOST", node="gpu-02", started_at="2023-11-14T23:13:20.000Z"),
    ]
    assert job_lines(jobs, NOW, 100) == [
        "ID          USER  NAME  STATE    GPUS  NODE    AGE  TIME  REASON",
        "aaaaaaaaaa  ann   true  RUNNING     2  gpu-01  2 h   1 h  -",
        "bbbbbbbbbb  ann   true  QUEUED      1  -       2 h     -  4 GPUs are held by others",
        "cccccccccc  ann   true  LOST        1  gpu-02  2 h     ?  -",
    ]


@pytest.mark.parametrize("width", [80, 100, 200])
def test_hostile_names_break_no_table(width: int) -> None:
    job = a_job(ID, "RUNNING", name=EVIL * 20, owner=EVIL, node=EVIL, reason=EVIL * 50)
    lines = job_lines([job], NOW, width)
    assert len(lines) == 2
    assert all(len(line) <= width and line.isprintable() for line in lines)
    assert all(line.isprintable() for line in show_lines(job, NOW))


def test_the_parts_of_a_job() -> None:
    ended = {"started_at": "2023-11-14T22:13:20Z", "ended_at": "2023-11-14T22:14:50Z"}
    assert run_time(a_job(state="FAILED", **ended), NOW) == "1 min"
    assert run_time(a_job(state="CANCELED"), NOW) is None
    assert node_of(a_job(node="was-there")) is None
    assert exit_text(a_job(state="FAILED", exit_code=3)) == "3"
    assert exit_text(a_job(state="FAILED", signal=9)) == "signal 9"
    assert exit_text(a_job(state="FAILED", **ended)) == "?"
    assert exit_text(a_job(state="CANCELED")) is None
    assert exit_text(a_job(state="RUNNING")) is None
    assert status_of(a_job(state="FAILED", exit_code=3)) == 3
    assert status_of(a_job(signal=15)) == 143
    assert status_of(a_job()) == 1
    spec = a_job(spec={"gpus": 2, "gpu_model": "a100", "gpu_memory_bytes": 2**34, "node": "g"})["spec"]
    assert wanted_text(spec) == "2 GPUs, a100, 16 GiB each, on g"


def test_list_asks_for_live_ones(cli: Cli) -> None:
    cli.answers("GET jobs", {"items": [a_job(ID)], "next": None})
    done = cli("job", "list")
    assert done.status == 0
    assert done.out.splitlines()[1].startswith(ID)
    assert cli.fake.requests[0].query["state"] == ["QUEUED", "ALLOCATED", "STARTING", "RUNNING", "LOST"]
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_through_a_pipe_nothing_is_cut(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "needs 9 GPUs on one node; the largest node, with a name of its own, has 8"
    cli.answers("GET jobs", {"items": [a_job(ID, reason=reason)], "next": None})
    assert cli("job", "list").out.splitlines()[1].endswith("...")
    monkeypatch.delenv("COLUMNS")
    assert cli("job", "list").out.splitlines()[1].endswith(reason)


def test_list_narrowed(cli: Cli) -> None:
    cli.answers("GET jobs", {"items": [], "next": None})
    done = cli("job", "list", "--user", "me", "-s", "failed,lost", "--state", "cancelled", "--limit", "5")
    assert done.out == "no such jobs now; those that have ended: --all\n"
    assert cli.fake.requests[0].query == {
        "state": ["FAILED", "LOST", "CANCELED"], "owner": ["me"], "limit": ["6"],
    }  # fmt: skip
    cli("job", "list", "--all")
    assert "state" not in cli.fake.requests[1].query
    assert cli("job", "list", "--state", "sleeping").status == 2


def test_list_says_when_there_is_more_and_what_to_do_when_there_is_none(cli: Cli) -> None:
    cli.answers("GET jobs", {"items": [a_job(str(n) * 10) for n in range(3)], "next": None})
    done = cli("job", "list", "--limit", "2")
    assert len(done.out.splitlines()) == 3
    assert "there are more" in done.err
    assert [job["id"] for job in json.loads(cli("job", "list", "--limit", "2", "--json").out)] == [
        "0" * 10, "1" * 10,
    ]  # fmt: skip
    cli.answers("GET jobs", {"items": [], "next": None})
    assert "sentinel job submit" in cli("job", "list").out
    assert cli("job", "list", "--json").out == "[]\n"


def test_show(cli: Cli) -> None:
    job = a_job(
        ID, "FAILED", reason="exit code 3", exit_code=3, attempt=1, node="g1", gpus=["GPU-1"],
        started_at="2023-11-14T22:13:20Z", ended_at="2023-11-14T22:14:50Z",
        cancel={"by": "bob", "at": "2023-11-14T22:14:00Z", "why": "mine"},
        spec={"command": ["sh", "-c", "exit 3"], "time_limit": 600.0},
    )  # fmt: skip
    cli.answers(f"GET jobs/{ID}", job)
    out = cli("job", "show", ID).out
    for part in ("FAILED", "exit code 3", "bob: mine", "GPU-1", "sh -c 'exit 3'", "10 min", "1 min"):
        assert part in out
    found = json.loads(cli("job", "show", ID, "--json").out)
    for key in ("id", "state", "reason", "attempt", "node", "gpus", "exit_code", "submitted_at", "ended_at"):
        assert key in found
    assert cli("job", "show", "none").err == "sentinel: there is no such thing\n"


def test_logs_are_raw(cli: Cli) -> None:
    cli.answers(f"GET jobs/{ID}/logs", Reply(body=b"\x00\x1b[2J\r\nend", headers={"Log-Size": "9"}))
    done = cli("job", "logs", "--tail", "3", "--attempt", "2", ID)
    assert (done.status, done.out) == (0, "\x00\x1b[2J\r\nend")
    assert cli.fake.requests[0].query == {"tail": ["3"], "attempt": ["2"]}


def test_cancel_goes_on_after_one_that_cannot_be(cli: Cli) -> None:
    cli.answers("POST jobs/aaaa/cancel", a_job("aaaa", "CANCELED"))
    cli.answers("POST jobs/bbbb/cancel", problem(409, "job bbbb has ended: FAILED"))
    cli.answers("POST jobs/cccc/cancel", a_job("cccc", "RUNNING"))
    done = cli("job", "cancel", "aaaa", "bbbb", "cccc", "--why", "mine")
    assert done.out == "job aaaa: canceled\njob cccc: asked to end\n"
    assert (done.status, done.err) == (1, "sentinel: job bbbb has ended: FAILED\n")
    assert cli.fake.requests[0].json == {"why": "mine"}
    assert [job["id"] for job in json.loads(cli("job", "cancel", "aaaa", "--json").out)] == ["aaaa"]


def test_why(cli: Cli) -> None:
    held = [
        {"job": "bbbbbbbbbb", "gpus": ["GPU-2", "GPU-3"], "why": "until it ends"},
        {"what": "unmanaged", "gpus": ["GPU-1"], "why": "raw-docker llm of ann"},
    ]
    found = {
        "id": ID, "state": "QUEUED", "blocking": "gpus", "reason": f"waits for 3 GPUs {EVIL}",
        "held_by": held, "ahead": 1,
    }  # fmt: skip
    assert why_lines(found, 80)[-3:] == [
        "- job bbbbbbbbbb has 2 GPUs: until it ends",
        "- 1 GPU is unmanaged: raw-docker llm of ann",
        "1 job is ahead of it",
    ]
    assert all(line.isprintable() and len(line) <= 80 for line in why_lines(found, 80))
    cli.answers(f"GET jobs/{ID}/why", found)
    assert "abcdefghjk is QUEUED: waits for 3 GPUs" in cli("job", "why", ID).out
    assert json.loads(cli("job", "why", ID, "--json").out) == found


def test_retry(cli: Cli) -> None:
    cli.answers(f"POST jobs/{ID}/retry", a_job("newnewnewn"))
    assert cli("job", "retry", ID).out == "newnewnewn\n"


def test_wait_exits_by_how_they_ended(cli: Cli) -> None:
    cli.answers("GET jobs/aaaa", a_job("aaaa", "SUCCEEDED", exit_code=0))
    cli.answers("GET jobs/bbbb", a_job("bbbb", "FAILED", exit_code=2))
    cli.answers("GET events/stream", Reply(pieces=sse()))
    assert cli("job", "wait", "aaaa").status == 0
    done = cli("job", "wait", "bbbb", "aaaa", "--json")
    assert done.status == 1
    assert [job["state"] for job in json.loads(done.out)] == ["FAILED", "SUCCEEDED"]


def test_wait_for_too_long(cli: Cli) -> None:
    cli.answers("GET jobs/aaaa", a_job("aaaa", "RUNNING"))
    cli.answers("GET events/stream", Reply(pieces=sse()))
    done = cli("job", "wait", "aaaa", "--timeout", "200ms")
    assert (done.status, done.err) == (1, "sentinel: not all of them have ended within 200ms\n")


def test_events(cli: Cli) -> None:
    events = [
        an_event(1, ID, "submitted", attempt=0),
        an_event(2, ID, "failed", attempt=1, node="g", reason=EVIL),
    ]
    cli.answers(f"GET jobs/{ID}/events", {"items": events, "next": None})
    out = cli("job", "events", ID).out
    assert [line.split()[2] for line in out.splitlines()[1:]] == ["submitted", "failed"]
    assert out.replace("\n", "").isprintable()
    assert json.loads(cli("job", "events", ID, "--json").out) == events


def test_top(cli: Cli) -> None:
    jobs = [a_job("aaaa", spec={"priority": 5}), a_job("bbbb", "RUNNING"), a_job("cccc", "LOST")]
    gpus = [
        {"job": "bbbb", "blocked": None},
        {"job": None, "blocked": {"why": "x"}},
        {"job": None, "blocked": None},
    ]
    assert [job["id"] for job in in_order([*jobs, a_job("dddd", spec={"priority": 9})])] == [
        "cccc", "bbbb", "dddd", "aaaa",
    ]  # fmt: skip
    assert top_lines(jobs, gpus, NOW, 80)[0] == (
        "1 RUNNING, 1 QUEUED, 1 LOST; 1 of 3 GPUs hold jobs, 1 cannot be placed on"
    )
    assert "sentinel job submit" in top_lines([], [], NOW, 80)[-1]
    assert summary([]) == "no jobs"
    cli.answers("GET jobs", {"items": jobs, "next": None})
    cli.answers("GET gpus", {"items": gpus, "next": None})
    found = json.loads(cli("job", "top", "--json").out)
    assert len(found["jobs"]) == len(found["gpus"]) == 3
    assert cli("job", "top", "--every", "10ms").status == 2
