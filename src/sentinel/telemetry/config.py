"""`[telemetry]` in the config file. Read by the agent."""

from dataclasses import dataclass
from typing import Any

from sentinel.core import toml_table
from sentinel.core.toml_table import Table

KEYS = {
    "enabled",
    "interval",
    "listen",
    "token_file",
    "tls_cert",
    "tls_key",
    "dcgm_names",
    "process_series",
    "pcie_throughput",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """`interval` in seconds; `listen` HOST:PORT. Off loopback it needs a token or TLS, as it names users."""

    enabled: bool = True
    interval: float = 1.0
    listen: str = "127.0.0.1:9400"
    token_file: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    dcgm_names: bool = False
    process_series: int = 512
    pcie_throughput: bool = False


def telemetry_config(top: Table) -> TelemetryConfig:
    """The section of the file, defaults where it is silent. ConfigError."""
    table = top.table("telemetry", KEYS)
    default = TelemetryConfig()
    cert = table.get("tls_cert", toml_table.absolute, "") or None
    key = table.get("tls_key", toml_table.absolute, "") or None
    if (cert is None) != (key is None):
        raise table.error("tls_cert", "and tls_key are given together")
    return TelemetryConfig(
        enabled=table.get("enabled", toml_table.yes_no, default.enabled),
        interval=table.get("interval", _interval, default.interval),
        listen=table.get("listen", toml_table.address, default.listen),
        token_file=table.get("token_file", toml_table.absolute, "") or None,
        tls_cert=cert,
        tls_key=key,
        dcgm_names=table.get("dcgm_names", toml_table.yes_no, default.dcgm_names),
        process_series=table.get("process_series", toml_table.count, default.process_series),
        pcie_throughput=table.get("pcie_throughput", toml_table.yes_no, default.pcie_throughput),
    )


def _interval(value: Any) -> float:
    length = toml_table.seconds(value)
    if not 0.2 <= length <= 60:
        raise ValueError(f"is from 0.2 to 60 seconds, not {value!r}")
    return length
