import json
import os
from pathlib import Path
from typing import get_args

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import a_job, problem

from sentinel.api import job_request
from sentinel.api.job_request import SIGNALS as api_signals
from sentinel.api.job_request import JobRequest
from sentinel.api.requests import MOST_SECONDS
from sentinel.cli.jobs import job_options, option_values
from sentinel.cli.jobs.option_values import SIGNALS
from sentinel.cli.jobs.submission import folder_for, own_umask


def test_prints_the_id_and_sends_what_was_asked_for(cli: Cli, tmp_path: Path) -> None:
    cli.answers("POST jobs", a_job("k3v9x2m1qa"))
    secret = tmp_path / "env"
    secret.write_text("TOKEN=hunter2\n")
    done = cli(
        "job", "submit", "--gpus", "2", "-p", "-5", "--time-limit", "10m", "--cwd", "/work", "--name", "n",
        "--gpu-model", "a100", "--gpu-memory", "20GiB", "--node", "g1", "--env", "A=b",
        "--env-file", str(secret),
        "--no-env", "--if-lost", "fence", "--grace", "5s", "--umask", "027", "--limit", "nofile=65536",
        "--limit", "memlock=1GiB", "--", "python", "-c", "print(1)", "--", "--json",
    )  # fmt: skip
    assert (done.status, done.out, done.err) == (0, "k3v9x2m1qa\n", "")
    assert cli.fake.requests[0].json == {
        "command": ["python", "-c", "print(1)", "--", "--json"],
        "cwd": "/work",
        "gpus": 2,
        "priority": -5,
        "name": "n",
        "time_limit": 600.0,
        "gpu_model": "a100",
        "gpu_memory_bytes": 20 * 2**30,
        "node": "g1",
        "environment": {"A": "b", "TOKEN": "hunter2"},
        "if_lost": "fence",
        "grace": 5.0,
        "umask": 0o027,
        "limits": {"nofile": 65536, "memlock": 2**30},
        "pty": False,
    }


def test_all_that_a_job_may_ask_for(cli: Cli) -> None:
    cli.answers("POST jobs", a_job())
    done = cli(
        "job", "submit", "--cwd", "/w", "--no-env", "--umask", "022", "--nodes", "2",
        "--gpu-model", "h100,a100", "--cpus", "8", "--memory", "64GiB",
        "--after", "aaaaaaaaaa", "--after", "any:bbbb", "--after", "notok:CCCCCCCCCC_3", "--after", "ok:dddd",
        "--singleton", "--setup", "module load cuda", "--setup", "ulimit -c 0",
        "--image", "nvcr.io/nvidia/pytorch:24.05-py3", "--engine", "podman",
        "--mount", "/data", "--mount", "/a:/b:ro", "--retries", "3", "--retry-on", "3, 75", "--preemptible",
        "--checkpoint", "./save.sh 'now or never'", "--stop-signal", "sigusr1",
        "--notify", "mail", "--notify", "chat:start,fail", "--", "true",
    )  # fmt: skip
    assert (done.status, done.err) == (0, "")
    sent = cli.fake.requests[0].json
    wanted = {
        "nodes": 2, "gpu_model": "h100,a100", "cpus": 8, "memory_bytes": 64 * 2**30, "singleton": True,
        "after": [
            {"job": "aaaaaaaaaa", "kind": "ok"}, {"job": "bbbb", "kind": "any"},
            {"job": "cccccccccc_3", "kind": "notok"}, {"job": "dddd", "kind": "ok"},
        ],
        "setup": ["module load cuda", "ulimit -c 0"], "image": "nvcr.io/nvidia/pytorch:24.05-py3",
        "engine": "podman", "mounts": ["/data", "/a:/b:ro"], "retries": 3, "retry_codes": [3, 75],
        "preemptible": True, "checkpoint": ["./save.sh", "now or never"], "stop_signal": "USR1",
        "notify": ["mail:end", "chat:start", "chat:fail"],
    }  # fmt: skip
    assert {name: sent[name] for name in wanted} == wanted
    JobRequest.model_validate_json(cli.fake.requests[0].body)


def test_a_share_of_a_gpu(cli: Cli) -> None:
    cli.answers("POST jobs", a_job())
    assert cli("job", "submit", "--gpu-share", "0.5", "true").status == 0
    assert cli.fake.requests[0].json["gpu_share"] == 0.5


def test_an_array_is_named_by_its_id(cli: Cli) -> None:
    found = {"id": "arrayarray", "array": {"id": "arrayarray", "size": 2, "limit": 1}, "jobs": ["a_0", "a_1"]}
    cli.answers("POST jobs", found)
    assert cli("job", "submit", "--array", "0-1%1", "true").out == "arrayarray\n"
    assert cli.fake.requests[0].json["array"] == "0-1%1"
    assert json.loads(cli("job", "submit", "--array", "0-1%1", "--json", "true").out) == found


def test_what_is_taken_is_what_the_controller_takes() -> None:
    assert get_args(api_signals) == SIGNALS
    assert get_args(job_request.LIMITS) == option_values.LIMITS
    assert (option_values.MOST_SECONDS, option_values.MOST_GRACE) == (MOST_SECONDS, job_request.MOST_GRACE)
    assert (job_options.MOST_NODES, job_options.MOST_CPUS, job_options.MOST_RETRIES) == (
        job_request.MOST_NODES, job_request.MOST_CPUS, job_request.MOST_RETRIES,
    )  # fmt: skip


def test_the_help_has_headings(cli: Cli) -> None:
    lines = cli("job", "submit", "--help").out.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == [
        "Arguments:", "GPUs and machines:", "When it runs:", "What it runs in:",
        "When it fails or has to stop:", "Options:",
    ]  # fmt: skip
    assert lines[lines.index("When it runs:") + 1].split()[:2] == ["-p,", "--priority"]


