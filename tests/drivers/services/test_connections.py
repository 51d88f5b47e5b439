"""Which connections count as requests in flight, on real sockets."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sentinel.core.errors import ServiceError
from sentinel.drivers.services import connections
from sentinel.drivers.services.connections import Connection, is_busy, requests_in_flight

Pair = tuple[socket.socket, socket.socket, int]


@pytest.fixture(params=["127.0.0.1", "::"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A client's socket, the server's end of it, and the server's port."""
    six = request.param == "::"
    family = socket.AF_INET6 if six else socket.AF_INET
    with ExitStack() as stack:
        listener = stack.enter_context(
            socket.create_server((request.param, 0), family=family, dualstack_ipv6=six)
        )
        port = listener.getsockname()[1]
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        server = stack.enter_context(listener.accept()[0])
        yield client, server, port


def test_a_connection_opened_ahead_of_need_is_none(pair: Pair) -> None:
    assert requests_in_flight(pair[2]) == 0


def test_a_request_that_waits_to_be_read_is_one(pair: Pair) -> None:
    client, _, port = pair
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert requests_in_flight(port, quiet_seconds=0) == 1


def test_a_request_that_is_thought_about_is_one(pair: Pair) -> None:
    client, server, port = pair
    client.sendall(b"POST /")
    server.recv(100)
    assert requests_in_flight(port, quiet_seconds=0) == 1


def test_an_answer_not_yet_taken_is_one(pair: Pair) -> None:
    client, server, port = pair
    client.sendall(b"POST /")
    server.recv(100)
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            server.send(b"x" * 65536)
    assert requests_in_flight(port, quiet_seconds=0) == 1


def test_between_two_requests_there_is_none_after_a_while(pair: Pair) -> None:
    client, server, port = pair
    client.sendall(b"POST /")
    server.recv(100)
    while requests_in_flight(port, quiet_seconds=0.05):  # answers until they are in different ticks
        server.sendall(b"HTTP/1.1 200 OK")
        client.recv(100)
        while any((c.sent_ago or 0) < 0.05 for c in connections.connections_to(port)):
            pass
    assert requests_in_flight(port, quiet_seconds=3600) == 1  # as far as anyone can tell, it streams


def test_other_ports_do_not_count(pair: Pair) -> None:
    client, _, port = pair
    client.sendall(b"GET")
    assert requests_in_flight(port + 1 if port < 65535 else 1) == 0


@pytest.mark.parametrize(
    ("connection", "busy"),
    [
        (Connection(queued_bytes=0), True),  # nothing known
        (Connection(queued_bytes=0, received_bytes=0, answered=False, sent_ago=9, received_ago=9), False),
        (Connection(queued_bytes=0, received_bytes=5, answered=False, sent_ago=9, received_ago=9), True),
        (Connection(queued_bytes=0, received_bytes=5, answered=True, sent_ago=9, received_ago=10), False),
        (Connection(queued_bytes=0, received_bytes=5, answered=True, sent_ago=1, received_ago=10), True),
        (Connection(queued_bytes=0, received_bytes=5, answered=True, sent_ago=9, received_ago=8), True),
        (Connection(queued_bytes=0, received_bytes=5, answered=True, sent_ago=9, received_ago=9), True),
        (Connection(queued_bytes=1, received_bytes=5, answered=True, sent_ago=9, received_ago=10), True),
    ],
)
def test_the_rules(connection: Connection, busy: bool) -> None:
    assert is_busy(connection, 2.0) is busy


def refuse(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_where_the_kernel_is_not_to_be_asked_each_open_connection_counts(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_ask_kernel", refuse)
    assert requests_in_flight(pair[2]) == 1


def test_where_nothing_can_be_seen_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_ask_kernel", refuse)
    monkeypatch.setattr(connections.Path, "read_text", refuse)
    with pytest.raises(ServiceError, match="cannot be seen"):
        requests_in_flight(11434)
