"""What `ctr containers info` and the tables of `ctr` print, as our nouns. Called by `containerd`; pure.

    ctr containers info ID   {"ID", "Labels": {…}, "Image", "Runtime": {"Name", "Options"}, "CreatedAt",
                              "Spec": an OCI runtime specification}
    ctr containers ls        CONTAINER    IMAGE    RUNTIME         one a line, "-" is none
    ctr tasks ls             TASK    PID    STATUS

The specification says what a container was given and not who asked for it, so a privileged one shows by its
device rules, and a GPU by device nodes or by NVIDIA's hook. It has devices by number: their path on the host
is taken to be the one inside.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sentinel.core.container import Container, ContainerState, ContainerSummary, Device, DeviceRequest, Mount
from sentinel.core.timestamp import epoch
from sentinel.drivers.containers.docker_json import (
    items,
    pod_of,
    positive,
    table,
    text,
    texts,
    variables_of,
    words,
)

_STATES = {
    "CREATED": ContainerState.CREATED,
    "RUNNING": ContainerState.RUNNING,
    "PAUSED": ContainerState.PAUSED,
    "PAUSING": ContainerState.RUNNING,
    "STOPPED": ContainerState.EXITED,
}
_NAMES = ("nerdctl/name", "io.kubernetes.container.name")
_NVIDIA_RUNTIME = b"nvidia-container-runtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The running half of a container."""

    pid: int | None
    state: ContainerState


def container_rows(printed: str) -> dict[str, str]:
    """Image by id, of `ctr containers ls`. ValueError when it is not that table."""
    rows = _rows(printed, "CONTAINER")
    return {row[0]: row[1] if len(row) > 2 and row[1] != "-" else "" for row in rows}


def task_rows(printed: str) -> dict[str, Task]:
    """Tasks by the container's id, of `ctr tasks ls`. ValueError when it is not that table."""
    return {
        row[0]: Task(
            pid=positive(int(row[1])) if row[1].isascii() and row[1].isdigit() and len(row[1]) < 12 else None,
            state=_STATES.get(row[2].upper(), ContainerState.UNKNOWN),
        )
        for row in _rows(printed, "TASK")
        if len(row) >= 3
    }


def summary_of(id: str, image: str, task: Task | None) -> ContainerSummary:
    """What the two tables tell. The rest is for `container_from`: `name` is the id, `created_at` 0."""
    return ContainerSummary(
        id=id, name=id, image=text(image), command="", state=state_of(task), created_at=0.0, labels={}
    )


def state_of(task: Task | None) -> ContainerState:
    """A container without a task is not running; whether it ever was, containerd does not say."""
    return task.state if task else ContainerState.CREATED


def pid_of(task: Task | None) -> int | None:
    """Its first process, while there is one."""
    return task.pid if task and task.state.alive else None


def container_from(raw: object, task: Task | None) -> Container:
    """`ctr containers info` with the container's task. ValueError when it is no container."""
    found = table(raw)
    if not isinstance(found.get("ID"), str):
        raise ValueError("no container")
    labels, spec = texts(found.get("Labels")), table(found.get("Spec"))
    process, linux = table(spec.get("process")), table(spec.get("linux"))
    rules = [table(one) for one in items(table(linux.get("resources")).get("devices"))]
    environment = process.get("env")
    return Container(
        id=text(found["ID"]),
        name=next((labels[key] for key in _NAMES if labels.get(key)), text(found["ID"])),
        image=text(found.get("Image")),
        engine="containerd",
        state=state_of(task),
        command=words(process.get("args")),
        pid=pid_of(task),
        created_at=epoch(text(found.get("CreatedAt"))),
        labels=labels,
        oci_runtime=_runtime(table(found.get("Runtime"))),
        privileged=any(_allows_everything(rule) for rule in rules),
        device_requests=_requests(table(spec.get("hooks"))),
        devices=tuple(_device(one) for one in items(linux.get("devices"))),
        device_rules=tuple(_rule(rule) for rule in rules if rule.get("allow") is True),
        mounts=tuple(_mount(one) for one in items(spec.get("mounts"))),
        variables=variables_of(environment),
        user=_user(table(process.get("user"))),
        pod=pod_of(labels),
        cgroup_parent=_parent(text(linux.get("cgroupsPath"))),
    )


def _rows(printed: str, heading: str) -> list[list[str]]:
    lines = printed.splitlines()
    if not lines or lines[0].split()[:1] != [heading]:
        raise ValueError(f"no table of {heading.lower()}s")
    return [row for line in lines[1:] if (row := line.split())]


def _runtime(runtime: Mapping[str, Any]) -> str | None:
    """ "nvidia" when that is the program it runs, else the "runc" in "io.containerd.runc.v2"."""
    try:
        options = base64.b64decode(text(table(runtime.get("Options")).get("value")))
    except (binascii.Error, ValueError):
        options = b""
    if _NVIDIA_RUNTIME in options:
        return "nvidia"
    name = text(runtime.get("Name"))
    parts = name.split(".")
    return parts[-2] if len(parts) > 2 else name or None


def _requests(hooks: Mapping[str, Any]) -> tuple[DeviceRequest, ...]:
    """What `nerdctl run --gpus` leaves behind: a hook that runs nvidia-container-cli with --device=WHICH."""
    found: list[str] = []
    for kind in ("prestart", "createRuntime"):
        for hook in items(hooks.get(kind)):
            arguments = words(table(hook).get("args"))
            if any("nvidia-container-cli" in one for one in arguments):
                prefix = "--device="
                found += [one.removeprefix(prefix) for one in arguments if one.startswith(prefix)]
    ids = tuple(id for one in found for id in one.split(",") if id)
    if not ids:
        return ()
    every = "all" in ids
    return (
        DeviceRequest(
            driver="nvidia",
            count=-1 if every else 0,
            device_ids=() if every else ids,
            capabilities=(("gpu",),),
        ),
    )


def _allows_everything(rule: Mapping[str, Any]) -> bool:
    unlimited = rule.get("type") in (None, "", "a") and rule.get("major") in (None, -1)
    return rule.get("allow") is True and unlimited


def _rule(rule: Mapping[str, Any]) -> str:
    numbers = (rule.get(key) for key in ("major", "minor"))
    major, minor = ("*" if number in (None, -1) else text(str(number)) for number in numbers)
    return f"{text(rule.get('type')) or 'a'} {major}:{minor} {text(rule.get('access'))}"


def _device(raw: object) -> Device:
    path = text(table(raw).get("path"))
    return Device(host=path, container=path)


def _mount(raw: object) -> Mount:
    found = table(raw)
    return Mount(
        kind=text(found.get("type")),
        source=text(found.get("source")),
        destination=text(found.get("destination")),
    )


def _user(user: Mapping[str, Any]) -> str:
    if user.get("username"):
        return text(user["username"])
    uid, gid = user.get("uid"), user.get("gid")
    return f"{uid}:{gid}" if isinstance(uid, int) and isinstance(gid, int) and uid else ""


def _parent(path: str) -> str | None:
    """The cgroup around it: of "/default/ID", or of systemd's form "SLICE:PREFIX:NAME"."""
    if path.count(":") == 2:
        return path.partition(":")[0] or None
    return path.rpartition("/")[0] or None
