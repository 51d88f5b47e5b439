"""The Docker driver on a fake engine: what it asks, what it makes of trouble. The real one: tests/real."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.container_engine import IMAGE_ID, FakeEngine, an_id, populate

from sentinel.core.errors import SourceAbsent, SourceUnknown, UsageError
from sentinel.drivers.containers.docker import DockerEngine


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.close()


@pytest.fixture
def docker(engine: FakeEngine) -> Iterator[DockerEngine]:
    source = DockerEngine(host=engine.host, timeout=2)
    yield source
    source.close()


def test_listing_is_one_call_however_many_there_are(engine: FakeEngine, docker: DockerEngine) -> None:
    populate(engine, 200)
    assert len(docker.containers()) == 200
    assert dict(engine.calls) == {"/containers/json": 1}
    assert docker.calls == 1


def test_stopped_ones_are_listed(engine: FakeEngine, docker: DockerEngine) -> None:
    engine.end(engine.add("gone"))
    assert [one.name for one in docker.containers()] == ["gone"]


def test_inspecting_is_one_call_where_nobody_chose_a_user(engine: FakeEngine, docker: DockerEngine) -> None:
    for user in ("", "root", "0", "0:0", "root:video"):
        found = docker.inspect(engine.add("one", Config__User=user))
        assert found is not None
        assert found.user_is_image_default is None
    assert docker.calls == 5


@pytest.mark.parametrize(("brings", "answer"), [("jovyan", True), ("", False), ("jovyan:users", False)])
def test_whose_idea_the_user_was_is_asked_once_an_image(
    engine: FakeEngine, docker: DockerEngine, brings: str, answer: bool
) -> None:
    engine.images[IMAGE_ID]["Config"]["User"] = brings
    for name in ("one", "two"):
        found = docker.inspect(engine.add(name, Config__User="jovyan"))
        assert found is not None
        assert found.user_is_image_default is answer
    assert engine.calls[f"/images/{IMAGE_ID}/json"] == 1


@pytest.mark.parametrize("image", ["sha256:" + "cd" * 32, "", None, "../../info", "sha256:xyz?a=b"])
def test_an_image_that_is_gone_or_none_leaves_it_unknown(
    engine: FakeEngine, docker: DockerEngine, image: str | None
) -> None:
    found = docker.inspect(engine.add("one", Config__User="jovyan", Image=image))
    assert found is not None
    assert found.user_is_image_default is None


def test_only_changes_of_what_is_known_are_told(engine: FakeEngine, docker: DockerEngine) -> None:
    words = "create start die stop kill pause unpause rename destroy update restart oom remove died new-word"
    told = words.split()
    untold = ["exec_create: sh", "exec_start: sh", "exec_die", "health_status: healthy", "top", "attach"]
    nonsense = [b"\n", b"no\n", b"[]\n", b'{"Action": 1}\n', b'{"Action": "start", "Actor": null}\n']

    def happen() -> None:
        while not engine.listeners:
            time.sleep(0.005)
        for action in untold:
            engine.tell(action, "untold")
        for raw in nonsense:
            engine.say(raw)
        for action in told:
            engine.tell(action, an_id(action))
        engine.stop()

    threading.Thread(target=happen).start()
    assert list(docker.changes()) == [an_id(action) for action in told]


def test_no_socket_is_absent_and_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(SourceAbsent, match=r"docker: there is no .*/none\.sock here; .* unix:///PATH"):
        DockerEngine(host=f"unix://{tmp_path}/none.sock").containers()
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceAbsent):
        DockerEngine(host=f"unix://{tmp_path}/file/d.sock").inspect("a")
    with pytest.raises(SourceAbsent):
        next(DockerEngine(host=f"unix://{tmp_path}/none.sock").changes())


def test_a_socket_that_has_gone_is_unknown(engine: FakeEngine, docker: DockerEngine) -> None:
    docker.containers()
    engine.stop()
    with pytest.raises(SourceUnknown, match=r"its socket has gone; is it stopped\?.*systemctl status docker"):
        docker.containers()
    engine.start()
    assert docker.containers() == ()


def test_a_socket_that_nobody_listens_on_is_unknown(engine: FakeEngine, docker: DockerEngine) -> None:
    engine.stop(leave_socket=True)
    with pytest.raises(SourceUnknown, match="nobody listens there"):
        docker.containers()
    Path(engine.path).unlink()


def test_an_engine_that_hangs_is_unknown_in_time(engine: FakeEngine) -> None:
    engine.hung.set()
    with pytest.raises(SourceUnknown, match="no answer within 100 ms; look at `systemctl status podman`"):
        DockerEngine(name="podman", host=engine.host, timeout=0.1).containers()


def test_an_error_is_unknown_with_the_engines_own_words(engine: FakeEngine, docker: DockerEngine) -> None:
    id = engine.add("one")
    engine.status = 500
    for ask in (docker.containers, lambda: docker.inspect(id), lambda: next(docker.changes())):
        with pytest.raises(SourceUnknown, match="it answers HTTP 500"):
            ask()
    with pytest.raises(SourceUnknown, match="HTTP 500: the fake was told to fail"):
        docker.containers()
    engine.answer = json.dumps({"message": "\x1b[2Jgo\naway" + "x" * 5000}).encode()
    with pytest.raises(SourceUnknown) as caught:
        docker.containers()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello", b"null", b"{}", b"[null]", b"[{}]", b'[{"Id": null}]', b'[{"Id": "a/../b"}]', b"[[]]"],
)
def test_nonsense_is_unknown_and_never_no_containers(
    engine: FakeEngine, docker: DockerEngine, answer: bytes
) -> None:
    id = engine.add("one")
    engine.answer = answer
    with pytest.raises(SourceUnknown):
        docker.containers()
    with pytest.raises(SourceUnknown):
        docker.inspect(id)


@pytest.mark.parametrize(
    "host",
    [
        "tcp://127.0.0.1:2375",
        "http://127.0.0.1",
        "ssh://root@host",
        "unix://",
        "unix://relative",
        "/var/run/docker.sock",
        "unix:///" + "x" * 120,
        "unix:///a\0b",
        "npipe:////./pipe/docker_engine",
    ],
)
def test_an_engine_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        DockerEngine(host=host)


def test_each_engine_has_its_usual_place() -> None:
    assert DockerEngine()._path == "/var/run/docker.sock"
    assert DockerEngine(name="podman")._path == "/run/podman/podman.sock"


@pytest.mark.root
def test_whoever_may_not_speak_to_it_is_told_which_group_may(engine: FakeEngine) -> None:
    folder = Path(engine.path).parent
    folder.chmod(0o755)
    os.chown(engine.path, 0, 5)  # tty, on every Linux
    Path(engine.path).chmod(0o660)
    outcome, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            DockerEngine(host=engine.host).containers()
            said = "nothing"
        except SourceUnknown as error:
            said = error.message
        except BaseException as error:
            said = repr(error)
        os.write(theirs, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    said = os.read(outcome, 4096).decode()
    os.close(outcome)
    os.close(theirs)
    assert "run this with sudo, or join the group 'tty'" in said
