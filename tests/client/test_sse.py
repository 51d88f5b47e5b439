from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.client.sse import EventParser, ServerEvent

STREAM = (
    b': hello\n\nid: 7\nevent: a.b\ndata: {"x": 1}\n\n'
    b"data: two\r\ndata: lines\r\n\r\n: alive\n\nevent: nothing\n\nid: 9\ndata:bare\n\nretry: 5\n\ndata: cut"
)
EVENTS = [
    ServerEvent(id="7", type="a.b", data='{"x": 1}'),
    ServerEvent(id="7", type="message", data="two\nlines"),
    ServerEvent(id="9", type="message", data="bare"),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_pieces_of_any_size(cuts: list[int]) -> None:
    parser, found = EventParser(), list[ServerEvent]()
    places = [0, *sorted(cuts), len(STREAM)]
    for begin, end in pairwise(places):
        found += parser.feed(STREAM[begin:end])
    assert found == EVENTS


def test_a_line_without_end() -> None:
    parser = EventParser()
    with pytest.raises(ValueError, match="does not end"):
        for _ in range(20):
            parser.feed(b"x" * 100_000)
