"""What the controller is told of observation: the config file's sections about the past and about alerts.

Called by the API's process and by the watch, which read the file themselves when they start.

    [history]
    backend = "embedded"                     or "prometheus", which then has all of it
    raw = "2d"                               embedded: how long each sample is kept,
    minute = "30d"                           and each minute's,
    hour = "730d"                            and each hour's
    url = "https://prometheus:9090"          prometheus: where it answers
    token_file, ca_file                      prometheus: a bearer token, and whom to trust

    [alerting]
    enabled = true
    every = 1                                seconds between two rounds
    url = "https://gpu-queue.example.org"    for links in messages
    alertmanager = "http://alertmanager:9093"   gets all alerts, and its silences are honoured
    alertmanager_token_file, alertmanager_ca_file

    [slurm]
    enabled = false                          watch the Slurm cluster that this machine is part of
    every = 30
    restd = "unix:///run/slurmrestd.socket"  instead of Slurm's commands; token_file, ca_file, user for it

    [[scrape]]                               what cannot dial out: polled
    name = "pod-1"                           the node that it is shown as
    url = "https://pod.example.org:9400/metrics"
    token_file, ca_file
    every = 10
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sentinel.core.config_file import DEFAULT_CONFIG, read, read_if_there
from sentinel.core.toml_table import Table, absolute, name, positive, seconds, text, yes_no

DAY = 86400.0
RAW, MINUTE, HOUR = 2 * DAY, 30 * DAY, 730 * DAY
ROUND, SLURM, SCRAPE = 1.0, 30.0, 10.0  # seconds between two
BACKENDS = ("embedded", "prometheus")
KEYS = {
    "history": {"backend", "raw", "minute", "hour", "url", "token_file", "ca_file"},
    "alerting": {
        *("enabled", "every", "url"),
        *("alertmanager", "alertmanager_token_file", "alertmanager_ca_file"),
    },
    "slurm": {"enabled", "every", "restd", "token_file", "ca_file", "user"},
    "scrape": {"name", "url", "token_file", "ca_file", "every"},
}
"""Of each section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Somebody who answers HTTP. The token is in a file, so that it is in no config that others read."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryConfig:
    """`prometheus` None: embedded. Durations are seconds."""

    prometheus: Endpoint | None = None
    raw: float = RAW
    minute: float = MINUTE
    hour: float = HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingConfig:
    enabled: bool = True
    every: float = ROUND
    url: str = ""
    alertmanager: Endpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmConfig:
    """`restd` None: by Slurm's commands."""

    enabled: bool = False
    every: float = SLURM
    restd: Endpoint | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeTarget:
    """`name` is the node that its series are of."""

    name: str
    endpoint: Endpoint
    every: float = SCRAPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    history: HistoryConfig = HistoryConfig()
    alerting: AlertingConfig = AlertingConfig()
    slurm: SlurmConfig = SlurmConfig()
    scrape: tuple[ScrapeTarget, ...] = ()


def observing(path: str | None) -> Observing:
    """What the file says; None: the usual one, if there is one. ConfigError names what cannot be used."""
    top = read_if_there(DEFAULT_CONFIG) if path is None else read(path)
    return Observing(history=_history(top), alerting=_alerting(top), slurm=_slurm(top), scrape=_scrape(top))


def _history(top: Table) -> HistoryConfig:
    table = top.table("history", KEYS["history"])
    backend = table.get("backend", _backend, "embedded")
    found = HistoryConfig(
        prometheus=_endpoint(table) if backend == "prometheus" else None,
        raw=table.get("raw", seconds, RAW),
        minute=table.get("minute", seconds, MINUTE),
        hour=table.get("hour", seconds, HOUR),
    )
    if not 3600 <= found.raw <= found.minute <= found.hour:
        raise table.error(
            "raw", "is at least 1h, and no longer than `minute`, which is no longer than `hour`"
        )
    return found


def _alerting(top: Table) -> AlertingConfig:
    table = top.table("alerting", KEYS["alerting"])
    to = table.get("alertmanager", _url, None)
    return AlertingConfig(
        enabled=table.get("enabled", yes_no, True),
        every=table.get("every", positive, ROUND),
        url=table.get("url", _url, ""),
        alertmanager=None if to is None else _endpoint(table, "alertmanager", "alertmanager_"),
    )


def _slurm(top: Table) -> SlurmConfig:
    table = top.table("slurm", KEYS["slurm"])
    restd = table.get("restd", text, None)
    files = {one: table.get(one, _file, None) for one in ("token_file", "ca_file")}
    return SlurmConfig(
        enabled=table.get("enabled", yes_no, False),
        every=table.get("every", positive, SLURM),
        restd=None if restd is None else Endpoint(url=restd, **files),
        user=table.get("user", text, None),
    )


def _scrape(top: Table) -> tuple[ScrapeTarget, ...]:
    found: dict[str, ScrapeTarget] = {}
    for table in top.tables("scrape", KEYS["scrape"]):
        one = ScrapeTarget(
            name=table.need("name", name),
            endpoint=_endpoint(table),
            every=table.get("every", positive, SCRAPE),
        )
        if one.name in found:
            raise table.error("name", f"there is another one named {one.name}")
        found[one.name] = one
    return tuple(found.values())


def _endpoint(table: Table, url: str = "url", files: str = "") -> Endpoint:
    return Endpoint(
        url=table.need(url, _url),
        token_file=table.get(f"{files}token_file", _file, None),
        ca_file=table.get(f"{files}ca_file", _file, None),
    )


def _file(value: Any) -> Path:
    return Path(absolute(value))


def _backend(value: Any) -> str:
    if value not in BACKENDS:
        raise ValueError(f"is one of {', '.join(BACKENDS)}, not {value!r}")
    return str(value)


def _url(value: Any) -> str:
    found = text(value)
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{found!r} is no address; write it like https://prometheus.example.org:9090")
    if parts.username is not None:
        raise ValueError("has a password in it; name a file with a token instead")
    return found.rstrip("/")
