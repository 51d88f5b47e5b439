import json

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, a_job, a_task, an_array, an_event, problem, sse

from sentinel.cli.jobs.show import array_lines, show_lines, wanted_text
from sentinel.cli.jobs.table import job_lines, summary
from sentinel.cli.jobs.top import in_order, top_lines
from sentinel.cli.jobs.why import why_lines
from sentinel.cli.jobs.words import exit_text, gpus_text, node_of, run_time, status_of
from sentinel.cli.local.duration_text import clock_text

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
    spec = a_job(spec={"gpus": 8, "nodes": 4, "cpus": 1, "memory_bytes": 2**36})["spec"]
    assert wanted_text(spec) == "4 nodes, 8 GPUs on each, 1 CPU, 64 GiB of memory"
    assert gpus_text(spec) == "32"
    assert gpus_text(a_job(spec={"gpu_milli": 250})["spec"]) == "0.25"
    assert wanted_text(a_job(spec={"gpu_milli": 250})["spec"]) == "0.25 of a GPU"


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


def test_show_of_what_most_jobs_do_not_have(cli: Cli) -> None:
    job = a_task(
        1, "QUEUED", after=[{"job": "aaaaaaaaaa", "kind": "ok"}, {"job": "bbbbbbbbbb", "kind": "notok"}],
        preemptions=2, failures=1, account="vision",
        spec={
            "retries": 3, "preemptible": True, "checkpoint": ["./save", "a b"], "stop_signal": "USR1",
            "image": "ubuntu", "mounts": ["/data", "/a:/b"], "setup": ["x", "y"], "singleton": True,
            "notify": ["mail:end", "chat:fail"],
        },
    )  # fmt: skip
    cli.answers("GET jobs/arrayarray_1", job)
    found = dict(line.split("  ", 1) for line in cli("job", "show", "arrayarray_1").out.splitlines())
    wanted = {
        "Waits for": "aaaaaaaaaa to succeed, bbbbbbbbbb to fail", "Array": "arrayarray: number 1 of 3 tasks",
        "Made room": "2 times", "Retries": "1 of 3 used", "Checkpoint": "./save 'a b'",
        "Stopped by": "SIGUSR1", "Image": "ubuntu", "Mounts": "/data, /a:/b", "Setup": "x; y",
        "Group": "vision", "Tells": "mail:end, chat:fail",
    }  # fmt: skip
    assert {name: value.strip() for name, value in found.items() if name in wanted} == wanted
    plain = "\n".join(show_lines(a_job(), NOW))
    assert not any(word in plain for word in ("Array", "Retries", "Tells", "Image", "Group", "Waits for"))


def test_show_of_a_gang_has_its_nodes(cli: Cli) -> None:
    parts = [
        {"id": f"{ID}.1.0", "rank": 0, "node": "gpu-01", "state": "RUNNING", "exit_code": None},
        {"id": f"{ID}.1.1", "rank": 1, "node": EVIL, "state": "FAILED", "exit_code": 3},
    ]
    job = a_job(ID, "RUNNING", node="gpu-01,gpu-02", spec={"nodes": 2}, parts=parts)
    cli.answers(f"GET jobs/{ID}", job)
    lines = cli("job", "show", ID).out.splitlines()
    assert lines[-5].split() == ["RANK", "NODE", "STATE", "EXIT"]
    assert lines[-4].split() == ["0", "gpu-01", "RUNNING", "-"]
    assert lines[-3].split()[-2:] == ["FAILED", "3"]
    assert lines[-1] == f"what one of them wrote: sentinel job logs {ID} --rank 1"
    assert all(line.isprintable() for line in lines)
    assert json.loads(cli("job", "show", ID, "--json").out)["parts"] == parts


def test_show_of_an_array(cli: Cli) -> None:
    array = an_array(size=12, RUNNING=2, QUEUED=10)
    cli.answers("GET jobs/arra", array)
    out = cli("job", "show", "arra").out
    assert "arrayarray: 12 tasks" in out
    assert "2 RUNNING, 10 QUEUED" in out
    assert "sentinel job list --array arrayarray" in out
    assert json.loads(cli("job", "show", "arra", "--json").out) == array
    hostile = {**array, "name": EVIL, "owner": EVIL}
    assert all(line.isprintable() for line in array_lines(hostile, NOW))


