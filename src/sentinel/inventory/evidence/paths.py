"""Whose a folder is. For owner: dev containers, Compose projects and bind mounts tell of people's folders."""

import re
from collections.abc import Mapping, Sequence

from sentinel.core.container import Container
from sentinel.inventory.evidence.people import People

LOCAL_FOLDER = "devcontainer.local_folder"
CONFIG_FILE = "devcontainer.config_file"
WORKING_DIR = "com.docker.compose.project.working_dir"
PODMAN_WORKING_DIR = "io.podman.compose.project.working_dir"
LABELS = (LOCAL_FOLDER, CONFIG_FILE, WORKING_DIR, PODMAN_WORKING_DIR)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}\$?")
_NOBODYS = frozenset({"shared", "public", "all", "lost+found", "data", "linuxbrew"})
_ELSEWHERE = re.compile(
    r"/(?:wsl\.localhost|wsl\$)/[^/]+/home/([^/]+)|/?[A-Za-z]:?/Users/([^/]+)|/Users/([^/]+)"
)


def homes(container: Container) -> tuple[str, ...]:
    """The folders that a container's labels and bind mounts name."""
    labels = (container.labels[label] for label in LABELS if label in container.labels)
    mounts = (mount.source for mount in container.mounts if mount.kind == "bind")
    return tuple(dict.fromkeys(plain(path) for path in (*labels, *mounts)))


def to_look_up(container: Container, roots: Sequence[str]) -> tuple[str, ...]:
    """The folders whose owners attribution wants in `Observation.path_owners`."""
    found: list[str] = []
    for path in homes(container):
        home = home_of(path, roots)
        if home is not None:
            found.append(home)
        elif path.count("/") > 1:
            found.append(path)
    return tuple(dict.fromkeys(found))


def person_of(path: str, roots: Sequence[str], owners: Mapping[str, int], people: People) -> str | None:
    """The person whose folder `path` is: by who owns it, else by its place below a home root."""
    path = plain(path)
    home = home_of(path, roots)
    uid = owners.get(home or path)
    if uid is not None:
        return people.name(uid) if people.person(uid) else None
    if home is not None:
        return _name(home.rsplit("/", 1)[-1])
    elsewhere = _ELSEWHERE.match(path)
    return _name(next(name for name in elsewhere.groups() if name)) if elsewhere else None


def home_of(path: str, roots: Sequence[str]) -> str | None:
    """ "/home/ann" of "/home/ann/work/x" when "/home" is a root."""
    for root in roots:
        below = path.removeprefix(f"{root.rstrip('/')}/")
        if below != path and below.split("/", 1)[0]:
            return f"{root.rstrip('/')}/{below.split('/', 1)[0]}"
    return None


def plain(path: str) -> str:
    """`path` with single slashes, Windows' turned round, however often they were escaped."""
    return re.sub(r"[/\\]+", "/", path)


def _name(text: str) -> str | None:
    return text if _NAME.fullmatch(text) and text not in _NOBODYS else None
