"""The error tree is as its docstring draws it: one root, exit codes, who may try again."""

import re

import pytest

from sentinel.core import errors
from sentinel.core.errors import ArbiterUnavailable, ConfigError, Refused, SentinelError, UsageError

ALL = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, SentinelError)]
DRAWN = {
    match[2]: (len(match[1]), int(match[3]))
    for match in re.finditer(r"^([ │├└─]*)(\w+) +exit (\d+)", errors.__doc__ or "", re.MULTILINE)
}


def test_the_drawing_names_every_error_and_nothing_else() -> None:
    assert set(DRAWN) == {kind.__name__ for kind in ALL}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_each_has_the_exit_code_and_the_parent_that_are_drawn(kind: type[SentinelError]) -> None:
    depth, code = DRAWN[kind.__name__]
    assert kind.exit_code == code
    if kind is not SentinelError:
        above = [name for name, (d, _) in DRAWN.items() if d < depth]
        assert kind.__base__ is not None
        assert kind.__base__.__name__ in above


def test_trying_again_helps_where_nothing_was_asked_wrongly() -> None:
    assert ArbiterUnavailable.retry
    assert Refused.retry
    assert not UsageError.retry
    assert not SentinelError.retry


@pytest.mark.parametrize(
    ("line", "key", "text"),
    [
        (None, None, "/etc/x.toml: bad"),
        (3, None, "/etc/x.toml:3: bad"),
        (3, "service.gpus", "/etc/x.toml:3: service.gpus: bad"),
        (None, "service", "/etc/x.toml: service: bad"),
    ],
)
def test_a_config_error_names_file_line_and_key(line: int | None, key: str | None, text: str) -> None:
    error = ConfigError("bad", file="/etc/x.toml", line=line, key=key)
    assert error.message == str(error) == text
    assert error.exit_code == 2
