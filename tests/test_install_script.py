"""install.sh below a folder of one's own: what it writes runs, as anybody, with no systemd.

With systemd, as root, and after accidents: tests/real/test_install.py.
"""

import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[1] / "install.sh"


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(INSTALL), *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """An installation below a folder."""
    done = install("--prefix", str(tmp_path))
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_what_is_installed_runs(prefix: Path, tmp_path: Path) -> None:
    bin = prefix / "usr/local/bin"
    config, socket = tmp_path / "config.toml", tmp_path / "s"
    config.write_text(f'[arbiter]\ngpus = "simulated:1"\nstate_file = "{tmp_path}/state.json"\n')
    env = {"SENTINEL_SOCKET": str(socket), "PATH": os.environ["PATH"]}
    down = subprocess.run([bin / "sentinel-status"], env=env, capture_output=True, text=True)
    assert down.returncode == 69
    arbiter = subprocess.Popen(
        [bin / "sentinel-arbiter", "--config", config], env=env, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        while not socket.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        asked = subprocess.run([bin / "sentinel-request", "--", "echo", "ran"], env=env, capture_output=True)
        assert asked.stdout == b"ran\n"
        status = subprocess.run([bin / "sentinel-status", "--json"], env=env, capture_output=True, check=True)
        assert json.loads(status.stdout)["gpus"]
    finally:
        arbiter.terminate()
        assert arbiter.wait(10) == 0


def test_the_clients_start_on_the_standard_library_alone(prefix: Path) -> None:
    for name in ("sentinel-request", "sentinel-status", "sentinel-admin"):
        assert (prefix / "usr/local/bin" / name).read_text().splitlines()[0].endswith(" -IS")
    for name in ("sentinel-arbiter", "sentinel-agent", "sentinel-server"):
        daemon = (prefix / "usr/local/bin" / name).read_text()
        assert daemon.splitlines()[0].endswith(" -I")
        assert f'"{prefix}/opt/sentinel/extra"' in daemon


def test_the_library_comes_compiled_for_users_who_cannot_write_there(prefix: Path) -> None:
    home = prefix / "opt/sentinel/lib/sentinel/arbiter"
    assert len(list((home / "__pycache__").glob("request.*.pyc"))) == 1


def test_the_agent_looks_with_the_standard_library_alone(prefix: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[inventory]\ngpus = "simulated:1"\ndocker = false\npodman = false\ncontainerd = false\n'
    )
    alone = without_libraries(prefix, "sentinel-agent")
    options = ["--config", config, "--state-dir", tmp_path / "state"]
    done = subprocess.run([alone, "scan", *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 workloads")
    refused = subprocess.run([alone, "run", "--standalone", *options], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "pip install --target /opt/sentinel/extra nvidia-ml-py prometheus-client" in refused.stderr


def without_libraries(prefix: Path, name: str) -> Path:
    """That command, which finds the standard library alone."""
    launcher = (prefix / "usr/local/bin" / name).read_text()
    alone = prefix / "alone"
    alone.write_text(launcher.replace(" -I\n", " -IS\n", 1))
    alone.chmod(0o755)
    return alone


def test_a_controller_without_its_libraries_says_which_to_install(prefix: Path) -> None:
    alone = without_libraries(prefix, "sentinel-server")
    done = subprocess.run([alone, "server"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    project = tomllib.loads((INSTALL.parent / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w-]+", one)[0] for one in project["optional-dependencies"]["server"]]  # type: ignore[index]
    assert f"pip install --target /opt/sentinel/extra {' '.join(names)} " in done.stderr
    guide = (INSTALL.parent / "docs/guides/install.md").read_text()
    assert f"{' '.join(names)}\n" in guide


def test_a_node_without_its_libraries_says_which_to_install(prefix: Path, tmp_path: Path) -> None:
    alone = without_libraries(prefix, "sentinel-agent")
    token = f"snj_{'0' * 10}_{'0' * 48}_{'0' * 64}"
    words = [alone, "join", "https://127.0.0.1:9", "--token", token, "--node-dir", tmp_path / "node"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install --target /opt/sentinel/extra cryptography websockets" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_to_be_enabled_is_there(prefix: Path) -> None:
    units = prefix / "etc/systemd/system"
    names = {path.name for path in units.iterdir()}
    optional = {path.name for path in (INSTALL.parent / "deploy/systemd").iterdir()} - {
        "sentinel.service",
        "sentinel.socket",
    }
    assert {"sentinel-server.service", "sentinel-supervisor.service", "sentinel-agent.service"} < optional
    assert names == {"sentinel.service", "sentinel.socket", *optional}
    assert not list(units.glob("*.wants"))
    for name in optional - {"sentinel-scan.timer"}:
        (command,) = [
            line for line in (units / name).read_text().splitlines() if line.startswith("ExecStart=")
        ]
        assert (prefix / command.removeprefix("ExecStart=/").split()[0]).exists()


def test_optional_libraries_are_found_where_they_are_said_to_be(prefix: Path) -> None:
    (prefix / "opt/sentinel/extra/pynvml.py").write_text("raise SystemExit('found it')\n")
    launcher = (prefix / "usr/local/bin/sentinel-arbiter").read_text()
    probe = prefix / "probe"
    probe.write_text(launcher.partition("from sentinel")[0] + "import pynvml\n")
    probe.chmod(0o755)
    assert "found it" in subprocess.run([probe], capture_output=True, text=True).stderr


def test_they_come_before_the_distributions_and_after_the_standard_library(prefix: Path) -> None:
    launcher = (prefix / "usr/local/bin/sentinel-server").read_text()
    probe = prefix / "probe"
    probe.write_text(launcher.partition("from sentinel")[0] + "import json\nprint(json.dumps(sys.path))\n")
    probe.chmod(0o755)
    found = json.loads(subprocess.run([probe], capture_output=True, text=True, check=True).stdout)
    extra = found.index(f"{prefix}/opt/sentinel/extra")
    assert found[0] == f"{prefix}/opt/sentinel/lib"
    assert [path for path in found if path.endswith("-packages")] == found[extra + 1 :]


def test_a_config_of_ones_own_is_kept_and_checked(prefix: Path) -> None:
    config = prefix / "etc/sentinel/config.toml"
    config.write_text("[arbiter]\ngpu = 1\n")
    done = install("--prefix", str(prefix))
    assert done.returncode == 1
    assert "config.toml:2: arbiter.gpu: unknown key" in done.stderr
    assert config.read_text() == "[arbiter]\ngpu = 1\n"


def test_uninstalling_leaves_the_config_and_with_purge_a_controllers_data_alone(prefix: Path) -> None:
    data = prefix / "var/lib/sentinel-server/controller.db"
    data.parent.mkdir(parents=True)
    data.touch()
    kept = str(data.relative_to(prefix))
    assert install("--prefix", str(prefix), "--uninstall").returncode == 0
    assert [str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()] == [
        "etc/sentinel/config.toml",
        kept,
    ]
    done = install("--prefix", str(prefix), "--uninstall", "--purge")
    assert done.returncode == 0
    assert "the queue's database" in done.stdout
    assert [str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()] == [kept]


def test_uninstalling_leaves_commands_alone_that_are_not_its_own(prefix: Path) -> None:
    mine = prefix / "usr/local/bin/sentinel"
    mine.write_text("#!/bin/sh\necho mine\n")
    install("--prefix", str(prefix), "--uninstall")
    assert mine.exists()


def test_it_is_a_shell_script_without_a_flaw() -> None:
    assert subprocess.run(["sh", "-n", INSTALL]).returncode == 0
    if shutil.which("shellcheck"):  # as .ci and pre-commit have it; here if it happens to be installed
        done = subprocess.run(["shellcheck", INSTALL], capture_output=True, text=True)
        assert done.stdout == ""