def test_list_of_an_array(cli: Cli) -> None:
    cli.answers("GET jobs/arra", an_array(SUCCEEDED=3))
    cli.answers("GET jobs", {"items": [a_task(n, "SUCCEEDED") for n in range(3)], "next": None})
    done = cli("job", "list", "--array", "arra")
    assert len(done.out.splitlines()) == 4
    assert cli.fake.asked("GET jobs")[0].query == {"array": ["arrayarray"], "limit": ["101"]}
    cli.answers(f"GET jobs/{ID}", a_job(ID))
    wrong = cli("job", "list", "--array", ID)
    assert (wrong.status, "is a job and no array" in wrong.err) == (2, True)


def test_commands_for_one_job_refuse_an_array(cli: Cli) -> None:
    cli.answers("GET jobs/arra", an_array(QUEUED=3))
    done = cli("job", "logs", "-f", "arra")
    assert done.status == 1
    assert done.err == (
        "sentinel: arrayarray is an array of 3 jobs (name one of them; "
        "`sentinel job list --array arrayarray` shows them)\n"
    )


def test_logs_are_raw(cli: Cli) -> None:
    cli.answers(f"GET jobs/{ID}/logs", Reply(body=b"\x00\x1b[2J\r\nend", headers={"Log-Size": "9"}))
    done = cli("job", "logs", "--tail", "3", "--attempt", "2", ID)
    assert (done.status, done.out) == (0, "\x00\x1b[2J\r\nend")
    assert cli.fake.requests[0].query == {"tail": ["3"], "attempt": ["2"]}
    cli("job", "logs", "--rank", "0", ID)
    assert cli.fake.requests[-1].query == {"rank": ["0"]}


def test_cancel_goes_on_after_one_that_cannot_be(cli: Cli) -> None:
    cli.answers("POST jobs/aaaa/cancel", a_job("aaaa", "CANCELED"))
    cli.answers("POST jobs/bbbb/cancel", problem(409, "job bbbb has ended: FAILED"))
    cli.answers("POST jobs/cccc/cancel", a_job("cccc", "RUNNING"))
    done = cli("job", "cancel", "aaaa", "bbbb", "cccc", "--why", "mine")
    assert done.out == "job aaaa: canceled\njob cccc: asked to end\n"
    assert (done.status, done.err) == (1, "sentinel: job bbbb has ended: FAILED\n")
    assert cli.fake.requests[0].json == {"why": "mine"}
    assert [job["id"] for job in json.loads(cli("job", "cancel", "aaaa", "--json").out)] == ["aaaa"]


def test_cancel_of_an_array(cli: Cli) -> None:
    cli.answers("POST jobs/arra/cancel", {"id": "arrayarray", "jobs": ["arrayarray_0", "arrayarray_2"]})
    assert cli("job", "cancel", "arra").out == "array arrayarray: 2 jobs asked to end\n"
    assert json.loads(cli("job", "cancel", "arra", "--json").out)[0]["id"] == "arrayarray"


def test_why(cli: Cli) -> None:
    held = [
        {"job": "bbbbbbbbbb", "gpus": ["GPU-2", "GPU-3"], "why": "runs", "until": "2023-11-14T23:13:20Z"},
        {"what": "unmanaged", "gpus": ["GPU-1"], "why": "raw-docker llm of ann"},
    ]
    found = {
        "id": ID, "state": "QUEUED", "blocking": "gpus", "reason": f"waits for 3 GPUs {EVIL}",
        "held_by": held, "ahead": 1, "estimated_start": "2023-11-14T23:13:20.000Z",
        "basis": f"time limits {EVIL}",
        "would_start_now_if": [{"change": {"gpus": 2}, "says": f"it would start now with 2 GPUs {EVIL}"}],
    }  # fmt: skip
    lines = why_lines(found, 80)
    assert lines[-3].startswith(f"it may begin at {clock_text(1_700_003_600)}: time limits")
    assert lines[-2] == "What would let it begin now:"
    assert lines[-1].startswith("- with 2 GPUs")
    assert lines[-6:-3] == [
        f"- job bbbbbbbbbb has 2 GPUs until {clock_text(1_700_003_600)}: runs",
        "- 1 GPU is unmanaged: raw-docker llm of ann",
        "1 job is ahead of it",
    ]
    assert all(line.isprintable() and len(line) <= 80 for line in why_lines(found, 80))
    cli.answers(f"GET jobs/{ID}/why", found)
    for words in (("job", "why"), ("why",)):
        assert "abcdefghjk is QUEUED: waits for 3 GPUs" in cli(*words, ID).out
        assert json.loads(cli(*words, ID, "--json").out) == found


