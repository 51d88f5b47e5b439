"""Regular expressions of others: as Python's where both know them, and never for long."""

import re
import string
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sentinel.drivers.notifiers.foreign_regex import Unread, matcher

ATOMS = ["a", "b", ".", "[ab]", "[^a]", "[a-c]", "(a|b)", "(?:ab|)", r"\.", r"\d", r"\W", r"[\w.]", "^", "$"]
TIMES = ["", "*", "+", "?", "{2}", "{1,3}", "{0}", "{2,}", "*?"]
PIECE = st.builds("".join, st.tuples(st.sampled_from(ATOMS), st.sampled_from(TIMES)))
ROW = st.lists(PIECE, max_size=4).map("".join)
PATTERN = st.recursive(ROW, lambda inner: st.builds("({})|{}".format, inner, ROW), max_leaves=4)


@given(pattern=PATTERN, text=st.text("ab.1\n", max_size=6))
def test_it_matches_what_python_matches(pattern: str, text: str) -> None:
    assume("$" not in pattern or "\n" not in text)  # Python's $ is before a last line break as well
    assume(not re.search(r"[\^$][*+?{]", pattern))
    assert matcher(pattern)(text) == (re.fullmatch(pattern, text, re.ASCII) is not None)


@given(text=st.text(string.printable + "é😀", max_size=20))
def test_a_quoted_text_matches_itself_alone(text: str) -> None:
    assert matcher(re.escape(text))(text)
    assert not matcher(re.escape(text))(text + "x")


@given(pattern=st.text("ab()[]{}|*+?\\^$.,-1:P<", max_size=12))
def test_anything_is_read_or_said_to_be_unread(pattern: str) -> None:
    try:
        matcher(pattern)("ab1")
    except Unread as error:
        assert str(error)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("gpu-.*|cpu-1", ["gpu-", "gpu-7", "cpu-1"], ["cpu-12", "xgpu-7", ""]),
        ("", [""], ["a"]),
        (".*", ["", "é😀"], ["a\nb"]),
        ("a{2", ["a{2"], ["aa"]),
        (r"x\tb[\]\-]", ["x\tb]", "x\tb-"], ["xtb]"]),
        ("[a-]", ["a", "-"], ["b"]),
    ],
)
def test_whole_texts(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [one for one in yes if not matcher(pattern)(one)] == []
    assert [one for one in no if matcher(pattern)(one)] == []


@pytest.mark.parametrize(
    "pattern",
    ["(a", "a)", "*a", "a**", "[a", "[]", "(?i)a", "(?P<n>a)", r"\bx", r"\pL", r"\1", "[[:alpha:]]", "a\\",
     "a{1001}", "((((a{30}){30}){30}){30})", "(" * 60 + ")" * 60, "a" * 5000, "[b-a]"],
)  # fmt: skip
def test_what_is_not_read(pattern: str) -> None:
    with pytest.raises(Unread):
        matcher(pattern)


def test_none_takes_long() -> None:
    begun = time.process_time()
    for pattern in ("(a+)+", "(a|a)*", "(a*)*b", ".*.*.*.*.*x"):
        assert not matcher(pattern)("a" * 4000 + "!")
    assert time.process_time() - begun < 5
