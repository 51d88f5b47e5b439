"""The arbiter's config file (TOML) as frozen dataclasses. Read at start and at every reload.

A mistake is a ConfigError that names the file, the line and the key; nothing is half applied, so a
bad reload leaves the old config in force.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from sentinel.arbiter.states import ServiceSettings, Settings
from sentinel.core.errors import ConfigError, UsageError
from sentinel.core.service import Rung
from sentinel.core.units import parse_duration, parse_size

T = TypeVar("T")

DEFAULT_CONFIG = "/etc/sentinel/config.toml"
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
    ignore: frozenset[str] = frozenset(SYSTEM_PROCESSES)
    services: tuple[ServiceConfig, ...] = ()
    web: WebConfig = WebConfig()


def load(path: str) -> Config:
    """The config in the file. ConfigError when it cannot be used, naming line and key."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"cannot read it: {reason}", file=path) from None
    return parse(text, path)


def parse(text: str, path: str = "config.toml") -> Config:
    """The config in `text`; `path` is for messages."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        what = re.sub(r" \(at .*\)", "", str(error))
        raise ConfigError(f"not TOML: {what}", file=path, line=int(line[1]) if line else None) from None
    top = _Table(raw, "", text, path)
    top.refuse_unknown({"arbiter", "watchdog", "web", "service"})
    arbiter = top.table("arbiter", _ARBITER_KEYS)
    watchdog = top.table("watchdog", _WATCHDOG_KEYS)
    services = tuple(_service(t) for t in top.tables("service", _SERVICE_KEYS))
    _refuse_twins(services, path)
    return Config(
        file=path,
        settings=Settings(
            resume_delay=arbiter.get("resume_delay", _seconds, 5.0),
            grant_timeout=arbiter.get("grant_timeout", _seconds, 60.0),
            grant_when_unknown=arbiter.get("grant_when_unknown", _yes_no, False),
            evict_grace=arbiter.get("evict_grace", _seconds, 10.0),
            watchdog=watchdog.get("enabled", _yes_no, True),
            watchdog_grace=watchdog.get("grace", _seconds, 0.0),
            services=tuple(s.settings for s in services),
        ),
        gpus=arbiter.get("gpus", _text, "auto"),
        state_file=arbiter.get("state_file", _absolute, DEFAULT_STATE),
        poll_interval=arbiter.get("poll_interval", _positive, 5.0),
        read_timeout=arbiter.get("read_timeout", _positive, 10.0),
        admin_group=arbiter.get("admin_group", _text, "") or None,
        ignore=frozenset((*SYSTEM_PROCESSES, *watchdog.get("ignore", _texts, ()))),
        services=services,
        web=_web(top.table("web", {"enabled", "listen", "user"})),
    )


_ARBITER_KEYS: set[str] = set(
    "gpus resume_delay state_file grant_timeout grant_when_unknown poll_interval read_timeout"
    " admin_group evict_grace".split()
)
_WATCHDOG_KEYS = {"enabled", "grace", "ignore"}
_SERVICE_KEYS: set[str] = set(
    "name driver unit command user cwd env log gpus evict stop_timeout start_timeout settle cgroups"
    " may_keep simulated_memory".split()
)
_DRIVERS: dict[str, tuple[Rung, ...]] = {"systemd": (Rung.STOP,), "process": (Rung.STOP,)}
"""What each driver's ladder may hold, gentlest first."""


def _service(table: "_Table") -> ServiceConfig:
    name = table.need("name", _name)
    driver = table.get("driver", _text, "systemd")
    if driver not in _DRIVERS:
        raise table.error("driver", f"{driver!r} is none; there are: {', '.join(_DRIVERS)}")
    if driver == "systemd":
        table.need("unit", _unit)
    else:
        table.need("command", _texts)
    return ServiceConfig(
        settings=ServiceSettings(
            name=name,
            gpus=table.get("gpus", _gpu_ids, ()),
            ladder=_ladder(table, driver),
            supervised=driver == "process",
            may_keep_bytes=table.get("may_keep", _size, 0),
            settle_seconds=table.get("settle", _seconds, 2.0),
        ),
        driver=driver,
        unit=table.get("unit", _unit, ""),
        command=table.get("command", _texts, ()),
        user=table.get("user", _text, "") or None,
        cwd=table.get("cwd", _absolute, "") or None,
        env=table.get("env", _environment, {}),
        log=table.get("log", _absolute, "") or None,
        stop_timeout=table.get("stop_timeout", _seconds, 10.0),
        start_timeout=table.get("start_timeout", _seconds, 120.0),
        cgroups=table.get("cgroups", _texts, ()),
        simulated_memory=table.get("simulated_memory", _size, 0),
    )


def _ladder(table: "_Table", driver: str) -> tuple[Rung, ...]:
    wanted = table.get("evict", _texts, ("stop",))
    able = _DRIVERS[driver]
    for rung in wanted:
        if rung not in [r.value for r in able]:
            raise table.error(
                "evict", f"{rung!r} is nothing the {driver} driver can do; it can: {', '.join(able)}"
            )
    rungs = tuple(Rung(r) for r in wanted)
    if not rungs:
        raise table.error("evict", 'at least one rung is needed, like ["stop"]')
    return rungs


