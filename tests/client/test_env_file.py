import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.client.env_file import env_text, parse_env, read_env_file
from sentinel.core.errors import ConfigError


def test_what_a_file_can_say() -> None:
    text = """
# a comment
PLAIN=value
export EXPORTED=yes
  SPACED  =  two words
EMPTY=
EQUALS=a=b=c
COMMENT=value # why
HASH=a#b
DOUBLE="two words # not one\\n\\"x\\" \\$HOME \\q"   # a comment
SINGLE='as $it \\n stands'
AGAIN=1
AGAIN=2
"""
    assert parse_env(text.replace("SPACED  =", "SPACED="), "f") == {
        "PLAIN": "value",
        "EXPORTED": "yes",
        "SPACED": "two words",
        "EMPTY": "",
        "EQUALS": "a=b=c",
        "COMMENT": "value",
        "HASH": "a#b",
        "DOUBLE": 'two words # not one\n"x" $HOME \\q',
        "SINGLE": "as $it \\n stands",
        "AGAIN": "2",
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hello", "f:2: no KEY=VALUE"),
        ("1A=secret", "f:2: what is before = is no name"),
        ("A B=secret", "f:2: what is before = is no name"),
        ("=secret", "f:2: what is before = is no name"),
        ('A="secret', 'f:2: A: the " has no end'),
        ("A='secret", "f:2: A: the ' has no end"),
        ('A="x" secret', "f:2: A: something stands behind"),
        ("A=se\0cret", "f:2: A: there is a NUL"),
    ],
)
def test_errors_name_the_line_and_keep_the_secret(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env(f"GOOD=1\n{line}\n", "f")
    assert caught.value.message.startswith(message)
    assert "secret" not in caught.value.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: cannot be read: No such file"):
        read_env_file(tmp_path / "none")
    binary = tmp_path / "binary"
    binary.write_bytes(b"A=\xff\xfe")
    with pytest.raises(ConfigError, match="no UTF-8"):
        read_env_file(binary)
    large = tmp_path / "large"
    large.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        read_env_file(large)


_VALUES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)))


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), _VALUES, max_size=4))
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    assert parse_env(env_text(values), "f") == values


def test_a_shell_reads_it_too(tmp_path: Path) -> None:
    file = tmp_path / "client.env"
    value = "a b'c\"d$HOME`id`\\x"
    file.write_text(env_text({"SENTINEL_URL": "https://h:1", "SENTINEL_CA": value}))
    script = f'. {file}; printf "%s|%s" "$SENTINEL_URL" "$SENTINEL_CA"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout == f"https://h:1|{value}"