def test_why_when_its_beginning_cannot_be_told() -> None:
    found = {
        "id": ID, "state": "QUEUED", "blocking": "no-node", "reason": "no node has joined yet", "held_by": [],
        "ahead": 0, "estimated_start": None, "basis": "no node has joined", "would_start_now_if": [],
    }  # fmt: skip
    assert why_lines(found, 80) == [
        "abcdefghjk is QUEUED: no node has joined yet",
        "when it begins cannot be told: no node has joined",
    ]
    running = {**found, "state": "RUNNING", "reason": "", "basis": ""}
    assert why_lines(running, 80) == ["abcdefghjk is RUNNING"]


@pytest.mark.parametrize("id", ["", "..", "../users", "a/b", "a b", "x" * 99])
def test_what_cannot_be_an_id_is_asked_of_nobody(cli: Cli, id: str) -> None:
    commands = (
        ("why",),
        ("job", "show"),
        ("job", "cancel"),
        ("job", "wait", "aaaa"),
        ("job", "list", "--array"),
    )
    for words in commands:
        done = cli(*words, id)
        assert (done.status, "is no job's id" in done.err) == (2, True)
    assert cli.fake.requests == []


def test_retry(cli: Cli) -> None:
    cli.answers(f"POST jobs/{ID}/retry", a_job("newnewnewn"))
    assert cli("job", "retry", ID).out == "newnewnewn\n"


def test_wait_exits_by_how_they_ended(cli: Cli) -> None:
    cli.answers("GET jobs/aaaa", a_job("aaaa", "SUCCEEDED", exit_code=0))
    cli.answers("GET jobs/bbbb", a_job("bbbb", "FAILED", exit_code=2))
    cli.answers("GET events/stream", Reply(pieces=sse()))
    assert cli("job", "wait", "aaaa").status == 0
    done = cli("job", "wait", "aaaa", "bbbb", "--json")
    assert done.status == 2
    assert [job["state"] for job in json.loads(done.out)] == ["SUCCEEDED", "FAILED"]
    cli.answers("GET jobs/cccc", a_job("cccc", "CANCELED"))
    assert cli("job", "wait", "cccc", "bbbb").status == 1


def test_wait_for_an_array_exits_as_its_first_that_failed(cli: Cli) -> None:
    tasks = [a_task(2, "FAILED", exit_code=7), a_task(1, "FAILED", signal=9), a_task(0, "SUCCEEDED")]
    cli.answers("GET jobs/arra", an_array(SUCCEEDED=1, FAILED=2))
    cli.answers("GET jobs", {"items": tasks, "next": None})
    done = cli("job", "wait", "arra", "--json")
    assert done.status == 137
    assert [job["array"]["index"] for job in json.loads(done.out)] == [0, 1, 2]


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


def test_show_fits_its_terminal() -> None:
    job = a_job(ID, "QUEUED", reason="kept " * 40 + EVIL, spec={"command": ["true", "x" * 200]})
    lines = show_lines(job, NOW, 60)
    assert [line for line in lines if len(line) > 60] == [lines[-1]]
    assert lines[-1].startswith("Command") and lines[-1].endswith("x" * 200)
    reason = next(number for number, line in enumerate(lines) if line.startswith("Reason"))
    assert lines[reason + 1].startswith(" " * len("Time limit  ") + "kept")
    assert all(line.isprintable() for line in lines)


def test_top_has_tasks_by_their_index() -> None:
    tasks = [a_task(number, "QUEUED") for number in (2, 0, 1)]
    assert [job["id"][-1] for job in in_order(tasks)] == ["0", "1", "2"]


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
    asked = [request.query["state"] for request in cli.fake.asked("GET jobs")]
    assert asked == [["QUEUED"], ["ALLOCATED", "STARTING", "RUNNING", "LOST"]]
    assert cli("job", "top", "--every", "10ms").status == 2
