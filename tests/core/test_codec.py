"""The wire format: messages are the same however the bytes are cut, and nobody's bytes cost much."""

import contextlib
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.codec import MAX_REQUEST, LineReader, decode, encode
from sentinel.core.errors import ProtocolError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    return [data[a:b] for a, b in pairwise(edges)]


def lines(reader: LineReader, data: bytes) -> list[bytes]:
    reader.feed(data)
    found = []
    while (line := reader.next_line()) is not None:
        found.append(line)
    return found


@given(MESSAGES)
def test_what_is_encoded_is_one_line_and_decodes_to_itself(message: dict[str, Any]) -> None:
    data = encode(message)
    assert data.count(b"\n") == 1
    assert data.endswith(b"\n")
    assert decode(data) == message


@given(st.lists(MESSAGES, max_size=5), st.lists(st.integers(0, 10**6), max_size=20))
def test_messages_are_the_same_however_the_bytes_are_cut(sent: list[Any], places: list[int]) -> None:
    reader = LineReader()
    data = b"".join(encode(m) for m in sent)
    got = [decode(line) for part in cut(data, places) for line in lines(reader, part)]
    assert got == sent
    assert not reader.pending


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.lists(st.integers(0, 10**6), max_size=12))
def test_a_line_over_the_limit_is_refused_however_it_is_cut(sizes: list[int], places: list[int]) -> None:
    data = b"".join(b"x" * size + b"\n" for size in sizes)
    over = [n for n, size in enumerate(sizes) if size > 32]
    want = [b"x" * size for size in (sizes[: over[0]] if over else sizes) if size]
    reader, got = LineReader(limit=32), list[bytes]()
    try:
        for part in cut(data, places):
            reader.feed(part)
            while (line := reader.next_line()) is not None:
                got.append(line)
    except ProtocolError as error:
        assert over
        assert "at most 32 bytes" in error.message
        assert got == want[: len(got)]
    else:
        assert not over
        assert got == want


def test_a_message_without_an_end_is_refused_once_it_outgrows_the_limit() -> None:
    reader = LineReader()
    for _ in range(16):
        reader.feed(b"x" * 4096)
        assert reader.next_line() is None
    with pytest.raises(ProtocolError, match="at most 65536 bytes"):
        reader.feed(b"x")


def test_exactly_the_limit_is_fine() -> None:
    assert lines(LineReader(), b"x" * MAX_REQUEST + b"\n") == [b"x" * MAX_REQUEST]


def test_blank_lines_are_nothing() -> None:
    reader = LineReader()
    assert lines(reader, b"\n \r\n\t\n{}\r\n") == [b"{}\r"]
    reader.feed(b"  \r\n ")
    assert reader.next_line() is None
    assert not reader.pending


# ------------------------------------------------------------------ the plain protocol's bare message


@given(MESSAGES, st.lists(st.integers(0, 10**6), max_size=6))
def test_a_bare_message_is_guessed_whole_never_half(message: dict[str, Any], places: list[int]) -> None:
    """However it is cut: no message before the last byte, and the right one after it."""
    reader, data = LineReader(), encode(message).rstrip(b"\n")
    parts = cut(data, places)
    for part in parts[:-1]:
        reader.feed(part)
        assert reader.next_line() is None
        assert reader.guess(ended=False) is None
    reader.feed(parts[-1])
    assert reader.guess(ended=False) == message
    assert not reader.pending
    assert reader.guess(ended=True) is None


def test_the_end_of_the_stream_ends_a_message_without_a_newline() -> None:
    reader = LineReader()
    reader.feed(b'  {"cmd": "status"}  ')
    assert reader.guess(ended=True) == {"cmd": "status"}


@pytest.mark.parametrize("half", [b'{"cmd":', b"{", b'{"cmd": "status"}}', b"hello"])
def test_half_a_message_at_the_end_is_an_error(half: bytes) -> None:
    reader = LineReader()
    reader.feed(half)
    assert reader.guess(ended=False) is None
    with pytest.raises(ProtocolError, match="not JSON"):
        reader.guess(ended=True)


def test_guessing_ends_after_a_few_times_and_a_newline_still_helps() -> None:
    """A message made of braces would else be parsed at every byte: quadratic in its size."""
    reader = LineReader()
    reader.feed(b'{"a":"')
    for _ in range(20):
        reader.feed(b"}")
        assert reader.guess(ended=False) is None
    reader.feed(b'"}')
    assert reader.guess(ended=False) is None, "out of guesses"
    reader.feed(b"\n")
    assert decode(reader.next_line() or b"") == {"a": "}" * 20}


def test_dribbling_the_largest_message_byte_by_byte_costs_little() -> None:
    reader = LineReader()
    started = time.process_time()
    for _ in range(MAX_REQUEST):
        reader.feed(b"}")
        reader.next_line()
        reader.guess(ended=False)
    assert time.process_time() - started < 2


# ------------------------------------------------------------------ garbage


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x00\xff", "not JSON"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1}{"b":2}', "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"1" * 5000, "not JSON"),
        (b"[1,2]", "a message is a JSON object"),
        (b'"status"', "a message is a JSON object"),
        (b"null", "a message is a JSON object"),
    ],
)
def test_garbage_is_refused_with_a_short_reason(data: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why) as caught:
        decode(data)
    assert len(caught.value.message) < 200


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(decode(data), dict)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_any_stream_gives_lines_or_a_protocol_error(data: bytes, places: list[int]) -> None:
    reader = LineReader(limit=64)
    with contextlib.suppress(ProtocolError):
        for part in cut(data, places):
            assert all(len(line) <= 64 and b"\n" not in line for line in lines(reader, part))
            reader.guess(ended=False)
        reader.guess(ended=True)


def test_text_that_utf8_cannot_carry_still_goes_over_the_wire() -> None:
    """An argument of bytes that are no UTF-8 comes from os.environ as lone surrogates."""
    assert json.loads(encode({"command": "caf\udce9"})) == {"command": "caf\udce9"}
