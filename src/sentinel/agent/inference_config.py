"""`[inference]` in the config file: whose metrics the agent asks for. Read by the agent's wiring.

    [inference]
    scrape = true                          inference servers that the inventory sees are asked, too
    every = 10                             seconds between two looks

    [[inference.server]]                   one that it does not see, or not where it answers
    name = "chat"                          what it is shown as
    url = "http://127.0.0.1:8000"          its address; a path, if it is not /metrics
    model = "llama-3"                      where its metrics do not name the model
    token_file, ca_file

A server whose metrics have names that we do not know has them named:

    latency = "app_request_seconds"        a histogram; latency_unit = "ms" where it is not in seconds
    first_token, requests, running, waiting, prompt_tokens, generated_tokens
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sentinel.core import toml_table
from sentinel.core.toml_table import Table
from sentinel.telemetry.scrape.families import Family

MOST_SERVERS = 32
_PORTS = {"http": 80, "https": 443}
_METRICS = ("latency", "first_token", "requests", "running", "waiting", "prompt_tokens", "generated_tokens")
_KEYS = {"name", "url", "model", "token_file", "ca_file", "latency_unit", *_METRICS}


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceServer:
    """`family` None: one of those that are known."""

    name: str
    url: str
    model: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    family: Family | None = None

    @property
    def port_here(self) -> int | None:
        """The port, where it is one of this machine's loopback address."""
        parts = urlsplit(self.url)
        here = parts.hostname in ("localhost", "::1") or (parts.hostname or "").startswith("127.")
        return (parts.port or _PORTS[parts.scheme]) if here else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """`scrape`: ask the servers that the inventory sees. `every` in seconds."""

    scrape: bool = True
    every: float = 10.0
    servers: tuple[InferenceServer, ...] = ()


def inference_config(top: Table) -> InferenceConfig:
    """The section of the file, defaults where it is silent. ConfigError."""
    table = top.table("inference", {"scrape", "every", "server"})
    default = InferenceConfig()
    servers: dict[str, InferenceServer] = {}
    for row in table.tables("server", _KEYS):
        one = _server(row)
        if one.name in servers:
            raise row.error("name", f"there is another one named {one.name}")
        if len(servers) == MOST_SERVERS:
            raise row.error("name", f"at most {MOST_SERVERS} servers of a node are asked")
        servers[one.name] = one
    return InferenceConfig(
        scrape=table.get("scrape", toml_table.yes_no, default.scrape),
        every=table.get("every", _pace, default.every),
        servers=tuple(servers.values()),
    )


def _server(row: Table) -> InferenceServer:
    return InferenceServer(
        name=row.need("name", toml_table.name),
        url=row.need("url", _url),
        model=row.get("model", toml_table.text, None),
        token_file=row.get("token_file", toml_table.absolute, None),
        ca_file=row.get("ca_file", toml_table.absolute, None),
        family=_family(row),
    )


def _family(row: Table) -> Family | None:
    found = Family(
        latency=row.get("latency", _metric, ""),
        first_token=row.get("first_token", _metric, ""),
        unit=row.get("latency_unit", _unit, 1.0),
        requests=row.get("requests", _metric, ""),
        running=row.get("running", _metric, ""),
        waiting=row.get("waiting", _metric, ""),
        prompt_tokens=row.get("prompt_tokens", _metric, ""),
        generated_tokens=row.get("generated_tokens", _metric, ""),
    )
    return found if found.names else None


def _pace(value: Any) -> float:
    length = toml_table.seconds(value)
    if not 1 <= length <= 3600:
        raise ValueError(f"is 1 second to 1 hour, not {value!r}")
    return length


def _metric(value: Any) -> str:
    found = toml_table.text(value)
    if not found or not found.isascii() or not found.replace(":", "_").isidentifier():
        raise ValueError(f"{found!r} is no name of a metric: letters, digits, '_' and ':'")
    return found


def _unit(value: Any) -> float:
    if value not in ("s", "ms"):
        raise ValueError(f'is "s" or "ms", not {value!r}')
    return 1000.0 if value == "ms" else 1.0


def _url(value: Any) -> str:
    found = toml_table.text(value)
    try:
        parts = urlsplit(found)
        good = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
        parts = None
    if parts is None or not good or parts.query or parts.fragment:
        raise ValueError(f"{found!r} is no address; write it like http://127.0.0.1:8000")
    if parts.username is not None:
        raise ValueError("has a password in it; name a file with a token instead")
    return found.rstrip("/")
