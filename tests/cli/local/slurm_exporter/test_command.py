"""`sentinel slurm-exporter`: what it prints and serves, and what it says when it cannot."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.slurm_commands import SlurmCommands
from tests.fakes.slurmrestd import FakeSlurmrestd, slurmrestd

from sentinel.cli.main import main

NODE = {
    "name": "a",
    "state": ["MIXED"],
    "cpus": 8,
    "alloc_cpus": 3,
    "gres": "gpu:h100:4",
    "gres_used": "gpu:h100:1(IDX:0)",
}
JOB = {"job_state": ["RUNNING"], "partition": "p", "user_name": "ann", "account": "\x1b[2J\ud800"}


@pytest.fixture
def fake() -> Iterator[FakeSlurmrestd]:
    with slurmrestd() as running:
        running.serve(
            "v0.0.42",
            nodes={"nodes": [NODE], "meta": {"slurm": {"release": "25.05.0"}}},
            jobs={"jobs": [JOB]},
            diag={"statistics": {"server_thread_count": 3}},
        )
        yield running


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlurmCommands:
    """No command of Slurm that may be installed here is run."""
    (tmp_path / "bin").mkdir()
    commands = SlurmCommands(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(commands.folder))
    return commands


def run(*arguments: str) -> int:
    return main(("slurm-exporter", *arguments))


def test_once_as_json(fake: FakeSlurmrestd, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--once", "--json", "--restd", fake.url) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert (found["slurm_up"], found["version"]) == (True, "25.05.0")
    assert found["totals"]["nodes"] == {"mixed": 1}
    assert found["totals"]["cpus"] == {"allocated": 3, "idle": 5, "other": 0}
    assert {"type": "h100", "state": "allocated", "count": 1} in found["totals"]["gpus"]
    assert found["totals"]["jobs"] == [{"state": "running", "partition": "p", "count": 1}]
    assert found["nodes"][0]["gpus_allocated"] == {"h100": 1}
    assert found["jobs"][0]["user"] == "ann"
    assert found["scheduler"]["server_threads"] == 3 and found["scheduler"]["cycles"] is None
    assert [one["error"] for one in found["asked"]] == [None] * 3
    assert "\x1b" not in out


def test_once_as_metrics(fake: FakeSlurmrestd, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--once", "--source", "restd", "--restd", fake.url) == 0
    out, _ = capsys.readouterr()
    assert 'slurm_gpus{state="idle",type="h100"} 3.0\n' in out and "slurm_up 1.0\n" in out


def test_once_without_slurm_fails_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--once", "--json", "--source", "cli") == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["slurm_up"] is False and found["nodes"] is None and found["totals"]["nodes"] is None
    assert "install Slurm's client commands" in err and "Traceback" not in err


def test_where_slurmrestd_does_not_answer_the_commands_do(
    nowhere: SlurmCommands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", nowhere.environment["PATH"])
    nowhere.prints("scontrol", b"NodeName=a State=DOWN*\n")
    assert run("--once", "--restd", "http://127.0.0.1:1") == 0
    out, err = capsys.readouterr()
    assert 'slurm_nodes{state="down"} 1.0' in out
    assert 'slurm_source_up{part="nodes",source="restd"} 0.0' in out
    assert 'slurm_source_up{part="nodes",source="cli"} 1.0' in out
    assert "nobody listens" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--json",), "--once"),
        (("--restd", "slurm"), "no address"),
        (("--source", "cli", "--restd", "http://h"), "does not ask slurmrestd"),
        (("--interval", "soon"), "--interval"),
        (("--timeout", "10ms"), "--timeout"),
        (("--listen", "9341"), "HOST:PORT"),
        (("--listen", "0.0.0.0:9341"), "token"),
        (("--listen", "127.0.0.1:99999"), "no port"),
        (("--tls-cert", "/x"), "together"),
        (("--token-file", "/nonexistent/jwt"), "cannot be read"),
        (("--metrics-token-file", "/nonexistent/t"), "cannot be read"),
    ],
)
def test_what_was_asked_wrongly(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err


@contextlib.contextmanager
def exporter(*arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """One that runs, and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sentinel.cli.main", "slurm-exporter", *arguments]
    process = subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert process.stderr is not None
    try:
        assert "metrics of Slurm on" in process.stderr.readline()
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def got(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def awaited(url: str, text: str) -> str:
    deadline = time.monotonic() + 20
    while text not in (body := got(url)[1]):
        assert time.monotonic() < deadline, body
        time.sleep(0.05)
    return body


def test_it_serves_until_it_is_told_to_end(fake: FakeSlurmrestd) -> None:
    with exporter("--restd", fake.url, "--interval", "1s") as (url, process):
        body = awaited(f"{url}/metrics", "slurm_up 1.0")
        assert 'slurm_nodes{state="mixed"} 1.0' in body
        assert got(f"{url}/readyz")[0] == 200
        for path in list(fake.answers):
            fake.answers[path] = (503, b"no")
        body = awaited(f"{url}/metrics", "slurm_up 0.0")
        assert "slurm_nodes" not in body and "slurm_jobs" not in body
        assert got(f"{url}/readyz")[0] == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_scrape_does_not_wait_for_slurm(nowhere: SlurmCommands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", nowhere.environment["PATH"])
    for name in ("scontrol", "squeue", "sdiag"):
        nowhere.does(name, "exec sleep 60")
    with exporter("--source", "cli", "--timeout", "1s", "--interval", "1s") as (url, process):
        began = time.monotonic()
        status, body = got(f"{url}/metrics")
        assert status == 200 and "slurm_nodes" not in body
        assert time.monotonic() - began < 0.9, "it has waited"
        awaited(f"{url}/metrics", "slurm_up 0.0")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
