import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.drivers.kernel_log.kmsg import Kmsg, open_kmsg
from sentinel.ports.kernel_log import Lines, Unavailable


@pytest.fixture
def kernel() -> Iterator[tuple[socket.socket, Kmsg]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    log = Kmsg(theirs.detach(), "/dev/kmsg", (b"Xid",))
    yield ours, log
    log.close()
    ours.close()


def test_only_wanted_records_come_and_keep_their_fields(kernel: tuple[socket.socket, Kmsg]) -> None:
    device, log = kernel
    device.sendall(b"6,10,1,-;eth0: link is up\n")
    device.sendall(b"4,11,2,-;NVRM: Xid (PCI:0000:01:00): 79\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n")
    assert log.read().lines == (
        b"4,11,2,-;NVRM: Xid (PCI:0000:01:00): 79",
        b" SUBSYSTEM=pci",
        b" DEVICE=+pci:0000:01:00.0",
    )


def test_records_overwritten_before_we_came_are_counted(kernel: tuple[socket.socket, Kmsg]) -> None:
    device, log = kernel
    for number in (10, 11, 40, 41):
        device.sendall(b"6,%d,1,-;of no interest\n" % number)
    got = log.read()
    assert got.lines == ()
    assert got.lost == "28 records of /dev/kmsg were overwritten before they could be read"
    assert log.read() == Lines()


def test_what_the_kernel_forgot_before_we_began_is_not_missed(kernel: tuple[socket.socket, Kmsg]) -> None:
    device, log = kernel
    device.sendall(b"6,987654,1,-;first there is\n")
    assert log.read().lost is None


def test_a_storm_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    # A file gives the same bytes for ever to whoever rewinds it; here a pipe of datagrams does.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    with ours:
        ours.setblocking(False)
        log = Kmsg(theirs.detach(), "/dev/kmsg", ())
        sent = seen = 0
        for _ in range(40):
            try:
                while True:
                    ours.send(b"4,%d,1,-;Xid\n" % sent)
                    sent += 1
            except BlockingIOError:
                pass
            got = log.read()
            assert got.lost is None
            seen += len(got.lines)
        log.close()
    assert seen == sent > 1000


def test_a_missing_device_and_one_that_may_not_be_read_say_what_to_do(tmp_path: Path) -> None:
    missing = open_kmsg(str(tmp_path / "kmsg"))
    assert isinstance(missing, Unavailable)
    assert "journalctl -k" in missing.why
    folder = open_kmsg(str(tmp_path))
    if isinstance(folder, Kmsg):  # a folder can be opened, and then not be read
        assert "cannot be read" in (folder.read().lost or "")
        assert folder.fileno() is None


@pytest.mark.root
def test_a_user_without_the_right_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.touch(0o600)
    tmp_path.chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        got = open_kmsg(str(path))
        os._exit(0 if isinstance(got, Unavailable) and got.why else 1)
    assert os.waitpid(child, 0)[1] == 0
