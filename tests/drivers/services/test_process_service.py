"""The plain-process driver beyond the contract: who belongs to it, whom it runs as, what outlives whom."""

import os
import pwd
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.service import Down, Rung, Up
from sentinel.drivers.services import proctree
from sentinel.drivers.services.process import ProcessService

SOURCE = Path(__file__).parents[3] / "src"
ROOT = os.geteuid() == 0
USER = "nobody" if ROOT else None
Make = Callable[..., ProcessService]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a service that runs a shell script; ends it afterwards."""
    made: list[ProcessService] = []
    tmp_path.chmod(0o755)

    def one(script: str = "sleep 60", **changes: object) -> ProcessService:
        settings = {
            "name": "chat",
            "command": ["/bin/sh", "-c", script],
            "instance": str(tmp_path),
            "run_dir": tmp_path,
            "user": USER,
            "stop_timeout": 0.5,
        }
        made.append(ProcessService(**(settings | changes)))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for service in made:
        service.close()


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def pids(service: ProcessService) -> frozenset[int]:
    sight = service.look()
    return sight.pids if isinstance(sight, Up) else frozenset()


def facts(pid: int, file: str) -> str:
    return Path(f"/proc/{pid}/{file}").read_text()


# ------------------------------------------------------------------ who belongs to it


def test_children_are_part_of_it(make: Make) -> None:
    service = make("sleep 61 & sleep 62 & wait")
    service.restore()
    wait_for(lambda: len(pids(service)) == 3)
    service.evict(Rung.STOP)
    assert isinstance(service.look(), Down)


def test_a_child_in_its_own_session_whose_parent_is_gone_is_part_of_it(make: Make, tmp_path: Path) -> None:
    service = make("(setsid sleep 63 &) ; exec sleep 64")
    service.restore()
    service.evict(Rung.STOP)
    done = subprocess.run(["pgrep", "-f", "^sleep 63$"], capture_output=True, text=True)
    assert done.stdout == ""


def test_children_that_outlive_the_command_are_still_there_and_go_before_a_new_start(make: Make) -> None:
    service = make("sleep 65 & sleep 0.3")
    service.restore()
    before = pids(service)
    wait_for(lambda: pids(service) and len(pids(service)) < len(before), 2)
    left = pids(service)
    service.restore()
    assert not left & pids(service)


def test_a_look_takes_what_ended_as_down_with_its_status_and_last_words(make: Make, tmp_path: Path) -> None:
    service = make("sleep 0.3; echo CUDA out of memory; exit 9", log_path=tmp_path / "log")
    service.restore()
    wait_for(lambda: isinstance(service.look(), Down))
    why = "it ended by itself: exit status 9; its last line: CUDA out of memory"
    assert service.look() == Down(why=why, failed=True)


def test_one_killed_by_someone_else_is_down_and_failed(make: Make) -> None:
    service = make("exec sleep 60")
    service.restore()
    os.kill(next(iter(pids(service))), signal.SIGKILL)
    wait_for(lambda: isinstance(service.look(), Down))
    assert service.look() == Down(why="it ended by itself: killed by SIGKILL", failed=True)


def test_another_service_and_another_arbiter_are_not_it(make: Make, tmp_path: Path) -> None:
    service, other, stranger = (
        make(),
        make(name="chat2"),
        make(instance=f"{tmp_path}/b", run_dir=Path("/nowhere")),
    )
    for each in (service, other, stranger):
        each.restore()
    assert not pids(service) & pids(other)
    assert not pids(service) & pids(stranger)
    service.evict(Rung.STOP)
    assert pids(other)
    assert pids(stranger)


@pytest.mark.root
def test_someone_else_cannot_claim_to_be_it(make: Make, tmp_path: Path) -> None:
    service = make()
    mark = {"SENTINEL_SERVICE": f"{tmp_path}/chat"}
    liar = subprocess.Popen(["sleep", "66"], env=mark, user="daemon", group="daemon", extra_groups=())
    try:
        assert isinstance(service.look(), Down)
        service.restore()
        assert liar.pid not in pids(service)
    finally:
        liar.kill()
        liar.wait()


# ------------------------------------------------------------------ who it runs as


@pytest.mark.root
def test_as_root_it_needs_a_user(make: Make) -> None:
    with pytest.raises(UsageError, match="say who runs it: user = "):
        make(user=None)


@pytest.mark.root
def test_it_runs_as_its_user_with_that_users_groups_and_nothing_of_ours(make: Make, tmp_path: Path) -> None:
    os.environ["SENTINEL_TEST_SECRET"] = "root's"
    try:
        service = make("sleep 60", env={"MODEL": "llama"})
        service.restore()
    finally:
        del os.environ["SENTINEL_TEST_SECRET"]
    pid = min(pids(service))
    nobody = pwd.getpwnam("nobody")
    status = facts(pid, "status")
    assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}\n" in status
    assert f"Gid:\t{nobody.pw_gid}\t{nobody.pw_gid}\t{nobody.pw_gid}\t{nobody.pw_gid}\n" in status
    groups = next(line for line in status.splitlines() if line.startswith("Groups:"))
    assert set(map(int, groups.split()[1:])) == set(os.getgrouplist("nobody", nobody.pw_gid))
    assert "CapEff:\t0000000000000000" in status
    assert "Umask:\t0022" in status
    env = dict(line.split("=", 1) for line in facts(pid, "environ").split("\0") if line)
    assert env.keys() - {"PATH", "LANG", "LC_ALL", "TZ"} == {
        *("HOME", "USER", "LOGNAME", "SHELL", "MODEL", "SENTINEL_SERVICE", "PWD")
    } - ({"PWD"} - env.keys())
    assert env["USER"] == env["LOGNAME"] == "nobody"
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")


@pytest.mark.root
def test_root_is_taken_by_that_name_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pwd.getpwnam

    def getpwnam(name: str) -> pwd.struct_passwd:
        return real("root" if name == "toor" else name)

    monkeypatch.setattr(pwd, "getpwnam", getpwnam)
    make(user="root").restore()
    with pytest.raises(ServiceError, match="'toor' is root by another name"):
        make(user="toor", name="other").restore()


def test_it_leads_a_session_of_its_own_and_has_no_descriptor_of_ours(make: Make) -> None:
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    try:
        service = make("exec sleep 60")
        service.restore()
        (pid,) = pids(service)
        assert os.getsid(pid) == pid
        assert sorted(path.name for path in Path(f"/proc/{pid}/fd").iterdir()) == ["0", "1", "2"]
        assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    finally:
        os.close(ours)
        os.close(theirs)


def test_signals_that_we_ignore_or_block_are_not_so_for_it(make: Make) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        service = make("exec sleep 60")
        service.restore()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    status = facts(min(pids(service)), "status")
    assert "SigBlk:\t0000000000000000" in status
    # 32 and 33 are the C library's own; nobody can set them, and whoever started us may have lost them.
    (ignored,) = re.findall(r"SigIgn:\t(\w+)", status)
    assert int(ignored, 16) & ~(0b11 << 31) == 0


# ------------------------------------------------------------------ what can go wrong


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"command": ["no-such-server"]}, r"cannot run no-such-server \(not in any folder of PATH="),
        ({"command": ["/etc/passwd"]}, "cannot run /etc/passwd: Permission denied"),
        ({"cwd": "/no/such/folder"}, "cannot enter /no/such/folder: No such file or directory"),
        ({"log_path": Path("/no/such/folder/log")}, "cannot write its log /no/such/folder/log: No such file"),
        ({"user": "no-such-user"}, "there is no user 'no-such-user' on this machine"),
    ],
)
def test_what_cannot_be_run_says_why(make: Make, changes: dict[str, object], why: str) -> None:
    service = make(**changes)
    with pytest.raises(ServiceError, match=why) as caught:
        service.restore()
    assert caught.value.message.startswith("chat: ")
    sight = service.look()
    assert isinstance(sight, Down)
    assert sight.failed
    assert re.search(why, sight.why)


def test_a_command_that_goes_to_the_background_is_refused_and_ended(make: Make) -> None:
    service = make("sleep 67 & exit 0")
    with pytest.raises(ServiceError, match="stays in the foreground"):
        service.restore()
    assert subprocess.run(["pgrep", "-f", "^sleep 67$"], capture_output=True).stdout == b""


def test_an_empty_command_is_refused(make: Make) -> None:
    with pytest.raises(UsageError, match="`command` is empty"):
        make(command=[])


def test_its_output_is_appended_to_its_log(make: Make, tmp_path: Path) -> None:
    log = tmp_path / "log"
    service = make("echo out; echo err >&2; sleep 60", log_path=log)
    for times in (1, 2):
        service.restore()
        wait_for(lambda times=times: log.read_text().split() == ["out", "err"] * times)
        service.evict(Rung.STOP)


def test_the_log_is_not_written_through_a_link(make: Make, tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/etc/passwd")
    with pytest.raises(ServiceError, match="cannot write its log"):
        make(log_path=tmp_path / "log").restore()


# ------------------------------------------------------------------ what outlives the arbiter

ARBITER = """
    import sys, time
    from pathlib import Path
    from sentinel.drivers.services.process import ProcessService
    folder = Path({folder!r})
    service = ProcessService(name="chat", command=["/bin/sh", "-c", {script!r}], instance=str(folder),
                             run_dir=folder, user={user!r})
    service.restore()
    print("up", flush=True)
    time.sleep(60)
