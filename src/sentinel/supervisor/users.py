"""Which Unix user a job runs as: decided on this machine, by its admin alone. Called by the launcher.

    --run-as USER    all jobs as that user; also root, if that is what was said
    --users FILE     a table of job owners, for a supervisor that runs as root:

        default = "refuse"          # or "same-name": owner alice is Unix user alice
        [users]
        alice = "alice_unix"

The file is read anew for each launch. It must be root's (or ours, where we are not root) and nobody else's
to write. Root and system users (below UID_MIN of /etc/login.defs) are never in it. A supervisor that is not
root runs jobs as its own user and no other.
"""

import os
import pwd
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

DEFAULT_USERS = "/etc/sentinel/job-users.toml"
LOGIN_DEFS = "/etc/login.defs"
_SHELL = "/bin/sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Unix user. `other`: not who the supervisor is."""

    uid: int
    gid: int
    name: str
    home: str
    shell: str
    other: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoUser:
    """`why` says what an admin has to do."""

    why: str


def person(entry: pwd.struct_passwd) -> Person:
    """That entry of the user database."""
    return Person(
        uid=entry.pw_uid,
        gid=entry.pw_gid,
        name=entry.pw_name,
        home=entry.pw_dir or "/",
        shell=entry.pw_shell or _SHELL,
        other=entry.pw_uid != os.geteuid(),
    )


def own_person() -> Person:
    """Who the supervisor runs as, also where the user database does not know."""
    uid = os.geteuid()
    try:
        return person(pwd.getpwuid(uid))
    except KeyError:
        return Person(uid=uid, gid=os.getegid(), name=str(uid), home="/", shell=_SHELL, other=False)


def person_with(uid: int, gid: int) -> Person:
    """The user that a job was begun as, also where the user database has forgotten."""
    other = uid != os.geteuid()
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return Person(uid=uid, gid=gid, name=str(uid), home="/", shell=_SHELL, other=other)
    return replace(person(found), gid=gid)


class Users:
    """`run_as`: one for all; `file`: the table; neither: our own user, and root nobody."""

    def __init__(self, *, run_as: str | None = None, file: str | None = None) -> None:
        self._own = own_person()
        self._all: Person | NoUser | None = None
        self._file = Path(file or DEFAULT_USERS)
        self._login_defs = Path(LOGIN_DEFS)
        if run_as is not None:
            self._all = self._named(run_as, "--run-as")
        elif file is None and self._own.uid != 0:
            self._all = self._own
        self._read: tuple[tuple[int, int, int], Mapping[str, Any]] | None = None

    @property
    def fault(self) -> str:
        """Why no job at all can run; empty when that is not so."""
        return self._all.why if isinstance(self._all, NoUser) else ""

    def of(self, owner: str) -> Person | NoUser:
        """The Unix user for jobs of `owner`, a name of the controller's."""
        if self._all is not None:
            return self._all
        table = self._table()
        if isinstance(table, NoUser):
            return table
        names = cast("dict[str, Any]", table.get("users", {}))
        name = names.get(owner)
        if name is None and table.get("default") == "same-name":
            name = owner
        if not isinstance(name, str):
            return NoUser(
                why=f"{self._file} has no Unix user for {owner}; an admin of this node adds"
                f' a line {owner} = "USER" under [users]'
            )
        found = self._named(name, str(self._file))
        if isinstance(found, Person) and found.uid < (least := self._least_uid()):
            who = "root" if found.uid == 0 else f"a system user (uid {found.uid}, below {least})"
            return NoUser(
                why=f"{self._file} says that jobs of {owner} run as {name}, which is {who}:"
                " that is never done; an admin of this node puts a person's account there"
            )
        return found

    def _named(self, name: str, source: str) -> Person | NoUser:
        try:
            found = person(pwd.getpwnam(name))
        except (KeyError, ValueError):
            return NoUser(why=f"{source} names Unix user {name!r}, which this node does not have")
        if found.other and self._own.uid != 0:
            return NoUser(
                why=f"{source} names Unix user {name}, and the supervisor, which runs as {self._own.name},"
                " cannot become another user; an admin starts it as root"
            )
        return found

    def _table(self) -> Mapping[str, Any] | NoUser:
        """The file's content. Who may write it is looked at each time, its text only when it changed."""
        import tomllib  # only where there is such a file

        path = self._file
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                if why := _unsafe(found, path):
                    return NoUser(why=why)
                key = (found.st_ino, found.st_mtime_ns, found.st_size)
                if self._read is None or self._read[0] != key:
                    self._read = key, _checked(tomllib.load(file))
                return self._read[1]
        except FileNotFoundError:
            return NoUser(
                why=f"there is no {path}, so no job owner has a Unix user on this node; an admin writes it,"
                " or starts the agent with one user for all jobs"
            )
        except OSError as error:
            return NoUser(why=f"cannot read {path}: {error.strerror}")
        except ValueError as error:  # tomllib's own is one
            return NoUser(why=f"{path} cannot be used: {error}")

    def _least_uid(self) -> int:
        try:
            match = re.search(r"^\s*UID_MIN\s+(\d+)", self._login_defs.read_text(), re.MULTILINE)
        except (OSError, UnicodeDecodeError):
            match = None
        return int(match[1]) if match else 1000


def _unsafe(found: os.stat_result, path: Path) -> str:
    if found.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to uid {found.st_uid}, who could so become anybody; chown root {path}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} can be written by others than its owner; chmod go-w {path}"
    return ""


def _checked(raw: dict[str, Any]) -> Mapping[str, Any]:
    """ValueError says what is wrong."""
    if unknown := sorted(raw.keys() - {"users", "default"}):
        raise ValueError(f"unknown key {unknown[0]!r}; there are [users] and default")
    if raw.get("default", "refuse") not in ("refuse", "same-name"):
        raise ValueError('default is "refuse" or "same-name"')
    users: Any = raw.get("users", {})
    if not isinstance(users, dict) or not all(
        isinstance(v, str) for v in cast("dict[str, Any]", users).values()
    ):
        raise ValueError('[users] has lines like alice = "alice_unix"')
    return raw
