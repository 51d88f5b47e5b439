"""containerd: labels on what already runs, and the containers that no Docker knows of. By `ctr`.

The inventory's scan calls both. `Containerd` implements ports.containers.Labeller; a label that it sets
lasts until the container's next start, since dockerd then makes the container anew, and is not shown by
`docker inspect`. `ContainerdContainers` implements ports.containers.ContainerSource for nerdctl's and
Kubernetes' containers; Docker's, in the namespaces of NOT_OURS, are left to Docker.
"""

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sentinel.core.container import Container, ContainerSummary
from sentinel.drivers.containers import containerd_json
from sentinel.drivers.containers.ctr import (
    ADDRESSES,
    ANSWER_SECONDS,
    Ctr,
    NotFound,
    environment,
    is_identifier,
)
from sentinel.drivers.containers.docker_json import table, text, texts

NAMESPACES = ("moby", "k8s.io", "default")
"""Where a container to be labelled is looked for."""
NOT_OURS = ("moby", "plugins.moby")
LONGEST_LABEL = 4096
"""Bytes that containerd takes for a key and its value together."""
_MOST_REMEMBERED = 4096


class Containerd:
    """Sets labels. `timeout` in seconds, for each run of `program`. Used by one thread at a time."""

    name = "containerd"

    def __init__(
        self, *, address: str = ADDRESSES[0], program: str = "ctr", timeout: float = ANSWER_SECONDS
    ) -> None:
        self._ctr = Ctr(address=address, program=program, timeout=timeout)
        self._homes: dict[str, str] = {}  # id → namespace

    @property
    def calls(self) -> int:
        """Processes run so far."""
        return self._ctr.calls

    def labels(self, id: str) -> Mapping[str, str] | None:
        for namespace in self._where(id):
            with contextlib.suppress(NotFound):
                found = _info(self._ctr, id, namespace)
                self._remember(id, namespace)
                return texts(found.get("Labels"))
        self._homes.pop(id, None)
        return None

    def set_labels(self, id: str, labels: Mapping[str, str]) -> bool:
        pairs = [f"{key}={value}" for key, value in labels.items() if is_label(key, value)]
        if len(pairs) < len(labels):
            return False
        for namespace in self._where(id):
            with contextlib.suppress(NotFound):
                self._ctr.run("containers", "label", "--", id, *pairs, namespace=namespace)
                self._remember(id, namespace)
                return True
        self._homes.pop(id, None)
        return False

    def _where(self, id: str) -> tuple[str, ...]:
        """The namespaces to look in. None for a text that is no id."""
        if not is_identifier(id):
            return ()
        if id in self._homes:
            return (self._homes[id],)
        there = _namespaces(self._ctr)
        return tuple(one for one in NAMESPACES if one in there)

    def _remember(self, id: str, namespace: str) -> None:
        if len(self._homes) >= _MOST_REMEMBERED:
            self._homes.clear()
        self._homes[id] = namespace


def is_label(key: str, value: str) -> bool:
    """Whether containerd takes it, and as what it is: a key is neither an option nor split at a "="."""
    whole = f"{key}{value}"
    fits = len(whole.encode(errors="replace")) <= LONGEST_LABEL
    return bool(key and value) and key[0].isalnum() and "=" not in key and fits and whole.isprintable()


