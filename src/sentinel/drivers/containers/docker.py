"""Docker's containers, by its Engine API over its Unix socket; and Podman's, whose service speaks the same.

The inventory's scan calls it. One call lists, one more tells about one container; nothing is changed.
Paths carry no version: the engine then speaks its newest, and what is read here is old and stays.
"""

import grp
import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

from sentinel.core.container import Container, ContainerSummary
from sentinel.core.errors import SourceAbsent, SourceUnknown, UsageError
from sentinel.core.units import show_duration
from sentinel.drivers.containers import docker_json, podman
from sentinel.drivers.containers.unix_http import Answer, BadAnswer, UnixHttp

HOST = "unix:///var/run/docker.sock"
ANSWER_SECONDS = 10.0

_HOSTS = {"docker": HOST, "podman": podman.HOST}
_EVENTS = "/events?filters=" + quote('{"type":["container"]}')
# What happens to a container and changes nothing that is known of it. An event that we do not know counts.
_NO_CHANGE = tuple(
    "exec health_status top attach detach resize copy archive-path extract export commit checkpoint mount "
    "unmount sync cleanup".split()
)
_MOST_IMAGES = 4096


class DockerEngine:
    """Implements ports.containers.ContainerSource. `name` is "docker" or "podman"; `timeout` in seconds.

    `host` is unix:///PATH, by default where the engine's socket usually is; UsageError for anything else.
    """

    def __init__(
        self, *, name: str = "docker", host: str | None = None, timeout: float = ANSWER_SECONDS
    ) -> None:
        self.name = name
        self.calls = 0
        """Requests made so far."""
        self._path = _socket_path(host or _HOSTS.get(name, HOST))
        self._http = UnixHttp(self._path, timeout=timeout)
        self._timeout = timeout
        self._has_answered = False
        self._image_users: dict[str, str | None] = {}

    def containers(self) -> tuple[ContainerSummary, ...]:
        found = self._json(self._get("/containers/json?all=1"))
        if not isinstance(found, list):
            raise self._unknown("its list of containers is none")
        try:
            return tuple(docker_json.summary_from(one) for one in cast("list[object]", found))
        except ValueError as error:
            raise self._unknown(f"its list of containers has {error}") from None

    def inspect(self, id: str) -> Container | None:
        if not docker_json.is_id(id):
            return None
        answer = self._get(f"/containers/{id}/json")
        if answer.status == http.client.NOT_FOUND:
            return None
        found = self._json(answer)
        try:
            container = docker_json.container_from(found, self.name)
        except ValueError as error:
            raise self._unknown(f"it tells of {error}") from None
        if not docker_json.names_another_than_root(container.user):
            return container
        brought = self._image_user(docker_json.image_of(found))
        return replace(
            container, user_is_image_default=None if brought is None else brought == container.user
        )

    def changes(self) -> Iterator[str]:
        self.calls += 1
        lines = self._http.lines(_EVENTS)
        while True:
            try:
                line = next(lines, None)
            except (OSError, BadAnswer) as error:
                raise self._trouble(error) from error
            if line is None:
                return
            if (id := _changed(line)) is not None:
                yield id

    def close(self) -> None:
        self._http.close()

    def _image_user(self, image: str) -> str | None:
        """The user that the image brings, asked for once; None when it cannot be told (it was removed)."""
        if not docker_json.is_image_id(image):
            return None
        if image not in self._image_users:
            answer = self._get(f"/images/{image}/json")
            if answer.status not in (http.client.OK, http.client.NOT_FOUND):
                return None
            if len(self._image_users) >= _MOST_IMAGES:
                self._image_users.clear()
            user = docker_json.image_user(self._parsed(answer)) if answer.status == http.client.OK else None
            self._image_users[image] = user
        return self._image_users[image]

    # -------------------------------------------------------------- asking

    def _json(self, answer: Answer) -> Any:
        """What it answers, when that is no error."""
        if answer.status != http.client.OK:
            raise self._unknown(f"it answers HTTP {answer.status}{_message(answer)}")
        return self._parsed(answer)

    def _get(self, path: str) -> Answer:
        self.calls += 1
        try:
            return self._http.get(path)
        except (OSError, BadAnswer) as error:
            raise self._trouble(error) from error

    def _parsed(self, answer: Answer) -> Any:
        try:
            found = answer.json()
        except BadAnswer as error:
            raise self._trouble(error) from None
        self._has_answered = True
        return found

    # -------------------------------------------------------------- what went wrong, and what to do

    def _trouble(self, error: OSError | BadAnswer) -> SourceAbsent | SourceUnknown:
        match error:
            case FileNotFoundError() | NotADirectoryError() if not self._has_answered:
                return SourceAbsent(
                    f"{self.name}: there is no {self._path} here; if its socket is elsewhere, "
                    "name it as unix:///PATH"
                )
            case FileNotFoundError() | NotADirectoryError():
                return self._unknown(f"its socket has gone; is it stopped? {self._look()}")
            case PermissionError():
                return self._unknown(_who_may(self._path))
            case ConnectionRefusedError():
                return self._unknown(f"nobody listens there; is it stopped? {self._look()}")
            case TimeoutError():
                return self._unknown(f"no answer within {show_duration(self._timeout)}; {self._look()}")
            case OSError():
                return self._unknown(f"{error.strerror or error or 'it hung up'}; {self._look()}")
            case BadAnswer():
                return self._unknown(f"{error}; is that the socket of {self.name}?")

    def _unknown(self, why: str) -> SourceUnknown:
        return SourceUnknown(f"{self.name} at {self._path}: {why}")

    def _look(self) -> str:
        return f"look at `systemctl status {self.name}`"


def _socket_path(host: str) -> str:
    path = host.removeprefix("unix://")
    if path == host or not path.startswith("/") or "\0" in path:
        raise UsageError(
            f"{host!r} is no engine of this machine: its containers are watched where they run, over the "
            "engine's own socket; write it like unix:///var/run/docker.sock"
        )
    if len(os.fsencode(path)) > 107:
        raise UsageError(f"{host!r} is longer than the path of a socket can be (107 bytes)")
    return path


def _changed(line: bytes) -> str | None:
    """The container that an event is about, when it may have changed."""
    try:
        event = docker_json.table(json.loads(line))
    except (ValueError, RecursionError):
        return None
    action = docker_json.text(event.get("Action"))
    if not action or action.startswith(_NO_CHANGE):
        return None
    return docker_json.text(docker_json.table(event.get("Actor")).get("ID")) or None


def _message(answer: Answer) -> str:
    """What the engine says about an error, fit to be printed."""
    try:
        said = docker_json.text(docker_json.table(answer.json()).get("message"))[:200]
    except BadAnswer:
        return ""
    clean = "".join(c if c.isprintable() else " " for c in said)
    return f": {clean}" if clean else ""


def _who_may(path: str) -> str:
    """Who may speak to the socket, for someone who may not."""
    try:
        group = grp.getgrgid(os.stat(path).st_gid).gr_name  # noqa: PTH116 - with no pathlib
    except (OSError, KeyError):
        group = "root"
    if group == "root":
        return "you may not speak to it; run this with sudo"
    return (
        f"you may not speak to it; run this with sudo, or join the group {group!r}, "
        "whose members are as good as root"
    )