"""


def killed_arbiter(folder: Path, script: str) -> None:
    """An arbiter that started the service and was then killed with -9."""
    code = textwrap.dedent(ARBITER).format(folder=str(folder), script=script, user=USER)
    arbiter = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={"PYTHONPATH": str(SOURCE)}
    )
    assert arbiter.stdout is not None
    with arbiter.stdout:
        assert arbiter.stdout.readline() == b"up\n"
    arbiter.kill()
    arbiter.wait()


@pytest.mark.parametrize("lost", ["nothing", "record", "mark"])
def test_the_next_arbiter_takes_it_over_by_record_or_mark(make: Make, tmp_path: Path, lost: str) -> None:
    # A process title that the server sets wipes the mark; a full disk keeps the record from being written.
    script = "exec env -i /bin/sleep 60" if lost == "mark" else "sleep 60 & wait"
    killed_arbiter(tmp_path, script)
    if lost == "record":
        (tmp_path / "service-chat.json").unlink()
    service = make(script)
    found = pids(service)
    assert found
    service.restore()
    assert pids(service) == found
    service.evict(Rung.STOP)
    assert not pids(service)


def test_one_that_ended_after_it_was_taken_over_is_failed_as_its_status_is_unknown(
    make: Make, tmp_path: Path
) -> None:
    killed_arbiter(tmp_path, "exec sleep 60")
    service = make("exec sleep 60")
    (pid,) = pids(service)
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: isinstance(service.look(), Down))
    sight = service.look()
    assert isinstance(sight, Down)
    assert sight.failed
    assert "unknown" in sight.why


@pytest.mark.parametrize("record", ["", "{", "[]", '{"boot_id": "x", "pid": 1, "started": 0}', '{"pid": {}}'])
def test_a_damaged_or_old_record_is_none(make: Make, tmp_path: Path, record: str) -> None:
    (tmp_path / "service-chat.json").write_text(record)
    service = make()
    assert isinstance(service.look(), Down)
    service.restore()
    assert pids(service)


def test_a_record_of_a_pid_that_went_to_another_is_none(make: Make, tmp_path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    (tmp_path / "service-chat.json").write_text(
        f'{{"boot_id": "{boot}", "pid": {os.getpid()}, "started": 1}}'
    )
    assert isinstance(make().look(), Down)


def test_it_starts_even_where_no_record_can_be_written(make: Make) -> None:
    service = make(run_dir=Path("/no/such/folder"))
    service.restore()
    assert pids(service)


def test_nothing_is_left_of_a_start_whose_arbiter_died_before_the_word_to_go(tmp_path: Path) -> None:
    launcher = SOURCE / "sentinel/drivers/services/launch.py"
    report, told = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(launcher), str(told)], stdin=subprocess.PIPE, pass_fds=(told,)
    )
    os.close(told)
    assert child.stdin is not None
    child.stdin.write(b'{"command": ["touch", "/tmp/')  # half of the orders
    child.stdin.close()
    assert child.wait(5) == 1
    assert os.read(report, 100) == b""
    os.close(report)


def test_close_ends_what_runs(make: Make) -> None:
    service = make("trap '' TERM; sleep 60 & wait")
    service.restore()
    found = pids(service)
    service.close()
    assert found
    assert not any(proctree.lives(stat.process) for pid in found if (stat := proctree.read_stat(pid)))


def test_a_look_at_what_runs_reads_its_family_only(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    service = make("sleep 60 & wait")
    service.restore()
    service.look()

    def sweep(**_: object) -> Iterator[object]:
        raise AssertionError("read all of /proc")

    monkeypatch.setattr("sentinel.drivers.services.proctree.relatives", sweep)
    assert len(pids(service)) == 2
