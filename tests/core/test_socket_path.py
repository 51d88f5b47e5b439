"""A socket in a folder with a long name can be bound and reached; one with a short name is named as it is."""

import socket
from pathlib import Path

import pytest

from sentinel.core.socket_path import MOST_BYTES, socket_path


def test_a_short_path_is_itself(tmp_path: Path) -> None:
    path = Path("/tmp") / "x.sock"
    with socket_path(path) as name:
        assert name == str(path)


def test_a_long_one_is_bound_and_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    path = folder / "supervisor.sock"
    assert len(str(path)) > MOST_BYTES
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with socket_path(path) as name:
            server.bind(name)
        server.listen()
        assert path.is_socket()
        with socket_path(path) as name:
            client.connect(name)
        client.sendall(b"heard")
        accepted, _ = server.accept()
        with accepted:
            assert accepted.recv(16) == b"heard"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), socket_path(tmp_path / ("none" * 40) / "x.sock"):
        pass
