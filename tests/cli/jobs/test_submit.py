import json
import os
from pathlib import Path

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import a_job, problem

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
        (["--gpu-memory", "big", "true"], "no size"),
        (["--umask", "999", "true"], "octal"),
        (["--limit", "nofile", "true"], "NAME=NUMBER"),
        (["--gpus", "0", "true"], "--gpus"),
        (["--if-lost", "maybe", "true"], "--if-lost"),
        (["--env-file", "/none", "true"], "/none: cannot be read"),
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