class ContainerdContainers:
    """Reads containers. `timeout` in seconds, for each run of `program`."""

    name = "containerd"

    def __init__(
        self, *, address: str = ADDRESSES[0], program: str = "ctr", timeout: float = ANSWER_SECONDS
    ) -> None:
        self._ctr = Ctr(address=address, program=program, timeout=timeout)
        self._homes: dict[str, str] = {}  # id → namespace, of the last listing
        self._tasks: dict[str, containerd_json.Task] = {}
        self._inspected: dict[str, Container] = {}
        self._lock = threading.Lock()
        self._listening: subprocess.Popen[bytes] | None = None
        self._closed = False

    @property
    def calls(self) -> int:
        """Processes run so far."""
        return self._ctr.calls

    def containers(self) -> tuple[ContainerSummary, ...]:
        """One process, and two more for each namespace."""
        homes: dict[str, str] = {}
        tasks: dict[str, containerd_json.Task] = {}
        found: list[ContainerSummary] = []
        for namespace in _namespaces(self._ctr):
            if namespace in NOT_OURS:
                continue
            images, running = self._tables(namespace)
            for id, image in images.items():
                if id not in homes and is_identifier(id):
                    homes[id] = namespace
                    found.append(containerd_json.summary_of(id, image, running.get(id)))
                    if id in running:
                        tasks[id] = running[id]
        self._homes, self._tasks = homes, tasks
        self._inspected = {id: one for id, one in self._inspected.items() if id in homes}
        return tuple(found)

    def inspect(self, id: str) -> Container | None:
        """As of the last listing. A container without a change since is not asked for again.

        Only its labels can change meanwhile: look at `Containerd.labels`.
        """
        if id not in self._homes:
            self.containers()
        if id not in self._homes:
            return None
        task = self._tasks.get(id)
        known = self._inspected.get(id)
        if known is None:
            try:
                raw = _info(self._ctr, id, self._homes[id])
                known = containerd_json.container_from(raw, task)
            except NotFound:
                return None
            except ValueError as error:
                raise self._ctr.unknown(f"it tells of {error}") from None
            self._inspected[id] = known
        return replace(known, state=containerd_json.state_of(task), pid=containerd_json.pid_of(task))

    def changes(self) -> Iterator[str]:
        self._ctr.require()
        with self._lock:
            if self._closed:
                return
            process = self._listen()
        try:
            assert process.stdout is not None
            with process.stdout:
                for line in process.stdout:
                    if (id := _changed(line)) is not None:
                        self._inspected.pop(id, None)
                        yield id
        finally:
            process.kill()
            process.wait()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._listening is not None:
                self._listening.kill()

    def _listen(self) -> "subprocess.Popen[bytes]":
        try:
            self._listening = subprocess.Popen(
                self._ctr.command("events"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
                cwd="/",
            )
        except (OSError, ValueError) as error:
            raise self._ctr.cannot_run(error) from None
        return self._listening

    def _tables(self, namespace: str) -> tuple[dict[str, str], dict[str, containerd_json.Task]]:
        try:
            listed = self._ctr.run("containers", "ls", namespace=namespace)
            running = self._ctr.run("tasks", "ls", namespace=namespace)
            return containerd_json.container_rows(listed), containerd_json.task_rows(running)
        except ValueError as error:
            raise self._ctr.unknown(f"ctr printed {error}") from None


def _namespaces(ctr: Ctr) -> list[str]:
    return [one for one in ctr.run("namespaces", "ls", "-q").split() if is_identifier(one)]


def _info(ctr: Ctr, id: str, namespace: str) -> dict[str, Any]:
    printed = ctr.run("containers", "info", "--", id, namespace=namespace)
    try:
        return table(json.loads(printed))
    except (ValueError, RecursionError):
        raise ctr.unknown("ctr printed no JSON") from None


def _changed(line: bytes) -> str | None:
    """The container in a line of `ctr events`: DATE TIME ZONE ZONE NAMESPACE TOPIC JSON."""
    parts = line.decode(errors="replace").split(" ", 6)
    if len(parts) < 7 or parts[4] in NOT_OURS or not parts[5].startswith(("/tasks/", "/containers/")):
        return None
    if parts[5].startswith("/tasks/exec"):
        return None
    with contextlib.suppress(ValueError, RecursionError):
        event = table(json.loads(parts[6]))
        id = text(event.get("container_id")) or text(event.get("id"))
        return id if is_identifier(id) else None
    return None
