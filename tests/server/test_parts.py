"""What the controller is made of: addresses, settings, the lock, the parent's patience, housekeeping."""

import os
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from tests.api.nodes.nodes_fixture import job, put

from sentinel.api.log_store import LogStore
from sentinel.api.peer import Peer
from sentinel.core.bell import Bell
from sentinel.core.errors import ConfigError, SentinelError, StoreUnavailable, UsageError
from sentinel.core.identity import Token, TokenKind
from sentinel.core.job import JobState
from sentinel.core.notify import Journal
from sentinel.drivers.certificates.authority import open_authority
from sentinel.drivers.certificates.request import new_key, signing_request
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import NewEvent
from sentinel.scheduling.loop import Step
from sentinel.scheduling.pass_note import PassNote
from sentinel.server import address as address_module
from sentinel.server import config, pid_file
from sentinel.server.address import Address, address_from, certified_names, listen, url_elsewhere, url_here
from sentinel.server.first_run import ADMIN, admin_token, join_token, of_another_controller, write_client_env
from sentinel.server.folders import Folders, make_folders
from sentinel.server.housekeeping import DAY, keep_house
from sentinel.server.loops_process import Loops
from sentinel.server.processes import Child, Command, Parent
from sentinel.server.tls_protocol import peer_from

NOW = 1_700_000_000.0

# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8443", "127.0.0.1", 8443),
        ("[::1]:1", "::1", 1),
        (":80", "0.0.0.0", 80),
        ("gpu:0", "gpu", 0),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert address_from(text) == Address(host=host, port=port)


