"""`[inventory]` in the config file. Read by the scan, the agent and the commands that show the inventory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentinel.core import toml_table
from sentinel.core.toml_table import Table
from sentinel.core.units import show_duration
from sentinel.inventory.statefile import DEFAULT_DIR

KEYS: set[str] = set(
    "state_dir gpus docker podman containerd kubernetes arbiter mark mark_namespace idle_after interval"
    " scan_timeout homes people log_size log_files".split()
)
_DOCKER = "unix:///var/run/docker.sock"
_PODMAN = "unix:///run/podman/podman.sock"
_CONTAINERD = ("/run/containerd/containerd.sock", "/run/docker/containerd/containerd.sock")
_KUBELET = "/var/lib/kubelet/pod-resources/kubelet.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryConfig:
    """Seconds and bytes. A source that is None is switched off: what it knew of is gone then."""

    state_dir: str = DEFAULT_DIR
    gpus: str | None = "auto"
    docker: str | None = _DOCKER
    podman: str | None = _PODMAN
    containerd: tuple[str, ...] | None = _CONTAINERD
    kubernetes: str | None = _KUBELET
    arbiter: bool = True
    mark: bool = True
    mark_namespace: str = "sentinel.detected"
    idle_after: float = 600.0
    interval: float = 10.0
    scan_timeout: float = 10.0
    homes: tuple[str, ...] = ("/home",)
    people: tuple[int, int] = (1000, 60000)
    log_size: int = 10 * 1024 * 1024
    log_files: int = 5

    @property
    def folder(self) -> Path:
        """Where the inventory is kept."""
        return Path(self.state_dir)


def inventory_config(top: Table) -> InventoryConfig:
    """The section of the file, defaults where it is silent. ConfigError."""
    table = top.table("inventory", KEYS)
    default = InventoryConfig()
    scan_timeout = table.get("scan_timeout", toml_table.positive, default.scan_timeout)
    if scan_timeout > 300:
        raise table.error("scan_timeout", f"is at most {show_duration(300)}")
    containerd = table.get("containerd", _switch_or_socket, True)
    return InventoryConfig(
        state_dir=table.get("state_dir", toml_table.absolute, default.state_dir),
        gpus=_chosen(table.get("gpus", _switch_or_source, True), "auto"),
        docker=_chosen(table.get("docker", _switch_or_engine, True), _DOCKER),
        podman=_chosen(table.get("podman", _switch_or_engine, True), _PODMAN),
        containerd=_CONTAINERD if containerd is True else (containerd,) if containerd else None,
        kubernetes=_chosen(table.get("kubernetes", _switch_or_socket, True), _KUBELET),
        arbiter=table.get("arbiter", toml_table.yes_no, default.arbiter),
        mark=table.get("mark", toml_table.yes_no, default.mark),
        mark_namespace=table.get("mark_namespace", toml_table.name, default.mark_namespace),
        idle_after=table.get("idle_after", toml_table.positive, default.idle_after),
        interval=table.get("interval", toml_table.positive, default.interval),
        scan_timeout=scan_timeout,
        homes=table.get("homes", _folders, default.homes),
        people=table.get("people", _range, default.people),
        log_size=table.get("log_size", _log_size, default.log_size),
        log_files=table.get("log_files", toml_table.count, default.log_files),
    )


def _chosen(value: bool | str, default: str) -> str | None:
    return default if value is True else value or None


def _switch_or_engine(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    found = toml_table.text(value)
    if not found.startswith("unix:///"):
        raise ValueError(f"{found!r} is no socket; write it like {_DOCKER}, or true or false")
    return found


def _switch_or_socket(value: Any) -> bool | str:
    return value if isinstance(value, bool) else toml_table.absolute(value)


def _switch_or_source(value: Any) -> bool | str:
    return value if isinstance(value, bool) else toml_table.source(value)


def _folders(value: Any) -> tuple[str, ...]:
    return tuple(toml_table.absolute(one).rstrip("/") or "/" for one in toml_table.words(value))


def _range(value: Any) -> tuple[int, int]:
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    if len(rows) != 2 or not all(type(one) is int for one in rows) or not 0 < rows[0] <= rows[1]:
        raise ValueError(f"is the first and last uid that people have, like [1000, 60000], not {value!r}")
    return int(rows[0]), int(rows[1])


def _log_size(value: Any) -> int:
    size = toml_table.size(value)
    if size < 64 * 1024:
        raise ValueError(f'is at least "64KiB", not {value!r}')
    return size
