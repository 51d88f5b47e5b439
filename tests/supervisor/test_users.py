"""Which Unix user a job runs as: the table, who may write it, and who is never in it."""

import os
import pwd
from pathlib import Path

import pytest

from sentinel.supervisor.users import NoUser, Person, Users

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def entry(name: str, uid: int) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", f"/home/{name}", "/bin/zsh"))


PEOPLE = {
    p.pw_name: p for p in (entry("alice", 1000), entry("bob", 1001), entry("daemon", 2), entry("root", 0))
}


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root on a machine with these users."""
    by_uid = {p.pw_uid: p for p in PEOPLE.values()}
    monkeypatch.setattr(pwd, "getpwnam", PEOPLE.__getitem__)
    monkeypatch.setattr(pwd, "getpwuid", by_uid.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "job-users.toml"
    path.write_text('[users]\nann = "alice"\ndee = "daemon"\nrob = "root"\nzoe = "nobody-here"\n')
    path.chmod(0o644)
    return path


def why(users: Users, owner: str) -> str:
    found = users.of(owner)
    assert isinstance(found, NoUser), found
    return found.why


def test_the_table_names_users(table: Path) -> None:
    found = Users(file=str(table)).of("ann")
    assert found == Person(uid=1000, gid=1000, name="alice", home="/home/alice", shell="/bin/zsh", other=True)


def test_who_is_not_in_it_runs_nothing(table: Path) -> None:
    assert why(Users(file=str(table)), "bob").endswith(
        'an admin of this node adds a line bob = "USER" under [users]'
    )


def test_same_name(table: Path) -> None:
    table.write_text('default = "same-name"\n[users]\nann = "alice"\n')
    users = Users(file=str(table))
    assert isinstance(bob := users.of("bob"), Person)
    assert bob.uid == 1001
    assert "which this node does not have" in why(users, "carl")
    assert "is root" in why(users, "root")


@pytest.mark.parametrize(
    ("owner", "what"), [("rob", "is root"), ("dee", "a system user (uid 2, below 1000)")]
)
def test_root_and_system_users_are_never_in_it(table: Path, owner: str, what: str) -> None:
    found = why(Users(file=str(table)), owner)
    assert what in found
    assert owner in found
    assert str(table) in found


def test_a_user_that_the_node_does_not_have(table: Path) -> None:
    assert "'nobody-here', which this node does not have" in why(Users(file=str(table)), "zoe")


def test_it_is_read_anew_each_time(table: Path) -> None:
    users = Users(file=str(table))
    assert "adds a line bob" in why(users, "bob")
    table.write_text('[users]\nbob = "bob"\n')
    assert isinstance(users.of("bob"), Person)
    table.unlink()
    assert "there is no" in why(users, "bob")


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_one_that_others_can_write_is_not_believed(table: Path, mode: int) -> None:
    table.chmod(mode)
    assert "chmod go-w" in why(Users(file=str(table)), "ann")


@ROOT
def test_one_of_another_user_is_not_believed(table: Path) -> None:
    os.chown(table, 1000, 1000)
    assert "chown root" in why(Users(file=str(table)), "ann")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[users\n", "cannot be used"),
        ("[people]\n", "unknown key 'people'"),
        ('default = "everybody"\n', 'default is "refuse" or "same-name"'),
        ("[users]\nann = 5\n", "has lines like"),
        ("users = 5\n", "has lines like"),
        ("\0", "cannot be used"),
    ],
)
def test_one_that_makes_no_sense_says_so(table: Path, text: str, what: str) -> None:
    table.write_text(text)
    assert what in why(Users(file=str(table)), "ann")


def test_one_user_for_all_may_be_root_if_that_was_said() -> None:
    root = Users(run_as="root").of("whoever")
    assert isinstance(root, Person)
    assert (root.uid, root.other) == (0, False)
    assert (
        Users(run_as="nobody-here").fault
        == "--run-as names Unix user 'nobody-here', which this node does not have"
    )


def test_without_a_word_root_runs_nobodys_jobs(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.supervisor.users.DEFAULT_USERS", str(table.with_name("none")))
    assert "or starts the agent with one user for all jobs" in why(Users(), "ann")


def test_who_is_not_root_is_nobody_else(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    assert isinstance(me := Users().of("anybody"), Person)
    assert (me.name, me.other) == ("bob", False)
    assert "cannot become another user" in Users(run_as="alice").fault
    if table.stat().st_uid == 0:
        assert "cannot become another user" in why(Users(file=str(table)), "ann")
