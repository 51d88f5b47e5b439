"""Whether MPS runs here, by a pipe directory and a /proc that a test makes."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.agent.link.mps import daemon_pid, pipe_directory


class Daemon:
    """What a control daemon leaves to be seen."""

    def __init__(self, root: Path) -> None:
        self.folder, self.proc = root / "pipe", root / "proc"
        self.folder.mkdir()
        (self.proc / "77").mkdir(parents=True)
        (self.proc / "77" / "comm").write_text("nvidia-cuda-mps\n")
        (self.folder / "nvidia-cuda-mps-control.pid").write_text("77\n")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(self.folder / "control"))

    def pid(self) -> int | None:
        return daemon_pid(self.folder, self.proc)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    yield made
    made.socket.close()


def test_one_that_runs(daemon: Daemon) -> None:
    assert daemon.pid() == 77


def test_one_of_an_older_driver_has_a_pipe(daemon: Daemon) -> None:
    (daemon.folder / "control").unlink()
    os.mkfifo(daemon.folder / "control")
    assert daemon.pid() == 77


def test_one_that_has_ended_leaves_its_socket(daemon: Daemon) -> None:
    (daemon.folder / "nvidia-cuda-mps-control.pid").unlink()
    assert daemon.pid() is None


@pytest.mark.parametrize("text", ["", "77a", "-77", "78", "../77", "77 78"])
def test_a_file_that_names_no_daemon(daemon: Daemon, text: str) -> None:
    (daemon.folder / "nvidia-cuda-mps-control.pid").write_text(text)
    assert daemon.pid() is None


def test_another_process_that_has_its_pid_now(daemon: Daemon) -> None:
    (daemon.proc / "77" / "comm").write_text("bash\n")
    assert daemon.pid() is None


def test_no_socket_or_none_that_is_one(daemon: Daemon) -> None:
    (daemon.folder / "control").unlink()
    assert daemon.pid() is None
    (daemon.folder / "control").write_text("")
    assert daemon.pid() is None


def test_a_link_to_a_pid_is_not_followed(daemon: Daemon, tmp_path: Path) -> None:
    path = daemon.folder / "nvidia-cuda-mps-control.pid"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert daemon.pid() is None


@pytest.mark.root
@pytest.mark.parametrize("what", ["folder", "process"])
def test_what_any_user_made_is_not_believed(daemon: Daemon, what: str) -> None:
    os.chown(daemon.folder if what == "folder" else daemon.proc / "77", 1234, 1234)
    assert daemon.pid() is None


def test_nothing_at_all(tmp_path: Path) -> None:
    assert daemon_pid(tmp_path / "none") is None


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_MPS_PIPE_DIRECTORY", raising=False)
    assert pipe_directory() == Path("/tmp/nvidia-mps")
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", "/run/mps")
    assert pipe_directory() == Path("/run/mps")