@pytest.mark.parametrize("text", ["", "8443", "host", "host:", "host:x", "::1:80", "host:70000", "host:-1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        address_from(text)


def test_how_it_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_module, "_outward", lambda: "192.0.2.7")
    everywhere, here = Address(host="0.0.0.0", port=1), Address(host="127.0.0.1", port=1)
    six = Address(host="::1", port=1)
    assert here.local and six.local and not everywhere.local and everywhere.everywhere
    assert url_here(everywhere, 5) == "https://127.0.0.1:5" and url_here(six, 5) == "https://[::1]:5"
    assert url_elsewhere(everywhere, 5, ["queue.example"]) == "https://queue.example:5"
    assert url_elsewhere(Address(host="192.0.2.1", port=1), 5, []) == "https://192.0.2.1:5"
    names = certified_names(everywhere, ["Queue.example"])
    assert names[:2] == ["queue.example", "192.0.2.7"] and {"localhost", "127.0.0.1", "::1"} < set(names)
    assert len(certified_names(here, [])) == len(set(certified_names(here, [])))


def test_a_host_that_there_is_not() -> None:
    with pytest.raises(SentinelError, match="cannot listen"):
        listen(Address(host="192.0.2.1", port=0))


# ------------------------------------------------------------------ settings


def test_arguments_then_environment_then_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.core.config_file.SECTIONS", {"server"})
    monkeypatch.delenv("SENTINEL_DATABASE", raising=False)
    file = tmp_path / "config.toml"
    file.write_text(
        '[server]\ndata_dir = "/srv/q"\nlisten = "10.0.0.1:1"\nnames = ["a"]\ndatabase = "postgresql://x/y"\n'
    )
    found = config.load(config=str(file), data_dir=None, default_listen="127.0.0.1:2")
    assert found == config.ServerConfig(
        folders=Folders(root=Path("/srv/q")),
        address=Address(host="10.0.0.1", port=1),
        names=("a",),
        database="postgresql://x/y",
        path=str(file),
    )
    monkeypatch.setenv("SENTINEL_DATABASE", "postgresql://e/e")
    found = config.load(
        config=str(file), data_dir="/d", listen="[::1]:3", names=["b"], default_listen="127.0.0.1:2"
    )
    assert (found.folders.root, found.address.port, found.names) == (Path("/d"), 3, ("b",))
    assert found.database_url == "postgresql://e/e"
    file.write_text("")
    monkeypatch.delenv("SENTINEL_DATABASE")
    found = config.load(config=str(file), data_dir="/d", default_listen="127.0.0.1:2")
    assert found.address.port == 2 and found.database_url == "sqlite:////d/controller.db"


@pytest.mark.parametrize("line", ['listen = "x"', "names = 1", 'data_dir = "relative"', "surprise = 1"])
def test_a_mistake_in_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr("sentinel.core.config_file.SECTIONS", {"server"})
    file = tmp_path / "config.toml"
    file.write_text(f"[server]\n{line}\n")
    with pytest.raises(ConfigError, match=r"config\.toml:2: server\."):
        config.load(config=str(file), data_dir=None, default_listen="127.0.0.1:2")


def test_folders_are_their_owners_alone(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir(mode=0o755)
    make_folders(Folders(root=root))
    assert root.stat().st_mode & 0o777 == 0o700 and (root / "run/bells").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--data-dir"):
        make_folders(Folders(root=tmp_path / "file" / "x"))


# ------------------------------------------------------------------ the lock


def test_the_lock_names_who_has_it(tmp_path: Path) -> None:
    file = tmp_path / "run" / "server.pid"
    file.parent.mkdir()
    assert not pid_file.locked(file) and pid_file.running(file) is None
    lock = pid_file.take(file, "cannot start")
    found = pid_file.running(file)
    assert found is not None and found.pid == os.getpid()
    with pytest.raises(SentinelError, match=rf"cannot start: a controller \(pid {os.getpid()}\)"):
        pid_file.take(file, "cannot start")
    lock.release()
    lock.release()
    assert not pid_file.locked(file) and file.read_text() == ""


def test_a_pid_that_is_somebody_elses_by_now_is_nobody(tmp_path: Path) -> None:
    file = tmp_path / "server.pid"
    lock = pid_file.take(file, "")
    file.write_text('{"pid": 1, "started": 12345678901}')
    assert pid_file.running(file) is None and pid_file.locked(file)
    file.write_text("nonsense")
    assert pid_file.running(file) is None
    lock.release()
    file.write_text(f'{{"pid": {os.getpid()}, "started": {pid_file.start_time(os.getpid())}}}')
    assert pid_file.running(file) is None  # without the lock it is only an old file


# ------------------------------------------------------------------ the parent


@pytest.fixture
def ends_by_itself() -> Iterator[None]:
    """SIGTERM to ourselves after 0.6 s, without a thread."""
    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 0.6)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def sleeper(*_: object) -> Command:
    return Command(words=[sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_child_that_does_not_stay_is_started_less_and_less_often(ends_by_itself: None) -> None:
    starts: list[float] = []

    def command(_: int) -> Command:
        starts.append(time.monotonic())
        return Command(words=["/bin/false"])

    steady = Child("steady", sleeper)
    Parent(Journal()).run([Child("flaky", command), steady])
    assert 2 <= len(starts) <= 4
    pauses = [after - before for before, after in pairwise(starts)]
    assert pauses[0] >= 0.1 and pauses == sorted(pauses)
    assert steady.process is None


def test_a_child_says_when_it_is_ready_and_others_wait_for_that(ends_by_itself: None) -> None:
    told: list[str] = []
    parent = Parent(Journal())

    def first(fd: int) -> Command:
        return Command(words=["/bin/sh", "-c", f"echo ready >/proc/self/fd/{fd}; exec sleep 60"])

    def ready() -> None:
        told.append("ready")
        parent.start("second")
        parent.start("second")

    def second(fd: int) -> Command:
        told.append("second")
        return sleeper(fd)

    parent.run([Child("first", first, ready=ready), Child("second", second, waits=True)])
    assert told == ["ready", "second"]


def test_what_is_not_there_is_tried_again_later(ends_by_itself: None) -> None:
    Parent(Journal()).run([Child("missing", lambda _: Command(words=["/nonexistent"]))])


# ------------------------------------------------------------------ loops and housekeeping


class Steps:
    """A scheduler that stops its loop after some steps."""

    def __init__(self, *answers: Step | Exception) -> None:
        self.answers, self.at = list(answers), list[float]()
        self.loops: Loops | None = None

    def step(self) -> Step:
        self.at.append(time.monotonic())
        answer = self.answers.pop(0)
        if not self.answers and self.loops is not None:
            self.loops.stop()
        if isinstance(answer, Exception):
            raise answer
        return answer


def turn(folder: Path, steps: Steps, ring: bool = False) -> list[float]:
    bell, other = Bell(folder), Bell(folder)
    note = PassNote(MemoryStore(), now=time.monotonic, today=time.time)
    steps.loops = Loops(steps, bell, note)  # type: ignore[arg-type]
    if ring:
        step = steps.step

        def ringing() -> Step:
            other.ring()
            return step()

        steps.step = ringing  # type: ignore[method-assign]
    steps.loops.run()
    bell.close()
    other.close()
    return [after - before for before, after in pairwise(steps.at)]


def test_the_loop_sleeps_until_the_next_deadline(tmp_path: Path) -> None:
    [first, second] = turn(tmp_path, Steps(Step(again_in=0.05), Step(again_in=0), Step()))
    assert 0.04 < first < 0.5 and second < 0.04


def test_the_loop_is_woken_by_the_bell(tmp_path: Path) -> None:
    [pause] = turn(tmp_path, Steps(Step(again_in=None), Step()), ring=True)
    assert pause < 0.5


def test_an_unreachable_store_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.server.loops_process.LOOK_EVERY", 0.01)
    assert len(turn(tmp_path, Steps(StoreUnavailable("locked"), StoreUnavailable("locked"), Step()))) == 2


def test_housekeeping(tmp_path: Path) -> None:
    store = MemoryStore()
    logs = LogStore(tmp_path, most_bytes=0, reserve=0)
    put(store, job("ended00001", JobState.SUCCEEDED), job("running001", JobState.RUNNING))
    for id in ("ended00001", "running001", "unknown001"):
        logs.append(id, 1, 0, b"x" * 5000)

    def work(tx):  # type: ignore[no-untyped-def]
        for age in (1, 100):
            then = NOW - age * DAY
            tx.remember_key("ada", f"key{age}", "d", "ended00001", then)
            tx.add_event(NewEvent(time=then, type="t", subject="s", data={}, tenant="default"))
            tx.put_token(
                Token(
                    id=f"token{age}",
                    kind=TokenKind.API,
                    owner="ada",
                    secret_sha256=str(age),
                    created_at=0,
                    expires_at=then,
                )
            )

    store.write(work)
    keep_house(store, logs, NOW)
    with store.read() as reader:
        assert [token.id for token in reader.tokens()] == ["token1"]
        assert [event.time for event in reader.events(0, 10)] == [NOW - DAY]
        assert reader.idempotent("ada", "key1") and not reader.idempotent("ada", "key100")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["running001"]


# ------------------------------------------------------------------ the first run


def test_an_admin_and_a_token_once(tmp_path: Path) -> None:
    store, folders = MemoryStore(), Folders(root=tmp_path)
    first = admin_token(store, folders, NOW)
    assert first is not None
    write_client_env(folders.client_env, "https://x:1", first, folders.ca)
    assert folders.client_env.stat().st_mode & 0o777 == 0o600
    assert admin_token(store, folders, NOW + 1) == first
    folders.client_env.unlink()
    second = admin_token(store, folders, NOW + 2)
    assert second not in (None, first)
    with store.read() as reader:
        assert [token.revoked_at for token in reader.tokens(owner=ADMIN)].count(None) == 1
        assert [event.type for event in reader.events(0, 10)] == ["sentinel.user.added"]


def test_a_deployment_that_did_away_with_the_first_admin(tmp_path: Path) -> None:
    store, folders = MemoryStore(), Folders(root=tmp_path)
    admin_token(store, folders, NOW)
    with store.read() as reader:
        admin = reader.user(ADMIN)
    assert admin is not None
    store.write(lambda tx: tx.put_user(replace(admin, disabled=True)))
    assert admin_token(store, folders, NOW) is None
    with pytest.raises(SentinelError, match="no user admin"):
        join_token(store, "ab" * 32, NOW)


def test_join_tokens_of_this_machine_replace_each_other(tmp_path: Path) -> None:
    store = MemoryStore()
    admin_token(store, Folders(root=tmp_path), NOW)
    tokens = [join_token(store, "ab" * 32, NOW) for _ in range(3)]
    assert len(set(tokens)) == 3
    with store.read() as reader:
        joins = [token for token in reader.tokens() if token.kind is TokenKind.JOIN]
    assert [token.revoked_at for token in joins].count(None) == 1
    assert all(token.expires_at == NOW + 3600 for token in joins)


def test_whose_settings_a_file_has(tmp_path: Path) -> None:
    file, ca = tmp_path / "client.env", tmp_path / "my ca.pem"
    assert of_another_controller(file, ca) is None
    write_client_env(file, "https://x:1", "t", ca)
    assert of_another_controller(file, ca) is None
    assert of_another_controller(file, tmp_path / "other.pem") == "https://x:1"
    file.write_text("nonsense")
    assert of_another_controller(file, ca) == str(file)


# ------------------------------------------------------------------ who is at the other end


def test_only_a_nodes_certificate_is_a_peer(tmp_path: Path) -> None:
    certificate = open_authority(tmp_path).issue_node(signing_request(new_key(), "x"), "abc", issued_at=NOW)
    (tmp_path / "node.pem").write_bytes(certificate)
    decoded = ssl._ssl._test_decode_cert(str(tmp_path / "node.pem"))  # type: ignore[attr-defined]
    assert peer_from(decoded) == Peer(node="abc", issued_at=NOW, ends_at=NOW + 30 * DAY)
    for name in ("abc", "user:abc", "Node:abc"):
        assert peer_from({**decoded, "subject": ((("commonName", name),),)}) is None
    twice = ((("commonName", "node:a"),), (("commonName", "node:b"),))
    assert peer_from({**decoded, "subject": twice}) is None
    assert peer_from(None) is None and peer_from({}) is None
