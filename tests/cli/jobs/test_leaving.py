import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.cli.jobs.leaving import Leaving


@pytest.mark.parametrize(
    ("keys", "passed", "left"),
    [
        (b"ls\r", b"ls\r", False),
        (b"~.", b"", True),
        (b"ls\r~.rm", b"ls\r", True),
        (b"a~.", b"a~.", False),
        (b"\r~~.", b"\r~.", False),
        (b"\n~/bin", b"\n~/bin", False),
        (b"\r~\r~.", b"\r~\r", True),
        (b"\x03~.", b"\x03~.", False),
    ],
)
def test_enter_tilde_dot_leaves(keys: bytes, passed: bytes, left: bool) -> None:
    whole = Leaving()
    assert (whole.typed(keys), whole.left) == (passed, left)
    one_by_one, found = Leaving(), b""
    for key in keys:
        if not one_by_one.left:
            found += one_by_one.typed(bytes([key]))
    assert (found, one_by_one.left) == (passed, left)


@given(st.binary().filter(lambda keys: b"~" not in keys))
def test_anything_else_is_passed_on(keys: bytes) -> None:
    assert Leaving().typed(keys) == keys