def _web(table: "_Table") -> WebConfig:
    return WebConfig(
        enabled=table.get("enabled", _yes_no, False),
        listen=table.get("listen", _address, WebConfig().listen),
        user=table.get("user", _text, WebConfig().user),
    )


def _refuse_twins(services: tuple[ServiceConfig, ...], path: str) -> None:
    names = [s.settings.name for s in services]
    units = [s.unit for s in services if s.unit]
    for values, key in ((names, "name"), (units, "unit")):
        for value in values:
            if values.count(value) > 1:
                raise ConfigError(f"two services have the {key} {value!r}", file=path, key="service")


# ------------------------------------------------------------------ tables


class _Table:
    """A TOML table that knows where it stands in the file."""

    def __init__(self, raw: Mapping[str, Any], name: str, text: str, path: str, nth: int = 0) -> None:
        self._raw, self._name, self._text, self._path, self._nth = raw, name, text, path, nth

    def error(self, key: str, message: str) -> ConfigError:
        dotted = f"{self._name}.{key}" if self._name else key
        return ConfigError(message, file=self._path, line=self._line(key), key=dotted)

    def _line(self, key: str) -> int | None:
        """Where `key` is set in this table, or else where the table begins. By eye, not by grammar:
        tomllib tells no positions, and a wrong guess only misplaces a message."""
        header, seen, start = "", -1, None
        for number, line in enumerate(self._text.splitlines(), 1):
            if match := re.match(r"\s*\[+\s*([\w.-]+)\s*\]+", line):
                header = match[1]
                seen += header == self._name
                start = number if header == self._name and seen == self._nth else start
            here = header == self._name and (seen == self._nth or not self._name)
            if here and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
            if not self._name and re.match(rf"\s*\[+\s*{re.escape(key)}\s*\]+", line):
                return number
        return start

    def refuse_unknown(self, known: set[str]) -> None:
        for key in self._raw:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(known))}"
                raise self.error(key, f"unknown key; {hint}")

    def table(self, key: str, known: set[str]) -> "_Table":
        value = self._raw.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"is a table, written [{key}]")
        inner = _Table(cast("dict[str, Any]", value), key, self._text, self._path)
        inner.refuse_unknown(known)
        return inner

    def tables(self, key: str, known: set[str]) -> "list[_Table]":
        value = self._raw.get(key, [])
        rows = cast("list[Any]", value) if isinstance(value, list) else [None]
        if not all(isinstance(row, dict) for row in rows):
            raise self.error(key, f"is a list of tables, each written [[{key}]]")
        found = [
            _Table(cast("dict[str, Any]", row), key, self._text, self._path, n) for n, row in enumerate(rows)
        ]
        for inner in found:
            inner.refuse_unknown(known)
        return found

    def get(self, key: str, read: Callable[[Any], T], default: T) -> T:
        if key not in self._raw:
            return default
        return self.need(key, read)

    def need(self, key: str, read: Callable[[Any], T]) -> T:
        if key not in self._raw:
            raise self.error(key, "is missing")
        try:
            return read(self._raw[key])
        except (UsageError, ValueError) as error:
            raise self.error(key, str(error)) from None


# ------------------------------------------------------------------ values


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"is text in quotes, not {value!r}")
    return value


def _name(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise ValueError(f"{text!r} is no name: letters, digits, '_', '.', '-', at most 64")
    return text


def _unit(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*\.(service|scope|target)", text):
        raise ValueError(f"{text!r} is no unit; write it like ollama.service")
    return text


def _absolute(value: Any) -> str:
    text = _text(value)
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is no absolute path")
    return text


def _texts(value: Any) -> tuple[str, ...]:
    rows = cast("list[Any]", value) if isinstance(value, list) else None
    if not rows or not all(isinstance(v, str) and "\0" not in v for v in rows):
        raise ValueError(f'is a list of texts like ["a", "b"], not {value!r}')
    return tuple(rows)


def _environment(value: Any) -> dict[str, str]:
    rows = cast("dict[str, Any]", value) if isinstance(value, dict) else None
    if rows is None or not all(isinstance(v, str) and "\0" not in v for v in rows.values()):
        raise ValueError('is a table of texts like { HF_HOME = "/models" }')
    return dict(rows)


def _gpu_ids(value: Any) -> tuple[str, ...]:
    rows = cast("list[Any]", value) if isinstance(value, list) else [None]
    good = all(
        isinstance(v, str) or (isinstance(v, int) and not isinstance(v, bool) and v >= 0) for v in rows
    )
    if not good:
        raise ValueError(f'is a list of indices or UUIDs like [0, 1] or ["GPU-…"], not {value!r}')
    return tuple(str(v) for v in rows)


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is true or false, not {value!r}")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f'is a number of seconds or text like "90s", not {value!r}')
    return float(value)


def _positive(value: Any) -> float:
    seconds = _seconds(value)
    if seconds < 0.05:
        raise ValueError(f"is at least 0.05 seconds, not {value!r}")
    return seconds


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or (isinstance(value, int) and value < 0):
        raise ValueError(f'is a size like "20GiB", not {value!r}')
    return parse_size(str(value))


def _address(value: Any) -> str:
    text = _text(value)
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is no address; write it like 127.0.0.1:8450")
    return text