def test_json_is_the_job(cli: Cli) -> None:
    cli.answers("POST jobs", a_job("k3v9x2m1qa"))
    found = json.loads(cli("job", "submit", "--json", "--cwd", "/", "--", "true").out)
    assert (found["id"], found["state"]) == ("k3v9x2m1qa", "QUEUED")


def test_what_follows_the_command_is_the_commands(cli: Cli) -> None:
    cli.answers("POST jobs", a_job())
    assert cli("job", "submit", "-g", "2", "train.sh", "--gpus", "7").status == 0
    sent = cli.fake.requests[0].json
    assert (sent["gpus"], sent["command"]) == (2, ["train.sh", "--gpus", "7"])


def test_a_no_is_one_line(cli: Cli) -> None:
    cli.answers("POST jobs", problem(403, "priority 5 is for operators", "leave it out"))
    done = cli("job", "submit", "-p", "5", "true")
    assert (done.status, done.out) == (1, "")
    assert done.err == "sentinel: priority 5 is for operators (leave it out)\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--time-limit", "soon", "true"], "no duration"),
        (["--time-limit", "0", "true"], "longer than nothing"),
        (["--time-limit", "9999d", "true"], "at most ten years"),
        (["--grace", "-3s", "true"], "--grace: '-3s' is no duration"),
        (["--grace", "2h", "true"], "--grace 2h: an hour at most"),
        (["--limit", "files=9", "true"], "no limit is called files; there are as, core"),
        (["--image", "", "true"], "the name of an image"),
        (["--image", "a b", "true"], "the name of an image"),
        (["--image", "--privileged", "true"], "the name of an image"),
        (["--gpu-memory", "big", "true"], "no size"),
        (["--umask", "999", "true"], "octal"),
        (["--limit", "nofile", "true"], "NAME=NUMBER"),
        (["--gpus", "0", "true"], "--gpus"),
        (["--if-lost", "maybe", "true"], "--if-lost"),
        (["--env-file", "/none", "true"], "/none: cannot be read"),
        (["--gpu-memory", "0", "true"], "--gpu-memory 0: a size above 0"),
        (["--memory", "lots", "true"], "no size"),
        (["--cpus", "0", "true"], "--cpus"),
        (["--nodes", "513", "true"], "--nodes"),
        (["--nodes", "2", "--node", "g1", "true"], "leave one of them out"),
        (["--nodes", "2", "--pty", "true"], "leave --nodes out"),
        (["--nodes", "2", "--gpu-share", "0.5", "true"], "leave --gpus and --nodes out"),
        (["--gpus", "2", "--gpu-share", "0.5", "true"], "leave --gpus and --nodes out"),
        (["--gpu-share", "2", "true"], "--gpu-share"),
        (["--gpu-share", "half", "true"], "--gpu-share"),
        (["--after", "x", "true"], "--after x: a job's id"),
        (["--after", "soon:aaaa", "true"], "any:ID, notok:ID, ok:ID"),
        (["--after", "ok:", "true"], "a job's id"),
        (["--array", "9-0", "true"], "--array 9-0: the range 9-0 ends before it begins"),
        (["--array", "", "true"], "no index and no range"),
        (["--array", "0-99999", "true"], "at most 10000 tasks"),
        (["--checkpoint", "say 'so", "true"], "a quotation mark has no end"),
        (["--checkpoint", " ", "true"], "a command, like"),
        (["--stop-signal", "KILL", "true"], "one of TERM, INT"),
        (["--retry-on", "3", "true"], "--retries 3"),
        (["--retries", "2", "--retry-on", "3,x", "true"], "exit codes from 1 to 255"),
        (["--retries", "2", "--retry-on", "0", "true"], "exit codes from 1 to 255"),
        (["--retries", "2", "--retry-on", "256", "true"], "exit codes from 1 to 255"),
        (["--retries", "101", "true"], "--retries"),
        (["--mount", "/data", "true"], "name its --image, too"),
        (["--engine", "docker", "true"], "name its --image, too"),
        (["--image", "u", "--engine", "lxc", "true"], "--engine"),
        (["--image", "u", "--mount", "data:/data", "true"], "--mount data:/data: whole paths"),
        (["--image", "u", "--mount", "/a:/b:rw", "true"], "SOURCE:TARGET:ro"),
        (["--setup", "a\nb", "true"], "one line of shell each"),
        ([], "Missing argument"),
    ],
)
def test_wrong_use_exits_2_and_asks_nobody(cli: Cli, words: list[str], message: str) -> None:
    done = cli("job", "submit", *words)
    assert done.status == 2
    assert message in done.err
    assert cli.fake.requests == []


def test_nobody_answers(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_URL", "https://127.0.0.1:1")
    done = cli("job", "submit", "true")
    assert done.status == 69
    assert "no controller answers at https://127.0.0.1:1" in done.err


def test_no_controller_is_known(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTINEL_URL")
    done = cli("job", "list")
    assert done.status == 2
    assert "SENTINEL_URL" in done.err
    assert "client.env" in done.err


def test_the_folder_is_named_as_the_shell_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))
    assert folder_for(None) == str(link)
    assert folder_for(".") == str(link)
    assert folder_for("sub") == f"{link}/sub"
    assert folder_for("/abs") == "/abs"
    monkeypatch.setenv("PWD", "/usr")  # stale
    assert folder_for(None) == os.path.realpath(real)


def test_the_umask_is_ones_own() -> None:
    before = os.umask(0o037)
    try:
        assert own_umask() == 0o037
    finally:
        os.umask(before)
