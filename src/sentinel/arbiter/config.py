"""The arbiter's config file (TOML) as frozen dataclasses. Read at start and at every reload.

A mistake is a ConfigError that names the file, the line and the key; nothing is half applied, so a
bad reload leaves the old config in force.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from sentinel.arbiter.states import Limits, ServiceSettings, Settings
from sentinel.core import config_file, toml_table
from sentinel.core.service import RUNGS_BY_API, Rung
from sentinel.core.toml_table import Table

DEFAULT_STATE = "/var/lib/sentinel/state.json"

# Display servers and the driver's own helpers: on every desktop's list, none of them research.
SYSTEM_PROCESSES = tuple(
    (
        "Xorg Xwayland Xvfb gnome-shell gnome-remote-desktop-daemon kwin_wayland kwin_x11 plasmashell"
        " mutter cinnamon xfwm4 sddm sddm-greeter gdm-x-session sway Hyprland nvidia-persistenced"
        " nvidia-powerd nvidia-smi nv-hostengine nvidia-cuda-mps-control nvidia-cuda-mps-server"
        " dcgm-exporter nvtop nvitop gpustat"
    ).split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """One `[[service]]`: what its driver needs, and `settings`, what decisions need."""

    settings: ServiceSettings
    driver: str
    unit: str = ""
    command: tuple[str, ...] = ()
    user: str | None = None
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    log: str | None = None
    stop_timeout: float = 10.0
    start_timeout: float = 120.0
    cgroups: tuple[str, ...] = ()
    api: str | None = None
    url: str | None = None
    drain: float = 30.0
    sleep_level: int = 1
    cuda_checkpoint: str = "cuda-checkpoint"
    placeholder: str | None = None  # HOST:PORT to answer on while the service is stopped
    simulated_memory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    enabled: bool = False
    listen: str = "127.0.0.1:8450"
    user: str = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file. `settings` is what the machine decides from."""

    file: str
    settings: Settings
    gpus: str = "auto"
    state_file: str = DEFAULT_STATE
    poll_interval: float = 5.0
    read_timeout: float = 10.0
    admin_group: str | None = None
    wake: bool = True
    device_folder: str = "/dev"
    ignore: frozenset[str] = frozenset(SYSTEM_PROCESSES)
    services: tuple[ServiceConfig, ...] = ()
    web: WebConfig = WebConfig()


def load(path: str) -> Config:
    """The config in the file. ConfigError when it cannot be used, naming line and key."""
    return _config(config_file.read(path), path, root=os.geteuid() == 0)


def parse(text: str, path: str = "config.toml", *, root: bool = False) -> Config:
    """The config in `text`; `path` is for messages. `root`: it is for an arbiter that is root."""
    return _config(config_file.parse(text, path), path, root=root)


def _config(top: Table, path: str, *, root: bool) -> Config:
    arbiter = top.table("arbiter", _ARBITER_KEYS)
    watchdog = top.table("watchdog", _WATCHDOG_KEYS)
    tables = top.tables("service", _SERVICE_KEYS)
    services = tuple(_service(t, root=root) for t in tables)
    _refuse_twins(tables, services)
    return Config(
        file=path,
        settings=Settings(
            resume_delay=arbiter.get("resume_delay", toml_table.seconds, 5.0),
            grant_timeout=arbiter.get("grant_timeout", toml_table.seconds, 60.0),
            grant_when_unknown=arbiter.get("grant_when_unknown", toml_table.yes_no, False),
            evict_grace=arbiter.get("evict_grace", toml_table.seconds, 10.0),
            watchdog=watchdog.get("enabled", toml_table.yes_no, True),
            watchdog_grace=watchdog.get("grace", toml_table.seconds, 0.0),
            services=tuple(s.settings for s in services),
            limits=_limits(top.table("limits", _LIMIT_KEYS)),
        ),
        gpus=arbiter.get("gpus", toml_table.source, "auto"),
        state_file=arbiter.get("state_file", toml_table.absolute, DEFAULT_STATE),
        poll_interval=arbiter.get("poll_interval", toml_table.positive, 5.0),
        read_timeout=arbiter.get("read_timeout", toml_table.positive, 10.0),
        admin_group=arbiter.get("admin_group", toml_table.text, "") or None,
        ignore=frozenset((*SYSTEM_PROCESSES, *watchdog.get("ignore", toml_table.texts, ()))),
        wake=watchdog.get("wake", toml_table.yes_no, True),
        device_folder=watchdog.get("device_folder", toml_table.absolute, "/dev"),
        services=services,
        web=_web(top.table("web", {"enabled", "listen", "user"})),
    )


_ARBITER_KEYS: set[str] = set(
    "gpus resume_delay state_file grant_timeout grant_when_unknown poll_interval read_timeout"
    " admin_group evict_grace".split()
)
_LIMIT_KEYS = {"leases_per_user", "hold", "extension", "idle_after", "idle_reclaim"}
_WATCHDOG_KEYS = {"enabled", "grace", "ignore", "wake", "device_folder"}
_SERVICE_KEYS: set[str] = set(
    "name driver unit command user cwd env log gpus evict stop_timeout start_timeout settle cgroups"
    " may_keep simulated_memory api url drain sleep_level cuda_checkpoint placeholder".split()
)
_DRIVERS = ("systemd", "process")


