"""The controller's processes: what starts, what ends, and what is left when one is killed."""

import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.server.controller import Controller, Node, alive, children_of, eventually, refused, run

from sentinel.client.connection import Connection
from sentinel.client.tls import client_context
from sentinel.core.errors import ApiUnavailable

API, LOOPS = "sentinel.server.api_process", "sentinel.server.loops_process"


pytestmark = pytest.mark.slow


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    with Controller(tmp_path) as running:
        yield running


def test_a_first_run(controller: Controller) -> None:
    data = controller.data
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for file in ("client.env", "pki/ca.key", "pki/server.key", "controller.db", "run/server.pid"):
        assert stat.S_IMODE((data / file).stat().st_mode) == 0o600, file
    assert controller.environment["SENTINEL_CA"] == str(data / "pki/ca.pem")
    me = controller.ask("GET", "/api/v1/whoami").json()
    assert me["role"] == "admin"
    assert controller.process is not None
    assert (
        len(list(Path(f"/proc/{controller.process.pid}/task").iterdir())) == 1
    )  # it forks: one thread alone
    token = controller.environment["SENTINEL_TOKEN"]
    assert token not in controller.log.read_text()
    for pid in (controller.process.pid, *children_of(controller.process.pid)):
        assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    # Nobody else's authority signs for it.
    stranger = Connection(controller.url, context=client_context())
    with pytest.raises(ApiUnavailable):
        stranger.ask("GET", "/api/v1/health")

    assert controller.stop() < 4
    certificate = (data / "pki/server.pem").read_bytes()
    controller.start()
    assert controller.environment["SENTINEL_TOKEN"] != token  # the file was removed: a new token
    controller.ask("GET", "/api/v1/whoami")
    assert (data / "pki/server.pem").read_bytes() == certificate


def test_a_good_token_is_kept_when_the_address_changes(controller: Controller) -> None:
    before = controller.environment
    controller.stop()
    controller.start(fresh=False)
    assert controller.environment["SENTINEL_TOKEN"] == before["SENTINEL_TOKEN"]
    assert controller.environment["SENTINEL_URL"] != before["SENTINEL_URL"]
    controller.ask("GET", "/api/v1/whoami")


def test_a_killed_api_comes_back_on_the_same_port(controller: Controller) -> None:
    node = Node(controller)
    id = controller.submit()
    api = controller.child(API)
    os.kill(api, signal.SIGKILL)
    eventually(lambda: controller.ask("GET", "/api/v1/health").status == 200)
    assert controller.child(API) != api
    assert controller.job(id)["state"] == "QUEUED"
    node.beat()
    assert eventually(lambda: node.given(id))
    assert "starting it again" in controller.log.read_text()


def test_a_killed_scheduler_comes_back(controller: Controller) -> None:
    node = Node(controller)
    node.beat()
    loops = controller.child(LOOPS)
    os.kill(loops, signal.SIGKILL)
    assert node.given(controller.submit())
    assert controller.child(LOOPS) != loops


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_though_somebody_waits(controller: Controller, number: int) -> None:
    node = Node(controller)
    seen = node.desired()["revision"]
    answers: list[object] = []

    def wait() -> None:
        answers.append(node.desired(seen, 60))

    poll = threading.Thread(target=wait)
    poll.start()
    watching = closing(controller.connection())
    with watching as watch, watch.stream("GET", "/api/v1/events/stream") as stream, node.connected() as idle:
        idle.ask("GET", "/api/v1/agent/desired")
        assert controller.process is not None
        children = children_of(controller.process.pid)
        time.sleep(0.3)
        assert controller.stop(number) < 3
        assert controller.process.returncode == 0
        with pytest.raises(ApiUnavailable):  # cut, not ended: so its reader takes it up again
            list(stream)
    poll.join(5)
    assert answers and not any(alive(pid) for pid in children)
    assert "ERROR" not in controller.log.read_text()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(controller.url.rpartition(":")[2])))


def test_a_killed_parent_takes_its_children_with_it(controller: Controller) -> None:
    assert controller.process is not None
    children = children_of(controller.process.pid)
    assert len(children) == 3
    port = int(controller.url.rpartition(":")[2])
    controller.process.kill()
    controller.process.wait()
    again = Controller(controller.home, listen=f"127.0.0.1:{port}")
    with again:
        assert again.ask("GET", "/api/v1/health").status == 200
        assert not any(alive(pid) for pid in children)


