"""Which inference servers run on this node, as the inventory sees them, and where they answer. Decides only.

Called by `inference`. Nothing is asked but a port on which a process listens that is known to be such a
server, and which holds a GPU or is the parent of one that does. In a container with a network of its own it
has no port of ours: such a server is named in the config file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sentinel.core.process import ProcessId
from sentinel.core.workload import Workload
from sentinel.ports.metrics_source import Listeners, Running
from sentinel.telemetry.scrape.server_kind import ServerKind, known_server, port_of, spawned

MOST_FOUND = 32
_MOST_PARENTS = 6
_SERVICE = "inference service "  # how the inventory says that a process is a service of the arbiter's
_CONTAINERS = ("docker", "podman", "containerd", "crio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A server. `process` listens on `port`; `name` is what it is shown as."""

    name: str
    kind: ServerKind
    process: ProcessId
    port: int


def servers_on_gpus(workloads: Iterable[Workload], listeners: Listeners) -> tuple[Found, ...]:
    """The servers of these workloads, each once, ordered by port; at most MOST_FOUND."""
    found: dict[int, Found] = {}
    for workload in workloads:
        if workload.state.stopped:
            continue
        for pid in workload.pids or (() if workload.pid is None else (workload.pid,)):
            one = _server(workload, _family(pid, listeners), listeners)
            if one is not None:
                found.setdefault(one.port, one)
    kept = [found[port] for port in sorted(found)][:MOST_FOUND]
    names = [one.name for one in kept]
    return tuple(
        one if names.count(one.name) == 1 or one.name.endswith(f":{one.port}") else _told_apart(one)
        for one in kept
    )


def still_there(found: Found, listeners: Listeners) -> bool:
    """Whether that process still listens on that port: one that has let go of its GPUs is asked on."""
    return found.port in (listeners.ports(found.process) or ())


def _family(pid: int, listeners: Listeners) -> list[Running]:
    """The process and its parents, as far as they are servers that we know, or workers of one."""
    chain: list[Running] = []
    while len(chain) < _MOST_PARENTS and pid > 1:
        one = listeners.look(pid)
        if one is None or (known_server(one.command) is None and not spawned(one.command)):
            break
        chain.append(one)
        pid = one.parent
    return chain


def _server(workload: Workload, chain: Sequence[Running], listeners: Listeners) -> Found | None:
    """The outermost that answers: what it has started are its workers, whatever they listen on."""
    for one in reversed(chain):
        known = known_server(one.command)
        if known is None or not known.listens:
            continue
        port = port_of(known, listeners.ports(one.process) or ())
        if port is not None:
            return Found(
                name=_name(workload, known.kind, port), kind=known.kind, process=one.process, port=port
            )
    return None


def _name(workload: Workload, kind: ServerKind, port: int) -> str:
    for one in workload.origin_evidence:
        if one.source == "arbiter" and one.detail.startswith(_SERVICE):
            return one.detail.removeprefix(_SERVICE)
    # A process's name may be anything ("python3"), and its pid changes from start to start.
    return workload.name if workload.runtime in _CONTAINERS and workload.name else f"{kind.value}:{port}"


def _told_apart(one: Found) -> Found:
    return Found(name=f"{one.name}:{one.port}", kind=one.kind, process=one.process, port=one.port)