def _limits(table: Table) -> Limits:
    most = table.get("leases_per_user", toml_table.count, 0)
    return Limits(
        leases_per_user=most or None,
        hold_seconds=table.get("hold", toml_table.seconds, 0.0) or None,
        extension_seconds=table.get("extension", toml_table.seconds, 0.0),
        idle_after=table.get("idle_after", toml_table.seconds, 0.0) or None,
        idle_reclaim=table.get("idle_reclaim", toml_table.seconds, 0.0) or None,
    )


def _service(table: Table, *, root: bool) -> ServiceConfig:
    name = table.need("name", toml_table.name)
    driver = table.get("driver", toml_table.text, "systemd")
    if driver not in _DRIVERS:
        raise table.error("driver", f"{driver!r} is none; there are: {', '.join(_DRIVERS)}")
    table.need(*(("unit", toml_table.unit) if driver == "systemd" else ("command", toml_table.words)))
    if root and driver == "process" and not table.get("user", toml_table.text, ""):
        raise table.error("user", 'is missing: the arbiter is root, so say who runs it: user = "..."')
    api = table.get("api", toml_table.text, "") or None
    if api not in RUNGS_BY_API:
        known = ", ".join(a for a in RUNGS_BY_API if a)
        raise table.error("api", f"{api!r} is none that is known; there are: {known}")
    if api is not None:
        table.need("url", toml_table.url)
    return ServiceConfig(
        settings=ServiceSettings(
            name=name,
            gpus=table.get("gpus", toml_table.gpu_ids, ()),
            ladder=_ladder(table, api),
            supervised=driver == "process",
            may_keep_bytes=table.get("may_keep", toml_table.size, 0),
            settle_seconds=table.get("settle", toml_table.seconds, 2.0),
        ),
        driver=driver,
        unit=table.get("unit", toml_table.unit, ""),
        command=table.get("command", toml_table.texts, ()),
        user=table.get("user", toml_table.text, "") or None,
        cwd=table.get("cwd", toml_table.absolute, "") or None,
        env=table.get("env", toml_table.environment, {}),
        log=table.get("log", toml_table.absolute, "") or None,
        stop_timeout=table.get("stop_timeout", toml_table.seconds, 10.0),
        start_timeout=table.get("start_timeout", toml_table.seconds, 120.0),
        cgroups=table.get("cgroups", toml_table.texts, ()),
        api=api,
        url=table.get("url", toml_table.url, "") or None,
        drain=table.get("drain", toml_table.seconds, 30.0),
        sleep_level=table.get("sleep_level", toml_table.sleep_level, 1),
        cuda_checkpoint=table.get("cuda_checkpoint", toml_table.text, "cuda-checkpoint"),
        placeholder=_placeholder(table),
        simulated_memory=table.get("simulated_memory", toml_table.size, 0),
    )


def _ladder(table: Table, api: str | None) -> tuple[Rung, ...]:
    """The rungs in `evict`: those that the service's API allows, gentlest first, each once."""
    wanted = table.get("evict", toml_table.texts, ("stop",))
    if not wanted:
        raise table.error("evict", 'at least one rung is needed, like ["stop"]')
    able = RUNGS_BY_API[api]
    for rung in wanted:
        if rung not in [r.value for r in able]:
            what = f"a service with api = {api!r}" if api else "a service without `api`"
            raise table.error("evict", f"{rung!r} is nothing that {what} can do; it can: {', '.join(able)}")
    rungs = tuple(Rung(r) for r in wanted)
    if list(rungs) != [r for r in Rung if r in rungs]:
        raise table.error("evict", f"the ladder is climbed gentlest first: {', '.join(r for r in Rung)}")
    return rungs


def _placeholder(table: Table) -> str | None:
    """Where to answer in the service's place: at its `url`, or where it says."""
    wanted = table.get("placeholder", toml_table.yes_no_or_address, False)
    if wanted is True:
        return table.need("url", toml_table.url).removeprefix("http://")
    return wanted or None


def _web(table: Table) -> WebConfig:
    return WebConfig(
        enabled=table.get("enabled", toml_table.yes_no, False),
        listen=table.get("listen", toml_table.address, WebConfig().listen),
        user=table.get("user", toml_table.text, WebConfig().user),
    )


def _refuse_twins(tables: list[Table], services: tuple[ServiceConfig, ...]) -> None:
    seen: set[tuple[str, str]] = set()
    for table, service in zip(tables, services, strict=True):
        for key, value in (("name", service.settings.name), ("unit", service.unit)):
            if value and (key, value) in seen:
                raise table.error(key, f"two services have the {key} {value!r}")
            seen.add((key, value))
