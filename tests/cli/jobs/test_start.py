"""How `sentinel` begins: what it imports, how soon its help is there, what it says if something lacks."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from sentinel.cli.app import COMMANDS, Entry, Group
from sentinel.cli.main import main

COMMAND = [sys.executable, "-m", "sentinel.cli.main"]


def every(entries: Mapping[str, Entry | Group]) -> list[list[str]]:
    """The words of each command and group."""
    found: list[list[str]] = []
    for name, entry in entries.items():
        found.append([name])
        if isinstance(entry, Group):
            found += [[name, *inner] for inner in every(entry.commands)]
    return found


@pytest.mark.parametrize("words", every(COMMANDS), ids=" ".join)
def test_each_command_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Usage: sentinel {' '.join(words)}" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_the_help_is_there_soon() -> None:
    def once() -> float:
        # The processor's time: how long a busy machine lets it wait says nothing about it.
        before = os.times()
        subprocess.run([*COMMAND, "--help"], capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(once() for _ in range(3)) < 0.25


def test_the_help_imports_no_command() -> None:
    code = (
        "import sys; from sentinel.cli.main import main; main(['job', '--help']); "
        "print([m for m in sys.modules if m.startswith(('sentinel.client', 'sentinel.cli.jobs', 'ssl'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_command_needs_no_web_socket() -> None:
    code = (
        "import sys; sys.modules['websockets'] = None; from sentinel.cli.main import main; "
        "sys.exit(main(['run', '--help']))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_missing_library_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from sentinel.cli.jobs import terminal
    from sentinel.client.sync import Client
    from sentinel.core.errors import SentinelError

    for name in ("websockets", "websockets.exceptions", "websockets.sync.client"):
        monkeypatch.setitem(sys.modules, name, None)
    with Client("https://h:1", token="t") as client, pytest.raises(SentinelError, match="pip install"):
        terminal.attach(client, "x")


def test_words_that_name_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["jobs"], ["job", "lst"], ["job", "list", "--no-such"]):
        assert main(words) == 2
    assert "No such command" in capsys.readouterr().err


def test_the_table_names_modules_that_are_there() -> None:
    from importlib.util import find_spec

    def modules(entries: Mapping[str, Entry | Group]) -> Iterator[str]:
        for one in entries.values():
            if isinstance(one, Group):
                yield from modules(one.commands)
            else:
                yield one.module

    assert [name for name in modules(COMMANDS) if find_spec(name) is None] == []
