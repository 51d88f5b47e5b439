"""What `sentinel-agent` makes of its options: with a controller, without one, and mistakes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sentinel.agent import __main__ as agent
from sentinel.agent import config
from sentinel.agent.__main__ import main
from sentinel.agent.config import Overrides, link_config, load, node_dir
from sentinel.core.errors import UsageError

SOURCE = Path(__file__).parents[2] / "src"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_one_that_has_joined_nothing_says_what_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    error = said(capsys, "run", "--node-dir", str(tmp_path))
    assert "sentinel agent join URL --token T" in error and "--standalone" in error


def test_contradictions_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    there = ("run", "--node-dir", str(tmp_path))
    assert "contradict" in said(capsys, *there, "--standalone", "--controller", "https://c")
    with pytest.raises(UsageError, match="goes with --controller"):
        link_config(folder=tmp_path, token_file="f", run_as="ada")
    with pytest.raises(UsageError, match="contradict"):
        link_config(folder=tmp_path, run_as="ada", users="f")


def test_jobs_never_run_as_root_because_nothing_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "JOB_USERS", str(tmp_path / "job-users.toml"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(UsageError, match="say which Unix user jobs run as"):
        link_config(folder=tmp_path)
    assert link_config(folder=tmp_path, starts_supervisor=False).run_as is None
    (tmp_path / "job-users.toml").touch()
    assert link_config(folder=tmp_path).users == str(tmp_path / "job-users.toml")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    mine = link_config(folder=tmp_path)
    assert (mine.run_as, mine.users) == (None, None)


def test_the_arbiter_is_the_usual_one_another_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTINEL_SOCKET", "/run/mine.sock")
    assert link_config(folder=tmp_path, run_as="ada").arbiter == "/run/mine.sock"
    assert link_config(folder=tmp_path, run_as="ada", arbiter="/x").arbiter == "/x"
    assert link_config(folder=tmp_path, run_as="ada", arbiter="none").arbiter is None


def test_how_other_nodes_reach_it_and_whether_gpus_are_shared(tmp_path: Path) -> None:
    usual = link_config(folder=tmp_path, run_as="ada")
    assert (usual.address, usual.share_gpus) == (None, True)
    for address in ("10.0.0.7", "fd00::7", "gpu-01.ib.example"):
        assert link_config(folder=tmp_path, run_as="ada", address=address).address == address
    for wrong in ("", "a b", "10.0.0.7\n", "https://x/"):
        with pytest.raises(UsageError, match="--address"):
            link_config(folder=tmp_path, run_as="ada", address=wrong)


def test_both_can_be_said_on_the_command_line() -> None:
    said = agent._parser().parse_args(["run", "--address", "10.0.0.7", "--no-share-gpus"])
    assert (said.address, said.no_share_gpus) == ("10.0.0.7", True)
    silent = agent._parser().parse_args(["run"])
    assert (silent.address, silent.no_share_gpus) == (None, False)


def test_where_a_node_keeps_its_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node_dir(str(tmp_path)) == tmp_path
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert node_dir(None) == Path("/var/lib/sentinel/node")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert node_dir(None) == tmp_path / "sentinel" / "node"


def test_metrics_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[telemetry]\nlisten = "127.0.0.1:9999"\n')
    assert load(str(path), Overrides(listen="none")).telemetry.enabled is False
    found = load(str(path), Overrides()).telemetry
    assert found.enabled and found.listen == "127.0.0.1:9999"
    assert load(str(path), Overrides(listen="127.0.0.1:1")).telemetry.listen == "127.0.0.1:1"


def test_a_scan_and_a_standalone_agent_import_nothing_of_a_controllers(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[inventory]\ndocker = false\npodman = false\ncontainerd = false\nkubernetes = false\n")
    program = f"""
import json, sys
sys.path.insert(0, {str(SOURCE)!r})
from sentinel.agent import __main__ as agent
options = agent._parser().parse_args(["run", "--standalone", "--config", {str(path)!r}])
assert agent._node_of(options, None) is None
where = ["--config", {str(path)!r}, "--state-dir", {str(tmp_path)!r}]
assert agent.main(["scan", "--gpus", "simulated:1", *where]) == 0
import sentinel.agent.assembly, sentinel.agent.daemon
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "sentinel.agent.daemon" in loaded
    foreign = ("sentinel.agent.link", "sentinel.client", "cryptography", "websockets", "ssl")
    assert {name for name in loaded if name.startswith(foreign) and name != "ssl"} == set()


def test_the_supervisors_unit_becomes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: become.append(list(arguments)))
    main(["supervise", "--node-dir", str(tmp_path), "--run-jobs-as", "ada", "--arbiter", "/run/a.sock"])
    (arguments,) = become
    assert arguments[arguments.index("--dir") :] == [
        *("--dir", str(tmp_path), "--run-as", "ada", "--arbiter", "/run/a.sock", "--foreground")
    ]
