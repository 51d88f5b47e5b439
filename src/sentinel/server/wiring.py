"""The one place of the server that names drivers."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.ports.history import History
from sentinel.ports.metrics_source import MetricsSource
from sentinel.ports.notifier import AlertFeed, Channel, Message, Notifier
from sentinel.ports.slurm import SlurmSource
from sentinel.ports.store import Store
from sentinel.server.folders import Folders
from sentinel.server.observing import Endpoint, HistoryConfig, ScrapeTarget, SlurmConfig

if TYPE_CHECKING:
    from sentinel.drivers.certificates.authority import Authority

SLURM_SECONDS = 10.0
"""For one answer of Slurm's."""


def open_queue(url: str, *, migrate: bool) -> Store:
    """The store at `url`. `migrate`: for the one process that does that, before all others."""
    from sentinel.drivers.stores.opening import open_store

    return open_store(url, migrate=migrate)


def open_history(config: HistoryConfig, folders: Folders) -> History:
    """The past of all metrics: in a file beside the store, or in a Prometheus."""
    if config.prometheus is not None:
        from sentinel.drivers.histories.prometheus import PrometheusHistory
        from sentinel.drivers.histories.prometheus_server import PrometheusServer

        token, ca = _files(config.prometheus)
        return PrometheusHistory(PrometheusServer(config.prometheus.url, token_file=token, ca_file=ca))
    from sentinel.drivers.histories.embedded import EmbeddedHistory
    from sentinel.drivers.histories.levels import Retention

    kept = Retention(raw=config.raw, minute=config.minute, hour=config.hour)
    return EmbeddedHistory(str(folders.history), retention=kept)


def open_scrape(target: ScrapeTarget) -> MetricsSource:
    """What cannot dial out, over HTTP."""
    from sentinel.drivers.metrics_sources.http_source import HttpSource

    token, ca = _files(target.endpoint)
    return HttpSource(target.endpoint.url, token_file=token, ca_file=ca)


def open_channel(channel: Channel) -> Notifier:
    """Who tells people."""
    from sentinel.drivers.notifiers.opening import open_notifier

    return open_notifier(channel)


def notify(channel: Channel, message: Message, key: str) -> None:
    """One message on a channel, to try it out. NotifyError."""
    notifier = open_channel(channel)
    try:
        notifier.send(message, key)
    finally:
        notifier.close()


def open_alertmanager(at: Endpoint) -> AlertFeed:
    """An Alertmanager that gets all alerts."""
    from sentinel.drivers.notifiers.alertmanager import Alertmanager

    return Alertmanager(at.url, *_files(at))


def _files(at: Endpoint) -> tuple[str | None, str | None]:
    """Of its token, and of whom to trust."""
    token, ca = (None if path is None else str(path) for path in (at.token_file, at.ca_file))
    return token, ca


def open_slurm(config: SlurmConfig) -> SlurmSource:
    """Reads the Slurm cluster: by slurmrestd where one is named, with Slurm's commands for when that does not
    answer, where they are installed; else by the commands alone. UsageError."""
    from sentinel.drivers.slurm.cli import CommandSource
    from sentinel.drivers.slurm.first_answering import FirstAnswering
    from sentinel.drivers.slurm.rest_address import rest_address
    from sentinel.drivers.slurm.restd import RestAccess, RestSource

    ours = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    commands = CommandSource(ours, timeout=SLURM_SECONDS)  # which get no secret of ours
    at = config.restd
    if at is None:
        return commands
    access = RestAccess(token_file=at.token_file, user=config.user, authorities=at.ca_file)
    first = RestSource(rest_address(at.url), access, timeout=SLURM_SECONDS)
    return first if shutil.which("scontrol") is None else FirstAnswering((first, commands))


def authority(pki: Path) -> "Authority":
    """The controller's certificate authority, made the first time."""
    from sentinel.drivers.certificates.authority import open_authority

    return open_authority(pki)


def certify_server(pki: Path, names: Sequence[str]) -> "Authority":
    """The authority, and a server certificate for these names beside it."""
    from sentinel.drivers.certificates.authority import open_authority, server_files

    found = open_authority(pki)
    server_files(found, pki, names)
    return found


def issued_at(serial: int) -> float:
    """When the certificate of that serial number was issued, epoch."""
    from sentinel.drivers.certificates.authority import issued_at as told

    return told(serial)