def test_one_data_folder_one_controller(controller: Controller) -> None:
    assert controller.process is not None
    words = ("server", "--data-dir", str(controller.data), "--listen", "127.0.0.1:0")
    done = run(*words, home=controller.home)
    assert done.returncode == 1 and done.stdout == ""
    assert f"pid {controller.process.pid}" in done.stderr and "sentinel down" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = run("restore", "--data-dir", str(controller.data), str(controller.log), home=controller.home)
    assert done.returncode == 1 and f"pid {controller.process.pid}" in done.stderr


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        done = run("server", "--data-dir", str(tmp_path / "d"), "--listen", where, home=tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr == f"sentinel: {where} is taken by another program; choose another port with --listen\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("server", "--listen", "nonsense"), "HOST:PORT"),
        (("server", "--data-dir", "/"), "--data-dir"),
        (("server", "--database", "mysql://x/y"), "no store on mysql"),
        (("backup",), "nothing to back up"),
        (("restore", "/nonexistent"), "there is no file"),
    ],
)
def test_what_cannot_be(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    more = () if "--data-dir" in words else ("--data-dir", str(tmp_path / "d"))
    if words[0] == "server" and "--listen" not in words:
        more = (*more, "--listen", "127.0.0.1:0")
    done = run(words[0], *more, *words[1:], home=tmp_path)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_down_ends_a_controller_and_may_be_told_twice(controller: Controller) -> None:
    assert controller.process is not None
    children = children_of(controller.process.pid)
    words = ("down", "--data-dir", str(controller.data))
    done = run(*words, home=controller.home)
    assert done.returncode == 0, done.stderr
    assert controller.process.wait(5) == 0 and not any(alive(pid) for pid in children)
    done = run(*words, home=controller.home)
    assert done.returncode == 0 and "nothing was running" in done.stdout
    done = run("down", "--data-dir", str(controller.home / "nowhere"), home=controller.home)
    assert done.returncode == 0 and not (controller.home / "nowhere").exists()


def test_backup_and_restore(controller: Controller) -> None:
    node = Node(controller)
    first = controller.submit()
    done = run("backup", "--data-dir", str(controller.data), home=controller.home)
    assert done.returncode == 0, done.stderr
    file = Path(done.stdout.strip())
    assert file.parent == controller.data / "backups" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    second = controller.submit()
    controller.stop()
    done = run("restore", "--data-dir", str(controller.data), str(file), home=controller.home)
    assert done.returncode == 0 and "controller.db.before-restore-1" in done.stdout, done.stderr
    assert (controller.data / "controller.db.before-restore-1").exists()
    with Controller(controller.home) as again:
        assert again.job(first)["state"] == "QUEUED"
        assert refused(lambda: again.job(second)).status == 404
        node.controller = again
        assert node.desired()["jobs"] == []
    done = run("restore", "--data-dir", str(controller.data), str(file), home=controller.home)
    assert (controller.data / "controller.db.before-restore-2").exists()


def test_a_restore_on_a_new_machine(controller: Controller, tmp_path: Path) -> None:
    id = controller.submit()
    file = tmp_path / "b.tar"
    done = run("backup", "--data-dir", str(controller.data), "--to", str(file), home=controller.home)
    assert done.returncode == 0, done.stderr
    done = run("backup", "--data-dir", str(controller.data), "--to", str(file), home=controller.home)
    assert done.returncode == 2 and "exists" in done.stderr
    ca = (controller.data / "pki/ca.pem").read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    done = run("restore", "--data-dir", str(other / "data"), str(file), home=other)
    assert done.returncode == 0, done.stderr
    with Controller(other) as again:
        assert again.job(id)["state"] == "QUEUED"
        assert (other / "data/pki/ca.pem").read_bytes() == ca


@pytest.mark.parametrize("content", [b"", b"nonsense" * 1000])
def test_what_is_no_backup_changes_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "b.tar"
    file.write_bytes(content)
    done = run("restore", "--data-dir", str(tmp_path / "d"), str(file), home=tmp_path)
    assert done.returncode == 1 and "no backup" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "d/controller.db").exists()
