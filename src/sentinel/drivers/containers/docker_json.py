"""The JSON of Docker's Engine API and of Podman's, as our nouns. Called by `docker`; pure.

Shapes: https://docs.docker.com/reference/api/engine/version/v1.41/ (ContainerList, ContainerInspect). Any
field may be null or missing there, `HostConfig.DeviceRequests` usually is. Whoever made the container chose
its names, labels and command, so their lengths are bounded here.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from sentinel.core.container import (
    VARIABLES,
    Container,
    ContainerState,
    ContainerSummary,
    Device,
    DeviceRequest,
    Mount,
)
from sentinel.core.timestamp import epoch
from sentinel.drivers.containers import podman

LONGEST_TEXT = 4096
"""Characters of one name, label, argument or path; what is longer is cut."""
MOST_ITEMS = 10_000
"""Labels, arguments, devices or mounts of one container."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{12,128}")
_STATES: Mapping[str, ContainerState] = {state.value: state for state in ContainerState} | podman.STATES


def summary_from(raw: object) -> ContainerSummary:
    """One entry of `GET /containers/json`. ValueError when it is not even an object with an id.

    A `Created` that is missing is 0.0: of a summary it is only asked whether it changed.
    """
    found = table(raw)
    return ContainerSummary(
        id=_id(found),
        name=name_of(items(found.get("Names"))),
        image=text(found.get("Image")),
        command=text(found.get("Command")),
        state=_state(found.get("State")),
        created_at=_seconds(found.get("Created")),
        labels=texts(found.get("Labels")),
    )


def container_from(raw: object, engine: str) -> Container:
    """The answer of `GET /containers/{id}/json`. ValueError when it is not even an object with an id."""
    found = table(raw)
    config, host, state = (table(found.get(key)) for key in ("Config", "HostConfig", "State"))
    labels = texts(config.get("Labels"))
    return Container(
        id=_id(found),
        name=name_of((found.get("Name"),)),
        image=text(config.get("Image")) or text(found.get("Image")),
        engine=engine,
        state=_inspected_state(state),
        command=(*filter(None, (text(found.get("Path")),)), *words(found.get("Args"))),
        pid=positive(state.get("Pid")),
        created_at=epoch(text(found.get("Created"))),
        started_at=epoch(text(state.get("StartedAt"))),
        labels=labels,
        oci_runtime=_runtime(host, found),
        privileged=host.get("Privileged") is True,
        device_requests=tuple(_request(one) for one in items(host.get("DeviceRequests"))),
        devices=tuple(_device(one) for one in items(host.get("Devices"))),
        device_rules=words(host.get("DeviceCgroupRules")),
        mounts=tuple(_mount(one) for one in items(found.get("Mounts"))),
        variables=variables_of(config.get("Env")),
        user=text(config.get("User")),
        pod=pod_of(labels),
        cgroup_parent=text(host.get("CgroupParent")) or None,
    )


def image_of(raw: object) -> str:
    """The id of the image in an inspected container; "" when it is missing."""
    return text(table(raw).get("Image"))


def image_user(raw: object) -> str:
    """The user that an image brings, of `GET /images/{id}/json`; "" is root."""
    return text(table(table(raw).get("Config")).get("User"))


def names_another_than_root(user: str) -> bool:
    """Whether a configured user ("", "0:0", "1000:1000", "jovyan") is someone."""
    return user.partition(":")[0] not in ("", "0", "root")


def is_id(found: str) -> bool:
    """Whether it can be a container's id, and thus stands for itself in a URL."""
    return _ID.fullmatch(found) is not None


def is_image_id(found: str) -> bool:
    """The same for an image's."""
    return _IMAGE_ID.fullmatch(found) is not None


# ------------------------------------------------------------------ pieces, also for containerd's JSON


def table(found: object) -> dict[str, Any]:
    """A JSON object; empty when it is null or something else."""
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def text(found: object) -> str:
    """A string, cut to LONGEST_TEXT and with no half of a character in it; "" when it is none."""
    if not isinstance(found, str):
        return ""
    cut = found[:LONGEST_TEXT]
    return cut if cut.isascii() else cut.encode("utf-8", errors="replace").decode("utf-8")


def items(found: object) -> tuple[object, ...]:
    """The items of a JSON array; none when it is null or something else."""
    return tuple(cast("list[object]", found)[:MOST_ITEMS]) if isinstance(found, list) else ()


def words(found: object) -> tuple[str, ...]:
    """The strings of a JSON array."""
    return tuple(text(one) for one in items(found) if isinstance(one, str))


def texts(found: object) -> dict[str, str]:
    """A JSON object's strings by name."""
    pairs = list(table(found).items())[:MOST_ITEMS]
    return {text(key): text(value) for key, value in pairs if isinstance(value, str)}


def positive(found: object) -> int | None:
    """A whole number above zero, else None: engines write "no process" as 0."""
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 2**31 else None


def variables_of(environment: object) -> dict[str, str]:
    """Those of VARIABLES in ["NAME=VALUE", …]; the first of several counts, as for getenv(3)."""
    found: dict[str, str] = {}
    for one in items(environment):
        name, equals, value = one.partition("=") if isinstance(one, str) else ("", "", "")
        if equals and name in VARIABLES:
            found.setdefault(name, text(value))
    return found


def pod_of(labels: Mapping[str, str]) -> str | None:
    """ "namespace/name" of the Kubernetes pod that these labels name."""
    name, namespace = labels.get("io.kubernetes.pod.name"), labels.get("io.kubernetes.pod.namespace")
    return f"{namespace}/{name}" if name and namespace else None


def name_of(names: tuple[object, ...]) -> str:
    """Its own name among the names of a container; others come from links ("/other/alias")."""
    found = [text(one).removeprefix("/") for one in names]
    return next((one for one in found if one and "/" not in one), found[0] if found else "")


def _id(found: Mapping[str, Any]) -> str:
    raw = found.get("Id")
    if not isinstance(raw, str) or not is_id(raw):
        raise ValueError("a container without an id")
    return raw


def _seconds(found: object) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return 0.0
    return float(found) if 0 <= found < 2**53 else 0.0


def _state(word: object) -> ContainerState:
    return (
        _STATES.get(word.lower(), ContainerState.UNKNOWN) if isinstance(word, str) else ContainerState.UNKNOWN
    )


def _inspected_state(state: Mapping[str, Any]) -> ContainerState:
    if state.get("Status"):
        return _state(state["Status"])
    for flag in ("Paused", "Restarting", "Running", "Dead"):
        if state.get(flag) is True:
            return ContainerState(flag.lower())
    return ContainerState.UNKNOWN


def _runtime(host: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    named = text(found.get("OCIRuntime")) or text(host.get("Runtime"))
    return None if named in ("", podman.RUNTIME_THAT_SAYS_NOTHING) else named


def _request(raw: object) -> DeviceRequest:
    found = table(raw)
    count = found.get("Count")
    return DeviceRequest(
        driver=text(found.get("Driver")),
        count=count if isinstance(count, int) else 0,
        device_ids=words(found.get("DeviceIDs")),
        capabilities=tuple(words(one) for one in items(found.get("Capabilities"))),
    )


def _device(raw: object) -> Device:
    found = table(raw)
    return Device(host=text(found.get("PathOnHost")), container=text(found.get("PathInContainer")))


def _mount(raw: object) -> Mount:
    found = table(raw)
    return Mount(
        kind=text(found.get("Type")),
        source=text(found.get("Source")),
        destination=text(found.get("Destination")),
    )
