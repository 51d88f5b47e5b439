"""Which process listens where: of real sockets, and of a /proc that a test writes."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.core.process import ProcessId
from sentinel.drivers.metrics_sources.listening import Listening

LISTENER = """
import socket, sys, time
held = [socket.create_server(address, family=family) for family, address in (
    (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET, ("127.0.0.2", 0)))]
free = socket.socket(); free.bind(("127.0.0.1", 0))
client = socket.create_connection(held[0].getsockname())
print(*(one.getsockname()[1] for one in (*held, free, client)), flush=True)
time.sleep(60)
"""


@pytest.fixture
def listener() -> Iterator[tuple[int, list[int]]]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LISTENER, "--port", "x y"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.pid, [int(port) for port in process.stdout.readline().split()]
        process.kill()


def ports_of(pid: int, root: Path = Path("/proc")) -> frozenset[int]:
    listening = Listening(root)
    found = listening.look(pid)
    assert found is not None
    ports = listening.ports(found.process)
    assert ports is not None
    return ports


def test_a_process_and_its_ports(listener: tuple[int, list[int]]) -> None:
    pid, (here, *_) = listener
    found = Listening().look(pid)
    assert found is not None
    assert found.parent == os.getpid()
    assert found.command[-2:] == ("--port", "x y")
    assert found.process.pid == pid and found.process.started > 0
    assert ports_of(pid) == {here}  # not one of another address, not one that is bound only, not a client's
    another = ProcessId(pid, found.process.started - 1)
    assert Listening().ports(another) == frozenset()


def test_what_another_process_listens_on_is_not_ours(listener: tuple[int, list[int]]) -> None:
    before = ports_of(os.getpid())
    assert not before & set(listener[1])
    with socket.create_server(("0.0.0.0", 0)) as one:
        assert ports_of(os.getpid()) == {*before, one.getsockname()[1]}


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_one_of_ipv6_counts_where_ipv4_gets_to_it() -> None:
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as alone,
    ):
        ports = ports_of(os.getpid())
        assert both.getsockname()[1] in ports
        assert alone.getsockname()[1] not in ports


def test_a_process_that_is_not_there() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert Listening().look(ended.pid) is None
    assert Listening().look(2**22 + 1) is None
    assert Listening().ports(ProcessId(2**22 + 1, 1)) == frozenset()


# ------------------------------------------------------------------ a /proc of the test's

V4 = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 100 0
   1: 00000000:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 112 1 0 100 0
   2: 0100007F:1F42 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 113 1 0 100 0
   3: 0200A8C0:1F43 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 114 1 0 100 0
   4: 0100007F:1F45 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 999 1 0 100 0
"""
V6 = f"""\
  sl  local_address                         remote_address                        st
   0: {"0" * 32}:1F44 {"0" * 32}:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 115 1 0 100 0
   1: {"0" * 32}:1F45 {"0" * 32}:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 116 1 0 100 0
   2: 0000000000000000FFFF00000100007F:1F46 {"0" * 32}:0000 0A 0:0 00:0 0  1000  0 117 1 0 100 0
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    folder = tmp_path / "7"
    (folder / "net").mkdir(parents=True)
    (folder / "fd").mkdir()
    (folder / "ns").mkdir()
    (tmp_path / "self/ns").mkdir(parents=True)
    (folder / "ns/net").write_text("")
    os.link(folder / "ns/net", tmp_path / "self/ns/net")
    (folder / "stat").write_text("7 (a) b) S 5 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0\n")
    (folder / "cmdline").write_bytes(b"vllm\0serve\0\0")
    (folder / "net/tcp").write_text(V4)
    (folder / "net/tcp6").write_text(V6)
    for inode in range(111, 118):
        (folder / f"fd/{inode}").symlink_to(f"socket:[{inode}]")
    (folder / "fd/0").symlink_to("/dev/null")
    return tmp_path


def test_of_all_sockets_those_that_our_loopback_address_gets_to(proc: Path) -> None:
    found = Listening(proc).look(7)
    assert found is not None
    assert found.process == ProcessId(7, 4242) and found.parent == 5 and found.command == ("vllm", "serve")
    # 8003 is of another address; at 8005 somebody else listens to IPv4.
    assert ports_of(7, proc) == {8000, 8001, 8004, 8006}


def test_in_another_network_it_listens_nowhere(proc: Path) -> None:
    (proc / "self/ns/net").unlink()
    (proc / "self/ns/net").write_text("")
    assert ports_of(7, proc) == frozenset()


def test_what_may_not_be_read_is_unknown(proc: Path) -> None:
    shutil.rmtree(proc / "7/fd")
    assert Listening(proc).ports(ProcessId(7, 4242)) is None


def test_without_ipv6(proc: Path) -> None:
    (proc / "7/net/tcp6").unlink()
    assert ports_of(7, proc) == {8000, 8001}


def test_a_zombie_is_none(proc: Path) -> None:
    stat = proc / "7/stat"
    stat.write_text(stat.read_text().replace(" S ", " Z "))
    assert Listening(proc).look(7) is None
    assert Listening(proc).ports(ProcessId(7, 4242)) == frozenset()
    stat.write_text("7 (")
    assert Listening(proc).look(7) is None


def test_one_without_a_command_line_is_a_process_all_the_same(proc: Path) -> None:
    (proc / "7/cmdline").write_bytes(b"")
    found = Listening(proc).look(7)
    assert found is not None and found.command == ()
