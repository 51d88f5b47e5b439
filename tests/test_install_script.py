"""install.sh below a folder of one's own: what it writes runs, as anybody, with no systemd.

With systemd, as root, and after accidents: tests/real/test_install.py.
"""

import json
import os
import shutil
import subprocess
import time
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
    arbiter = (prefix / "usr/local/bin/sentinel-arbiter").read_text()
    assert arbiter.splitlines()[0].endswith(" -I")
    assert f'"{prefix}/opt/sentinel/extra"' in arbiter


def test_the_library_comes_compiled_for_users_who_cannot_write_there(prefix: Path) -> None:
    home = prefix / "opt/sentinel/lib/sentinel/arbiter"
    assert len(list((home / "__pycache__").glob("request.*.pyc"))) == 1


def test_optional_libraries_are_found_where_they_are_said_to_be(prefix: Path) -> None:
    (prefix / "opt/sentinel/extra/pynvml.py").write_text("raise SystemExit('found it')\n")
    launcher = (prefix / "usr/local/bin/sentinel-arbiter").read_text()
    probe = prefix / "probe"
    probe.write_text(launcher.partition("from sentinel")[0] + "import pynvml\n")
    probe.chmod(0o755)
    assert "found it" in subprocess.run([probe], capture_output=True, text=True).stderr


def test_a_config_of_ones_own_is_kept_and_checked(prefix: Path) -> None:
    config = prefix / "etc/sentinel/config.toml"
    config.write_text("[arbiter]\ngpu = 1\n")
    done = install("--prefix", str(prefix))
    assert done.returncode == 1
    assert "config.toml:2: arbiter.gpu: unknown key" in done.stderr
    assert config.read_text() == "[arbiter]\ngpu = 1\n"


def test_uninstalling_leaves_the_config_and_with_purge_nothing(prefix: Path) -> None:
    assert install("--prefix", str(prefix), "--uninstall").returncode == 0
    assert [str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()] == [
        "etc/sentinel/config.toml"
    ]
    assert install("--prefix", str(prefix), "--uninstall", "--purge").returncode == 0
    assert not [path for path in prefix.rglob("*") if path.is_file()]


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
