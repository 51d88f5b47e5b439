"""One client's connection: patience with half a message has an end, and nothing of it blocks."""

import socket
from collections.abc import Iterator

import pytest

from sentinel.arbiter.connection import FIRST_MESSAGE_SECONDS, Connection
from sentinel.core.errors import ProtocolError
from sentinel.core.process import Peer, ProcessId

PEER = Peer(process=ProcessId(1, 1), uid=0, gid=0, user="root")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    client, server = socket.socketpair()
    server.setblocking(False)
    client.settimeout(2)
    yield client, Connection(server, PEER, -1, 100.0)
    client.close()
    server.close()


Pair = tuple[socket.socket, Connection]


def test_a_client_that_says_nothing_has_ten_seconds(pair: Pair) -> None:
    assert pair[1].deadline == 100.0 + FIRST_MESSAGE_SECONDS


def test_dribbling_does_not_move_the_deadline(pair: Pair) -> None:
    client, connection = pair
    for n, byte in enumerate(b'{"cmd":'):
        client.send(bytes([byte]))
        assert connection.receive()
        assert connection.next_message(101.0 + n) is None
    assert connection.deadline == 100.0 + FIRST_MESSAGE_SECONDS


def test_between_messages_there_is_no_hurry_and_half_a_message_starts_the_clock(pair: Pair) -> None:
    client, connection = pair
    client.send(b'{"cmd":"status"}\n')
    connection.receive()
    assert connection.next_message(105.0) == {"cmd": "status"}
    assert connection.next_message(105.0) is None
    assert connection.deadline is None
    client.send(b'{"cmd"')
    connection.receive()
    assert connection.next_message(500.0) is None
    assert connection.deadline == 500.0 + FIRST_MESSAGE_SECONDS


def test_several_messages_in_one_packet_come_out_one_by_one(pair: Pair) -> None:
    client, connection = pair
    client.send(b'{"a":1}\n{"b":2}\n{"c":')
    connection.receive()
    assert [connection.next_message(101.0) for _ in range(3)] == [{"a": 1}, {"b": 2}, None]


def test_the_end_in_the_middle_of_a_message_is_an_error_and_after_one_is_not(pair: Pair) -> None:
    client, connection = pair
    client.send(b'{"a":1}\n{"b"')
    client.shutdown(socket.SHUT_WR)
    connection.receive()
    assert connection.next_message(101.0) == {"a": 1}
    while not connection.ended:
        connection.receive()
    with pytest.raises(ProtocolError):
        connection.next_message(101.0)


def test_nothing_to_read_is_fine_and_a_broken_connection_is_told(pair: Pair) -> None:
    client, connection = pair
    assert connection.receive()
    assert not connection.ended
    client.close()
    connection.receive()
    assert connection.ended
    assert not connection.send({"a": 1})


def test_what_the_client_will_not_take_yet_is_kept_and_sent_later_whole(pair: Pair) -> None:
    client, connection = pair
    message = {"text": "x" * 2_000_000}
    assert connection.send(message)
    assert connection.wants_to_send
    got = b""
    while connection.wants_to_send or not got.endswith(b"\n"):
        got += client.recv(1 << 20)
        assert connection.flush()
    assert got == b'{"text":"' + b"x" * 2_000_000 + b'"}\n'


def test_a_client_that_never_reads_is_given_up_in_the_end(pair: Pair) -> None:
    _client, connection = pair
    sent = 0
    while connection.send({"text": "x" * 1_000_000}):
        sent += 1
        assert sent < 40
    assert sent > 10
